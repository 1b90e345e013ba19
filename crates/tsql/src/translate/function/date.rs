//! Parts of dates: what names them, and DATEPART, DATENAME, DATETRUNC.
//!
//! Settings of the session decide some of them at the source: DATEFIRST the first day of a week,
//! LANGUAGE the names. Views get what us_english has, with a note; what is part of a table is
//! refused.

use sqlparser::ast::Expr;

use super::Call;
use crate::schema::SqlType;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::expression;
use crate::translate::types::Family;
use crate::translate::value::{Clock, Constant, Value};
use crate::translate::{Outcome, Volatility};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &["DATEPART", "DATENAME", "DATETRUNC", "YEAR", "MONTH", "DAY"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    Quarter,
    Month,
    DayOfYear,
    Day,
    Week,
    IsoWeek,
    Weekday,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl Part {
    /// A part of a second.
    fn is_fine(self) -> bool {
        matches!(
            self,
            Self::Millisecond | Self::Microsecond | Self::Nanosecond
        )
    }

    /// A part of the time of day.
    pub(super) fn is_time(self) -> bool {
        matches!(
            self,
            Self::Hour
                | Self::Minute
                | Self::Second
                | Self::Millisecond
                | Self::Microsecond
                | Self::Nanosecond
        )
    }
}

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "DATEPART" => date_part(context, call),
        "DATENAME" => name(context, call),
        "DATETRUNC" => truncated(context, call),
        "YEAR" => part_of_only(context, call, Part::Year),
        "MONTH" => part_of_only(context, call, Part::Month),
        "DAY" => part_of_only(context, call, Part::Day),
        _ => return None,
    })
}

/// The first argument: a word, with or without brackets, never a column.
pub(super) fn part(call: &Call<'_>) -> Outcome<Part> {
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
        "weekday" | "dw" | "w" => Part::Weekday,
        "hour" | "hh" => Part::Hour,
        "minute" | "mi" | "n" => Part::Minute,
        "second" | "ss" | "s" => Part::Second,
        "millisecond" | "ms" => Part::Millisecond,
        "microsecond" | "mcs" => Part::Microsecond,
        "nanosecond" | "ns" => Part::Nanosecond,
        _ => return Err(call.refused(&format!("the part {word}"))),
    })
}

/// A date or time; numbers are days of a `datetime`, a literal is read as `literal`.
pub(super) fn moment(
    context: &mut Context<'_>,
    call: &Call<'_>,
    argument: usize,
    literal: &SqlType,
) -> Outcome<Value> {
    let expr = call
        .arguments
        .get(argument)
        .ok_or_else(|| call.refused("these arguments"))?;
    let value = expression::value(context, expr)?;
    if let Some(local) = value.local.clone() {
        return Ok(Value::operation(local, SqlType::DateTime2 { scale: 7 }));
    }
    if value.clock == Some(Clock::Offset) {
        return convert::implicit(value, &SqlType::DateTime2 { scale: 7 });
    }
    match (value.family(), &value.constant) {
        (Family::Date | Family::Time | Family::Moment | Family::Offset, _) => Ok(value),
        (_, Some(Constant::Text(_))) => convert::converted(context, value, literal),
        (Family::Int, _) => convert::converted(context, value, &SqlType::DateTime),
        // Of its second a text may have more digits than the type that it is read as.
        (Family::Text, _) if !part(call).is_ok_and(Part::is_fine) => {
            convert::converted(context, value.kept()?, literal)
        }
        _ if value.is_null() => convert::converted(context, value, &SqlType::DateTime),
        _ => Err(call.unlike(&value)),
    }
}

/// An argument that is a number, as an `int`.
pub(super) fn number(
    context: &mut Context<'_>,
    call: &Call<'_>,
    argument: usize,
) -> Outcome<Value> {
    let expr = call
        .arguments
        .get(argument)
        .ok_or_else(|| call.refused("these arguments"))?;
    let value = expression::value(context, expr)?;
    match &value.ty {
        Some(SqlType::Int | SqlType::SmallInt | SqlType::TinyInt) => Ok(value),
        _ => convert::converted(context, value, &SqlType::Int),
    }
}

pub(super) fn is_date(value: &Value) -> bool {
    value.ty == Some(SqlType::Date)
}

const LITERAL: SqlType = SqlType::DateTime;

fn date_part(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let part = part(call)?;
    let date = moment(context, call, 1, &LITERAL)?;
    part_of(context, call, part, &date)
}

