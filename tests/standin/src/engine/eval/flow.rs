//! How rows are handed on, and how that ends.

use crate::types::{SqlError, Value};

/// Why a plan stopped before its end.
pub(crate) enum Stop {
    /// The consumer has all it wants.
    Enough,
    Error(SqlError),
}

impl From<SqlError> for Stop {
    fn from(e: SqlError) -> Stop {
        Stop::Error(e)
    }
}

pub(crate) type Flow = Result<(), Stop>;

pub(crate) type Consumer<'a> = dyn FnMut(&[Value]) -> Flow + 'a;
