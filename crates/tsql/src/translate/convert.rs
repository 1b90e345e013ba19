//! Conversions between types, where both sides make the same value of the same value.

use super::constant;
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
        _ => Err(value.refused(to)),
    }
}

fn typed_null(to: &SqlType) -> Outcome<Value> {
    let natural = types::natural(to).ok_or_else(|| Value::null().refused(to))?;
    Ok(Value::constant(
        format!("NULL::{natural}"),
        to.clone(),
        Constant::Null,
    ))
}

fn natural(value: &Value, to: &SqlType) -> Outcome<Value> {
    let target = types::natural(to).ok_or_else(|| value.refused(to))?;
    Ok(Value::atom(value.cast(&target.to_string()), to.clone()))
}

/// Room for this number of characters, and no padding.
fn fits(to: &SqlType, characters: u16) -> bool {
    let fixed = matches!(to, SqlType::Char { .. } | SqlType::NChar { .. });
    let room = types::length(to);
    if fixed {
        room == Some(characters)
    } else {
        room.is_none_or(|room| room >= characters)
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
        _ => Err(value.refused(to)),
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
                return Err(value.refused(to));
            }
            Ok(Value::atom(value.cast("text"), to.clone()))
        }
        _ => Err(value.refused(to)),
    }
}

/// "CAST and CONVERT", "Truncating and rounding results": `decimal` to `int` truncates, between
/// `decimal`s and `money` it rounds.
fn exact(value: &Value, from: &SqlType, to: &SqlType) -> Outcome<Value> {
    let money = types::family(from) == Family::Money;
    match types::family(to) {
        Family::Int if !money => {
            let target = types::natural(to).ok_or_else(|| value.refused(to))?;
            let sql = format!("trunc({})::{target}", value.sql);
            Ok(Value::atom(sql, to.clone()))
        }
        Family::Decimal | Family::Money => natural(value, to),
        Family::Text if !money => {
            let SqlType::Decimal { precision, scale } = *from else {
                return Err(value.refused(to));
            };
            let fixed = matches!(to, SqlType::Char { .. } | SqlType::NChar { .. });
            if fixed || !fits(to, u16::from(precision) + 3) {
                return Err(value.refused(to));
            }
            let sql = format!(
                "{}::text",
                value.cast(&format!("numeric({precision},{scale})"))
            );
            Ok(Value::atom(sql, to.clone()))
        }
        _ => Err(value.refused(to)),
    }
}

fn float(value: &Value, to: &SqlType) -> Outcome<Value> {
    match types::family(to) {
        Family::Float => natural(value, to),
        Family::Int => {
            let target = types::natural(to).ok_or_else(|| value.refused(to))?;
            let sql = format!("trunc({})::{target}", value.sql);
            Ok(Value::atom(sql, to.clone()))
        }
        _ => Err(value.refused(to)),
    }
}

/// Fractional digits that the type shows, 7 of which PostgreSQL keeps 6.
pub(super) fn fraction(ty: &SqlType) -> u8 {
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
        _ => Err(value.refused(to)),
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
        return Err(value.refused(to));
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