fn part_of_only(context: &mut Context<'_>, call: &Call<'_>, part: Part) -> Outcome<Value> {
    let date = moment(context, call, 0, &LITERAL)?;
    part_of(context, call, part, &date)
}

/// An `int`, as at the source; PostgreSQL's `extract` gives `numeric`.
fn part_of(context: &mut Context<'_>, call: &Call<'_>, part: Part, date: &Value) -> Outcome<Value> {
    match date.family() {
        Family::Date if part.is_time() => return Err(call.refused("a time of a date")),
        Family::Time if !part.is_time() => return Err(call.refused("a date of a time")),
        Family::Offset => return Err(call.unlike(date)),
        _ => {}
    }
    let extracted = |field: &str| format!("extract({field} from {})", date.sql);
    let sql = match part {
        Part::Year => format!("{}::integer", extracted("year")),
        Part::Quarter => format!("{}::integer", extracted("quarter")),
        Part::Month => format!("{}::integer", extracted("month")),
        Part::DayOfYear => format!("{}::integer", extracted("doy")),
        Part::Day => format!("{}::integer", extracted("day")),
        Part::IsoWeek => format!("{}::integer", extracted("week")),
        Part::Hour => format!("{}::integer", extracted("hour")),
        Part::Minute => format!("{}::integer", extracted("minute")),
        // With its fraction in PostgreSQL.
        Part::Second => format!("floor({})::integer", extracted("second")),
        Part::Millisecond => format!("({}::integer / 1000 % 1000)", extracted("microseconds")),
        Part::Microsecond => format!("({}::integer % 1000000)", extracted("microseconds")),
        Part::Nanosecond => {
            format!("({}::integer % 1000000 * 1000)", extracted("microseconds"))
        }
        Part::Weekday => {
            from_sunday(context, call)?;
            format!("({}::integer + 1)", extracted("dow"))
        }
        // The week of the first of January is the first; the next begins on a Sunday.
        Part::Week => {
            from_sunday(context, call)?;
            format!(
                "(({} + extract(dow from date_trunc('year', {})) - 1)::integer / 7 + 1)",
                extracted("doy"),
                date.cast("timestamp")
            )
        }
    };
    Ok(Value::atom(sql, SqlType::Int))
}

/// # Errors
/// The value is part of a table, whose rows must not depend on a setting.
fn from_sunday(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<()> {
    context.only_read(&format!("{} of a week that begins at DATEFIRST", call.name))?;
    context.note("weeks begin on Sundays, as with DATEFIRST 7, the setting of us_english");
    Ok(())
}

/// The name of a month or weekday in English; other parts are numbers.
fn name(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let part = part(call)?;
    let date = moment(context, call, 1, &LITERAL)?;
    let ty = SqlType::NVarChar { length: Some(30) };
    let pattern = match part {
        Part::Month => "FMMonth",
        Part::Weekday => "FMDay",
        _ => {
            let number = part_of(context, call, part, &date)?;
            return Ok(Value::atom(number.cast("text"), ty));
        }
    };
    if matches!(date.family(), Family::Time | Family::Offset) {
        return Err(call.unlike(&date));
    }
    context.at_least(Volatility::Stable);
    context.note("names of months are English; the source uses the language of the session");
    let sql = format!("to_char({}, '{pattern}')", date.cast("timestamp"));
    Ok(Value::atom(sql, ty))
}

/// The beginning of the part, in the type of the date.
fn truncated(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let part = part(call)?;
    let date = moment(context, call, 1, &SqlType::DateTime2 { scale: 7 })?;
    let unit = match part {
        Part::Year => "year",
        Part::Quarter => "quarter",
        Part::Month => "month",
        Part::Day | Part::DayOfYear => "day",
        Part::IsoWeek => "week",
        Part::Hour => "hour",
        Part::Minute => "minute",
        Part::Second => "second",
        _ => return Err(call.refused("this part")),
    };
    let ty = date.ty.clone().unwrap_or(LITERAL);
    match date.family() {
        Family::Date if !part.is_time() => {
            let sql = format!("date_trunc('{unit}', {})::date", date.cast("timestamp"));
            Ok(Value::atom(sql, ty))
        }
        Family::Moment => Ok(Value::atom(
            format!("date_trunc('{unit}', {})", date.sql),
            ty,
        )),
        _ => Err(call.unlike(&date)),
    }
}
