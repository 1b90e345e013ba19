//! Date and time functions.

use crate::engine::datatype;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::eval::types::convert_to;
use crate::engine::function::argument::{as_int, expect, int, integer_of, plain, strict};
use crate::engine::model::facts::Facts;
use crate::engine::value::calendar::{DAY, DAYS_1900, LAST_DAY, SECOND, civil, days, month_length};
use crate::engine::value::convert::convert;
use crate::engine::value::{temporal, text};
use crate::types::{SqlType, Value};

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
        other => {
            return Err(error(
                155,
                15,
                format!("'{other}' is not a recognized datepart option."),
            ));
        }
    })
}

/// The present moment in a type; the server's clock is UTC.
pub(super) fn now(facts: &Facts, ty: &SqlType) -> Bound {
    let (days, ticks) = facts.now;
    let offset = SqlType::DateTimeOffset { scale: 7 };
    let value = convert(
        &Value::DateTimeOffset {
            days,
            ticks,
            offset: 0,
        },
        &offset,
        ty,
        Default::default(),
    );
    Bound::constant(
        value.expect("the present fits every temporal type"),
        ty.clone(),
    )
}

pub(super) fn bind(facts: &Facts, name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    let present = match name {
        "GETDATE" | "GETUTCDATE" => Some(SqlType::DateTime),
        "SYSDATETIME" | "SYSUTCDATETIME" => Some(SqlType::DateTime2 { scale: 7 }),
        "SYSDATETIMEOFFSET" => Some(SqlType::DateTimeOffset { scale: 7 }),
        _ => None,
    };
    if let Some(ty) = present {
        expect(name, args, 0)?;
        return Ok(Some(now(facts, &ty)));
    }
    let part = match name {
        "YEAR" => Part::Year,
        "MONTH" => Part::Month,
        "DAY" => Part::Day,
        "ISDATE" => {
            expect(name, args, 1)?;
            let order = facts.date_order;
            return Ok(Some(strict(args.to_vec(), plain(SqlType::Int), move |v| {
                let ok = match &v[0] {
                    Value::Text(t) => temporal::parse(&text::to_string(t), order).is_some(),
                    Value::DateTime { .. } | Value::SmallDateTime { .. } => true,
                    _ => false,
                };
                Ok(Value::Int(i64::from(ok)))
            })));
        }
        "DATEFROMPARTS" => {
            expect(name, args, 3)?;
            return Ok(Some(strict(
                args.iter().map(as_int).collect(),
                plain(SqlType::Date),
                |v| {
                    let n = |i: usize| u32::try_from(integer_of(&v[i])).unwrap_or(0);
                    days(n(0) as i32, n(1), n(2)).map(Value::Date).ok_or_else(|| {
                    error(289, 16, "Cannot construct data type date, some of the arguments have values which are not valid.")
                })
                },
            )));
        }
        _ => return Ok(None),
    };
    expect(name, args, 1)?;
    Ok(Some(date_part(part, as_moment(&args[0]))))
}

/// Text and numbers count as datetime.
fn as_moment(b: &Bound) -> Bound {
    if datatype::is_temporal(&b.t.ty) {
        return b.clone();
    }
    let ty = if datatype::is_text(&b.t.ty) {
        SqlType::DateTimeOffset { scale: 7 }
    } else {
        SqlType::DateTime
    };
    convert_to(b.clone(), &ty)
}

fn date_part(part: Part, moment: Bound) -> Bound {
    strict(vec![moment], plain(SqlType::Int), move |v| {
        Ok(Value::Int(read(part, &v[0])))
    })
}

fn read(part: Part, v: &Value) -> i64 {
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
    }
}

