//! Dates and times of their parts, and of other zones.
//!
//! PostgreSQL makes dates of the same parts and refuses the same impossible ones. An offset must be
//! a literal, because the translated value keeps its local time beside the instant.

use super::Call;
use crate::schema::SqlType;
use crate::translate::Outcome;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::convert_moment::ticks;
use crate::translate::types::Family;
use crate::translate::value::Value;

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "DATEFROMPARTS",
    "DATETIMEFROMPARTS",
    "DATETIME2FROMPARTS",
    "SMALLDATETIMEFROMPARTS",
    "TIMEFROMPARTS",
    "SWITCHOFFSET",
    "TODATETIMEOFFSET",
];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    if matches!(call.name, "SWITCHOFFSET" | "TODATETIMEOFFSET") {
        return Some(offset(context, call));
    }
    if !call.name.ends_with("FROMPARTS") || call.name.starts_with("DATETIMEOFFSET") {
        return None;
    }
    Some(of_parts(context, call))
}

/// NULL if a part is; parts that are none fail on both sides.
fn of_parts(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let mut numbers = Vec::new();
    let mut last = None;
    for value in call.all(context)? {
        last = value.as_int().and_then(|it| u8::try_from(it).ok());
        let value = convert::converted(context, value, &SqlType::Int)?;
        numbers.push(value.plain());
    }
    let parts: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let scale = || {
        last.filter(|scale| *scale <= 7)
            .ok_or_else(|| call.refused("a precision that varies"))
    };
    let fraction = |second: &str, part: &str, scale: u8| {
        format!("{second} + {part} / 1{}.0", "0".repeat(usize::from(scale)))
    };
    Ok(match (call.name, parts.as_slice()) {
        ("DATEFROMPARTS", [year, month, day]) => {
            Value::atom(format!("make_date({year}, {month}, {day})"), SqlType::Date)
        }
        ("SMALLDATETIMEFROMPARTS", [year, month, day, hour, minute]) => Value::atom(
            format!("make_timestamp({year}, {month}, {day}, {hour}, {minute}, 0)"),
            SqlType::SmallDateTime,
        ),
        ("DATETIMEFROMPARTS", [year, month, day, hour, minute, second, part]) => {
            let second = fraction(second, part, 3);
            let made =
                format!("make_timestamp({year}, {month}, {day}, {hour}, {minute}, {second})");
            Value::atom(ticks(&made), SqlType::DateTime)
        }
        ("DATETIME2FROMPARTS", [year, month, day, hour, minute, second, part, _]) => {
            let scale = scale()?;
            let second = fraction(second, part, scale);
            let made =
                format!("make_timestamp({year}, {month}, {day}, {hour}, {minute}, {second})");
            Value::atom(made, SqlType::DateTime2 { scale })
        }
        ("TIMEFROMPARTS", [hour, minute, second, part, _]) => {
            let scale = scale()?;
            let second = fraction(second, part, scale);
            let made = format!("make_time({hour}, {minute}, {second})");
            Value::atom(made, SqlType::Time { scale })
        }
        _ => return Err(call.refused("these arguments")),
    })
}

/// A `datetimeoffset` whose offset is a literal, as `'-05:00'`.
fn offset(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, offset] = call.values(context)?;
    let well_formed = |text: &&str| {
        let bytes = text.as_bytes();
        bytes.len() == 6
            && matches!(bytes[0], b'+' | b'-')
            && bytes[3] == b':'
            && text.bytes().filter(u8::is_ascii_digit).count() == 4
    };
    let offset = offset
        .as_text()
        .filter(well_formed)
        .ok_or_else(|| call.refused("an offset that varies"))?;
    let zone = format!("interval '{offset}'");
    let (moment, local) = match (call.name, value.family()) {
        ("SWITCHOFFSET", Family::Offset) => {
            let moment = value.operand();
            let local = format!("{moment} AT TIME ZONE {zone}");
            (moment, local)
        }
        ("TODATETIMEOFFSET", Family::Moment) => (
            format!("({} AT TIME ZONE {zone})", value.operand()),
            value.sql.clone(),
        ),
        _ => return Err(call.unlike(&value)),
    };
    let scale = match value.ty {
        Some(SqlType::DateTimeOffset { scale } | SqlType::DateTime2 { scale }) => scale,
        Some(SqlType::DateTime) => 3,
        _ => 0,
    };
    let mut made = Value::atom(moment, SqlType::DateTimeOffset { scale });
    made.local = Some(local);
    Ok(made)
}
