//! Dates and times from their parts, and their offsets from UTC.

use crate::engine::datatype;
use crate::engine::error::{Result, argument_count, error, unsupported};
use crate::engine::eval::expr::Bound;
use crate::engine::eval::types::convert_to;
use crate::engine::function::argument::{as_int, expect, integer_of, plain, strict, units_of};
use crate::engine::value::calendar::{DAYS_1900, SECOND, days};
use crate::engine::value::convert::convert;
use crate::engine::value::temporal;
use crate::engine::value::zone::Zone;
use crate::types::{SqlType, Value};

/// How many parts of a date and of a time each function takes; those with a precision take it last.
pub(super) fn bind(name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    let (count, ty): (usize, fn(u8) -> SqlType) = match name {
        "DATETIMEFROMPARTS" => (7, |_| SqlType::DateTime),
        "SMALLDATETIMEFROMPARTS" => (5, |_| SqlType::SmallDateTime),
        "DATETIME2FROMPARTS" => (8, |scale| SqlType::DateTime2 { scale }),
        "DATETIMEOFFSETFROMPARTS" => (10, |scale| SqlType::DateTimeOffset { scale }),
        "TIMEFROMPARTS" => (5, |scale| SqlType::Time { scale }),
        "SWITCHOFFSET" => return switch(args, true).map(Some),
        "TODATETIMEOFFSET" => return switch(args, false).map(Some),
        _ => return Ok(None),
    };
    if args.len() != count {
        return Err(argument_count(name, count));
    }
    let precise = matches!(
        name,
        "DATETIME2FROMPARTS" | "DATETIMEOFFSETFROMPARTS" | "TIMEFROMPARTS"
    );
    let scale = match args.last().and_then(Bound::as_constant) {
        Some(Value::Int(scale @ 0..=7)) if precise => *scale as u8,
        _ if precise => {
            return Err(error(
                10760,
                16,
                "Scale argument is not valid. Valid expressions for data type datetime2 scale argument are integer constants and integer constant expressions.",
            ));
        }
        _ => 3,
    };
    let ty = ty(scale);
    let target = ty.clone();
    let call = strict(args.iter().map(as_int).collect(), plain(ty), move |v| {
        let numbers: Vec<i64> = v.iter().map(integer_of).collect();
        built(&numbers, &target, scale).ok_or_else(|| {
            error(
                289,
                16,
                format!(
                    "Cannot construct data type {}, some of the arguments have values which are not valid.",
                    datatype::name(&target)
                ),
            )
        })
    });
    Ok(Some(call))
}

fn built(numbers: &[i64], target: &SqlType, scale: u8) -> Option<Value> {
    let part = |n: i64| u32::try_from(n).ok();
    let timed = matches!(target, SqlType::Time { .. });
    let (date, clock) = if timed {
        (DAYS_1900, numbers)
    } else {
        let (date, clock) = numbers.split_at(3);
        let year = i32::try_from(date[0]).ok()?;
        (days(year, part(date[1])?, part(date[2])?)?, clock)
    };
    let at = |n: usize, below: i64| {
        let value = clock.get(n).copied().unwrap_or(0);
        (0..below).contains(&value).then_some(value as u64)
    };
    let seconds = (at(0, 24)? * 60 + at(1, 60)?) * 60 + at(2, 60)?;
    // Fractions count in the last digit of the precision, milliseconds in thousandths.
    let most = 10i64.pow(u32::from(scale));
    let fraction = at(3, most)? * 10u64.pow(u32::from(7 - scale));
    let ticks = seconds * SECOND + fraction;
    let offset = match target {
        SqlType::DateTimeOffset { .. } => {
            let (hours, minutes) = (clock[4], clock[5]);
            if hours.abs() > 14 || minutes.abs() > 59 || hours * minutes < 0 {
                return None;
            }
            i16::try_from(hours * 60 + minutes)
                .ok()
                .filter(|o| o.abs() <= 840)?
        }
        _ => 0,
    };
    let (utc, utc_ticks) = temporal::shift(date, ticks, -i64::from(offset));
    let moment = Value::DateTimeOffset {
        days: utc,
        ticks: utc_ticks,
        offset,
    };
    let wide = SqlType::DateTimeOffset { scale: 7 };
    convert(&moment, &wide, target, Default::default()).ok()
}

