//! Functions of text.

use super::Call;
use crate::schema::SqlType;
use crate::translate::collation::Collation;
use crate::translate::compare;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::expression;
use crate::translate::text_sum;
use crate::translate::types::{self, Family};
use crate::translate::value::{Value, quote};
use crate::translate::{Outcome, Untranslated};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "LEN",
    "DATALENGTH",
    "UPPER",
    "LOWER",
    "LTRIM",
    "RTRIM",
    "TRIM",
    "LEFT",
    "RIGHT",
    "SUBSTRING",
    "REPLACE",
    "CHARINDEX",
    "CONCAT",
    "REPLICATE",
    "SPACE",
    "REVERSE",
    "CHAR",
    "NCHAR",
];

/// Characters that UTF-16 has two units for.
const ABOVE: &str = "'[^\\U00010000-\\U0010FFFF]'";

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "LEN" => length(context, call),
        "DATALENGTH" => bytes(context, call),
        "UPPER" | "LOWER" => case(context, call),
        "LTRIM" | "RTRIM" | "TRIM" => trim(context, call),
        "LEFT" | "RIGHT" => end(context, call),
        "SUBSTRING" => substring(context, call),
        "REPLACE" => replace(context, call),
        "CHARINDEX" => index(context, call),
        "CONCAT" => concat(context, call),
        "REPLICATE" => replicate(context, call),
        "SPACE" => space(context, call),
        "REVERSE" => reverse(context, call),
        "CHAR" | "NCHAR" => character(context, call),
        _ => return None,
    })
}

/// With its trailing blanks and all.
fn text(call: &Call<'_>, value: Value) -> Outcome<Value> {
    match value.family() {
        Family::Text => value.kept(),
        _ => Err(call.unlike(&value)),
    }
}

/// UTF-16 units of a text of PostgreSQL.
fn units(sql: &str, counts_units: bool) -> String {
    if counts_units {
        format!("(length({sql}) + length(regexp_replace({sql} COLLATE \"C\", {ABOVE}, '', 'g')))")
    } else {
        format!("length({sql})")
    }
}

/// LEN leaves trailing blanks out.
fn length(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    // Letters in the other case are as many, with exceptions that SQL Server has not.
    let value = match value.folded {
        Some(inner) => *inner,
        None => value,
    };
    if value.family() != Family::Text {
        return Err(call.unlike(&value));
    }
    let bare = match &value.bare {
        Some(bare) => bare.clone(),
        None => format!("rtrim({})", value.sql),
    };
    let sql = units(&bare, counts_units(context, &value));
    Ok(Value::atom(sql, SqlType::Int))
}

fn counts_units(context: &Context<'_>, value: &Value) -> bool {
    let supplementary = context
        .collation_of(value)
        .is_some_and(|it| it.supplementary);
    value.is_national() && !supplementary
}

fn bytes(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    if value.family() == Family::Binary {
        let sql = format!("octet_length({})", value.sql);
        return Ok(Value::atom(sql, SqlType::Int));
    }
    let value = text(call, value)?;
    let collation = context.collation_of(&value);
    let sql = if value.is_national() {
        // Two bytes per unit, under every collation.
        format!("{} * 2", units(&value.sql, true))
    } else {
        match collation {
            Some(collation) if collation.utf8 => format!("octet_length({})", value.sql),
            Some(collation) if collation.single_byte => format!("length({})", value.sql),
            _ => return Err(call.refused("a code page of one and two bytes")),
        }
    };
    Ok(Value::operation(sql, SqlType::Int))
}

/// Right for ASCII, and marked so.
fn case(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    if value.family() != Family::Text {
        return Err(call.unlike(&value));
    }
    let inner = match value.folded {
        Some(inner) => *inner,
        None => value,
    };
    if let Some(constant) = inner.as_text() {
        if !constant.is_ascii() {
            return Err(call.refused("a literal beyond ASCII"));
        }
        let made = match call.name {
            "UPPER" => constant.to_ascii_uppercase(),
            _ => constant.to_ascii_lowercase(),
        };
        return Ok(Value::text(&made, inner.is_national()).in_collation_of(&inner));
    }
    let function = call.name.to_ascii_lowercase();
    let folded = |sql: &str| format!("{function}({sql} COLLATE \"C\")");
    let ty = inner.ty.clone().unwrap_or(SqlType::Text);
    let mut made = Value::atom(folded(&inner.operand()), ty).in_collation_of(&inner);
    made.bare = inner.bare.as_deref().map(folded);
    made.loose = inner.loose;
    made.folded = Some(Box::new(inner));
    Ok(made)
}

