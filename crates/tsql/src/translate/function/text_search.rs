//! Functions that look for a text within another, by the collation's equality.
//!
//! Case is folded by ICU, or by ASCII if that is enough. A text to look for is refused if folding
//! is not the collation's equality for it ([`Collation::unsearchable`]).

use super::Call;
use super::text::{in_default_collation, text, texts};
use super::text_piece::{pieces_fit, positions, whole_number};
use crate::schema::SqlType;
use crate::translate::collation::Collation;
use crate::translate::compare;
use crate::translate::context::Context;
use crate::translate::like;
use crate::translate::types;
use crate::translate::value::{Value, quote};
use crate::translate::{Outcome, Untranslated};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &["REPLACE", "CHARINDEX", "PATINDEX", "TRANSLATE"];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "REPLACE" => replace(context, call),
        "CHARINDEX" => index(context, call),
        "PATINDEX" => pattern_index(context, call),
        "TRANSLATE" => translate(context, call),
        _ => return None,
    })
}

/// The collation of a search, which the text that is looked for must not leave in doubt.
///
/// # Errors
/// The two texts have different collations, or the needle has characters of which equality is not
/// certain.
fn searched(
    context: &mut Context<'_>,
    call: &Call<'_>,
    haystack: &Value,
    needle: &Value,
) -> Outcome<Collation> {
    let collation = context.collation(haystack, needle)?;
    match needle.as_text() {
        Some(text) => {
            if let Some(doubt) = collation.unsearchable(text) {
                return Err(Untranslated::new(doubt));
            }
        }
        None if !collation.binary && !collation.accent_sensitive => {
            return Err(call.refused("a search without accents"));
        }
        None => {}
    }
    if !collation.binary {
        compare::remark(context, &collation);
    }
    Ok(collation)
}

/// Whether case has to be folded to find a text: not for one without letters.
fn folds(collation: &Collation, needle: &Value) -> bool {
    let letters = |text: &str| text.contains(char::is_alphabetic);
    collation.folds() && needle.as_text().is_none_or(letters)
}

/// `regexp_replace` if case must be folded, else `replace` by bytes.
fn replace(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, from, to] = texts(context, call)?;
    let collation = searched(context, call, &value, &from)?;
    if from.as_text().is_some_and(str::is_empty) {
        return Ok(value);
    }
    let national = value.is_national() || from.is_national() || to.is_national();
    let most = if national { 4_000 } else { 8_000 };
    let sql = if folds(&collation, &from) {
        any_case(&collation, &value, &from, &to)
    } else {
        format!(
            "replace({} COLLATE \"C\", {}, {})",
            value.operand(),
            from.sql,
            to.sql
        )
    };
    let endless = value.ty.as_ref().and_then(types::length).is_none();
    let ty = types::text_type(national, (!endless).then_some(most));
    if endless || longest(&value, &from, &to).is_some_and(|longest| longest <= most) {
        return Ok(in_default_collation(&sql, ty, &value));
    }
    pieces_fit(call, &value)?;
    Ok(in_default_collation(
        &format!("left({sql}, {most})"),
        ty,
        &value,
    ))
}

/// An argument under the collation of the others; a literal has none.
fn in_collation(value: &Value, collation: &str) -> String {
    match value.as_text() {
        Some(_) => value.sql.clone(),
        None => format!("{} COLLATE {collation}", value.operand()),
    }
}

/// How long the text can become.
fn longest(value: &Value, from: &Value, to: &Value) -> Option<u32> {
    let length = |value: &Value| value.ty.as_ref().and_then(types::length).map(u32::from);
    let own = length(value)?;
    let put = match to.as_text() {
        Some(text) => u32::try_from(text.chars().count()).ok()?,
        None => length(to)?,
    };
    let found = from.as_text().map_or(1, |text| text.chars().count().max(1));
    let found = u32::try_from(found).ok()?;
    if put <= found {
        return Some(own);
    }
    own.div_ceil(found).checked_mul(put)
}

