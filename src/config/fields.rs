//! The single values of a section: strings, numbers, durations, sizes, choices.
//!
//! Each function takes one key out of its section, checks it against the table of keys, records the
//! value with its origin for `migrate check`, and always returns something: after a problem it is
//! the default, so that one pass finds every problem of the file. `config::read` drops the job if
//! there was one. No message repeats a value that was substituted.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::job::Secret;
use crate::config::keys::{Bounded, Kind, Preset};
use crate::config::problem::Position;
use crate::config::scalars::{choice_of, duration, environment, number_in, shown, size_in};
use crate::config::section::{Gathered, Section};
use crate::config::setting::{MASK, Origin};
use crate::config::units;
use crate::config::words::Words;
use crate::config::yaml::{Scalar, Value};

/// A value on its way into the job, with where it came from.
struct Found<T> {
    value: T,
    origin: Origin,
}

impl Section {
    /// A single value, as written.
    /// `None` if the key is not written, or is a list or a mapping, which is a problem.
    fn scalar(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Option<(Scalar, Position)> {
        if self.key(key).is_none() {
            return self.not_in_the_table(key, gathered);
        }
        let node = self.take(key)?;
        match node.value {
            Value::Scalar(scalar) => Some((scalar, node.at)),
            other => {
                let message = format!("expected a single value, found {}", other.word());
                let path = self.path_of(key);
                gathered.problem(node.at, &path, message);
                None
            }
        }
    }

    /// Reads with `read`, whose error is a fragment that does not repeat the value.
    /// `None` if nothing is written or `read` refused it; the latter is a problem at the value's
    /// place.
    fn parsed<T>(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (scalar, at) = self.scalar(key, gathered)?;
        match read(scalar.text.trim()) {
            Ok(value) => Some(value),
            Err(message) => {
                let path = self.path_of(key);
                let found = shown(&scalar);
                let message = format!("{message}{found}");
                gathered.problem(at, &path, message);
                None
            }
        }
    }

    /// The value of the file, or the default, each with its origin.
    fn or_default<T>(found: Option<T>, default: T) -> Found<T> {
        match found {
            Some(value) => Found {
                value,
                origin: Origin::File,
            },
            None => Found {
                value: default,
                origin: Origin::Default,
            },
        }
    }

    /// The same for a value that may have come from the environment and knows its origin.
    fn or_default_of<T>(found: Option<Found<T>>, default: T) -> Found<T> {
        found.unwrap_or(Found {
            value: default,
            origin: Origin::Default,
        })
    }

    /// A string that must be there.
    /// An empty string is a problem too: a variable that is set to nothing would otherwise be a
    /// host.
    pub(crate) fn required(&mut self, key: &'static str, gathered: &mut Gathered<'_>) -> String {
        let text = match self.scalar(key, gathered) {
            Some((scalar, _)) => scalar.text,
            None => String::new(),
        };
        if text.is_empty() {
            self.problem(key, "is missing", gathered);
        }
        self.record(key, text.clone(), Origin::File, gathered);
        text
    }

    /// A secret, or nothing.
    pub(crate) fn secret(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Option<Secret> {
        let found = self.scalar(key, gathered);
        let (shown, origin) = match found {
            Some(_) => (MASK, Origin::File),
            None => ("", Origin::Default),
        };
        self.record(key, shown.to_owned(), origin, gathered);
        found.map(|(scalar, _)| Secret::new(scalar.text))
    }

    /// A string; `default` if it is not written.
    pub(crate) fn string(
        &mut self,
        key: &'static str,
        default: &str,
        gathered: &mut Gathered<'_>,
    ) -> String {
        let found = self.scalar(key, gathered).map(|(scalar, _)| scalar.text);
        let found = Self::or_default(found, default.to_owned());
        self.record(key, found.value.clone(), found.origin, gathered);
        found.value
    }

    /// A string that may be left out.
    pub(crate) fn optional(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Option<String> {
        let found = self.scalar(key, gathered).map(|(scalar, _)| scalar.text);
        let origin = if found.is_some() {
            Origin::File
        } else {
            Origin::Default
        };
        self.record(key, found.clone().unwrap_or_default(), origin, gathered);
        found
    }

    /// A file name, or nothing.
    pub(crate) fn path(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Option<PathBuf> {
        self.optional(key, gathered).map(PathBuf::from)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, key: &'static str, gathered: &mut Gathered<'_>) -> bool {
        let Some(&Kind::Boolean(default)) = self.kind_of(key) else {
            return self.not_in_the_table(key, gathered);
        };
        let found = self.parsed(key, gathered, |text| match text {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err("expected true or false".to_owned()),
        });
        let found = Self::or_default(found, default);
        self.record(key, found.value.to_string(), found.origin, gathered);
        found.value
    }

    /// One of the words of `T`.
    /// Words are compared with case.
    pub(crate) fn choice<T: Words>(&mut self, key: &'static str, gathered: &mut Gathered<'_>) -> T {
        let default = match self.kind_of(key) {
            Some(Kind::Choice {
                default: Some(word),
                ..
            }) => choice_of(word).ok(),
            _ => None,
        };
        let default = default.unwrap_or_else(|| {
            let () = self.not_in_the_table(key, gathered);
            T::ALL[0].1
        });
        let found = self.parsed(key, gathered, choice_of);
        let found = Self::or_default(found, default);
        self.record(key, found.value.shown().to_owned(), found.origin, gathered);
        found.value
    }

    /// A choice that may be left out; something else decides then.
    /// Not recorded if it is not written: what decides then has its own line in `migrate check`.
    pub(crate) fn optional_choice<T: Words>(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Option<T> {
        if !matches!(self.kind_of(key), Some(Kind::Choice { .. })) {
            return self.not_in_the_table(key, gathered);
        }
        let found: T = self.parsed(key, gathered, choice_of)?;
        self.record(key, found.shown().to_owned(), Origin::File, gathered);
        Some(found)
    }

    /// A whole number.
    pub(crate) fn number<T: TryFrom<u64> + Default>(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> T {
        let default = self.bounded(key).and_then(|bounded| bounded.value());
        match default {
            Some(default) => self.number_or(key, default, gathered),
            None => self.not_in_the_table(key, gathered),
        }
    }

    /// As `number`, if the default depends on other settings.
    /// `default` is not checked against the bounds of the table.
    pub(crate) fn number_or<T: TryFrom<u64> + Default>(
        &mut self,
        key: &'static str,
        default: u64,
        gathered: &mut Gathered<'_>,
    ) -> T {
        let found = self.bounded_number(key, gathered, number_in);
        let found = Self::or_default_of(found, default);
        self.record(key, found.value.to_string(), found.origin, gathered);
        match T::try_from(found.value) {
            Ok(number) => number,
            Err(_) => self.not_in_the_table(key, gathered),
        }
    }

    /// As `number`, or nothing.
    pub(crate) fn optional_number<T: TryFrom<u64> + Default>(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Option<T> {
        let found = self.bounded_number(key, gathered, number_in);
        let origin = found.as_ref().map_or(Origin::Default, |found| found.origin);
        let number = found.map(|found| found.value);
        let shown = number.map(|value| value.to_string()).unwrap_or_default();
        self.record(key, shown, origin, gathered);
        match T::try_from(number?) {
            Ok(number) => Some(number),
            Err(_) => self.not_in_the_table(key, gathered),
        }
    }

    /// A duration.
    /// 0 is refused unless the table says that it means something.
    pub(crate) fn duration(&mut self, key: &'static str, gathered: &mut Gathered<'_>) -> Duration {
        let Some(&Kind::Duration { default, zero }) = self.kind_of(key) else {
            return self.not_in_the_table(key, gathered);
        };
        let found = self.overridable(key, gathered, |text| duration(text, zero));
        let found = Self::or_default_of(found, default);
        let shown = units::show_duration(found.value);
        self.record(key, shown, found.origin, gathered);
        found.value
    }

    /// A size in bytes.
    /// The table's bounds are in bytes, whatever the unit that the file uses.
    pub(crate) fn size(&mut self, key: &'static str, gathered: &mut Gathered<'_>) -> u64 {
        match self.bounded(key).and_then(|bounded| bounded.value()) {
            Some(default) => {
                let found = self.bounded_number(key, gathered, size_in);
                let found = Self::or_default_of(found, default);
                self.record(key, units::show_size(found.value), found.origin, gathered);
                found.value
            }
            None => self.not_in_the_table(key, gathered),
        }
    }

    /// As `size`, or nothing; the table says in words what holds then.
    pub(crate) fn optional_size(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Option<u64> {
        let otherwise = match self.bounded(key).map(|bounded| bounded.default) {
            Some(Preset::Other(words)) => words,
            Some(Preset::Value(_)) | None => return self.not_in_the_table(key, gathered),
        };
        let found = self.bounded_number(key, gathered, size_in);
        let origin = found.as_ref().map_or(Origin::Default, |found| found.origin);
        let size = found.map(|found| found.value);
        let shown = size.map_or_else(|| otherwise.to_owned(), units::show_size);
        self.record(key, shown, origin, gathered);
        size
    }

    /// A number of the table's bounds, from the environment or the file.
    fn bounded_number(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
        read: fn(&str, &RangeInclusive<u64>) -> Result<u64, String>,
    ) -> Option<Found<u64>> {
        let Some(bounded) = self.bounded(key) else {
            return self.not_in_the_table(key, gathered);
        };
        let range = bounded.least..=bounded.most;
        self.overridable(key, gathered, |text| read(text, &range))
    }

    /// A value from the environment variable of the key, or from the file.
    /// The environment wins, and the file's value is checked even then: a run without the variable
    /// would fail on it.
    fn overridable<T>(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Found<T>> {
        let written = self.parsed(key, gathered, &read);
        let variable = self.key(key).and_then(|key| key.variable);
        let overriding = variable.and_then(|variable| {
            let value = environment(variable, gathered, &read)?;
            Some(Found {
                value,
                origin: Origin::Environment(variable),
            })
        });
        overriding.or(written.map(|value| Found {
            value,
            origin: Origin::File,
        }))
    }

    /// `None` if the key holds neither a number nor a size.
    fn bounded(&self, key: &str) -> Option<&'static Bounded> {
        match self.kind_of(key)? {
            Kind::Number(bounded) | Kind::Size(bounded) => Some(bounded),
            _ => None,
        }
    }
}
