//! The typed values of a section: strings, numbers, durations, sizes, choices, lists.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::config::job::Secret;
use crate::config::problem::Position;
use crate::config::scalars::{
    choice_of, environment, number_in, positive_duration, shown, size_in,
};
use crate::config::section::{Gathered, Section};
use crate::config::setting::{MASK, Origin, Setting};
use crate::config::units;
use crate::config::words::Words;
use crate::config::yaml::{Scalar, Value};

/// A value on its way into the job, with where it came from.
struct Found<T> {
    value: T,
    origin: Origin,
}

/// A key and the environment variable that overrides it.
pub(crate) struct Overridable {
    key: &'static str,
    variable: &'static str,
}

impl Overridable {
    pub(crate) const fn new(key: &'static str, variable: &'static str) -> Self {
        Self { key, variable }
    }
}

impl Section {
    /// A single value, as written.
    fn scalar(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Option<(Scalar, Position)> {
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

    fn record(&self, key: &str, value: String, origin: Origin, gathered: &mut Gathered<'_>) {
        gathered.settings.push(Setting {
            key: self.path_of(key),
            value,
            origin,
        });
    }

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

    /// A string that must be there.
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

    /// A secret that must be written, if only as an empty string.
    pub(crate) fn secret(&mut self, key: &'static str, gathered: &mut Gathered<'_>) -> Secret {
        self.record(key, MASK.to_owned(), Origin::File, gathered);
        match self.scalar(key, gathered) {
            Some((scalar, _)) => Secret::new(scalar.text),
            None => {
                self.problem(key, "is missing", gathered);
                Secret::default()
            }
        }
    }

    /// A string with a default.
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
    pub(crate) fn boolean(
        &mut self,
        key: &'static str,
        default: bool,
        gathered: &mut Gathered<'_>,
    ) -> bool {
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
    pub(crate) fn choice<T: Words>(
        &mut self,
        key: &'static str,
        default: T,
        gathered: &mut Gathered<'_>,
    ) -> T {
        let found = self.parsed(key, gathered, choice_of);
        let found = Self::or_default(found, default);
        self.record(key, found.value.shown().to_owned(), found.origin, gathered);
        found.value
    }

    /// A choice that may be left out; something else decides then.
    pub(crate) fn optional_choice<T: Words>(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Option<T> {
        let found: T = self.parsed(key, gathered, choice_of)?;
        self.record(key, found.shown().to_owned(), Origin::File, gathered);
        Some(found)
    }

    /// A whole number within `range`, both ends included.
    pub(crate) fn number<T>(
        &mut self,
        key: &'static str,
        default: T,
        range: RangeInclusive<T>,
        gathered: &mut Gathered<'_>,
    ) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let found = self.parsed(key, gathered, |text| number_in(text, &range));
        let found = Self::or_default(found, default);
        self.record(key, found.value.to_string(), found.origin, gathered);
        found.value
    }

    /// As `number`, or nothing.
    pub(crate) fn optional_number<T>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<T>,
        gathered: &mut Gathered<'_>,
    ) -> Option<T>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let found = self.parsed(key, gathered, |text| number_in(text, &range));
        let origin = if found.is_some() {
            Origin::File
        } else {
            Origin::Default
        };
        let shown = found.map(|value| value.to_string()).unwrap_or_default();
        self.record(key, shown, origin, gathered);
        found
    }

    /// A number that an environment variable overrides.
    pub(crate) fn number_or_env(
        &mut self,
        Overridable { key, variable }: Overridable,
        default: usize,
        range: RangeInclusive<usize>,
        gathered: &mut Gathered<'_>,
    ) -> usize {
        let found = self.parsed(key, gathered, |text| number_in(text, &range));
        let found = match environment(variable, gathered, |text| number_in(text, &range)) {
            Some(value) => Found {
                value,
                origin: Origin::Environment(variable),
            },
            None => Self::or_default(found, default),
        };
        self.record(key, found.value.to_string(), found.origin, gathered);
        found.value
    }

    /// A duration of at least 1 ms; `variable`, in the same forms, overrides it.
    pub(crate) fn duration(
        &mut self,
        key: &'static str,
        default: Duration,
        variable: Option<&'static str>,
        gathered: &mut Gathered<'_>,
    ) -> Duration {
        let found = self.parsed(key, gathered, positive_duration);
        let overriding =
            variable.and_then(|name| Some((name, environment(name, gathered, positive_duration)?)));
        let found = match overriding {
            Some((variable, value)) => Found {
                value,
                origin: Origin::Environment(variable),
            },
            None => Self::or_default(found, default),
        };
        let shown = units::show_duration(found.value);
        self.record(key, shown, found.origin, gathered);
        found.value
    }

    /// A size in bytes within `range`, both ends included.
    pub(crate) fn size(
        &mut self,
        key: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
        gathered: &mut Gathered<'_>,
    ) -> u64 {
        let found = self.parsed(key, gathered, |text| size_in(text, &range));
        let found = Self::or_default(found, default);
        self.record(key, units::show_size(found.value), found.origin, gathered);
        found.value
    }

    /// As `size`, or nothing; `default` says in words what holds then.
    pub(crate) fn optional_size(
        &mut self,
        key: &'static str,
        default: &str,
        range: RangeInclusive<u64>,
        gathered: &mut Gathered<'_>,
    ) -> Option<u64> {
        let found = self.parsed(key, gathered, |text| size_in(text, &range));
        let origin = if found.is_some() {
            Origin::File
        } else {
            Origin::Default
        };
        let shown = found.map_or_else(|| default.to_owned(), units::show_size);
        self.record(key, shown, origin, gathered);
        found
    }

    /// A list of strings; each comes with its place for further checks.
    pub(crate) fn list(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Vec<(String, Position)> {
        let path = self.path_of(key);
        let node = self.take(key);
        let origin = if node.is_some() {
            Origin::File
        } else {
            Origin::Default
        };
        let mut list = Vec::new();
        match node.map(|node| (node.value, node.at)) {
            None => {}
            Some((Value::Sequence(items), _)) => {
                for item in items {
                    match item.value {
                        Value::Scalar(scalar) if !scalar.is_null() => {
                            list.push((scalar.text, item.at));
                        }
                        other => gathered.problem(
                            item.at,
                            &path,
                            format!("expected a string, found {}", other.word(),),
                        ),
                    }
                }
            }
            Some((other, at)) => gathered.problem(
                at,
                &path,
                format!("expected a list, found {}", other.word(),),
            ),
        }
        let shown: Vec<&str> = list.iter().map(|(text, _)| text.as_str()).collect();
        self.record(key, format!("[{}]", shown.join(", ")), origin, gathered);
        list
    }

    /// A mapping from names that the user chose to strings; `defaults` for the names
    /// that are not written.
    pub(crate) fn names(
        &mut self,
        key: &'static str,
        defaults: &[(&str, &str)],
        gathered: &mut Gathered<'_>,
    ) -> BTreeMap<String, String> {
        let mut section = self.section(key, gathered);
        let mut names = BTreeMap::new();
        for entry in section.take_rest() {
            let path = section.path_of(&entry.key);
            match entry.node.value {
                Value::Scalar(scalar) if !scalar.is_null() => {
                    gathered.settings.push(Setting {
                        key: path,
                        value: scalar.text.clone(),
                        origin: Origin::File,
                    });
                    names.insert(entry.key, scalar.text);
                }
                other => gathered.problem(
                    entry.node.at,
                    &path,
                    format!("expected a string, found {}", other.word(),),
                ),
            }
        }
        for (name, value) in defaults {
            if !names.contains_key(*name) {
                section.record(name, (*value).to_owned(), Origin::Default, gathered);
                names.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        names
    }
}
