//! DATEADD, DATEDIFF and EOMONTH.
//!
//! DATEDIFF counts the boundaries of a part between two moments: from 23:59 to 00:01 is one day.
//! PostgreSQL subtracts, so both moments are cut to the part first.

use super::Call;
use super::date::{Part, is_date, moment, number, part};
use crate::schema::SqlType;
use crate::translate::Outcome;
use crate::translate::context::Context;
use crate::translate::convert_moment::ticks;
use crate::translate::types::Family;
use crate::translate::value::Value;

#[cfg(test)]
pub(super) const NAMES: &[&str] = &["DATEADD", "DATEDIFF", "DATEDIFF_BIG", "EOMONTH"];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "DATEADD" => add(context, call),
        "DATEDIFF" => difference(context, call, SqlType::Int),
        "DATEDIFF_BIG" => difference(context, call, SqlType::BigInt),
        "EOMONTH" => end_of_month(context, call),
        _ => return None,
    })
}

/// DATEADD keeps the type of the date and, as PostgreSQL does, the last day of a shorter month.
fn add(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let part = part(call)?;
    let count = number(context, call, 1)?.plain();
    let date = moment(context, call, 2, &SqlType::DateTime)?;
    let ty = date.ty.clone().unwrap_or(SqlType::DateTime);
    match date.family() {
        Family::Date if part.is_time() => return Err(call.refused("a time on a date")),
        Family::Time if !part.is_time() => return Err(call.refused("a date on a time")),
        // A day of an offset has 24 hours, whatever the zone does.
        Family::Offset if !part.is_time() => return Err(call.unlike(&date)),
        _ => {}
    }
    if is_date(&date)
        && matches!(
            part,
            Part::Day | Part::DayOfYear | Part::Weekday | Part::Week
        )
    {
        let days = if part == Part::Week {
            format!("{count} * 7")
        } else {
            count
        };
        return Ok(Value::operation(format!("{} + {days}", date.operand()), ty));
    }
    let interval = match part {
        Part::Year => format!("years => {count}"),
        Part::Quarter => format!("months => 3 * {count}"),
        Part::Month => format!("months => {count}"),
        Part::Day | Part::DayOfYear | Part::Weekday => format!("days => {count}"),
        Part::Week => format!("weeks => {count}"),
        Part::Hour => format!("hours => {count}"),
        Part::Minute => format!("mins => {count}"),
        Part::Second => format!("secs => {count}"),
        Part::Millisecond => format!("secs => {count} / 1000.0"),
        Part::Microsecond => format!("secs => {count} / 1000000.0"),
        Part::IsoWeek | Part::Nanosecond => return Err(call.refused("this part")),
    };
    let sum = format!("{} + make_interval({interval})", date.operand());
    let fine = matches!(part, Part::Millisecond | Part::Microsecond);
    Ok(match (&ty, part) {
        (SqlType::Date, _) => Value::atom(format!("({sum})::date"), ty),
        (SqlType::DateTime, _) if fine => Value::atom(ticks(&format!("({sum})")), ty),
        (SqlType::SmallDateTime, _) if fine || part == Part::Second => {
            let sql = format!("date_trunc('minute', {sum} + interval '30 seconds')");
            Value::atom(sql, ty)
        }
        (SqlType::DateTime2 { scale: ..=2 } | SqlType::Time { scale: ..=2 }, _) if fine => {
            return Err(call.refused("a part that the type does not have"));
        }
        _ => Value::operation(sum, ty),
    })
}

/// DATEDIFF counts the boundaries between the two, not the time. A literal is a `datetime2`.
fn difference(context: &mut Context<'_>, call: &Call<'_>, ty: SqlType) -> Outcome<Value> {
    let part = part(call)?;
    let literal = SqlType::DateTime2 { scale: 7 };
    let from = plain(moment(context, call, 1, &literal)?);
    let to = plain(moment(context, call, 2, &literal)?);
    let time = |value: &Value| value.family() == Family::Time;
    if (time(&from) || time(&to)) && !(part.is_time() && time(&from) && time(&to)) {
        return Err(call.refused("a time of day"));
    }
    let day = |value: &Value| {
        if is_date(value) {
            value.operand()
        } else {
            value.cast("date")
        }
    };
    let field = |name: &str| {
        format!(
            "(extract({name} from {}) - extract({name} from {}))",
            to.sql, from.sql
        )
    };
    let target = if ty == SqlType::BigInt {
        "bigint"
    } else {
        "integer"
    };
    let sql = match part {
        Part::Year => format!("{}::{target}", field("year")),
        Part::Quarter => {
            format!("({} * 4 + {})::{target}", field("year"), field("quarter"))
        }
        Part::Month => {
            format!("({} * 12 + {})::{target}", field("year"), field("month"))
        }
        Part::Day | Part::DayOfYear | Part::Weekday => {
            widened(format!("({} - {})", day(&to), day(&from)), &ty)
        }
        // Weeks begin on Sundays, whatever DATEFIRST says; that one is before every date.
        Part::Week => {
            let week = |value: &Value| format!("({} - date '0001-12-31 BC') / 7", day(value));
            widened(format!("({} - {})", week(&to), week(&from)), &ty)
        }
        Part::Hour => elapsed(&from, &to, "hour", target),
        Part::Minute => elapsed(&from, &to, "minute", target),
        Part::Second => elapsed(&from, &to, "second", target),
        Part::Millisecond => elapsed(&from, &to, "milliseconds", target),
        Part::Microsecond => elapsed(&from, &to, "microseconds", target),
        Part::IsoWeek | Part::Nanosecond => return Err(call.refused("this part")),
    };
    Ok(Value::atom(sql, ty))
}

/// The wall clock of UTC, in which a `datetimeoffset` is compared.
fn plain(value: Value) -> Value {
    match value.family() {
        Family::Offset => Value::atom(
            format!("({} AT TIME ZONE 'UTC')", value.operand()),
            SqlType::DateTime2 { scale: 7 },
        ),
        _ => value,
    }
}

fn widened(sql: String, ty: &SqlType) -> String {
    match ty {
        SqlType::BigInt => format!("{sql}::bigint"),
        _ => sql,
    }
}

/// The difference of two moments that were cut to the unit.
fn elapsed(from: &Value, to: &Value, unit: &str, target: &str) -> String {
    let time = from.family() == Family::Time && to.family() == Family::Time;
    let base = if time { "interval" } else { "timestamp" };
    let cut = |value: &Value| format!("date_trunc('{unit}', {})", value.cast(base));
    let epoch = format!("extract(epoch from {} - {})", cut(to), cut(from));
    match unit {
        "hour" => format!("({epoch} / 3600)::{target}"),
        "minute" => format!("({epoch} / 60)::{target}"),
        "milliseconds" => format!("({epoch} * 1000)::{target}"),
        "microseconds" => format!("({epoch} * 1000000)::{target}"),
        _ => format!("{epoch}::{target}"),
    }
}

/// The last day of the month, that of a number of months later with a second argument.
fn end_of_month(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let date = moment(context, call, 0, &SqlType::Date)?;
    if matches!(date.family(), Family::Time | Family::Offset) {
        return Err(call.unlike(&date));
    }
    let months = match call.arguments.len() {
        1 => "1".to_owned(),
        2 => format!("{} + 1", number(context, call, 1)?.plain()),
        _ => return Err(call.refused("these arguments")),
    };
    let sql = format!(
        "(date_trunc('month', {}) + make_interval(months => {months}, days => -1))::date",
        date.cast("timestamp")
    );
    Ok(Value::atom(sql, SqlType::Date))
}
