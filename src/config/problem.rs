//! Everything that is wrong with a job file, each with its place.
//!
//! A problem is a value and not an error, because a reader gathers many; only the whole list
//! becomes an `Error`, of the kind `JobFile`.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};

/// No more are gathered: a reader stops long before, and each is compared with those before it.
pub(crate) const MAX_PROBLEMS: usize = 1000;

/// A place in the job file, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// One thing that is wrong. Never holds a substituted value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `None` if the file as a whole is meant.
    pub at: Option<Position>,
    /// `source.pool.max_connections`; empty if no key is concerned.
    pub key: String,
    /// A lower-case fragment.
    pub message: String,
}

/// All problems of one file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// As it was given on the command line, so that an editor finds it from there.
    pub file: PathBuf,
    pub list: Vec<Problem>,
}

impl Problem {
    /// A problem of the file as a whole.
    pub(crate) fn of_file(message: impl Into<String>) -> Self {
        Self {
            at: None,
            key: String::new(),
            message: message.into(),
        }
    }

    /// A problem of one key or value.
    pub(crate) fn at(at: Position, key: &str, message: impl Into<String>) -> Self {
        Self {
            at: Some(at),
            key: key.to_owned(),
            message: message.into(),
        }
    }
}

impl Problems {
    /// Sorts the problems by their place in the file.
    pub(crate) fn new(file: &Path, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.at);
        if list.len() >= MAX_PROBLEMS {
            let message = format!("only the first {MAX_PROBLEMS} problems were looked for");
            list.push(Problem::of_file(message));
        }
        Self {
            file: file.to_owned(),
            list,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "{}:{}: ", at.line, at.column)?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// One line per problem, as `job.yaml:3:5: source.port: ...`, which editors can jump to.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            let separator = if problem.at.is_some() { "" } else { " " };
            let line_end = if index > 0 { "\n" } else { "" };
            write!(f, "{line_end}{}:{separator}{problem}", self.file.display())?;
        }
        Ok(())
    }
}

impl StdError for Problems {}

impl From<Problems> for Error {
    /// The list is the cause of the error, not its message: the message stays one line.
    fn from(problems: Problems) -> Self {
        let count = problems.list.len();
        let plural = if count == 1 { "" } else { "s" };
        Self::new(
            Kind::JobFile,
            format!("the job file has {count} problem{plural}"),
        )
        .because(problems)
    }
}
