//! How a conversion is asked for, and how it is refused.

use crate::engine::datatype;
use crate::engine::error::error;
use crate::engine::value::temporal::DateOrder;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

/// How a conversion is to be done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct How {
    /// CONVERT's third argument.
    pub(crate) style: Option<i32>,
    pub(crate) order: DateOrder,
    /// The code page of the target when it is `char`, `varchar` or `text`.
    pub(crate) code_page: Option<u16>,
    /// CAST truncates silently; storing must not.
    pub(crate) truncate: bool,
}

pub(crate) fn disallowed(from: &SqlType, to: &SqlType) -> crate::types::SqlError {
    let (from, to) = (datatype::name(from), datatype::name(to));
    error(
        529,
        16,
        format!("Explicit conversion from data type {from} to {to} is not allowed."),
    )
}

pub(crate) fn cannot_read(value: &Value, from: &SqlType, to: &SqlType) -> crate::types::SqlError {
    let shown = text::units(value)
        .map(|u| text::to_string(u))
        .unwrap_or_default();
    let (from, to) = (datatype::name(from), datatype::name(to));
    error(
        245,
        16,
        format!("Conversion failed when converting the {from} value '{shown}' to data type {to}."),
    )
}

pub(crate) fn trimmed(value: &Value) -> String {
    text::units(value)
        .map(|u| text::to_string(u).trim().to_owned())
        .unwrap_or_default()
}
