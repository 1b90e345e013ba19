//! Parts of dates: reading, adding and counting them.

use crate::engine::error::{Result, error};
use crate::engine::value::calendar::{DAY, DAYS_1900, LAST_DAY, SECOND, civil, days, month_length};
use crate::engine::value::temporal;
use crate::types::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Quarter,
    Month,
    DayOfYear,
    Day,
    Week,
    Weekday,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Offset,
    IsoWeek,
}

pub(crate) fn part_of(name: &str) -> Result<Part> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "year" | "yy" | "yyyy" => Part::Year,
        "quarter" | "qq" | "q" => Part::Quarter,
        "month" | "mm" | "m" => Part::Month,
        "dayofyear" | "dy" | "y" => Part::DayOfYear,
        "day" | "dd" | "d" => Part::Day,
        "week" | "wk" | "ww" => Part::Week,
        "weekday" | "dw" | "w" => Part::Weekday,
        "hour" | "hh" => Part::Hour,
        "minute" | "mi" | "n" => Part::Minute,
        "second" | "ss" | "s" => Part::Second,
        "millisecond" | "ms" => Part::Millisecond,
        "microsecond" | "mcs" => Part::Microsecond,
        "nanosecond" | "ns" => Part::Nanosecond,
        "tzoffset" | "tz" => Part::Offset,
        "iso_week" | "isowk" | "isoww" => Part::IsoWeek,
        other => {
            return Err(error(
                155,
                15,
                format!("'{other}' is not a recognized datepart option."),
            ));
        }
    })
}

pub(crate) fn read(part: Part, v: &Value) -> i64 {
    let Some((d, ticks, offset)) = temporal::local(v) else {
        return 0;
    };
    let (year, month, day) = civil(d);
    let first = days(year, 1, 1).unwrap_or(0);
    let seconds = ticks / SECOND;
    // 0001-01-01 is a Monday; weeks start on Sunday (DATEFIRST 7).
    let weekday = |d: i32| i64::from((d + 1).rem_euclid(7));
    let fraction = (ticks % SECOND) as i64;
    match part {
        Part::Year => i64::from(year),
        Part::Quarter => i64::from((month - 1) / 3 + 1),
        Part::Month => i64::from(month),
        Part::DayOfYear => i64::from(d - first + 1),
        Part::Day => i64::from(day),
        Part::Week => (i64::from(d - first) + weekday(first)) / 7 + 1,
        Part::Weekday => weekday(d) + 1,
        Part::Hour => (seconds / 3600) as i64,
        Part::Minute => (seconds / 60 % 60) as i64,
        Part::Second => (seconds % 60) as i64,
        Part::Millisecond => fraction / 10_000,
        Part::Microsecond => fraction / 10,
        Part::Nanosecond => fraction * 100,
        Part::Offset => i64::from(offset),
        // The week, from Monday, of the Thursday in it (ISO 8601).
        Part::IsoWeek => {
            let thursday = d - d.rem_euclid(7) + 3;
            let first = days(civil(thursday).0, 1, 1).unwrap_or(0);
            i64::from((thursday - first) / 7 + 1)
        }
    }
}

pub(crate) fn add(part: Part, d: i32, ticks: u64, n: i64, wraps: bool) -> Option<(i32, u64)> {
    let months = |n: i64| -> Option<(i32, u64)> {
        let (year, month, day) = civil(d);
        let total = (i64::from(year) * 12 + i64::from(month) - 1).checked_add(n)?;
        let (year, month) = (
            i32::try_from(total.div_euclid(12)).ok()?,
            total.rem_euclid(12) as u32 + 1,
        );
        if !(1..=9999).contains(&year) {
            return None;
        }
        Some((
            days(year, month, day.min(month_length(year, month)))?,
            ticks,
        ))
    };
    let unit: i128 = match part {
        Part::Year => return months(n.checked_mul(12)?),
        Part::Quarter => return months(n.checked_mul(3)?),
        Part::Month => return months(n),
        Part::Day | Part::DayOfYear | Part::Weekday => i128::from(DAY),
        Part::Week => 7 * i128::from(DAY),
        Part::Hour => 3600 * i128::from(SECOND),
        Part::Minute => 60 * i128::from(SECOND),
        Part::Second => i128::from(SECOND),
        Part::Millisecond => 10_000,
        Part::Microsecond => 10,
        Part::Nanosecond => {
            let total = i128::from(d) * i128::from(DAY) + i128::from(ticks) + i128::from(n) / 100;
            return place(total, wraps);
        }
        Part::Offset | Part::IsoWeek => return None,
    };
    place(
        i128::from(d) * i128::from(DAY) + i128::from(ticks) + i128::from(n) * unit,
        wraps,
    )
}

pub(crate) fn place(total: i128, wraps: bool) -> Option<(i32, u64)> {
    let d = total.div_euclid(i128::from(DAY));
    let ticks = total.rem_euclid(i128::from(DAY)) as u64;
    if wraps {
        return Some((DAYS_1900, ticks));
    }
    (0..=i128::from(LAST_DAY))
        .contains(&d)
        .then_some((d as i32, ticks))
}

/// Boundaries of the part that lie between two moments.
pub(crate) fn difference(part: Part, from: &Value, to: &Value) -> i64 {
    let (Some((d1, t1, o1)), Some((d2, t2, o2))) = (temporal::local(from), temporal::local(to))
    else {
        return 0;
    };
    let (d1, t1) = temporal::shift(d1, t1, -i64::from(o1));
    let (d2, t2) = temporal::shift(d2, t2, -i64::from(o2));
    let ((y1, m1, _), (y2, m2, _)) = (civil(d1), civil(d2));
    let units = |unit: i128| {
        let at =
            |d: i32, t: u64| (i128::from(d) * i128::from(DAY) + i128::from(t)).div_euclid(unit);
        (at(d2, t2) - at(d1, t1)) as i64
    };
    let second = i128::from(SECOND);
    match part {
        Part::Year => i64::from(y2 - y1),
        Part::Quarter => i64::from(y2 * 4 + (m2 as i32 - 1) / 3 - y1 * 4 - (m1 as i32 - 1) / 3),
        Part::Month => i64::from(y2 * 12 + m2 as i32 - y1 * 12 - m1 as i32),
        Part::Week => i64::from((d2 + 1).div_euclid(7) - (d1 + 1).div_euclid(7)),
        Part::Day | Part::DayOfYear | Part::Weekday => i64::from(d2 - d1),
        Part::Hour => units(3600 * second),
        Part::Minute => units(60 * second),
        Part::Second => units(second),
        Part::Millisecond => units(10_000),
        Part::Microsecond => units(10),
        Part::Nanosecond => units(1).saturating_mul(100),
        Part::Offset | Part::IsoWeek => 0,
    }
}
