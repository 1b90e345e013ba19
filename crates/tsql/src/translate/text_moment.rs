//! Texts as dates, by the order of a style or, with a note, that of us_english.
//!
//! For views and functions only: what a text means as a date depends on the source's session. The
//! work is done by the helper `TryMoment` (`helper/try_moment.sql`).

use super::context::Context;
use super::helper::Helper;
use super::types;
use super::value::Value;
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// A text as a date, NULL if it is none. Without a style it is read as under us_english.
///
/// # Errors
/// The value is part of a table, the style has no certain order, or the type is none that the
/// helper makes.
pub(super) fn tried(
    context: &mut Context<'_>,
    value: &Value,
    to: &SqlType,
    style: i128,
) -> Outcome<Value> {
    context.only_read("a text that is read as a date by the language of the session")?;
    let order = match style {
        0 | 100 | 101 | 106 | 107 | 110 => "mdy",
        103..=105 => "dmy",
        20 | 21 | 23 | 25 | 111 | 112 | 120 | 121 | 126 => "ymd",
        _ => {
            return Err(Untranslated::new(format!(
                "CONVERT of {} to {to} with style {style}",
                value.shown()
            )));
        }
    };
    if style == 0 {
        context.note("texts are read as dates in the order month, day, year, as under us_english");
    }
    let earlier = *to == SqlType::DateTime;
    let cast = match to {
        SqlType::Date => "::date".to_owned(),
        SqlType::DateTime => String::new(),
        SqlType::DateTime2 { scale } => format!("::timestamp({})", (*scale).min(6)),
        _ => return Err(value.refused(to)),
    };
    let helper = context.help(Helper::TryMoment)?;
    let sql = format!("{helper}({}, '{order}', {earlier}){cast}", value.sql);
    Ok(Value::atom(sql, to.clone()))
}

/// A text as a date; the query fails if it is none.
pub(super) fn strict(
    context: &mut Context<'_>,
    value: &Value,
    to: &SqlType,
    style: i128,
) -> Outcome<Value> {
    let read = tried(context, value, to, style)?;
    let natural = types::natural(to).ok_or_else(|| value.refused(to))?;
    // A text in place of a date fails, and is in the message.
    let sql = format!(
        "coalesce({}, CASE WHEN {1} IS NOT NULL THEN ('no date: ' || {1})::{natural} END)",
        read.sql,
        value.operand()
    );
    Ok(Value::atom(sql, to.clone()))
}