/// # Errors
/// 9810 for a part that the type does not have.
fn supported(part: Part, function: &str, ty: &SqlType) -> Result<()> {
    let of_date = matches!(
        part,
        Part::Year
            | Part::Quarter
            | Part::Month
            | Part::DayOfYear
            | Part::Day
            | Part::Week
            | Part::Weekday
    );
    let fits = match ty {
        SqlType::Date => of_date,
        SqlType::Time { .. } => !of_date && part != Part::Offset,
        SqlType::DateTimeOffset { .. } | SqlType::DateTime2 { .. } => {
            part != Part::Offset || function != "dateadd"
        }
        SqlType::DateTime | SqlType::SmallDateTime => {
            let fine = matches!(part, Part::Microsecond | Part::Nanosecond | Part::Offset);
            !(fine && function == "dateadd") && part != Part::Offset
        }
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let message = format!(
        "The datepart {} is not supported by date function {function} for data type {}.",
        format!("{part:?}").to_lowercase(),
        datatype::name(ty)
    );
    Err(error(9810, 16, message))
}

fn date_name(part: Part, moment: Bound) -> Bound {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const DAYS: [&str; 7] = [
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ];
    let mut t = plain(SqlType::NVarChar { length: Some(30) });
    t.collation = Some(crate::engine::collate::default_collation());
    strict(vec![moment], t, move |v| {
        let n = read(part, &v[0]);
        Ok(match part {
            Part::Month => text::value(MONTHS[(n - 1) as usize]),
            Part::Weekday => text::value(DAYS[(n - 1) as usize]),
            Part::Offset => text::value(&temporal::offset_text(n as i16)),
            _ => text::value(&n.to_string()),
        })
    })
}

fn date_add(part: Part, count: Bound, moment: &Bound) -> Bound {
    let moment = if datatype::is_text(&moment.t.ty) {
        convert_to(moment.clone(), &SqlType::DateTime)
    } else {
        as_moment(moment)
    };
    let ty = moment.t.ty.clone();
    strict(
        vec![count, moment],
        Ty {
            nullable: true,
            ..plain(ty.clone())
        },
        move |v| {
            let out = || {
                error(
                    517,
                    16,
                    format!(
                        "Adding a value to a '{}' column caused an overflow.",
                        datatype::name(&ty)
                    ),
                )
            };
            let (d, ticks, offset) = temporal::local(&v[1]).ok_or_else(out)?;
            let n = integer_of(&v[0]);
            let (d, ticks) =
                add(part, d, ticks, n, matches!(ty, SqlType::Time { .. })).ok_or_else(out)?;
            // Rebuilt through the widest type, with its offset, so that the target rounds as always.
            let wide = SqlType::DateTimeOffset { scale: 7 };
            let (utc, utc_ticks) = temporal::shift(d, ticks, -i64::from(offset));
            convert(
                &Value::DateTimeOffset {
                    days: utc,
                    ticks: utc_ticks,
                    offset,
                },
                &wide,
                &ty,
                Default::default(),
            )
            .map_err(|_| out())
        },
    )
}

fn add(part: Part, d: i32, ticks: u64, n: i64, wraps: bool) -> Option<(i32, u64)> {
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
        Part::Offset => return None,
    };
    place(
        i128::from(d) * i128::from(DAY) + i128::from(ticks) + i128::from(n) * unit,
        wraps,
    )
}

fn place(total: i128, wraps: bool) -> Option<(i32, u64)> {
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
fn difference(part: Part, from: &Value, to: &Value) -> i64 {
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
        Part::Offset => 0,
    }
}

/// DATEADD, DATEDIFF, DATEPART and DATENAME, whose first argument is a word; `args` are the others.
pub(crate) fn with_part(name: &str, part: Part, args: &[Bound]) -> Result<Bound> {
    match (name, args) {
        ("DATEADD", [count, moment]) => {
            supported(part, "dateadd", &moment.t.ty)?;
            Ok(date_add(part, as_int(count), moment))
        }
        ("DATEDIFF" | "DATEDIFF_BIG", [from, to]) => {
            let big = name == "DATEDIFF_BIG";
            let t = plain(if big { SqlType::BigInt } else { SqlType::Int });
            Ok(strict(vec![as_moment(from), as_moment(to)], t, move |v| {
                let n = difference(part, &v[0], &v[1]);
                if !big && i32::try_from(n).is_err() {
                    return Err(error(
                        535,
                        16,
                        "The datediff function resulted in an overflow. The number of dateparts separating two date/time instances is too large. Try to use datediff with a less precise datepart.",
                    ));
                }
                Ok(Value::Int(n))
            }))
        }
        ("DATEPART", [moment]) => {
            supported(part, "datepart", &moment.t.ty)?;
            Ok(date_part(part, as_moment(moment)))
        }
        ("DATENAME", [moment]) => {
            supported(part, "datename", &moment.t.ty)?;
            Ok(date_name(part, as_moment(moment)))
        }
        _ => Err(unsupported(format!("this form of {name}"))),
    }
}

/// `EOMONTH(date [, months])`: the last day of the month, as date. `args` are one or two.
pub(crate) fn end_of_month(args: &[Bound]) -> Bound {
    let moment = convert_to(args[0].clone(), &SqlType::Date);
    let months = args.get(1).map_or_else(|| int(0), as_int);
    strict(vec![moment, months], plain(SqlType::Date), |v| {
        let out = || {
            error(
                517,
                16,
                "Adding a value to a 'date' column caused an overflow.",
            )
        };
        let (d, ticks, _) = temporal::local(&v[0]).ok_or_else(out)?;
        let (moved, _) = add(Part::Month, d, ticks, integer_of(&v[1]), false).ok_or_else(out)?;
        let (year, month, _) = civil(moved);
        days(year, month, month_length(year, month))
            .map(Value::Date)
            .ok_or_else(out)
    })
}
