//! Functions of text: how long it is, its case, its blanks.
//!
//! Lengths are UTF-16 units at the source, for `nvarchar` without an `_SC` collation, and
//! characters in PostgreSQL; DATALENGTH counts bytes of the source's encoding, not of UTF-8.

use super::Call;
use crate::schema::SqlType;
use crate::translate::Outcome;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::types::{self, Family};
use crate::translate::value::Value;

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "LEN",
    "DATALENGTH",
    "UPPER",
    "LOWER",
    "LTRIM",
    "RTRIM",
    "TRIM",
];

/// Characters that UTF-16 has two units for.
const ABOVE: &str = "'[^\\U00010000-\\U0010FFFF]'";

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "LEN" => length(context, call),
        "DATALENGTH" => bytes(context, call),
        "UPPER" | "LOWER" => case(context, call),
        "LTRIM" | "RTRIM" | "TRIM" => trim(context, call),
        _ => return None,
    })
}

/// A text with its trailing blanks and all; numbers and dates become one first.
///
/// # Errors
/// A value without a text form here, or a `char(n)` whose trailing blanks are not known.
pub(super) fn text(context: &mut Context<'_>, call: &Call<'_>, value: Value) -> Outcome<Value> {
    shown(context, call, value)?.kept()
}

/// A text, to keep or to compare.
fn shown(context: &mut Context<'_>, call: &Call<'_>, value: Value) -> Outcome<Value> {
    let length = match value.family() {
        Family::Text => return Ok(value),
        Family::Bit => 1,
        Family::Int => 20,
        Family::Decimal => 41,
        Family::Money | Family::Date | Family::Time | Family::Moment => 30,
        Family::Uuid => 36,
        _ if value.is_null() => 1,
        _ => return Err(call.unlike(&value)),
    };
    let length = Some(length);
    convert::converted(context, value, &SqlType::VarChar { length })
}

/// Several texts.
///
/// # Errors
/// Another number of arguments than `N`, or one that [`text`] refuses.
pub(super) fn texts<const N: usize>(
    context: &mut Context<'_>,
    call: &Call<'_>,
) -> Outcome<[Value; N]> {
    let mut texts = call.values::<N>(context)?;
    for value in &mut texts {
        *value = text(context, call, value.clone())?;
    }
    Ok(texts)
}

/// The collation of what was made under another one: that of the database, so that no part of an
/// expression asks for two.
pub(super) fn in_default_collation(sql: &str, ty: SqlType, like: &Value) -> Value {
    Value::operation(format!("{sql} COLLATE \"default\""), ty).in_collation_of(like)
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
    let value = shown(context, call, value)?;
    let bare = match &value.bare {
        Some(bare) => bare.clone(),
        None => format!("rtrim({})", value.sql),
    };
    let sql = units(&bare, counts_units(context, &value));
    // "LEN": `bigint` for types with `max`.
    let ty = match value.ty.as_ref().map(types::length) {
        Some(None) if value.constant.is_none() => SqlType::BigInt,
        _ => SqlType::Int,
    };
    Ok(match ty {
        SqlType::BigInt => Value::atom(format!("{sql}::bigint"), ty),
        ty => Value::atom(sql, ty),
    })
}

/// Whether the source counts UTF-16 units of the value.
pub(super) fn counts_units(context: &Context<'_>, value: &Value) -> bool {
    let supplementary = context
        .collation_of(value)
        .is_some_and(|it| it.supplementary);
    value.is_national() && !supplementary
}

/// Bytes that the source keeps a value in.
fn bytes(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    if value.family() == Family::Binary {
        let sql = format!("octet_length({})", value.sql);
        return Ok(Value::atom(sql, SqlType::Int));
    }
    if value.family() != Family::Text {
        return Err(call.unlike(&value));
    }
    let value = value.kept()?;
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

/// By Unicode's pairs of letters, one for one: `\u{df}`, and in a `varchar` letters whose capital
/// the code page does not have, stay as they are, and there is one small sigma.
fn case(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    let value = shown(context, call, value)?;
    let inner = match value.folded {
        Some(inner) => *inner,
        None => value,
    };
    let upper = call.name == "UPPER";
    if let Some(constant) = inner.as_text().filter(|text| text.is_ascii()) {
        let made = if upper {
            constant.to_ascii_uppercase()
        } else {
            constant.to_ascii_lowercase()
        };
        return Ok(Value::text(&made, inner.is_national()).in_collation_of(&inner));
    }
    context.note("UPPER and LOWER change the letters that Unicode has pairs for");
    let icu = context
        .collation_of(&inner)
        .map_or_else(|| "\"und-x-icu\"".to_owned(), |it| it.icu());
    let (kept, back, function) = match (upper, inner.is_national()) {
        (true, true) => ("\u{df}", "\u{df}", "upper"),
        (true, false) => ("\u{df}\u{b5}\u{192}", "\u{df}\u{b5}\u{192}", "upper"),
        (false, _) => ("\u{3a3}", "\u{3c3}", "lower"),
    };
    let private: String = ["\\uE0DF", "\\uE0E0", "\\uE0E1"][..kept.chars().count()].concat();
    let folded = |sql: &str| {
        format!(
            "translate({function}(translate({sql}, '{kept}', E'{private}') COLLATE {icu}), \
             E'{private}', '{back}')"
        )
    };
    let ty = inner.ty.clone().unwrap_or(SqlType::Text);
    let mut made = in_default_collation(&folded(&inner.sql), ty, &inner);
    made.bare = inner.bare.as_deref().map(folded);
    made.loose = inner.loose;
    made.folded = Some(Box::new(inner));
    Ok(made)
}

/// Blanks, U+0020, and nothing else.
fn trim(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    let value = shown(context, call, value)?;
    let mut made = trimmed(call, &value)?;
    if let Some(inner) = &value.folded {
        made.folded = Some(Box::new(trimmed(call, inner)?));
    }
    Ok(made)
}

/// A fixed length becomes a varying one: a trimmed text is not filled up again.
fn trimmed(call: &Call<'_>, value: &Value) -> Outcome<Value> {
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
