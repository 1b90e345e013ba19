//! The lists and mappings of a section.
//!
//! Both kinds are read like single values (`fields`): the kind and the defaults come from the table
//! of keys, and a wrong entry is a problem at its own place while the others are still read. In
//! `migrate check` a list is one line, and each entry of a mapping has its own.

use std::collections::BTreeMap;

use crate::config::keys::Kind;
use crate::config::problem::Position;
use crate::config::section::{Gathered, Section};
use crate::config::setting::{MASK, Origin, Setting};
use crate::config::yaml::Value;

impl Section {
    /// A list of strings; each comes with its place for further checks.
    /// Nothing written is an empty list. If the table has the only words that are allowed, any
    /// other is a problem, and is in the list all the same: the job is refused at its end, not
    /// here.
    pub(crate) fn list(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Vec<(String, Position)> {
        let Some(&Kind::List { words }) = self.kind_of(key) else {
            return self.not_in_the_table(key, gathered);
        };
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
                            if !words.is_empty() && !words.contains(&scalar.text.as_str()) {
                                let message = format!("expected one of {}", words.join(", "));
                                gathered.problem(item.at, &path, message);
                            }
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

    /// A program and its arguments; empty if the key is not written. Arguments may be what only the program
    /// should see, so they are not shown.
    pub(crate) fn command(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> Vec<String> {
        if !matches!(self.kind_of(key), Some(Kind::Command)) {
            return self.not_in_the_table(key, gathered);
        }
        let path = self.path_of(key);
        let Some(node) = self.take(key) else {
            self.record(key, String::new(), Origin::Default, gathered);
            return Vec::new();
        };
        let mut words = Vec::new();
        if let Value::Sequence(items) = node.value {
            for item in items {
                match item.value {
                    Value::Scalar(scalar) if !scalar.is_null() => words.push(scalar.text),
                    other => {
                        let message = format!("expected a string, found {}", other.word());
                        gathered.problem(item.at, &path, message);
                    }
                }
            }
        }
        if words.first().is_none_or(String::is_empty) {
            let message = "expected a list of a program and its arguments, such as [pass, show, db/prod]; a shell is \
                           asked for by [sh, -c, \"...\"]";
            gathered.problem(node.at, &path, message);
            return Vec::new();
        }
        let shown = match words.len() {
            1 => format!("[{}]", words[0]),
            _ => format!("[{}, {MASK}]", words[0]),
        };
        self.record(key, shown, Origin::File, gathered);
        words
    }

    /// A mapping from names that the user chose to strings; the table's defaults for the names that are
    /// not written.
    /// The names are not checked here: what they are (a schema, a column, a type) is for the caller
    /// to know.
    pub(crate) fn names(
        &mut self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> BTreeMap<String, String> {
        let Some(&Kind::Names(defaults)) = self.kind_of(key) else {
            return self.not_in_the_table(key, gathered);
        };
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
        // After the file, so that `schemas: {dbo: x}` replaces `dbo: public` and nothing else.
        for (name, value) in defaults {
            if !names.contains_key(*name) {
                section.record(name, (*value).to_owned(), Origin::Default, gathered);
                names.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        names
    }
}
