//! Functions of dates: parts, sums and differences.

use sqlparser::ast::Expr;

use super::Call;
use crate::schema::SqlType;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::expression;
use crate::translate::types::Family;
use crate::translate::value::{Constant, Value};
use crate::translate::{Outcome, Untranslated};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "DATEADD", "DATEDIFF", "DATEPART", "YEAR", "MONTH", "DAY", "EOMONTH",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Quarter,
    Month,
    DayOfYear,
    Day,
    Week,
    IsoWeek,
    Hour,
    Minute,
    Second,
}

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "DATEADD" => add(context, call),
        "DATEDIFF" => difference(context, call),
        "DATEPART" => date_part(context, call),
        "YEAR" => part_of_only(context, call, Part::Year),
        "MONTH" => part_of_only(context, call, Part::Month),
        "DAY" => part_of_only(context, call, Part::Day),
        "EOMONTH" => end_of_month(context, call),
        _ => return None,
    })
}

/// The first argument: a word, with or without brackets, never a column.
fn part(call: &Call<'_>) -> Outcome<Part> {
    let word = match call.arguments.first() {
        Some(Expr::Identifier(ident)) => ident.value.to_ascii_lowercase(),
        _ => return Err(call.refused("no part of a date")),
    };
    Ok(match word.as_str() {
        "year" | "yy" | "yyyy" => Part::Year,
        "quarter" | "qq" | "q" => Part::Quarter,
        "month" | "mm" | "m" => Part::Month,
        "dayofyear" | "dy" | "y" => Part::DayOfYear,
        "day" | "dd" | "d" => Part::Day,
        "week" | "ww" | "wk" => Part::Week,
        "iso_week" | "isowk" | "isoww" => Part::IsoWeek,
        "hour" | "hh" => Part::Hour,
        "minute" | "mi" | "n" => Part::Minute,
        "second" | "ss" | "s" => Part::Second,
        // `weekday` counts from DATEFIRST; below seconds, ticks differ.
        _ => return Err(call.refused(&format!("the part {word}"))),
    })
}

/// A date or a time of day on one, without an offset; numbers and texts are `datetime`s.
fn moment(context: &mut Context<'_>, call: &Call<'_>, expr: &Expr) -> Outcome<Value> {
    let value = expression::value(context, expr)?;
    match (value.family(), &value.constant) {
        (Family::Date | Family::Moment, _) => Ok(value),
        (_, Some(Constant::Int(_) | Constant::Text(_))) => {
            convert::implicit(value, &SqlType::DateTime)
        }
        _ => Err(call.unlike(&value)),
    }
}

fn is_date(value: &Value) -> bool {
    value.ty == Some(SqlType::Date)
}

/// DATEADD keeps the type of the date and, as PostgreSQL does, the last day of a shorter month.
fn add(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let part = part(call)?;
    let [_, number, date] = call.arguments else {
        return Err(call.refused("these arguments"));
    };
    let number = expression::value(context, number)?;
    let date = moment(context, call, date)?;
    let ty = date.ty.clone().unwrap_or(SqlType::DateTime);
    if number.family() != Family::Int || number.ty == Some(SqlType::BigInt) {
        return Err(Untranslated::new(format!("DATEADD of {}", number.shown())));
    }
    let timed = matches!(part, Part::Hour | Part::Minute | Part::Second);
    if timed && is_date(&date) {
        return Err(call.refused("a time on a date"));
    }
    if part == Part::Second && ty == SqlType::SmallDateTime {
        return Err(call.refused("seconds on a smalldatetime"));
    }
    let count = number.plain();
    if is_date(&date) && matches!(part, Part::Day | Part::DayOfYear | Part::Week) {
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
        Part::Day | Part::DayOfYear => format!("days => {count}"),
        Part::Week => format!("weeks => {count}"),
        Part::Hour => format!("hours => {count}"),
        Part::Minute => format!("mins => {count}"),
        Part::Second => format!("secs => {count}"),
        Part::IsoWeek => return Err(call.refused("iso_week")),
    };
    let sum = format!("{} + make_interval({interval})", date.operand());
    Ok(if is_date(&date) {
        Value::atom(format!("({sum})::date"), ty)
    } else {
        Value::operation(sum, ty)
    })
}

