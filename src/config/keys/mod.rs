//! The table of job keys: every key once, with its kind, bounds, default and what it is for.
//!
//! Reading a job takes bounds and defaults from here, and unknown keys are compared with these names.
//! `migrations-config/full.yaml`, `migrations-config/job.schema.json` and `docs/job-file.md` are written
//! from it (`cargo test --lib config::keys` compares them, `MIGRATE_TEST_BLESS=1` rewrites them).

use std::time::Duration;

use crate::config::units;
use crate::config::words::Words;

mod around;
mod json_schema;
mod page;
mod route;
mod schema;
mod secret;
mod source;
mod tables;
mod target;
mod transfer;
mod yaml;

pub use json_schema::json_schema;
pub use page::reference;
pub use yaml::full_yaml;

pub(crate) use secret::{CommandKeys, PASSWORD, TOKEN};
pub(crate) use transfer::{PARTITION_MIN_SIZE, PARTITION_MIN_SIZE_DENSE};

/// The most connections of a pool.
const MOST_CONNECTIONS: u64 = 1000;

/// The keys at the top of a job file.
pub(crate) static JOB: &[Key] = &[
    Key::new(
        "job",
        Kind::Text(Text::Other("the file's name without its extension")),
        "State is kept under this name on the target, so two jobs on one target need two names.",
    ),
    Key::new(
        "source",
        Kind::Section(source::SOURCE),
        "The SQL Server side.",
    ),
    Key::new(
        "target",
        Kind::Section(target::TARGET),
        "The PostgreSQL side.",
    ),
    Key::new(
        "tables",
        Kind::Section(tables::TABLES),
        "Which tables are copied, and how single ones differ.",
    ),
    Key::new(
        "types",
        Kind::Names(&[]),
        "SQL Server type -> PostgreSQL type, for every column that has no override of its own, as \
         { datetimeoffset: text, money: numeric, \"nvarchar(max)\": text }. Pairs: docs/types.md.",
    ),
    Key::new(
        "transfer",
        Kind::Section(transfer::TRANSFER),
        "How rows are copied.",
    ),
    Key::new(
        "schema",
        Kind::Section(schema::SCHEMA),
        "What is made besides tables. What cannot be made is listed in plan and report with its reason, \
         and the run ends with exit code 6. `false` says that you do not want these objects.",
    ),
    Key::new(
        "values",
        Kind::Section(schema::VALUES),
        "What happens to a value that PostgreSQL cannot hold. error: the table fails at that row. reject: \
         the whole row goes to _migrate.rejects, the run continues and ends with exit code 5; see `migrate \
         rejects`. strip, replace (with U+FFFD): for text; the report counts them by column. You can change \
         these without starting over: a run that failed continues under the new policy.",
    ),
    schema::VERIFY,
    Key::new(
        "report",
        Kind::Section(schema::REPORT),
        "Files for the report, in addition to the text on stdout.",
    ),
    Key::new(
        "lineage",
        Kind::Section(around::LINEAGE),
        "OpenLineage events of a run: what it read and wrote.",
    ),
    Key::new(
        "hooks",
        Kind::Section(around::HOOKS),
        "What is done around a run: a command for `sh -c`, or the name of a file that ends with .sql for the \
         target. If one fails, the run fails.",
    ),
];

/// A key of the job file.
#[derive(Debug)]
pub(crate) struct Key {
    /// As it is written, without the path of its section.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What it decides, and the reason for its default.
    pub(crate) about: &'static str,
    /// Environment variable that overrides the file.
    pub(crate) variable: Option<&'static str>,
}

/// What a key holds, and its default.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A mapping of these keys.
    Section(&'static [Key]),
    /// A mapping whose names the user chooses, each to a mapping of these keys. `full.yaml` shows `example`
    /// if there is one.
    Named {
        keys: &'static [Key],
        example: Option<&'static str>,
    },
    Text(Text),
    /// Never shown.
    Secret {
        /// What `full.yaml` shows.
        example: &'static str,
        /// What holds if it is not written.
        otherwise: &'static str,
    },
    /// A program and its arguments. Of these, only the program is shown.
    Command,
    /// A file; none by default.
    Path,
    Boolean(bool),
    /// One of some words; a default of `None` means that another key decides.
    Choice {
        words: fn() -> Vec<&'static str>,
        default: Option<&'static str>,
    },
    /// A whole number.
    Number(Bounded),
    /// A size in bytes.
    Size(Bounded),
    Duration {
        default: Duration,
        /// Whether 0 means something.
        zero: bool,
    },
    /// A list of strings; `words` are the only ones, if there are any.
    List {
        words: &'static [&'static str],
    },
    /// A mapping from names that the user chooses to strings, with these in it if they are not written.
    Names(&'static [(&'static str, &'static str)]),
}

/// The default of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Text {
    /// None: it must be written; `full.yaml` shows this example.
    Required(&'static str),
    /// It must be written, or given by what `otherwise` names; `full.yaml` shows this example.
    Given {
        example: &'static str,
        otherwise: &'static str,
    },
    /// It may be left out.
    Optional,
    /// What these words say.
    Other(&'static str),
}

/// The bounds of a number, both included, and its default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounded {
    /// In the key's own unit: bytes for a size.
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) default: Preset,
}

