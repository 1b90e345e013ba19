//! Conversions between types, where both sides make the same value of the same value.

use super::constant;
use super::context::Context;
use super::types::{self, Family};
use super::value::{Clock, Constant, Value};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// A conversion that T-SQL does by itself, or a CAST without a style.
pub(super) fn implicit(value: Value, to: &SqlType) -> Outcome<Value> {
    if value.ty.as_ref() == Some(to) {
        return Ok(value);
    }
    if value.is_null() {
        return typed_null(to);
    }
    if let Some(clock) = value.clock
        && let Some(read) = clock_as(clock, to)
    {
        return Ok(read);
    }
    if value.constant.is_some() {
        return constant::converted(&value, to);
    }
    let from = value.ty.clone().unwrap_or(SqlType::Int);
    let families = (types::family(&from), types::family(to));
    match families {
        (Family::Bit, _) => bit(&value, to),
        (Family::Int | Family::Decimal | Family::Money | Family::Float, Family::Bit) => Ok(
            Value::operation(format!("{} <> 0", value.operand()), SqlType::Bit),
        ),
        (Family::Int, _) => int(&value, to),
        (Family::Decimal | Family::Money, _) => exact(&value, &from, to),
        (Family::Float, _) => float(&value, to),
        (one, other) if one.is_temporal() && other.is_temporal() => temporal(&value, &from, to),
        (Family::Text, Family::Text) => text(value, to),
        (Family::Date, Family::Text) if fits(to, 10) => Ok(iso_date(&value, to)),
        (Family::Uuid, Family::Text) if fits(to, 36) => Ok(Value::atom(
            format!("upper({})", value.cast("text")),
            to.clone(),
        )),
        (Family::Binary, Family::Binary) if wider(&from, to) => Ok(value.retyped(to.clone())),
        _ => Err(refused(&value, to)),
    }
}

pub(super) fn refused(value: &Value, to: &SqlType) -> Untranslated {
    Untranslated::new(format!("conversion of {} to {}", value.shown(), to))
}

fn typed_null(to: &SqlType) -> Outcome<Value> {
    let natural = types::natural(to).ok_or_else(|| refused(&Value::null(), to))?;
    Ok(Value::constant(
        format!("NULL::{natural}"),
        to.clone(),
        Constant::Null,
    ))
}

fn natural(value: &Value, to: &SqlType) -> Outcome<Value> {
    let target = types::natural(to).ok_or_else(|| refused(value, to))?;
    Ok(Value::atom(value.cast(&target.to_string()), to.clone()))
}

/// Room for so many characters, and no padding.
fn fits(to: &SqlType, characters: u16) -> bool {
    let fixed = matches!(to, SqlType::Char { .. } | SqlType::NChar { .. });
    let room = types::length(to);
    match fixed {
        true => room == Some(characters),
        false => room.is_none_or(|room| room >= characters),
    }
}

fn wider(from: &SqlType, to: &SqlType) -> bool {
    let varying = matches!(to, SqlType::VarBinary { .. } | SqlType::Image);
    match (types::length(from), types::length(to)) {
        (Some(from), Some(to)) => from == to || (varying && from <= to),
        (_, None) => varying,
        (None, Some(_)) => false,
    }
}

fn bit(value: &Value, to: &SqlType) -> Outcome<Value> {
    let number = Value::atom(value.cast("integer"), SqlType::Int);
    match types::family(to) {
        Family::Int | Family::Decimal | Family::Money | Family::Float => implicit(number, to),
        Family::Text if fits(to, 1) => Ok(Value::atom(number.cast("text"), to.clone())),
        _ => Err(refused(value, to)),
    }
}