/// DATEDIFF counts the boundaries between the two, not the time.
fn difference(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let part = part(call)?;
    let [_, from, to] = call.arguments else {
        return Err(call.refused("these arguments"));
    };
    let from = moment(context, call, from)?;
    let to = moment(context, call, to)?;
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
    let sql = match part {
        Part::Year => format!("{}::integer", field("year")),
        Part::Quarter => {
            format!("({} * 4 + {})::integer", field("year"), field("quarter"))
        }
        Part::Month => {
            format!("({} * 12 + {})::integer", field("year"), field("month"))
        }
        Part::Day | Part::DayOfYear => format!("({} - {})", day(&to), day(&from)),
        // Weeks begin on Sundays, whatever DATEFIRST says; that one is before every date.
        Part::Week => {
            let week = |value: &Value| format!("({} - date '0001-12-31 BC') / 7", day(value));
            format!("({} - {})", week(&to), week(&from))
        }
        Part::Hour => elapsed(&from, &to, "hour", 3600),
        Part::Minute => elapsed(&from, &to, "minute", 60),
        Part::Second => elapsed(&from, &to, "second", 1),
        Part::IsoWeek => return Err(call.refused("iso_week")),
    };
    Ok(Value::atom(sql, SqlType::Int))
}

fn elapsed(from: &Value, to: &Value, unit: &str, seconds: u32) -> String {
    let cut = |value: &Value| format!("date_trunc('{unit}', {})", value.cast("timestamp"));
    let epoch = format!("extract(epoch from {} - {})", cut(to), cut(from));
    match seconds {
        1 => format!("{epoch}::integer"),
        _ => format!("({epoch} / {seconds})::integer"),
    }
}

fn date_part(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let part = part(call)?;
    let [_, date] = call.arguments else {
        return Err(call.refused("these arguments"));
    };
    let date = moment(context, call, date)?;
    part_of(call, part, &date)
}

fn part_of_only(context: &mut Context<'_>, call: &Call<'_>, part: Part) -> Outcome<Value> {
    let [date] = call.arguments else {
        return Err(call.refused("these arguments"));
    };
    let date = moment(context, call, date)?;
    part_of(call, part, &date)
}

fn part_of(call: &Call<'_>, part: Part, date: &Value) -> Outcome<Value> {
    let field = match part {
        Part::Year => "year",
        Part::Quarter => "quarter",
        Part::Month => "month",
        Part::DayOfYear => "doy",
        Part::Day => "day",
        Part::IsoWeek => "week",
        Part::Hour if !is_date(date) => "hour",
        Part::Minute if !is_date(date) => "minute",
        Part::Second if !is_date(date) => "second",
        Part::Hour | Part::Minute | Part::Second => {
            return Err(call.refused("a time of a date"));
        }
        Part::Week => return Err(call.refused("week, which begins at DATEFIRST")),
    };
    let extracted = format!("extract({field} from {})", date.sql);
    let sql = match part {
        // With its fraction in PostgreSQL.
        Part::Second => format!("floor({extracted})::integer"),
        _ => format!("{extracted}::integer"),
    };
    Ok(Value::atom(sql, SqlType::Int))
}

/// The last day of the month, that of a number of months later with a second argument.
fn end_of_month(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let (date, later) = match call.arguments {
        [date] => (date, None),
        [date, later] => (date, Some(expression::value(context, later)?)),
        _ => return Err(call.refused("these arguments")),
    };
    let date = moment(context, call, date)?;
    let months = match later {
        None => "1".to_owned(),
        Some(later) if later.family() == Family::Int && later.ty != Some(SqlType::BigInt) => {
            format!("{} + 1", later.plain())
        }
        Some(later) => return Err(call.unlike(&later)),
    };
    let sql = format!(
        "(date_trunc('month', {}) + make_interval(months => {months}, days => -1))::date",
        date.cast("timestamp")
    );
    Ok(Value::atom(sql, SqlType::Date))
}
