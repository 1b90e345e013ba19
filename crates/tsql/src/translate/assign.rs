//! A translated value into a column: what INSERT would do with it at the source.
//!
//! A default or a computed value is stored, so it must be what the source would store, in the type
//! that the target's column has. A constant is written without a cast if PostgreSQL converts it by
//! itself.

use super::convert;
use super::types::{self, Family};
use super::value::{Constant, Value};
use super::{Outcome, ScopeColumn, Untranslated};
use crate::schema::SqlType;
use crate::typemap::PgType;

/// The default of a column, refused where the source could not insert it either.
///
/// # Errors
/// The source could not insert the value either, or the column's type here does not hold it.
pub(super) fn default(value: Value, column: &ScopeColumn<'_>) -> Outcome<String> {
    if value.is_null() {
        return Ok("NULL".to_owned());
    }
    let target = types::family(column.sql_type);
    let value = match (value.family(), target) {
        (Family::Text, Family::Text) => text(value.kept()?, column)?,
        _ => convert::implicit(value.kept()?, column.sql_type)?,
    };
    kept_as(&value, column)
}

/// A computed column, whose type the source's catalog gives: it checks what was derived here.
///
/// # Errors
/// The expression has another type here than in the source's catalog, so something was
/// misunderstood.
pub(super) fn generated(value: Value, column: &ScopeColumn<'_>) -> Outcome<String> {
    let value = value.kept()?;
    let ty = value
        .ty
        .clone()
        .ok_or_else(|| Untranslated::new("NULL as a column"))?;
    let agrees = match (&ty, column.sql_type) {
        (SqlType::Decimal { scale: one, .. }, SqlType::Decimal { scale: other, .. }) => {
            one == other
        }
        (one, other) => match (types::family(one), types::family(other)) {
            (Family::Text, Family::Text) => types::is_national(one) == types::is_national(other),
            (Family::Binary, Family::Binary) => true,
            _ => one == other,
        },
    };
    if !agrees {
        return Err(Untranslated::new(format!(
            "an expression that seems to be {} while the source says {}",
            ty, column.sql_type
        )));
    }
    kept_as(&value, column)
}

/// A text that fits the column. PostgreSQL pads `char(n)` too. A value that is not a constant here is
/// a name that the server gives, since a default has no columns.
fn text(value: Value, column: &ScopeColumn<'_>) -> Outcome<Value> {
    let national = types::is_national(column.sql_type);
    let room = types::length(column.sql_type);
    match value.as_text() {
        Some(text) if room.is_some_and(|room| text.encode_utf16().count() > usize::from(room)) => {
            Err(Untranslated::new("a text that is longer than its column"))
        }
        Some(text) if !national && value.is_national() && !text.is_ascii() => {
            Err(Untranslated::new("text beyond ASCII in a varchar"))
        }
        _ => Ok(value),
    }
}

/// The value in the type that the target has for the column.
///
/// # Errors
/// A pair of types in which the value would change.
fn kept_as(value: &Value, column: &ScopeColumn<'_>) -> Outcome<String> {
    let family = types::family(column.sql_type);
    let holds = match (family, column.pg_type) {
        (Family::Bit, PgType::SmallInt | PgType::Integer | PgType::BigInt) => {
            return Ok(match &value.constant {
                Some(Constant::Bit(bit)) => u8::from(*bit).to_string(),
                _ => format!("({})::integer::{}", value.sql, column.pg_type),
            });
        }
        (
            Family::Int | Family::Decimal,
            PgType::SmallInt | PgType::Integer | PgType::BigInt | PgType::Numeric(_),
        )
        | (Family::Money, PgType::Numeric(_))
        | (Family::Float, PgType::Real | PgType::DoublePrecision)
        | (Family::Date, PgType::Timestamp(_))
        | (Family::Moment, PgType::Timestamp(_))
        | (Family::Time, PgType::Time(_))
        | (Family::Offset, PgType::TimestampTz(_))
        | (Family::Text, PgType::Text | PgType::VarChar(_) | PgType::Char(_))
        | (Family::Binary, PgType::Bytea) => true,
        (Family::Other, _) => false,
        (_, pg) => types::natural(column.sql_type).as_ref() == Some(pg),
    };
    if !holds {
        return Err(Untranslated::new(format!(
            "a {} that is kept as {}",
            column.sql_type, column.pg_type
        )));
    }
    Ok(match &value.constant {
        // PostgreSQL brings a bare number into the column's type.
        Some(Constant::Int(number)) => number.to_string(),
        Some(Constant::Decimal(decimal)) => decimal.to_string(),
        Some(Constant::Float(text)) => text.clone(),
        _ => value.sql.clone(),
    })
}