/// Blanks, U+0020, and nothing else.
fn trim(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    let mut made = trimmed(call, &value)?;
    if let Some(inner) = &value.folded {
        made.folded = Some(Box::new(trimmed(call, inner)?));
    }
    Ok(made)
}

fn trimmed(call: &Call<'_>, value: &Value) -> Outcome<Value> {
    if value.family() != Family::Text {
        return Err(call.unlike(value));
    }
    let ty = value.ty.as_ref();
    let varying = types::text_type(
        value.is_national(),
        ty.and_then(types::length).map(u32::from),
    );
    let sql = match (call.name, &value.bare) {
        ("RTRIM", Some(bare)) => bare.clone(),
        ("RTRIM", None) => format!("rtrim({})", value.sql),
        ("LTRIM", _) => {
            value.filled()?;
            format!("ltrim({})", value.sql)
        }
        (_, Some(bare)) => format!("ltrim({bare})"),
        (_, None) => format!("btrim({})", value.sql),
    };
    Ok(Value::atom(sql, varying).in_collation_of(value))
}

/// Positions within `nvarchar` are told apart only where a character has two units.
fn positions(context: &mut Context<'_>, call: &Call<'_>, value: &Value) {
    if value.constant.is_none() && counts_units(context, value) {
        context.note(format!(
            "{} counts characters; the source counts one beyond U+FFFF as two",
            call.name
        ));
    }
}

/// The type of a piece has as many bytes as characters were asked for, which may not hold them.
fn pieces_fit(call: &Call<'_>, value: &Value) -> Outcome<()> {
    if value.counts_bytes() {
        Err(call.refused("a code page whose characters have several bytes"))
    } else {
        Ok(())
    }
}

fn whole_number(call: &Call<'_>, value: &Value) -> Outcome<String> {
    match value.family() {
        Family::Int => Ok(value.plain()),
        _ => Err(call.refused("a length that is not an integer")),
    }
}

/// The type of a piece: as long as the constant says, or as the whole.
fn piece(whole: &Value, length: &Value) -> SqlType {
    let own = whole.ty.as_ref().and_then(types::length).map(u32::from);
    let constant = length.as_int().and_then(|it| u32::try_from(it).ok());
    let length = match (own, constant) {
        (Some(own), Some(constant)) => Some(own.min(constant)),
        (None, Some(constant)) => Some(constant),
        (own, None) => own,
    };
    types::text_type(whole.is_national(), length)
}

fn end(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, count] = call.values(context)?;
    let value = text(call, value)?;
    pieces_fit(call, &value)?;
    positions(context, call, &value);
    // PostgreSQL takes a negative count from the other end, where the source fails.
    let name = call.name.to_ascii_lowercase();
    let sql = format!("{name}({}, {})", value.sql, whole_number(call, &count)?);
    Ok(Value::atom(sql, piece(&value, &count)).in_collation_of(&value))
}

/// Both begin before the text where the start does, and count from there.
fn substring(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, start, count] = call.values(context)?;
    let value = text(call, value)?;
    pieces_fit(call, &value)?;
    positions(context, call, &value);
    let sql = format!(
        "substr({}, {}, {})",
        value.sql,
        whole_number(call, &start)?,
        whole_number(call, &count)?
    );
    Ok(Value::atom(sql, piece(&value, &count)).in_collation_of(&value))
}

/// What is searched for, and whether the search has to fold.
fn needle(
    context: &mut Context<'_>,
    call: &Call<'_>,
    haystack: &Value,
    needle: &Value,
) -> Outcome<(String, Collation)> {
    let collation = context.collation(haystack, needle)?;
    let text = needle
        .as_text()
        .filter(|text| !text.is_empty())
        .ok_or_else(|| call.refused("other than a literal to search for"))?;
    if let Some(doubt) = collation.doubt(text) {
        return Err(Untranslated::new(doubt));
    }
    if !collation.binary {
        compare::remark(context, &collation);
    }
    Ok((text.to_owned(), collation))
}