/// A regular expression that is a plain text, in any case. In what is put in, only a backslash has
/// a meaning.
fn any_case(collation: &Collation, value: &Value, from: &Value, to: &Value) -> String {
    let operand = value.operand();
    let icu = collation.icu();
    let put = match to.as_text() {
        Some(text) => quote(&text.replace('\\', "\\\\")),
        None => format!("replace({} COLLATE {icu}, '\\', '\\\\')", to.operand()),
    };
    if let Some(text) = from.as_text() {
        let plain = quote(&format!("***={text}"));
        return format!("regexp_replace({operand} COLLATE {icu}, {plain}, {put}, 'gi')");
    }
    // An empty text is found nowhere.
    format!(
        "CASE WHEN {0} = '' THEN {operand} ELSE regexp_replace({operand} COLLATE {icu}, ('***=' || \
         {0}) COLLATE {icu}, {put}, 'gi') END",
        from.operand()
    )
}

/// A start before the text counts as 1. 0 if nothing is found.
fn index(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let (needle, value, start) = if call.arguments.len() == 3 {
        let [needle, value, start] = call.values(context)?;
        (needle, value, Some(start))
    } else {
        let [needle, value] = call.values(context)?;
        (needle, value, None)
    };
    let needle = text(context, call, needle)?;
    let value = text(context, call, value)?;
    let collation = searched(context, call, &value, &needle)?;
    positions(context, call, &value);
    let ty = match value.ty.as_ref().and_then(types::length) {
        None if value.constant.is_none() => SqlType::BigInt,
        _ => SqlType::Int,
    };
    let start = match start {
        Some(start) if start.as_int().is_some_and(|it| it <= 1) => None,
        Some(start) => Some((
            whole_number(context, call, &start)?,
            start.as_int().is_some(),
        )),
        None => None,
    };
    let haystack = match &start {
        None => value.operand(),
        Some((from, true)) => format!("substr({}, {from})", value.sql),
        Some((from, false)) => format!("substr({}, greatest({from}, 1))", value.sql),
    };
    let found = position(&collation, &haystack, &needle);
    let sql = match &start {
        None => found,
        Some((from, constant)) => {
            let from = if *constant {
                from.clone()
            } else {
                format!("greatest({from}, 1)")
            };
            format!("CASE {found} WHEN 0 THEN 0 ELSE {found} + {from} - 1 END")
        }
    };
    let sql = match needle.as_text() {
        Some("") => "0".to_owned(),
        Some(_) => sql,
        // An empty text is found nowhere.
        None => format!("CASE WHEN {} = '' THEN 0 ELSE {sql} END", needle.operand()),
    };
    let made = if sql.starts_with("CASE") {
        Value::operation(sql, SqlType::Int)
    } else {
        Value::atom(sql, SqlType::Int)
    };
    Ok(match ty {
        SqlType::BigInt => Value::atom(made.cast("bigint"), ty),
        _ => made,
    })
}

/// The first place of a text, 0 if there is none.
fn position(collation: &Collation, haystack: &str, needle: &Value) -> String {
    let ascii = needle
        .as_text()
        .filter(|text| collation.doubt(text).is_none());
    match (collation.folds(), ascii) {
        (true, Some(text)) => format!(
            "strpos(lower({haystack} COLLATE \"C\"), {})",
            quote(&text.to_ascii_lowercase())
        ),
        (true, None) => {
            let icu = collation.icu();
            format!(
                "strpos(lower({haystack} COLLATE {icu}), lower({} COLLATE {icu}))",
                needle.operand()
            )
        }
        (false, _) => format!(
            "strpos({haystack} COLLATE \"C\", {})",
            in_collation(needle, "\"C\"")
        ),
    }
}

fn pattern_index(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [pattern, value] = call.values(context)?;
    let value = text(context, call, value)?;
    positions(context, call, &value);
    let sql = like::position(context, &value, &pattern)?;
    Ok(Value::operation(sql, SqlType::Int))
}

/// Character for character, for literals of one length.
fn translate(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, from, to] = texts(context, call)?;
    let collation = searched(context, call, &value, &from)?;
    let count = |value: &Value| value.as_text().map(|text| text.chars().count());
    if count(&from).is_none() || count(&from) != count(&to) {
        return Err(call.refused("other than two literals of one length"));
    }
    if folds(&collation, &from) {
        return Err(call.refused("letters in any case to search for"));
    }
    let length = value.ty.as_ref().and_then(types::length).map(u32::from);
    let national = value.is_national() || to.is_national();
    let sql = format!("translate({}, {}, {})", value.sql, from.sql, to.sql);
    Ok(Value::atom(sql, types::text_type(national, length)).in_collation_of(&value))
}
