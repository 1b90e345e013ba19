//! Functions in the target's schema that translations call, for what PostgreSQL has no words for.

use std::fmt;

/// A helper function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Helper {
    /// `TRY_CAST` of a text to an `int`.
    TryInt,
}

impl Helper {
    /// Its name in the target, unquoted.
    pub fn name(self) -> &'static str {
        match self {
            Self::TryInt => "migrate_try_int",
        }
    }
}

impl fmt::Display for Helper {
    /// The construct of T-SQL that needs it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TryInt => "TRY_CAST to int",
        })
    }
}
