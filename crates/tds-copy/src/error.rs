//! The error of this crate: what kind of thing is wrong, a message, and column and row if known.
//!
//! Nothing here is retried or explained to an operator: the caller turns the kind into its own and
//! adds table and partition. A message names types, lengths and settings, and never holds bytes of
//! a cell.

use std::fmt;

/// The result of everything that can fail in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong, as a fact that the caller acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Bytes that are not TDS, or not the part of it that was expected.
    Protocol,
    /// The server announces another column than the layout has: the table was altered.
    Changed,
    /// A pair of types, a code page or an encrypted column that this crate cannot move.
    Unsupported,
    /// A value that PostgreSQL cannot hold, under the policy `error`.
    Value,
    /// The server reports that the statement failed, without saying why.
    Statement,
    /// A policy for values that does not fit what it is for.
    Setting,
    /// A broken invariant of this crate or of its caller.
    Internal,
}

/// An error: kind, message, column and row. Never a cell's value.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    column: Option<String>,
    row: Option<u64>,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            column: None,
            row: None,
        }))
    }

    /// Names the source column, if none was named yet.
    pub(crate) fn at_column(mut self, column: &str) -> Self {
        self.0.column.get_or_insert_with(|| column.to_owned());
        self
    }

    /// Numbers the row, from 1 within the result.
    pub(crate) fn at_row(mut self, row: u64) -> Self {
        self.0.row = Some(row);
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// A lower-case fragment, without column and row.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Name of the source column, if the error belongs to one.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// Number of the row within its result, from 1, if the error belongs to one.
    pub fn row(&self) -> Option<u64> {
        self.0.row
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            message,
            column,
            row,
            ..
        } = &*self.0;
        match (column, row) {
            (Some(column), Some(row)) => write!(f, "column {column}, row {row}: ")?,
            (Some(column), None) => write!(f, "column {column}: ")?,
            (None, Some(row)) => write!(f, "row {row}: ")?,
            (None, None) => {}
        }
        f.write_str(message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("column", &self.0.column)
            .field("row", &self.0.row)
            .finish()
    }
}

impl std::error::Error for Error {}
