//! Functions that make a text: of several values, of a code, of a number.
//!
//! The arguments become texts first (`text`). SQL Server cuts a result that is not of a `max` type
//! at 4,000 units of `nvarchar` or 8,000 bytes of `varchar`, and so do CONCAT and CONCAT_WS here.

use super::Call;
use super::text::text;
use super::text_piece::pieces_fit;
use crate::schema::SqlType;
use crate::translate::context::Context;
use crate::translate::text_sum;
use crate::translate::types::{self, Family};
use crate::translate::value::{Value, quote};
use crate::translate::{Outcome, Untranslated};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "CONCAT",
    "CONCAT_WS",
    "QUOTENAME",
    "STR",
    "ASCII",
    "UNICODE",
    "CHAR",
    "NCHAR",
];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "CONCAT" => concat(context, call),
        "CONCAT_WS" => concat_with_separator(context, call),
        "QUOTENAME" => quote_name(context, call),
        "STR" => number(context, call),
        "ASCII" | "UNICODE" => code(context, call),
        "CHAR" | "NCHAR" => character(context, call),
        _ => return None,
    })
}

/// NULL is nothing here. (PostgreSQL's `concat` is not immutable.)
fn concat(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let mut joined: Option<Value> = None;
    for value in call.all(context)? {
        let value = text(context, call, value)?;
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

/// NULLs are left out, their separators too.
fn concat_with_separator(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let mut values = call.all(context)?.into_iter();
    let separator = values.next().ok_or_else(|| call.refused("no arguments"))?;
    let separator = text(context, call, separator)?;
    if separator.as_text().is_none() {
        return Err(call.refused("a separator that varies"));
    }
    let mut shape: Option<Value> = None;
    let mut items = Vec::new();
    for value in values {
        let value = text(context, call, value)?;
        items.push(value.sql.clone());
        shape = Some(match shape {
            None => value,
            Some(before) => {
                let before = text_sum::sum(context, &before, &separator)?;
                text_sum::sum(context, &before, &value)?
            }
        });
    }
    let shape = shape.ok_or_else(|| call.refused("no arguments"))?;
    let ty = shape.ty.clone().unwrap_or(SqlType::Text);
    let most = if types::is_national(&ty) {
        4_000
    } else {
        8_000
    };
    let limit = types::length(&ty).is_some_and(|length| u32::from(length) == most);
    let sql = format!(
        "array_to_string(ARRAY[{}]::text[], {})",
        items.join(", "),
        separator.sql
    );
    let sql = if limit {
        pieces_fit(call, &shape)?;
        format!("left({sql}, {most})")
    } else {
        sql
    };
    // Its elements are of one collation, or of none.
    context.at_least(crate::translate::Volatility::Stable);
    Ok(super::text::in_default_collation(&sql, ty, &shape))
}

/// A name of at most 128 characters within its signs, of which the closing one is doubled.
fn quote_name(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let (value, sign) = if call.arguments.len() == 2 {
        let [value, sign] = call.values(context)?;
        let sign = sign.as_text().and_then(|text| text.chars().next());
        (value, sign.ok_or_else(|| call.refused("signs that vary"))?)
    } else {
        let [value] = call.values(context)?;
        (value, '[')
    };
    let (open, close) = match sign {
        '[' | ']' => ('[', ']'),
        '(' | ')' => ('(', ')'),
        '<' | '>' => ('<', '>'),
        '{' | '}' => ('{', '}'),
        '\'' | '"' | '`' => (sign, sign),
        _ => return Err(call.refused("these signs")),
    };
    let value = text(context, call, value)?;
    let sql = format!(
        "CASE WHEN length({0}) <= 128 THEN {1} || replace({2} COLLATE \"C\", {3}, {4}) || {3} END",
        value.sql,
        quote(&open.to_string()),
        value.operand(),
        quote(&close.to_string()),
        quote(&format!("{close}{close}"))
    );
    let ty = SqlType::NVarChar { length: Some(258) };
    let made = Value::operation(sql, ty.clone());
    Ok(super::text::in_default_collation(
        &made.operand(),
        ty,
        &value,
    ))
}

/// STR of an integer: on the right of its length, or as many asterisks.
fn number(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let (value, length) = if call.arguments.len() == 1 {
        let [value] = call.values(context)?;
        (value, 10)
    } else {
        let mut values = call.all(context)?.into_iter();
        let none = || call.refused("these arguments");
        let value = values.next().ok_or_else(none)?;
        let length = values.next().and_then(|it| it.as_int());
        let decimals = values.next().map_or(Some(0), |it| it.as_int());
        if decimals != Some(0) || values.next().is_some() {
            return Err(call.refused("decimals, which are rounded as a float"));
        }
        let length = length.and_then(|it| u16::try_from(it).ok());
        (
            value,
            length.ok_or_else(|| call.refused("a length that varies"))?,
        )
    };
    if value.family() != Family::Int {
        return Err(call.unlike(&value));
    }
    let shown = value.cast("text");
    let sql = format!(
        "CASE WHEN length({shown}) > {length} THEN {} ELSE lpad({shown}, {length}) END",
        quote(&"*".repeat(length.into()))
    );
    let length = Some(length.max(1));
    Ok(Value::operation(sql, SqlType::VarChar { length }))
}

/// The code of the first character; there is none of an empty text. ASCII beyond 127 depends on
/// the code page.
fn code(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    let value = text(context, call, value)?;
    context.note(if call.name == "ASCII" {
        "ASCII gives the code point of a character beyond ASCII; the source gives the code page's"
    } else {
        "UNICODE gives the code point of a character beyond U+FFFF; the source gives half of it"
    });
    let sql = format!("nullif(ascii({}), 0)", value.sql);
    Ok(Value::atom(sql, SqlType::Int))
}

/// The character of a code. CHAR above 127 depends on the code page: in 1252, the usual one, those
/// from 160 on are Unicode's.
fn character(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [code] = call.values(context)?;
    let national = call.name == "NCHAR";
    let latin = context
        .default_collation
        .as_ref()
        .is_some_and(|it| it.is_latin());
    let known = |code: &i128| {
        (1..=127).contains(code)
            || (latin && (160..=255).contains(code))
            || (national && (128..=0xFFFF).contains(code))
    };
    if code.constant.is_some() {
        return code
            .as_int()
            .filter(known)
            .and_then(|code| char::from_u32(u32::try_from(code).ok()?))
            .map(|it| Value::text(&it.to_string(), national))
            .ok_or_else(|| call.refused("a code that is not certain"));
    }
    if !national || code.family() != Family::Int {
        return Err(Untranslated::new(format!(
            "{} of a code that varies",
            call.name
        )));
    }
    let length = 1;
    let sql = format!("chr({}::integer)", code.operand());
    Ok(Value::atom(sql, SqlType::NChar { length }))
}
