//! Date and time functions.

use crate::engine::datatype;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::eval::types::convert_to;
use crate::engine::function::argument::{as_int, expect, int, integer_of, plain, strict};
use crate::engine::function::date_part::{Part, add, difference, read};
use crate::engine::model::facts::Facts;
use crate::engine::value::calendar::{DAY_NAMES, MONTH_NAMES, civil, days, month_length};
use crate::engine::value::convert::convert;
use crate::engine::value::{temporal, text};
use crate::types::{SqlType, Value};

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
            | Part::IsoWeek
            | Part::Weekday
    );
    let fits = match ty {
        _ if part == Part::IsoWeek && function == "dateadd" => false,
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
    let mut t = plain(SqlType::NVarChar { length: Some(30) });
    t.collation = Some(crate::engine::collate::default_collation());
    strict(vec![moment], t, move |v| {
        let n = read(part, &v[0]);
        Ok(match part {
            Part::Month => text::value(MONTH_NAMES[(n - 1) as usize]),
            Part::Weekday => text::value(DAY_NAMES[(n - 1) as usize]),
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
