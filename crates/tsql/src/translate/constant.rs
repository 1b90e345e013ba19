//! Conversions of constants, done here, so that what is written into DDL is already right.
//!
//! A conversion that PostgreSQL does when the DDL runs may depend on its session, or differ in the
//! last digit. A constant that was converted here has no such doubt.

use super::datetime::{self, Moment};
use super::decimal::Decimal;
use super::literal;
use super::types::{self, Family};
use super::value::{Constant, Value, quote};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// A constant as another type.
///
/// # Errors
/// The type cannot hold the constant, or how SQL Server reads it is not certain.
pub(super) fn converted(value: &Value, to: &SqlType) -> Outcome<Value> {
    let refused = || value.refused(to);
    match (&value.constant, types::family(to)) {
        (Some(Constant::Int(number)), _) => number_as(value, Decimal::whole(*number), to),
        (Some(Constant::Bit(bit)), _) => number_as(value, Decimal::whole(i128::from(*bit)), to),
        (Some(Constant::Decimal(decimal)), _) => number_as(value, *decimal, to),
        (Some(Constant::Float(text)), Family::Float) => Ok(float(text, to)),
        (Some(Constant::Float(text)), Family::Bit) => {
            let number: f64 = text.parse().map_err(|_| refused())?;
            Ok(Value::bit(number != 0.0))
        }
        (Some(Constant::Text(text)), Family::Text) => text_as(value, text, to),
        (Some(Constant::Text(text)), _) => read(text, to).ok_or_else(|| {
            Untranslated::new(format!("a literal whose reading as {} is not certain", to))
        }),
        (Some(Constant::Binary(bytes)), Family::Binary) => binary(bytes, to).ok_or_else(refused),
        _ => Err(refused()),
    }
}

/// A number as the type, with the rounding that T-SQL has for the pair.
fn number_as(value: &Value, number: Decimal, to: &SqlType) -> Outcome<Value> {
    let refused = || value.refused(to);
    let whole = value.as_int();
    match *to {
        SqlType::Bit => Ok(Value::bit(number.mantissa != 0)),
        SqlType::Decimal { precision, scale } => {
            let fitted = number.fitted(precision, scale).ok_or_else(out_of_range)?;
            Ok(exact(fitted, to))
        }
        SqlType::Money | SqlType::SmallMoney => {
            let fitted = number.fitted(19, 4).ok_or_else(out_of_range)?;
            let most = if *to == SqlType::Money {
                i128::from(i64::MAX)
            } else {
                i128::from(i32::MAX)
            };
            if !(-most - 1..=most).contains(&fitted.mantissa) {
                return Err(out_of_range());
            }
            Ok(exact(fitted, to))
        }
        SqlType::Float | SqlType::Real => {
            // Up to 15 digits convert exactly, whichever way it is done.
            if number.mantissa.unsigned_abs() >= 10_u128.pow(15) || number.scale > 22 {
                return Err(refused());
            }
            Ok(float(&number.to_string(), to))
        }
        // Money rounds and decimal truncates.
        _ if types::family(to) == Family::Int => match value.family() {
            Family::Money => {
                let rounded = number.fitted(38, 0).ok_or_else(out_of_range)?;
                integer(rounded.mantissa, to)
            }
            _ => integer(number.truncated(), to),
        },
        SqlType::DateTime | SqlType::SmallDateTime => {
            let literal = whole
                .and_then(Moment::from_days)
                .and_then(|moment| moment.literal(to));
            Ok(dated(literal.ok_or_else(refused)?, to))
        }
        _ if types::family(to) == Family::Text => {
            let text = match value.family() {
                Family::Money => number.fitted(38, 2).ok_or_else(refused)?.to_string(),
                _ => number.to_string(),
            };
            let room = types::length(to).map_or(usize::MAX, usize::from);
            if text.len() > room {
                return Err(refused());
            }
            text_as(&Value::text(&text, types::is_national(to)), &text, to)
        }
        _ => Err(refused()),
    }
}

fn out_of_range() -> Untranslated {
    Untranslated::new("a number that its type cannot hold")
}

fn exact(decimal: Decimal, to: &SqlType) -> Value {
    Value::constant(decimal.to_string(), to.clone(), Constant::Decimal(decimal))
}

