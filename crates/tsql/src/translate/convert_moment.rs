//! Conversions between dates, times and the days that `datetime` counts.
//!
//! `datetime` counts 300ths of a second and shows milliseconds, PostgreSQL keeps microseconds. Each
//! pair rounds as SQL Server does: to ticks, minutes or digits.

use super::datetime::EPOCH;
use super::types::{self, Family};
use super::value::{Clock, Value};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// Fractional digits that the type shows, 7 of which PostgreSQL keeps 6.
pub(super) fn fraction(ty: &SqlType) -> u8 {
    match *ty {
        SqlType::Time { scale } | SqlType::DateTime2 { scale } => scale,
        SqlType::DateTime => 3,
        _ => 0,
    }
}

/// A `datetime` has a third of a second in full when it becomes a `datetime2` with more than three
/// digits, depending on the compatibility level; up to three both ways round the same.
pub(super) fn temporal(value: &Value, from: &SqlType, to: &SqlType) -> Outcome<Value> {
    let operand = value.operand();
    let widens = fraction(to) >= fraction(from);
    let thirds = *from == SqlType::DateTime && fraction(to) > 3;
    let sql = match (from, to) {
        (SqlType::Date, SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. }) => {
            value.cast("timestamp")
        }
        (SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. }, SqlType::Date) => {
            value.cast("date")
        }
        (SqlType::SmallDateTime, SqlType::DateTime | SqlType::DateTime2 { .. }) => {
            return Ok(value.clone().retyped(to.clone()));
        }
        _ if thirds => return Err(value.refused(to)),
        (SqlType::DateTime | SqlType::DateTime2 { .. }, SqlType::DateTime2 { .. })
        | (SqlType::Time { .. }, SqlType::Time { .. })
            if widens =>
        {
            return Ok(value.clone().retyped(to.clone()));
        }
        (SqlType::DateTime | SqlType::DateTime2 { .. }, SqlType::DateTime2 { scale }) => {
            value.cast(&format!("timestamp({scale})"))
        }
        (SqlType::Time { .. }, SqlType::Time { scale }) => value.cast(&format!("time({scale})")),
        (
            SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. },
            SqlType::Time { scale },
        ) => {
            // Rounded to the next day, a time begins again.
            if widens {
                value.cast("time")
            } else {
                value.cast(&format!("time({scale})"))
            }
        }
        (SqlType::DateTime2 { scale: 0 }, SqlType::DateTime) => {
            return Ok(value.clone().retyped(to.clone()));
        }
        (SqlType::DateTime2 { .. }, SqlType::DateTime) => ticks(&operand),
        (SqlType::DateTime, SqlType::SmallDateTime) => {
            format!("date_trunc('minute', {operand} + interval '30 seconds')")
        }
        // The day of a time by itself is the first of 1900.
        (SqlType::Time { scale: 0 }, SqlType::DateTime)
        | (SqlType::Time { .. }, SqlType::DateTime2 { .. })
            if widens =>
        {
            format!("({EPOCH} + {operand})")
        }
        _ => return Err(value.refused(to)),
    };
    Ok(Value::atom(sql, to.clone()))
}

/// Rounded to 1/300 of a second, which `datetime` shows in three digits.
pub(super) fn ticks(operand: &str) -> String {
    format!(
        "(date_trunc('second', {operand}) + make_interval(secs => round(extract(microseconds from \
         {operand})::numeric % 1000000 * 0.0003) / 300.0))::timestamp(3)"
    )
}

/// A `datetime` in a type of more digits: `.003` is a third of a hundredth.
pub(super) fn with_thirds(value: &Value, to: &SqlType) -> Value {
    let operand = value.operand();
    let full = format!(
        "(date_trunc('second', {operand}) + make_interval(secs => round(extract(microseconds from \
         {operand})::numeric % 1000000 * 0.0003) / 300.0))"
    );
    let sql = match *to {
        SqlType::Time { scale } => format!("{full}::time({})", scale.min(6)),
        _ => format!("{full}::timestamp({})", fraction(to).min(6)),
    };
    Value::atom(sql, to.clone())
}

/// A number as days since 1900.
pub(super) fn from_days(value: &Value, to: &SqlType) -> Outcome<Value> {
    match (value.family(), to) {
        (Family::Int, SqlType::DateTime | SqlType::SmallDateTime) => {
            let days = match value.ty {
                Some(SqlType::BigInt) => value.cast("integer"),
                _ => value.plain(),
            };
            let sql = format!("({EPOCH} + make_interval(days => {days}))");
            Ok(Value::atom(sql, to.clone()))
        }
        (Family::Float, SqlType::DateTime) => {
            let sql = format!(
                "({EPOCH} + make_interval(secs => round(({} * 25920000)::numeric) / \
                 300.0))::timestamp(3)",
                value.operand()
            );
            Ok(Value::atom(sql, to.clone()))
        }
        _ => Err(value.refused(to)),
    }
}

/// Days since 1900. As an integer they are rounded: after noon it is the next day.
pub(super) fn to_days(value: &Value, to: &SqlType) -> Outcome<Value> {
    let operand = value.operand();
    match (&value.ty, to) {
        (Some(SqlType::DateTime | SqlType::SmallDateTime), SqlType::Int | SqlType::BigInt) => {
            let sql = format!("(({operand} + interval '12 hours')::date - date '1900-01-01')");
            let days = Value::atom(sql, SqlType::Int);
            Ok(if *to == SqlType::BigInt {
                Value::atom(days.cast("bigint"), to.clone())
            } else {
                days
            })
        }
        (Some(SqlType::DateTime | SqlType::SmallDateTime), SqlType::Float) => {
            // Whole ticks, of which there are 300 in a second.
            let sql = format!(
                "(round(extract(epoch from {operand} - {EPOCH})::numeric * 300)::double precision \
                 / 25920000)"
            );
            Ok(Value::atom(sql, to.clone()))
        }
        _ => Err(value.refused(to)),
    }
}

/// A reading of a clock in another type's digits.
/// `None` for a type that the clock is not read as.
pub(super) fn clock_as(clock: Clock, to: &SqlType) -> Option<Value> {
    let digits = fraction(to).min(6);
    // The beginning of the statement, as at the source: every row of it gets one time.
    let now = "statement_timestamp()";
    let sql = match (clock, to) {
        (Clock::Offset, SqlType::DateTimeOffset { scale }) => {
            format!("{now}::timestamptz({})", (*scale).min(6))
        }
        (Clock::Offset, SqlType::Date) => format!("{now}::date"),
        (Clock::Local, SqlType::Date) => format!("{now}::date"),
        (Clock::Local, SqlType::Time { .. }) => format!("{now}::timestamp::time({digits})"),
        (
            Clock::Local | Clock::Offset,
            SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. },
        ) => {
            format!("{now}::timestamp({digits})")
        }
        (Clock::Utc, SqlType::Date) => format!("({now} AT TIME ZONE 'UTC')::date"),
        (Clock::Utc, SqlType::Time { .. }) => {
            format!("({now} AT TIME ZONE 'UTC')::time({digits})")
        }
        (Clock::Utc, SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. }) => {
            format!("({now} AT TIME ZONE 'UTC')::timestamp({digits})")
        }
        _ => return None,
    };
    let mut value = Value::atom(sql, to.clone());
    value.clock = (types::family(to) != Family::Time).then_some(clock);
    Some(value)
}

/// A reading of a clock.
pub(super) fn clock(clock: Clock, ty: SqlType) -> Outcome<Value> {
    clock_as(clock, &ty).ok_or_else(|| Untranslated::new("a clock of that type"))
}