/// The default of a number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Preset {
    /// The same number for every job.
    Value(u64),
    /// What these words say; something else decides.
    Other(&'static str),
}

impl Bounded {
    /// The number that holds if none is written.
    pub(crate) fn value(&self) -> Option<u64> {
        match self.default {
            Preset::Value(value) => Some(value),
            Preset::Other(_) => None,
        }
    }
}

impl Key {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            about,
            variable: None,
        }
    }

    /// A number with a default; `bounds` are the least and the most.
    const fn number(
        name: &'static str,
        default: u64,
        bounds: (u64, u64),
        about: &'static str,
    ) -> Self {
        let (least, most) = bounds;
        let default = Preset::Value(default);
        Self::new(
            name,
            Kind::Number(Bounded {
                least,
                most,
                default,
            }),
            about,
        )
    }

    /// A number that may be left out; `otherwise` says what holds then.
    const fn optional_number(
        name: &'static str,
        otherwise: &'static str,
        bounds: (u64, u64),
        about: &'static str,
    ) -> Self {
        let (least, most) = bounds;
        let default = Preset::Other(otherwise);
        Self::new(
            name,
            Kind::Number(Bounded {
                least,
                most,
                default,
            }),
            about,
        )
    }

    /// A size in bytes. The default may be in words if it depends on other things.
    const fn size(
        name: &'static str,
        default: Preset,
        bounds: (u64, u64),
        about: &'static str,
    ) -> Self {
        let (least, most) = bounds;
        Self::new(
            name,
            Kind::Size(Bounded {
                least,
                most,
                default,
            }),
            about,
        )
    }

    /// A time of at least 1 ms, with its default in seconds.
    const fn duration(name: &'static str, seconds: u64, about: &'static str) -> Self {
        let default = Duration::from_secs(seconds);
        Self::new(
            name,
            Kind::Duration {
                default,
                zero: false,
            },
            about,
        )
    }

    const fn boolean(name: &'static str, default: bool, about: &'static str) -> Self {
        Self::new(name, Kind::Boolean(default), about)
    }

    /// One of the words of `T`. A test compares `default` with them.
    const fn choice<T: Words>(
        name: &'static str,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        let default = Some(default);
        Self::new(
            name,
            Kind::Choice {
                words: words_of::<T>,
                default,
            },
            about,
        )
    }

    /// The environment variable that wins over the file, for keys that change from machine to
    /// machine.
    const fn env(mut self, variable: &'static str) -> Self {
        self.variable = Some(variable);
        self
    }

    /// The keys below this one.
    pub(crate) fn below(&self) -> &'static [Key] {
        match self.kind {
            Kind::Section(keys) | Kind::Named { keys, .. } => keys,
            Kind::Text(_)
            | Kind::Secret { .. }
            | Kind::Command
            | Kind::Path
            | Kind::Boolean(_)
            | Kind::Choice { .. }
            | Kind::Number(_)
            | Kind::Size(_)
            | Kind::Duration { .. }
            | Kind::List { .. }
            | Kind::Names(_) => &[],
        }
    }
}

impl Kind {
    /// The default as the job file writes it; `None` if it has none, or none of one line.
    fn default(&self) -> Option<String> {
        match self {
            Self::Boolean(default) => Some(default.to_string()),
            Self::Choice { default, .. } => default.map(str::to_owned),
            Self::Number(bounded) => bounded.value().map(|value| value.to_string()),
            Self::Size(bounded) => bounded.value().map(units::show_size),
            Self::Duration { default, .. } => Some(units::show_duration(*default)),
            Self::Section(_)
            | Self::Named { .. }
            | Self::Text(_)
            | Self::Secret { .. }
            | Self::Command
            | Self::Path
            | Self::List { .. }
            | Self::Names(_) => None,
        }
    }

    /// What holds if the key is not written, in words, if a value does not say it.
    fn otherwise(&self) -> Option<&'static str> {
        match self {
            Self::Text(
                Text::Other(words)
                | Text::Given {
                    otherwise: words, ..
                },
            )
            | Self::Secret {
                otherwise: words, ..
            } => Some(words),
            Self::Number(bounded) | Self::Size(bounded) => match bounded.default {
                Preset::Other(words) => Some(words),
                Preset::Value(_) => None,
            },
            Self::Text(Text::Required(_) | Text::Optional)
            | Self::Section(_)
            | Self::Named { .. }
            | Self::Command
            | Self::Path
            | Self::Boolean(_)
            | Self::Choice { .. }
            | Self::Duration { .. }
            | Self::List { .. }
            | Self::Names(_) => None,
        }
    }

    /// Whether it must be written.
    fn is_required(&self) -> bool {
        matches!(self, Self::Text(Text::Required(_)))
    }
}

/// The words of a choice, in the order in which errors and pages list them.
fn words_of<T: Words>() -> Vec<&'static str> {
    T::ALL.iter().map(|(word, _)| *word).collect()
}

#[cfg(test)]
mod tests;