/// SWITCHOFFSET keeps the moment, TODATETIMEOFFSET the time that the clock shows.
fn switch(args: &[Bound], moment: bool) -> Result<Bound> {
    let name = if moment {
        "SWITCHOFFSET"
    } else {
        "TODATETIMEOFFSET"
    };
    expect(name, args, 2)?;
    let scale = match &args[0].t.ty {
        SqlType::DateTimeOffset { scale } | SqlType::DateTime2 { scale } => *scale,
        SqlType::DateTime => 3,
        SqlType::SmallDateTime | SqlType::Date => 0,
        _ => 7,
    };
    let ty = SqlType::DateTimeOffset { scale };
    let value = convert_to(args[0].clone(), &ty);
    Ok(strict(vec![value, args[1].clone()], plain(ty), move |v| {
        let minutes = offset_of(&v[1]).ok_or_else(|| {
            error(
                9812,
                16,
                "The timezone provided to builtin function is invalid.",
            )
        })?;
        let Value::DateTimeOffset { days, ticks, .. } = v[0] else {
            return Ok(Value::Null);
        };
        let (days, ticks) = if moment {
            (days, ticks)
        } else {
            let (days, ticks, _) = temporal::local(&v[0]).unwrap_or((days, ticks, 0));
            temporal::shift(days, ticks, -minutes)
        };
        Ok(Value::DateTimeOffset {
            days,
            ticks,
            offset: minutes as i16,
        })
    }))
}

/// `+hh:mm`, or minutes.
fn offset_of(value: &Value) -> Option<i64> {
    let minutes = match value {
        Value::Int(minutes) => *minutes,
        Value::Text(_) => {
            let shown = units_of(value);
            let (hours, minutes) = shown.get(1..)?.split_once(':')?;
            let total = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            match shown.chars().next()? {
                '+' => total,
                '-' => -total,
                _ => return None,
            }
        }
        _ => return None,
    };
    (minutes.abs() <= 840).then_some(minutes)
}

/// `value AT TIME ZONE name`.
///
/// # Errors
/// 9820 for an unknown zone; years before the known rules are refused when they come.
pub(crate) fn at_time_zone(value: &Bound, zone: &Bound) -> Result<Bound> {
    let scale = match &value.t.ty {
        SqlType::DateTimeOffset { scale } | SqlType::DateTime2 { scale } => *scale,
        SqlType::DateTime => 3,
        SqlType::SmallDateTime => 0,
        other => {
            let message = format!(
                "Argument data type {} is invalid for argument 1 of AT TIME ZONE function.",
                datatype::name(other)
            );
            return Err(error(8116, 16, message));
        }
    };
    let ty = SqlType::DateTimeOffset { scale };
    let from = value.t.ty.clone();
    let target = ty.clone();
    Ok(strict(
        vec![value.clone(), zone.clone()],
        plain(ty),
        move |v| {
            let name = units_of(&v[1]);
            let zone = Zone::find(&name).ok_or_else(|| {
                error(
                    9820,
                    16,
                    format!("The time zone parameter '{name}' provided to AT TIME ZONE clause is invalid or not supported by this server."),
                )
            })?;
            let early = || unsupported(format!("'{name}' at so early a time"));
            if let Value::DateTimeOffset { days, ticks, .. } = v[0] {
                let offset = zone.of_utc((days, ticks)).ok_or_else(early)? as i16;
                return Ok(Value::DateTimeOffset {
                    days,
                    ticks,
                    offset,
                });
            }
            let plain = convert(&v[0], &from, &target, Default::default())?;
            let (days, ticks, _) = temporal::local(&plain).unwrap_or_default();
            let (offset, in_gap) = zone.of_local((days, ticks)).ok_or_else(early)?;
            // What the clock never showed is an hour later.
            let (days, ticks) = temporal::shift(days, ticks, if in_gap { 60 } else { 0 });
            let (days, ticks) = temporal::shift(days, ticks, -offset);
            Ok(Value::DateTimeOffset {
                days,
                ticks,
                offset: offset as i16,
            })
        },
    ))
}
