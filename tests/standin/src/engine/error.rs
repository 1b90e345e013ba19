//! The engine's errors: SQL Server's numbers, classes and words.

use crate::types::SqlError;

pub(crate) type Result<T> = std::result::Result<T, SqlError>;

/// An error of the given number; the session fills in the line.
pub(crate) fn error(number: i32, class: u8, message: impl Into<String>) -> SqlError {
    SqlError {
        number,
        class,
        state: 1,
        message: message.into(),
        line: 0,
    }
}

/// A message of class 0 (an INFO token).
pub(crate) fn info(number: i32, message: impl Into<String>) -> SqlError {
    error(number, 0, message)
}

/// A form of T-SQL that this engine does not run: 40000 and above is its own range.
pub(crate) fn unsupported(what: impl std::fmt::Display) -> SqlError {
    error(
        40_001,
        16,
        format!("The stand-in server does not support {what}."),
    )
}

pub(crate) fn syntax(near: impl std::fmt::Display) -> SqlError {
    error(102, 15, format!("Incorrect syntax near '{near}'."))
}

pub(crate) fn invalid_object(name: impl std::fmt::Display) -> SqlError {
    error(208, 16, format!("Invalid object name '{name}'."))
}

pub(crate) fn invalid_column(name: &str) -> SqlError {
    error(207, 16, format!("Invalid column name '{name}'."))
}

pub(crate) fn overflow(target: &str) -> SqlError {
    error(
        8115,
        16,
        format!("Arithmetic overflow error converting expression to data type {target}."),
    )
}

pub(crate) fn conversion_failed(from: &str, to: &str) -> SqlError {
    error(
        8114,
        16,
        format!("Error converting data type {from} to {to}."),
    )
}

pub(crate) fn clash(from: &str, to: &str) -> SqlError {
    error(
        206,
        16,
        format!("Operand type clash: {from} is incompatible with {to}"),
    )
}

pub(crate) fn argument_count(function: &str, count: usize) -> SqlError {
    error(
        174,
        15,
        format!(
            "The {} function requires {count} argument(s).",
            function.to_lowercase()
        ),
    )
}

/// The end of a statement whose client asked for it or went away; no client reads it.
pub(crate) fn cancelled() -> SqlError {
    error(0, 11, "Operation cancelled by user.")
}
