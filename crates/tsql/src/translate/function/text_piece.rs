//! Pieces of text, and text of many pieces.
//!
//! Positions count from 1 on both sides. A call that fails at the source may give a value here:
//! LEFT with a negative count cuts from the other end.

use super::Call;
use super::text::{counts_units, text};
use crate::schema::SqlType;
use crate::translate::Outcome;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::types::{self, Family};
use crate::translate::value::Value;

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "LEFT",
    "RIGHT",
    "SUBSTRING",
    "STUFF",
    "REPLICATE",
    "SPACE",
    "REVERSE",
];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "LEFT" | "RIGHT" => end(context, call),
        "SUBSTRING" => substring(context, call),
        "STUFF" => stuff(context, call),
        "REPLICATE" => replicate(context, call),
        "SPACE" => space(context, call),
        "REVERSE" => reverse(context, call),
        _ => return None,
    })
}

/// Positions within `nvarchar` are told apart only where a character has two units.
pub(super) fn positions(context: &mut Context<'_>, call: &Call<'_>, value: &Value) {
    if value.constant.is_none() && counts_units(context, value) {
        context.note(format!(
            "{} counts characters; the source counts one beyond U+FFFF as two",
            call.name
        ));
    }
}

/// The type of a piece has as many bytes as characters were asked for, which may not hold them.
pub(super) fn pieces_fit(call: &Call<'_>, value: &Value) -> Outcome<()> {
    if value.counts_bytes() {
        Err(call.refused("a code page whose characters have several bytes"))
    } else {
        Ok(())
    }
}

/// A length or position, as PostgreSQL's functions take it.
///
/// # Errors
/// Anything but a number.
pub(super) fn whole_number(
    context: &mut Context<'_>,
    call: &Call<'_>,
    value: &Value,
) -> Outcome<String> {
    match (value.family(), &value.ty) {
        (Family::Int, ty) if *ty != Some(SqlType::BigInt) => Ok(value.plain()),
        (family, _) if family.is_number() => {
            let int = convert::converted(context, value.clone(), &SqlType::Int)?;
            Ok(int.plain())
        }
        _ => Err(call.refused("a length that is not a number")),
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
    let value = text(context, call, value)?;
    pieces_fit(call, &value)?;
    positions(context, call, &value);
    // PostgreSQL takes a negative count from the other end, where the source fails.
    let name = call.name.to_ascii_lowercase();
    let number = whole_number(context, call, &count)?;
    let sql = format!("{name}({}, {number})", value.sql);
    Ok(Value::atom(sql, piece(&value, &count)).in_collation_of(&value))
}

/// Both begin before the text where the start does, and count from there.
fn substring(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, start, count] = call.values(context)?;
    let from = whole_number(context, call, &start)?;
    let number = whole_number(context, call, &count)?;
    if value.family() == Family::Binary {
        let own = value.ty.as_ref().and_then(types::length);
        let length = match count.as_int().and_then(|it| u16::try_from(it).ok()) {
            Some(count) => Some(own.map_or(count, |own| own.min(count)).max(1)),
            None => own,
        };
        let sql = format!("substr({}, {from}, {number})", value.sql);
        return Ok(Value::atom(sql, SqlType::VarBinary { length }));
    }
    let value = text(context, call, value)?;
    pieces_fit(call, &value)?;
    positions(context, call, &value);
    let sql = format!("substr({}, {from}, {number})", value.sql);
    Ok(Value::atom(sql, piece(&value, &count)).in_collation_of(&value))
}

/// NULL where the place is not within the text; what is put in may be NULL, which is nothing.
fn stuff(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, start, count, into] = call.values(context)?;
    let value = text(context, call, value)?;
    let into = text(context, call, into)?;
    pieces_fit(call, &value)?;
    pieces_fit(call, &into)?;
    positions(context, call, &value);
    let from = whole_number(context, call, &start)?;
    let number = whole_number(context, call, &count)?;
    let mut within = vec![format!("{from} <= length({})", value.sql)];
    if start.as_int().is_none_or(|it| it < 1) {
        within.push(format!("{from} >= 1"));
    }
    if count.as_int().is_none_or(|it| it < 0) {
        within.push(format!("{number} >= 0"));
    }
    let put = match into.as_text() {
        Some(_) => into.sql.clone(),
        None => format!("coalesce({}, '')", into.sql),
    };
    let sql = format!(
        "CASE WHEN {} THEN overlay({} placing {put} from {from} for {number}) END",
        within.join(" AND "),
        value.sql
    );
    let national = value.is_national() || into.is_national();
    let length = |value: &Value| value.ty.as_ref().and_then(types::length).map(u32::from);
    let longest = length(&value).zip(length(&into)).map(|(a, b)| a + b);
    let most = if national { 4_000 } else { 8_000 };
    let ty = types::text_type(national, longest.map(|length| length.min(most)));
    let kept = match (&value.collation, &into.collation) {
        (None, Some(_)) => &into,
        _ => &value,
    };
    Ok(Value::operation(sql, ty).in_collation_of(kept))
}

/// As often as the count says, up to 8,000 bytes; NULL for a negative count.
fn replicate(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, count] = call.values(context)?;
    let value = text(context, call, value)?;
    pieces_fit(call, &value)?;
    let most: u32 = if value.is_national() { 4_000 } else { 8_000 };
    let constant = count.as_int().and_then(|it| u32::try_from(it).ok());
    let length = value.ty.as_ref().and_then(types::length).map(u32::from);
    let total = length
        .zip(constant)
        .and_then(|(length, times)| length.checked_mul(times))
        .filter(|total| *total <= most);
    if let (Some(total), Some(times)) = (total, constant) {
        let sql = format!("repeat({}, {times})", value.sql);
        let ty = types::text_type(value.is_national(), Some(total));
        return Ok(Value::atom(sql, ty).in_collation_of(&value));
    }
    let number = whole_number(context, call, &count)?;
    let one = value
        .as_text()
        .is_some_and(|text| text.chars().count() == 1);
    let many = if length.is_none() {
        format!("repeat({}, {number})", value.sql)
    } else if one {
        format!("repeat({}, least({number}, {most}))", value.sql)
    } else {
        format!("left(repeat({}, {number}), {most})", value.sql)
    };
    let ty = types::text_type(value.is_national(), length.map(|_| most));
    let sql = if constant.is_some() {
        many
    } else {
        format!("CASE WHEN {number} >= 0 THEN {many} END")
    };
    Ok(Value::operation(sql, ty).in_collation_of(&value))
}

/// `varchar`, at most 8,000.
fn space(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [count] = call.values(context)?;
    let constant = count
        .as_int()
        .and_then(|it| usize::try_from(it).ok())
        .filter(|it| *it <= 8_000);
    if let Some(count) = constant {
        return Ok(Value::text(&" ".repeat(count), false));
    }
    let number = whole_number(context, call, &count)?;
    let sql = format!("CASE WHEN {number} >= 0 THEN repeat(' ', least({number}, 8000)) END");
    let length = Some(8_000);
    Ok(Value::operation(sql, SqlType::VarChar { length }))
}

/// By characters; the source turns the two units of one beyond U+FFFF round as well.
fn reverse(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    let value = text(context, call, value)?;
    positions(context, call, &value);
    let length = value.ty.as_ref().and_then(types::length).map(u32::from);
    let ty = types::text_type(value.is_national(), length);
    let sql = format!("reverse({})", value.sql);
    Ok(Value::atom(sql, ty).in_collation_of(&value))
}
