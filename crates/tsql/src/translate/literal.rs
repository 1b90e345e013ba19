//! Constants: numbers, texts, money, binaries, and texts that are dates.

use sqlparser::ast::Value as Literal;

use super::collation::Collation;
use super::decimal::Decimal;
use super::value::{Constant, Value};
use super::{Outcome, Untranslated};
use crate::hex::hex;
use crate::schema::SqlType;

/// A literal of a database with this collation, whose code page a text without N is read in.
///
/// # Errors
/// Characters that the database's code page may lack, numbers out of range, and literals of other
/// dialects.
pub(super) fn value(literal: &Literal, collation: Option<&Collation>) -> Outcome<Value> {
    match literal {
        Literal::Null => Ok(Value::null()),
        Literal::Number(text, false) => number(text),
        Literal::SingleQuotedString(text)
            if text.is_ascii() || collation.is_some_and(|it| it.has(text)) =>
        {
            Ok(Value::text(text, false))
        }
        Literal::SingleQuotedString(_) => Err(Untranslated::new(
            "a literal beyond ASCII without N, which the code page may change",
        )),
        Literal::NationalStringLiteral(text) => Ok(Value::text(text, true)),
        Literal::HexStringLiteral(digits) => binary(digits),
        Literal::Placeholder(text) => money(text),
        _ => Err(Untranslated::new("a literal of a kind that is not known")),
    }
}

/// Without a point or exponent an `int`, or `decimal` past its range; with a point `decimal`;
/// with an exponent `float` ("Constants (Transact-SQL)").
fn number(text: &str) -> Outcome<Value> {
    if text.contains(['e', 'E']) {
        let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
        let finite = text.parse::<f64>().is_ok_and(f64::is_finite);
        if !finite || Decimal::parse(mantissa).is_none() {
            return Err(Untranslated::new("a float literal out of range"));
        }
        return Ok(float(text));
    }
    let decimal =
        Decimal::parse(text).ok_or_else(|| Untranslated::new("a number of more than 38 digits"))?;
    if text.contains('.') {
        return Ok(Value::decimal(decimal));
    }
    Ok(Value::int(decimal.mantissa))
}

/// In quotes, so that PostgreSQL does not read a `numeric` first.
pub(super) fn float(text: &str) -> Value {
    Value::constant(
        format!("'{text}'::double precision"),
        SqlType::Float,
        Constant::Float(text.to_owned()),
    )
}

/// `$` before a decimal ("Constants (Transact-SQL)").
fn money(text: &str) -> Outcome<Value> {
    let decimal = text
        .strip_prefix('$')
        .and_then(Decimal::parse)
        .and_then(|decimal| decimal.fitted(19, 4))
        .ok_or_else(|| Untranslated::new("a money literal that was not understood"))?;
    Ok(Value::constant(
        decimal.to_string(),
        SqlType::Money,
        Constant::Decimal(decimal),
    ))
}

fn binary(digits: &str) -> Outcome<Value> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Untranslated::new(
            "a binary literal that was not understood",
        ));
    }
    // `0xA` is `0x0A`.
    let even = if digits.len().is_multiple_of(2) {
        digits.to_owned()
    } else {
        format!("0{digits}")
    };
    let bytes: Vec<u8> = (0..even.len())
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(&even[at..at + 2], 16).ok())
        .collect();
    Ok(bytea(bytes))
}

/// `varbinary(max)` from 8,001 bytes on.
pub(super) fn bytea(bytes: Vec<u8>) -> Value {
    let digits = hex(&bytes);
    let length = u16::try_from(bytes.len()).ok().filter(|n| *n <= 8_000);
    Value::constant(
        format!("'\\x{digits}'::bytea"),
        SqlType::VarBinary { length },
        Constant::Binary(bytes),
    )
}
