//! Conversions between types: CAST, CONVERT and every implicit conversion, with their errors.

mod moment;
mod number;
mod printed;

use crate::engine::datatype::{self, is_binary, is_integer, is_text};
use crate::engine::error::{Result, error, overflow};
use crate::engine::value::temporal::DateOrder;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

use moment::to_temporal;
use number::{to_bit, to_decimal, to_float, to_integer, to_money};
pub(crate) use printed::print;
use printed::{to_binary, to_guid, to_text};

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

/// Converts a value of type `from` to type `to`.
///
/// # Errors
/// SQL Server's own: 8114, 8115, 245, 241, 242, 529 and so on. Too long text for its target is
/// cut when `how.truncate`, else 8152 (the caller that knows the column makes 2628 of it).
pub(crate) fn convert(value: &Value, from: &SqlType, to: &SqlType, how: How) -> Result<Value> {
    if matches!(value, Value::Null) || from == to && how.style.is_none() && how.code_page.is_none()
    {
        return Ok(value.clone());
    }
    match to {
        SqlType::SqlVariant => Ok(value.clone()),
        SqlType::Bit => to_bit(value, from, to),
        _ if is_integer(to) => to_integer(value, from, to),
        SqlType::Decimal { precision, scale } => to_decimal(value, from, to, *precision, *scale),
        SqlType::Money | SqlType::SmallMoney => to_money(value, from, to),
        SqlType::Float => Ok(Value::Float(to_float(value, from, to)?)),
        SqlType::Real => {
            let wide = to_float(value, from, to)?;
            let narrow = wide as f32;
            if narrow.is_infinite() {
                Err(overflow("real"))
            } else {
                Ok(Value::Real(narrow))
            }
        }
        _ if datatype::is_temporal(to) => to_temporal(value, from, to, how),
        _ if is_text(to) => to_text(value, from, to, how),
        _ if is_binary(to) => to_binary(value, from, to, how),
        SqlType::UniqueIdentifier => to_guid(value, from, to),
        _ => Err(disallowed(from, to)),
    }
}

fn disallowed(from: &SqlType, to: &SqlType) -> crate::types::SqlError {
    let (from, to) = (datatype::name(from), datatype::name(to));
    error(
        529,
        16,
        format!("Explicit conversion from data type {from} to {to} is not allowed."),
    )
}

fn cannot_read(value: &Value, from: &SqlType, to: &SqlType) -> crate::types::SqlError {
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

fn trimmed(value: &Value) -> String {
    text::units(value)
        .map(|u| text::to_string(u).trim().to_owned())
        .unwrap_or_default()
}