/// The bounds are those of SQL Server's type: `tinyint` ends at 255.
fn integer(number: i128, to: &SqlType) -> Outcome<Value> {
    let (least, most) = match to {
        SqlType::TinyInt => (0, 255),
        SqlType::SmallInt => (i128::from(i16::MIN), i128::from(i16::MAX)),
        SqlType::Int => (i128::from(i32::MIN), i128::from(i32::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    if !(least..=most).contains(&number) {
        return Err(out_of_range());
    }
    if *to == SqlType::Int {
        return Ok(Value::int(number));
    }
    let natural = types::natural(to).ok_or_else(out_of_range)?;
    let sql = if number < 0 {
        format!("({number})::{natural}")
    } else {
        format!("{number}::{natural}")
    };
    Ok(Value::constant(sql, to.clone(), Constant::Int(number)))
}

fn float(text: &str, to: &SqlType) -> Value {
    let mut value = literal::float(text);
    if *to == SqlType::Real {
        value.sql = format!("'{text}'::real");
        value.ty = Some(SqlType::Real);
    }
    value
}

fn dated(sql: String, to: &SqlType) -> Value {
    // What it was read from is of no more use.
    Value::atom(sql, to.clone())
}

/// CAST cuts; assignments are checked by their caller.
fn text_as(value: &Value, text: &str, to: &SqlType) -> Outcome<Value> {
    let national = types::is_national(to);
    if !national && value.is_national() && !text.is_ascii() {
        return Err(Untranslated::new("text beyond ASCII as varchar"));
    }
    let units = text.encode_utf16().count();
    let room = types::length(to).map_or(usize::MAX, usize::from);
    let fixed = matches!(to, SqlType::Char { .. } | SqlType::NChar { .. });
    if units > room && !text.is_ascii() {
        return Err(Untranslated::new("a cut of text beyond ASCII"));
    }
    let mut kept: String = text.chars().take(room).collect();
    if fixed {
        kept.extend(std::iter::repeat_n(' ', room - units.min(room)));
    }
    let made = Value::constant(quote(&kept), to.clone(), Constant::Text(kept));
    Ok(made.in_collation_of(value))
}

/// A text literal where another type is wanted; `None` where the reading is not certain.
fn read(text: &str, to: &SqlType) -> Option<Value> {
    let digits = text.trim_matches(' ');
    match types::family(to) {
        Family::Bit => match digits.to_ascii_lowercase().as_str() {
            "1" | "true" => Some(Value::bit(true)),
            "0" | "false" | "" => Some(Value::bit(false)),
            _ => None,
        },
        // A text of blanks is 0, and the first day of 1900, but no decimal.
        Family::Int | Family::Money | Family::Float if digits.is_empty() => {
            number_as(&Value::int(0), Decimal::whole(0), to).ok()
        }
        Family::Int if !digits.contains('.') => integer(Decimal::parse(digits)?.mantissa, to).ok(),
        Family::Money | Family::Float => {
            let decimal = Decimal::parse(digits)?;
            number_as(&Value::decimal(decimal), decimal, to).ok()
        }
        Family::Decimal => {
            let decimal = Decimal::parse(digits)?;
            number_as(&Value::decimal(decimal), decimal, to).ok()
        }
        Family::Date | Family::Moment => {
            let moment = Moment::parse(text)?;
            let literal = moment.certain(to).then(|| moment.literal(to))??;
            Some(dated(literal, to))
        }
        Family::Time => match *to {
            SqlType::Time { scale } => {
                let literal = datetime::time_of_day(text, scale)?;
                Some(dated(literal, to))
            }
            _ => None,
        },
        Family::Uuid => uuid(digits),
        _ => None,
    }
}

/// 8-4-4-4-12 hexadecimal digits.
fn uuid(text: &str) -> Option<Value> {
    let bytes = text.as_bytes();
    let right = bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    right.then(|| {
        Value::atom(
            format!("'{}'::uuid", text.to_ascii_lowercase()),
            SqlType::UniqueIdentifier,
        )
    })
}

/// `binary(n)` is filled up with zeros.
fn binary(bytes: &[u8], to: &SqlType) -> Option<Value> {
    let mut bytes = bytes.to_vec();
    let room = types::length(to).map_or(usize::MAX, usize::from);
    if bytes.len() > room {
        return None;
    }
    if matches!(to, SqlType::Binary { .. }) {
        bytes.resize(room, 0);
    }
    Some(literal::bytea(bytes).retyped(to.clone()))
}