/// PostgreSQL fails where SQL Server does, except that its `smallint` takes what `tinyint` does
/// not.
fn int(value: &Value, to: &SqlType) -> Outcome<Value> {
    match types::family(to) {
        Family::Int | Family::Decimal | Family::Money | Family::Float => natural(value, to),
        Family::Text => {
            // Too small a text becomes `*` at the source.
            let longest = match value.ty {
                Some(SqlType::TinyInt) => 3,
                Some(SqlType::SmallInt) => 6,
                Some(SqlType::Int) => 11,
                _ => 20,
            };
            let fixed = matches!(to, SqlType::Char { .. } | SqlType::NChar { .. });
            if fixed || !fits(to, longest) {
                return Err(refused(value, to));
            }
            Ok(Value::atom(value.cast("text"), to.clone()))
        }
        _ => Err(refused(value, to)),
    }
}

/// "CAST and CONVERT", "Truncating and rounding results": `decimal` to `int` truncates, between
/// `decimal`s and `money` it rounds.
fn exact(value: &Value, from: &SqlType, to: &SqlType) -> Outcome<Value> {
    let money = types::family(from) == Family::Money;
    match types::family(to) {
        Family::Int if !money => {
            let target = types::natural(to).ok_or_else(|| refused(value, to))?;
            let sql = format!("trunc({})::{target}", value.sql);
            Ok(Value::atom(sql, to.clone()))
        }
        Family::Decimal | Family::Money => natural(value, to),
        Family::Text if !money => {
            let SqlType::Decimal { precision, scale } = *from else {
                return Err(refused(value, to));
            };
            let fixed = matches!(to, SqlType::Char { .. } | SqlType::NChar { .. });
            if fixed || !fits(to, u16::from(precision) + 3) {
                return Err(refused(value, to));
            }
            let sql = format!(
                "{}::text",
                value.cast(&format!("numeric({precision},{scale})"))
            );
            Ok(Value::atom(sql, to.clone()))
        }
        _ => Err(refused(value, to)),
    }
}

fn float(value: &Value, to: &SqlType) -> Outcome<Value> {
    match types::family(to) {
        Family::Float => natural(value, to),
        Family::Int => {
            let target = types::natural(to).ok_or_else(|| refused(value, to))?;
            let sql = format!("trunc({})::{target}", value.sql);
            Ok(Value::atom(sql, to.clone()))
        }
        _ => Err(refused(value, to)),
    }
}

/// Fractional digits that the type shows, 7 of which PostgreSQL keeps 6.
fn fraction(ty: &SqlType) -> u8 {
    match *ty {
        SqlType::Time { scale } | SqlType::DateTime2 { scale } => scale,
        SqlType::DateTime => 3,
        _ => 0,
    }
}

/// Only what adds nothing and drops nothing: `datetime` and `datetime2` have different ideas of
/// a third of a second, and rounding differs.
fn temporal(value: &Value, from: &SqlType, to: &SqlType) -> Outcome<Value> {
    let widens = fraction(to) >= fraction(from);
    match (from, to) {
        (SqlType::Date, SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. }) => {
            Ok(Value::atom(value.cast("timestamp"), to.clone()))
        }
        (SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. }, SqlType::Date) => {
            Ok(Value::atom(value.cast("date"), to.clone()))
        }
        (SqlType::SmallDateTime, SqlType::DateTime | SqlType::DateTime2 { .. }) => {
            Ok(value.clone().retyped(to.clone()))
        }
        (SqlType::DateTime2 { .. }, SqlType::DateTime2 { .. })
        | (SqlType::Time { .. }, SqlType::Time { .. })
            if widens =>
        {
            Ok(value.clone().retyped(to.clone()))
        }
        (SqlType::SmallDateTime | SqlType::DateTime2 { .. }, SqlType::Time { .. }) if widens => {
            Ok(Value::atom(value.cast("time"), to.clone()))
        }
        _ => Err(refused(value, to)),
    }
}

