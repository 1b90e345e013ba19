//! Conversions to dates and times.

use crate::engine::datatype;
use crate::engine::error::{Result, error};
use crate::engine::value::calendar::{DAY, DAYS_1753, DAYS_1900, LAST_DAY, SECOND};
use crate::engine::value::convert::how::{How, disallowed, trimmed};
use crate::engine::value::convert::number::to_float;
use crate::engine::value::temporal::{self, DateOrder, Parsed};
use crate::types::{SqlType, Value};

pub(super) fn to_temporal(value: &Value, from: &SqlType, to: &SqlType, how: How) -> Result<Value> {
    let parsed = match value {
        Value::Text(_) => {
            let order = match how.style {
                Some(103..=105) => DateOrder::Dmy,
                Some(102 | 111) => DateOrder::Ymd,
                Some(101 | 110) => DateOrder::Mdy,
                _ => how.order,
            };
            temporal::parse(&trimmed(value), order).ok_or_else(|| {
                error(
                    241,
                    16,
                    "Conversion failed when converting date and/or time from character string.",
                )
            })?
        }
        Value::Int(i) if old_temporal(to) => {
            let days = i32::try_from(*i).map_err(|_| out_of_range(from, to))?;
            Parsed {
                days: DAYS_1900
                    .checked_add(days)
                    .ok_or_else(|| out_of_range(from, to))?,
                ticks: 0,
                offset: None,
            }
        }
        Value::Float(_) | Value::Decimal { .. } | Value::Real(_) | Value::Money(_)
            if old_temporal(to) =>
        {
            let f = to_float(value, from, to)?;
            if f.abs() > 3_000_000.0 {
                return Err(out_of_range(from, to));
            }
            let days = f.floor();
            let ticks = ((f - days) * DAY as f64).round() as u64;
            Parsed {
                days: DAYS_1900 + days as i32,
                ticks,
                offset: None,
            }
        }
        _ => {
            let (days, ticks, offset) =
                temporal::local(value).ok_or_else(|| disallowed(from, to))?;
            let zoned = matches!(value, Value::DateTimeOffset { .. });
            Parsed {
                days,
                ticks,
                offset: zoned.then_some(offset),
            }
        }
    };
    build_temporal(parsed, from, to)
}

fn old_temporal(ty: &SqlType) -> bool {
    matches!(ty, SqlType::DateTime | SqlType::SmallDateTime)
}

fn out_of_range(from: &SqlType, to: &SqlType) -> crate::types::SqlError {
    let (from, to) = (datatype::name(from), datatype::name(to));
    error(
        242,
        16,
        format!(
            "The conversion of a {from} data type to a {to} data type resulted in an out-of-range value."
        ),
    )
}

fn build_temporal(p: Parsed, from: &SqlType, to: &SqlType) -> Result<Value> {
    let carry = |days: i32, ticks: u64| {
        if ticks >= DAY {
            (days + 1, ticks - DAY)
        } else {
            (days, ticks)
        }
    };
    let check = |days: i32| {
        if (0..=LAST_DAY).contains(&days) {
            Ok(days)
        } else {
            Err(out_of_range(from, to))
        }
    };
    Ok(match to {
        SqlType::Date => Value::Date(check(p.days)?),
        SqlType::Time { scale } => Value::Time(temporal::round_ticks(p.ticks, *scale) % DAY),
        SqlType::DateTime2 { scale } => {
            let (days, ticks) = carry(p.days, temporal::round_ticks(p.ticks, *scale));
            Value::DateTime2 {
                days: check(days)?,
                ticks,
            }
        }
        SqlType::DateTimeOffset { scale } => {
            let (days, ticks) = carry(p.days, temporal::round_ticks(p.ticks, *scale));
            let offset = p.offset.unwrap_or(0);
            let (days, ticks) = temporal::shift(days, ticks, -i64::from(offset));
            Value::DateTimeOffset {
                days: check(days)?,
                ticks,
                offset,
            }
        }
        SqlType::DateTime => {
            let ticks = temporal::to_300ths(p.ticks);
            let (days, ticks) = if ticks >= 300 * 86_400 {
                (p.days + 1, 0)
            } else {
                (p.days, ticks)
            };
            if !(DAYS_1753..=LAST_DAY).contains(&days) {
                return Err(out_of_range(from, to));
            }
            Value::DateTime {
                days: days - DAYS_1900,
                ticks,
            }
        }
        _ => {
            // Seconds up to 29.998 round down, from 29.999 up, to the minute.
            let minutes = (temporal::round_ticks(p.ticks, 3) / SECOND + 30) / 60;
            let (days, minutes) = if minutes >= 1440 {
                (p.days + 1, 0)
            } else {
                (p.days, minutes)
            };
            let days = u16::try_from(days - DAYS_1900).map_err(|_| out_of_range(from, to))?;
            Value::SmallDateTime {
                days,
                minutes: minutes as u16,
            }
        }
    })
}
