//! Conversions from and to text.
//!
//! SQL Server counts bytes of `varchar` and UTF-16 units of `nvarchar`, PostgreSQL counts
//! characters. So a text is cut or filled only if the two counts agree, or with a note.

use super::collation::Collation;
use super::context::Context;
use super::types::{self, Family};
use super::value::Value;
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// What becomes of a value that is longer than its text type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooLong {
    /// It is cut.
    Cut,
    /// It becomes `*`.
    Star,
    /// The statement fails.
    Fails,
}

/// Characters that the type holds; `None` is without limit.
pub(super) fn room(to: &SqlType) -> Option<u16> {
    types::length(to)
}

fn is_fixed(to: &SqlType) -> bool {
    matches!(to, SqlType::Char { .. } | SqlType::NChar { .. })
}

/// A text of ASCII, at most `longest` long, as the text type.
pub(super) fn shown(sql: String, longest: u16, to: &SqlType, too_long: TooLong) -> Value {
    // `yyyy-mm-dd` and the like fill their type.
    let shortest = if too_long == TooLong::Cut && longest <= 10 {
        longest
    } else {
        0
    };
    let sql = match room(to) {
        Some(room) if room < longest => match too_long {
            TooLong::Cut => format!("left({sql}, {room})"),
            TooLong::Star => {
                format!("CASE WHEN length({sql}) > {room} THEN '*' ELSE {sql} END")
            }
            // A text that is not a number fails, with the value in the message.
            TooLong::Fails => format!(
                "CASE WHEN length({sql}) > {room} THEN ('overflow of {to}: ' || \
                 {sql})::integer::text ELSE {sql} END"
            ),
        },
        _ => sql,
    };
    match room(to) {
        Some(room) if is_fixed(to) && room > shortest => {
            Value::atom(format!("rpad({sql}, {room})"), to.clone())
        }
        // CASE, a cast and a call are operands, but a cast binds to what is left of it.
        _ => Value::operation(sql, to.clone()),
    }
}

/// What code page 1252 does not have, as a regular expression: Latin-1 without the controls from
/// 128 on, and the 27 characters that stand there instead.
const BEYOND_1252: &str = "[^\\u0001-\\u007F\\u0081\\u008D\\u008F\\u0090\\u009D\\u00A0-\\u00FF\
    \\u0152\\u0153\\u0160\\u0161\\u0178\\u017D\\u017E\\u0192\\u02C6\\u02DC\\u2013\\u2014\\u2018-\\u201A\
    \\u201C-\\u201E\\u2020-\\u2022\\u2026\\u2030\\u2039\\u203A\\u20AC\\u2122]";

/// Between texts, with a note where it counts characters that the source counts as two.
pub(super) fn text(context: &mut Context<'_>, value: Value, to: &SqlType) -> Outcome<Value> {
    if value.is_national() && !types::is_national(to) {
        context.ranged = true;
        let ty = value.ty.as_ref();
        let narrow = types::text_type(false, ty.and_then(types::length).map(u32::from));
        let collation = context.collation_of(&value);
        let value = value.kept()?;
        let mut value = if collation.as_ref().is_some_and(Collation::is_latin) {
            context.note(
                "nvarchar as varchar: a character that code page 1252 does not have is `?`, also \
                 where the source finds one that looks like it",
            );
            let sql = format!(
                "regexp_replace({} COLLATE \"C\", '{BEYOND_1252}', '?', 'g') COLLATE \"default\"",
                value.operand()
            );
            Value::operation(sql, narrow)
        } else {
            context.note(
                "nvarchar as varchar keeps characters that the source's code page does not have",
            );
            value.retyped(narrow)
        };
        value.collation = collation;
        return same_characters(value, to);
    }
    if value.counts_units() && room(to).is_some() && value.constant.is_none() {
        let from = value.ty.as_ref().and_then(types::length);
        if from.is_none() || from > room(to) || is_fixed(to) {
            context.note(
                "a text is cut or filled by characters; the source counts one beyond U+FFFF as two",
            );
        }
        return resized(value.kept()?, to);
    }
    same_characters(value, to)
}

/// Between texts: cut at a smaller length, filled up for `char(n)`.
pub(super) fn same_characters(value: Value, to: &SqlType) -> Outcome<Value> {
    let value = value.kept()?;
    if value.is_national() && !types::is_national(to) {
        return Err(value.refused(to));
    }
    let before = value.clone();
    let resized = resized(value, to)?;
    if resized.sql != before.sql && before.counts_units() {
        return Err(Untranslated::new(format!(
            "conversion of {} to the shorter {}, which counts UTF-16 units",
            before.shown(),
            to
        )));
    }
    Ok(resized)
}

/// Cut or filled up to the length of the type; unchanged if it fits anyway.
fn resized(value: Value, to: &SqlType) -> Outcome<Value> {
    let from = value.ty.as_ref().and_then(types::length);
    let same_length = from == room(to);
    let filled = value.ty.as_ref().is_some_and(is_fixed);
    let sql = match room(to) {
        Some(room) if is_fixed(to) && !(same_length && filled) => {
            format!("rpad({}, {room})", value.sql)
        }
        Some(room) if !is_fixed(to) && from.is_none_or(|from| from > room) => {
            format!("left({}, {room})", value.sql)
        }
        _ => return Ok(value.retyped(to.clone())),
    };
    if value.counts_bytes() {
        return Err(Untranslated::new(format!(
            "conversion of {} to {}, whose lengths are in bytes of several to a character",
            value.shown(),
            to
        )));
    }
    Ok(Value::atom(sql, to.clone()).in_collation_of(&value))
}

/// A text as a value of another type. What is none fails on both sides; blanks around it do not
/// count, and a blank text is 0 except for decimals.
pub(super) fn read(value: &Value, to: &SqlType) -> Outcome<Value> {
    let inner = value.bare.as_ref().unwrap_or(&value.sql);
    let trimmed = format!("btrim({inner})");
    let target = types::natural(to).ok_or_else(|| value.refused(to))?;
    let sql = match types::family(to) {
        Family::Int | Family::Float => {
            format!("CASE {trimmed} WHEN '' THEN 0 ELSE {trimmed}::{target} END")
        }
        Family::Money => format!(
            "CASE {trimmed} WHEN '' THEN 0 ELSE translate({trimmed}, '$,', '')::{target} END"
        ),
        Family::Bit => format!(
            "CASE lower({trimmed} COLLATE \"C\") WHEN 'true' THEN true WHEN 'false' THEN false \
             WHEN '' THEN false ELSE {trimmed}::integer <> 0 END"
        ),
        Family::Decimal | Family::Uuid => {
            return Ok(Value::atom(format!("{trimmed}::{target}"), to.clone()));
        }
        _ => return Err(value.refused(to)),
    };
    Ok(Value::operation(sql, to.clone()))
}