/// A reading of a clock in another type's digits.
fn clock_as(clock: Clock, to: &SqlType) -> Option<Value> {
    let digits = fraction(to).min(6);
    // The beginning of the statement, as at the source: every row of it gets one time.
    let now = "statement_timestamp()";
    let sql = match (clock, to) {
        (Clock::Offset, SqlType::DateTimeOffset { scale }) => {
            format!("{now}::timestamptz({})", (*scale).min(6))
        }
        (Clock::Local, SqlType::Date) => format!("{now}::date"),
        (Clock::Local, SqlType::Time { .. }) => format!("{now}::timestamp::time({digits})"),
        (Clock::Local, SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. }) => {
            format!("{now}::timestamp({digits})")
        }
        (Clock::Utc, SqlType::Date) => format!("({now} AT TIME ZONE 'UTC')::date"),
        (Clock::Utc, SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. }) => {
            format!("({now} AT TIME ZONE 'UTC')::timestamp({digits})")
        }
        _ => return None,
    };
    let mut value = Value::atom(sql, to.clone());
    value.clock = Some(clock);
    Some(value)
}

/// A reading of a clock.
pub(super) fn clock(clock: Clock, ty: SqlType) -> Outcome<Value> {
    clock_as(clock, &ty).ok_or_else(|| Untranslated::new("a clock of that type"))
}

/// `yyyy-mm-dd`. `to_char` would do, but is not immutable.
fn iso_date(value: &Value, to: &SqlType) -> Value {
    let part = |field: &str, width: u8| {
        format!(
            "lpad(extract({field} from {})::integer::text, {width}, '0')",
            value.sql
        )
    };
    let sql = format!(
        "{} || '-' || {} || '-' || {}",
        part("year", 4),
        part("month", 2),
        part("day", 2)
    );
    Value::operation(sql, to.clone())
}

/// `yyyymmdd` or `yyyy-mm-dd`, styles 112 and 23.
pub(super) fn styled_date(value: &Value, to: &SqlType, style: i128) -> Outcome<Value> {
    let dated = matches!(value.family(), Family::Date | Family::Moment) && value.constant.is_none();
    match style {
        23 if dated && fits(to, 10) => Ok(iso_date(value, to)),
        112 if dated && fits(to, 8) => {
            let sql = format!(
                "lpad((extract(year from {0})::integer * 10000 + extract(month from {0})::integer \
                 * 100 + extract(day from {0})::integer)::text, 8, '0')",
                value.sql
            );
            Ok(Value::atom(sql, to.clone()))
        }
        _ => Err(Untranslated::new(format!(
            "CONVERT of {} with style {style}",
            value.shown()
        ))),
    }
}

/// Text that becomes `varchar` loses what the code page does not have.
pub(super) fn ascii_or_column(value: &Value) -> Outcome<()> {
    match value.as_text() {
        Some(text) if !text.is_ascii() => Err(Untranslated::new(
            "a literal beyond ASCII without N, which the code page may change",
        )),
        _ => Ok(()),
    }
}

/// Between texts: cut at a smaller length, filled up for `char(n)`.
fn text(value: Value, to: &SqlType) -> Outcome<Value> {
    let value = value.kept()?;
    if value.is_national() && !types::is_national(to) {
        return Err(refused(&value, to));
    }
    let from = value.ty.as_ref().and_then(types::length);
    let sql = match (to.clone(), from) {
        (SqlType::Char { length } | SqlType::NChar { length }, from) if from != Some(length) => {
            format!("rpad({}, {length})", value.sql)
        }
        (SqlType::Char { .. } | SqlType::NChar { .. }, _) => {
            // Of the same length, but it may be a `varchar` that is not full.
            match value.ty {
                Some(SqlType::Char { .. } | SqlType::NChar { .. }) => {
                    return Ok(value.retyped(to.clone()));
                }
                _ => format!("rpad({}, {})", value.sql, from.unwrap_or(1)),
            }
        }
        (_, from) => match types::length(to) {
            Some(room) if from.is_none_or(|from| from > room) => {
                format!("left({}, {room})", value.sql)
            }
            _ => return Ok(value.retyped(to.clone())),
        },
    };
    if value.counts_bytes() {
        return Err(Untranslated::new(format!(
            "conversion of {} to {}, whose lengths are in bytes of several to a character",
            value.shown(),
            to
        )));
    }
    if value.counts_units() {
        return Err(Untranslated::new(format!(
            "conversion of {} to the shorter {}, which counts UTF-16 units",
            value.shown(),
            to
        )));
    }
    Ok(Value::atom(sql, to.clone()).in_collation_of(&value))
}

