//! The error of this crate: what kind of thing is wrong, a message, and the column if known.
//!
//! The crate never prints and never retries. Its caller adds the table, which nothing here knows,
//! and decides by [`Kind`] what follows.

use std::fmt;

/// The result of everything that can fail in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong, as a fact that the caller acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A source type that no target type can hold.
    Unsupported,
    /// A source name that PostgreSQL cannot have.
    Naming,
    /// A target name or type that the user asked for is not valid.
    Setting,
}

/// An error: kind, message and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    /// A lower-case fragment without a value of a row.
    message: String,
    column: Option<String>,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            column: None,
        }
    }

    /// Names the source column.
    pub(crate) fn at_column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A lower-case fragment, without the column.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Name of the source column, if the error belongs to one.
    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = &self.column {
            write!(f, "column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
