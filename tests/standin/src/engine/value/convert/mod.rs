//! Conversions between types: CAST, CONVERT and every implicit conversion, with their errors.

pub(crate) mod how;
mod moment;
mod number;
mod printed;

use crate::engine::datatype::{self, is_binary, is_integer, is_text};
use crate::engine::error::{Result, error, overflow};
use crate::engine::value::convert::how::{How, disallowed, trimmed};
use crate::engine::value::convert::moment::to_temporal;
use crate::engine::value::convert::number::{to_bit, to_decimal, to_float, to_integer, to_money};
use crate::engine::value::convert::printed::{to_binary, to_guid, to_text};
use crate::engine::value::text;
use crate::types::{SqlType, Value};

pub(crate) use crate::engine::value::convert::printed::print;

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
        SqlType::HierarchyId if is_binary(from) => Ok(value.clone()),
        SqlType::Json if is_text(from) => Ok(value.clone()),
        SqlType::Vector { dimensions } if is_text(from) => to_vector(value, *dimensions),
        _ => Err(disallowed(from, to)),
    }
}

/// A vector is shown as a JSON array; "[0.1, 2]" becomes "[1.0000000e-001,2.0000000e+000]"
/// (T-SQL reference, "Vector data type").
fn to_vector(value: &Value, dimensions: u16) -> Result<Value> {
    let shown = trimmed(value);
    let numbers = shown
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .map(|t| t.split(',').map(|n| n.trim().parse::<f32>()).collect());
    let Some(Ok(numbers)): Option<std::result::Result<Vec<f32>, _>> = numbers else {
        return Err(error(
            13670,
            16,
            "The argument is not a JSON array of numbers.",
        ));
    };
    if numbers.len() != usize::from(dimensions) {
        let message = format!(
            "The vector dimensions {} and {dimensions} do not match.",
            numbers.len()
        );
        return Err(error(42204, 16, message));
    }
    let numbers: Vec<String> = numbers.into_iter().map(exponential).collect();
    Ok(text::value(&format!("[{}]", numbers.join(","))))
}

/// Eight digits, and three of the exponent.
fn exponential(number: f32) -> String {
    let printed = format!("{number:.7e}");
    let (mantissa, exponent) = printed.split_once('e').unwrap_or((&printed, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:03}", exponent.unsigned_abs())
}