/// The type that CASE, COALESCE and comparisons convert both sides to.
pub(super) fn common(a: &Value, b: &Value) -> Outcome<SqlType> {
    let (one, other) = match (&a.ty, &b.ty) {
        (None, None) => return Err(Untranslated::new("an expression of NULLs only")),
        (Some(ty), None) | (None, Some(ty)) => return Ok(ty.clone()),
        (Some(one), Some(other)) => (one, other),
    };
    let families = (types::family(one), types::family(other));
    match families {
        (Family::Text, Family::Text) if is_fixed(one) && is_fixed(other) => {
            fixed(one, other).cloned()
        }
        (Family::Text, Family::Text) => {
            let national = types::is_national(one) || types::is_national(other);
            let length = match (types::length(one), types::length(other)) {
                (Some(one), Some(other)) => Some(u32::from(one.max(other))),
                _ => None,
            };
            Ok(types::text_type(national, length))
        }
        (Family::Decimal, other_family) | (other_family, Family::Decimal)
            if other_family.is_exact() =>
        {
            both_decimal(a, b)
        }
        _ if one == other => Ok(one.clone()),
        _ if types::rank(one) == types::rank(other) => {
            let longer = fraction(one) >= fraction(other);
            Ok(if longer { one } else { other }.clone())
        }
        _ if types::rank(one) > types::rank(other) => Ok(one.clone()),
        _ => Ok(other.clone()),
    }
}

fn is_fixed(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Char { .. } | SqlType::NChar { .. })
}

/// `char(n)` beside `char(n)` stays one; of different lengths the longer fills up the shorter.
fn fixed<'a>(one: &'a SqlType, other: &'a SqlType) -> Outcome<&'a SqlType> {
    match types::length(one) == types::length(other) {
        true if types::is_national(one) => Ok(one),
        true => Ok(other),
        false => Err(Untranslated::new(format!(
            "a choice of {} and {}, which fills up the shorter one",
            one, other
        ))),
    }
}

/// Enough digits for both, before and after the point.
fn both_decimal(a: &Value, b: &Value) -> Outcome<SqlType> {
    let digits = |value: &Value| {
        let ty = value.ty.as_ref();
        ty.and_then(types::digits)
            .ok_or_else(|| Untranslated::new("decimals of unknown digits"))
    };
    let (one, other) = (digits(a)?, digits(b)?);
    let scale = one.1.max(other.1);
    let precision = scale + (one.0 - one.1).max(other.0 - other.1);
    if precision > super::decimal::MOST_DIGITS {
        return Err(Untranslated::new(
            "decimals whose common type has over 38 digits",
        ));
    }
    Ok(SqlType::Decimal { precision, scale })
}

/// Both sides in their common type.
pub(super) fn unified(context: &Context<'_>, values: Vec<Value>) -> Outcome<(Vec<Value>, Value)> {
    let mut shape = Value::null();
    for value in &values {
        let ty = common(&shape, value).or_else(|error| match (&shape.ty, &value.ty) {
            (None, None) => Ok(SqlType::Int),
            _ => Err(error),
        });
        let both_null = shape.ty.is_none() && value.ty.is_none();
        let mut next = Value::atom("", ty?);
        if both_null {
            next = Value::null();
        }
        if value.family() == Family::Text {
            let collation = match (&shape.collation, &value.collation) {
                (None, None) => None,
                _ => Some(context.collation(&shape, value)?),
            };
            next.collation = collation;
            next.explicit = shape.explicit || value.explicit;
        } else {
            next.collation.clone_from(&shape.collation);
        }
        shape = next;
    }
    let Some(ty) = shape.ty.clone() else {
        return Err(Untranslated::new("an expression of NULLs only"));
    };
    let converted = values.into_iter().map(|value| {
        let value = value.kept()?;
        if value.is_null() && value.ty.is_none() {
            return Ok(value);
        }
        implicit(value, &ty)
    });
    Ok((converted.collect::<Outcome<_>>()?, shape))
}