fn replace(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, from, to] = call.values(context)?;
    let (value, from, to) = (text(call, value)?, text(call, from)?, text(call, to)?);
    let (needle, collation) = needle(context, call, &value, &from)?;
    if collation.folds() && needle.contains(|it: char| it.is_ascii_alphabetic()) {
        return Err(call.refused("letters in any case to search for"));
    }
    if value.is_national() != to.is_national() && to.as_text().is_none() {
        return Err(call.refused("varchar and nvarchar"));
    }
    let national = value.is_national() || from.is_national() || to.is_national();
    let length = if national { 4_000 } else { 8_000 };
    let sql = format!(
        "replace({} COLLATE \"C\", {}, {})",
        value.operand(),
        quote(&needle),
        to.sql
    );
    let ty = types::text_type(national, Some(length));
    Ok(Value::atom(sql, ty).in_collation_of(&value))
}

fn index(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [from, value] = call.values(context)?;
    let (from, value) = (text(call, from)?, text(call, value)?);
    let (needle, collation) = needle(context, call, &value, &from)?;
    positions(context, call, &value);
    let sql = if collation.folds() {
        format!(
            "strpos(lower({} COLLATE \"C\"), {})",
            value.operand(),
            quote(&needle.to_ascii_lowercase())
        )
    } else {
        format!(
            "strpos({} COLLATE \"C\", {})",
            value.operand(),
            quote(&needle)
        )
    };
    Ok(Value::atom(sql, SqlType::Int))
}

/// NULL is nothing here. (PostgreSQL's `concat` is not immutable.)
fn concat(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let mut joined: Option<Value> = None;
    for argument in call.arguments {
        let value = expression::value(context, argument)?;
        let value = match value.family() {
            Family::Text => value.kept()?,
            Family::Int | Family::Bit => {
                convert::implicit(value, &SqlType::VarChar { length: Some(20) })?
            }
            _ => return Err(call.unlike(&value)),
        };
        let never_null = value.constant.is_some() && !value.is_null();
        let part = if never_null {
            value
        } else {
            let ty = value.ty.clone().unwrap_or(SqlType::Text);
            Value::atom(format!("coalesce({}, '')", value.sql), ty).in_collation_of(&value)
        };
        joined = Some(match joined {
            None => part,
            Some(before) => text_sum::sum(context, &before, &part)?,
        });
    }
    joined.ok_or_else(|| call.refused("no arguments"))
}

fn replicate(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, count] = call.values(context)?;
    let value = text(call, value)?;
    let times = count
        .as_int()
        .and_then(|it| u32::try_from(it).ok())
        .ok_or_else(|| call.refused("a count that varies"))?;
    let length = value.ty.as_ref().and_then(types::length).map(u32::from);
    let total = length.and_then(|length| length.checked_mul(times));
    let most = if value.is_national() { 4_000 } else { 8_000 };
    if total.is_none_or(|total| total > most) {
        return Err(call.refused("a result that SQL Server may cut"));
    }
    let sql = format!("repeat({}, {times})", value.sql);
    let ty = types::text_type(value.is_national(), total);
    Ok(Value::atom(sql, ty).in_collation_of(&value))
}

fn space(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [count] = call.values(context)?;
    let count = count
        .as_int()
        .and_then(|it| usize::try_from(it).ok())
        .filter(|it| *it <= 8_000)
        .ok_or_else(|| call.refused("a count that varies"))?;
    Ok(Value::text(&" ".repeat(count), false))
}

fn reverse(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    let value = text(call, value)?;
    positions(context, call, &value);
    let ty = value.ty.clone().unwrap_or(SqlType::Text);
    let sql = format!("reverse({})", value.sql);
    Ok(Value::atom(sql, ty).in_collation_of(&value))
}

/// The character of a constant; CHAR above 127 depends on the code page.
fn character(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [code] = call.values(context)?;
    let national = call.name == "NCHAR";
    let most = if national { 0xFFFF } else { 127 };
    code.as_int()
        .filter(|code| (1..=most).contains(code))
        .and_then(|code| char::from_u32(u32::try_from(code).ok()?))
        .map(|it| Value::text(&it.to_string(), national))
        .ok_or_else(|| call.refused("a code that varies or is not certain"))
}
