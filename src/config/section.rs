//! Reads one mapping of the job file: typed values, defaults, and every problem on the way.
//!
//! A section has its keys from the table of keys; what is left over after reading is unknown. It records
//! each setting as it is read, so `migrate check` shows what is in force and nothing else.

use std::collections::BTreeMap;

use crate::config::keys::{Key, Kind};
use crate::config::problem::{MAX_PROBLEMS, Position, Problem};
use crate::config::setting::{Origin, Setting};
use crate::config::substitute::{Lookup, join};
use crate::config::suggest::closest;
use crate::config::yaml::{Entry, Node, Value};

/// What reading a whole file gathers.
pub(crate) struct Gathered<'e> {
    /// The environment, for `${VAR}` and for keys that a variable overrides.
    pub(crate) env: Lookup<'e>,
    /// In the order in which they were found; `Problems::new` sorts them by place.
    pub(crate) problems: Vec<Problem>,
    /// Every setting that was read, with its origin: what `migrate check` shows.
    pub(crate) settings: Vec<Setting>,
}

/// One mapping of the file, and the keys that the table has for it.
pub(crate) struct Section {
    /// Keys from the top of the file, joined by dots; empty at the top.
    path: String,
    /// The section itself, for a problem with a key that is not written.
    at: Position,
    /// What was not taken yet. What is left when the section is finished is unknown.
    entries: Vec<Entry>,
    /// The keys that may be written here.
    keys: &'static [Key],
    /// Where the keys that were taken have their values.
    taken: BTreeMap<&'static str, Position>,
}

impl Gathered<'_> {
    /// Keeps the first problem of a place: what follows from it would only hide it.
    pub(crate) fn problem(&mut self, at: Position, key: &str, message: impl Into<String>) {
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let known = |problem: &Problem| problem.at == Some(at) && problem.key == key;
        if !self.problems.iter().any(known) {
            self.problems.push(Problem::at(at, key, message));
        }
    }
}

impl Section {
    /// `node` as a mapping; anything else is a problem and reads as empty.
    /// A key that is written twice is a problem, and the first one counts: YAML forbids it, and the
    /// parser does not see it.
    pub(crate) fn new(
        node: Node,
        path: &str,
        keys: &'static [Key],
        gathered: &mut Gathered<'_>,
    ) -> Self {
        let at = node.at;
        let mut entries = match node.value {
            Value::Mapping(entries) => entries,
            Value::Scalar(scalar) if scalar.is_null() => Vec::new(),
            other => {
                let message = format!("expected a mapping of keys, found {}", other.word());
                gathered.problem(at, path, message);
                Vec::new()
            }
        };
        let mut seen: BTreeMap<String, Position> = BTreeMap::new();
        entries.retain(|entry| match seen.get(&entry.key) {
            None => {
                seen.insert(entry.key.clone(), entry.at);
                true
            }
            Some(first) => {
                let message = format!("given twice, first in line {}", first.line);
                let path = join(path, &entry.key);
                gathered.problem(entry.at, &path, message);
                false
            }
        });
        Self {
            path: path.to_owned(),
            at,
            entries,
            keys,
            taken: BTreeMap::new(),
        }
    }

    /// What the table says of a key of this section.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// What a key of this section holds.
    pub(crate) fn kind_of(&self, name: &str) -> Option<&'static Kind> {
        self.key(name).map(|key| &key.kind)
    }

    /// The keys of this section, or of each of its entries if the user chooses their names.
    pub(crate) fn keys(&self) -> &'static [Key] {
        self.keys
    }

    /// Reports every key that was not asked for as unknown.
    pub(crate) fn finish(self, gathered: &mut Gathered<'_>) {
        let known: Vec<&str> = self.keys.iter().map(|key| key.name).collect();
        for entry in self.entries {
            let key = join(&self.path, &entry.key);
            let message = match closest(&entry.key, &known) {
                Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                None => format!("unknown key; known here: {}", known.join(", ")),
            };
            gathered.problem(entry.at, &key, message);
        }
    }

    /// The key path from the top of the file, as `source.pool.max_connections`.
    pub(crate) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Something is wrong with a value that reads well by itself.
    /// It is reported at the value if the key is written, else at the section.
    pub(crate) fn problem(&self, key: &'static str, message: &str, gathered: &mut Gathered<'_>) {
        let at = self.taken.get(key).copied().unwrap_or(self.at);
        let path = self.path_of(key);
        gathered.problem(at, &path, message);
    }

    /// A choice that the job file knows and this version does not have.
    pub(crate) fn unavailable(&self, key: &'static str, word: &str, gathered: &mut Gathered<'_>) {
        let message = format!("`{word}` is not available yet");
        self.problem(key, &message, gathered);
    }

    /// Whether the environment, not the file, gave the recorded setting its value.
    pub(crate) fn overridden(&self, key: &str, gathered: &Gathered<'_>) -> bool {
        let path = self.path_of(key);
        gathered
            .settings
            .iter()
            .any(|setting| setting.key == path && matches!(setting.origin, Origin::Environment(_)))
    }

    /// Replaces what was recorded for a setting that follows another one.
    pub(crate) fn correct(&self, key: &str, value: String, gathered: &mut Gathered<'_>) {
        let path = self.path_of(key);
        for setting in &mut gathered.settings {
            if setting.key == path {
                setting.value.clone_from(&value);
            }
        }
    }

    /// Records a setting that the file gives in the value of another key.
    /// As `port`, which may be written in `host`. Without it, `migrate check` would show a default
    /// that is not in force.
    pub(crate) fn given_elsewhere(&self, key: &str, value: String, gathered: &mut Gathered<'_>) {
        let path = self.path_of(key);
        for setting in &mut gathered.settings {
            if setting.key == path {
                setting.value.clone_from(&value);
                setting.origin = Origin::File;
            }
        }
    }

    /// Whether the key is there and has a value.
    pub(crate) fn is_written(&self, key: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.is_some_and(|entry| match &entry.node.value {
            Value::Scalar(scalar) => !scalar.is_null(),
            Value::Sequence(_) | Value::Mapping(_) => true,
        })
    }

    /// Takes a key out; a key without a value counts as not written.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Node> {
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        let node = self.entries.remove(index).node;
        self.taken.insert(key, node.at);
        match &node.value {
            Value::Scalar(scalar) if scalar.is_null() => None,
            _ => Some(node),
        }
    }

    /// Takes what is left: a mapping whose keys the user chose.
    pub(crate) fn take_rest(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// A section below this one; empty if it is not written.
    pub(crate) fn section(&mut self, key: &'static str, gathered: &mut Gathered<'_>) -> Self {
        let path = self.path_of(key);
        let at = self.at;
        let node = self.take(key).unwrap_or(Node {
            at,
            value: Value::Mapping(Vec::new()),
        });
        let keys = self.key(key).map_or(&[][..], Key::below);
        Self::new(node, &path, keys, gathered)
    }

    /// Records a setting that is in force.
    pub(crate) fn record(
        &self,
        key: &str,
        value: String,
        origin: Origin,
        gathered: &mut Gathered<'_>,
    ) {
        gathered.settings.push(Setting {
            key: self.path_of(key),
            value,
            origin,
        });
    }

    /// A key that is read in a way that the table of keys does not have: a fault of this program, which a
    /// test finds. The job is refused.
    pub(crate) fn not_in_the_table<T: Default>(
        &self,
        key: &'static str,
        gathered: &mut Gathered<'_>,
    ) -> T {
        let message = "internal error: the table of job keys does not have it as it is read";
        self.problem(key, message, gathered);
        T::default()
    }
}
