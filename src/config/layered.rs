//! Values of a section that may also come from outside of the job file: from libpq's own settings.
//!
//! The file wins. What comes from outside is checked as if it were written in the file, and is recorded with its
//! origin; a problem names who gave it and never repeats it.

use std::time::Duration;

use crate::config::keys::Kind;
use crate::config::libpq::Given;
use crate::config::scalars::{choice_of, duration};
use crate::config::secret::Secret;
use crate::config::section::{Gathered, Section};
use crate::config::setting::MASK;
use crate::config::units;
use crate::config::words::Words;

impl Section {
    /// What counts if the file does not have the key.
    pub(crate) fn outer<'g>(
        &self,
        key: &'static str,
        given: Option<&'g Given>,
    ) -> Option<&'g Given> {
        given.filter(|_| !self.is_written(key))
    }

    /// Reads and records a value from outside; after a problem it is the default of `T`, as the job is refused.
    pub(crate) fn read_outer<T: Default>(
        &self,
        key: &'static str,
        given: &Given,
        g: &mut Gathered<'_>,
        read: impl FnOnce(&str) -> Result<(T, String), String>,
    ) -> T {
        match read(given.text.trim()) {
            Ok((value, shown)) => {
                self.record(key, shown, given.origin, g);
                value
            }
            Err(message) => {
                self.problem(key, &format!("{}: {message}", given.name), g);
                T::default()
            }
        }
    }

    /// A text that one of them must give.
    pub(crate) fn required_from(
        &mut self,
        key: &'static str,
        given: Option<&Given>,
        g: &mut Gathered<'_>,
    ) -> String {
        match self.outer(key, given) {
            Some(given) => {
                self.record(key, given.text.to_string(), given.origin, g);
                given.text.to_string()
            }
            None => self.required(key, g),
        }
    }

    /// A text, or nothing.
    pub(crate) fn optional_from(
        &mut self,
        key: &'static str,
        given: Option<&Given>,
        g: &mut Gathered<'_>,
    ) -> Option<String> {
        match self.outer(key, given) {
            Some(given) => {
                self.record(key, given.text.to_string(), given.origin, g);
                Some(given.text.to_string())
            }
            None => self.optional(key, g),
        }
    }

    /// A secret, or nothing.
    pub(crate) fn secret_from(
        &mut self,
        key: &'static str,
        given: Option<&Given>,
        g: &mut Gathered<'_>,
    ) -> Option<Secret> {
        match self.outer(key, given) {
            Some(given) => {
                self.record(key, MASK.to_owned(), given.origin, g);
                Some(Secret::new(given.text.as_str()))
            }
            None => self.secret(key, g),
        }
    }

    /// One of the words of `T`; the table's default if none of them gives one.
    pub(crate) fn choice_from<T: Words>(
        &mut self,
        key: &'static str,
        given: Option<&Given>,
        g: &mut Gathered<'_>,
    ) -> T {
        let Some(given) = self.outer(key, given) else {
            return self.choice(key, g);
        };
        let read = |text: &str| {
            let choice: T = choice_of(text)?;
            Ok((Some(choice), choice.shown().to_owned()))
        };
        self.read_outer(key, given, g, read).unwrap_or(T::ALL[0].1)
    }

    /// A duration; libpq's is whole seconds.
    pub(crate) fn duration_from(
        &mut self,
        key: &'static str,
        given: Option<&Given>,
        g: &mut Gathered<'_>,
    ) -> Duration {
        let Some(given) = self.outer(key, given) else {
            return self.duration(key, g);
        };
        let Some(&Kind::Duration { zero, .. }) = self.kind_of(key) else {
            return self.not_in_the_table(key, g);
        };
        self.read_outer(key, given, g, |text| {
            let value = duration(text, zero)?;
            Ok((value, units::show_duration(value)))
        })
    }
}
