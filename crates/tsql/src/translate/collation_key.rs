//! Keys of values: what is equal, and in which order, exactly if the source finds it so.
//!
//! GROUP BY, DISTINCT, UNION, PARTITION BY and joins compare the keys of [`key`]; ORDER BY, MIN,
//! MAX and `<` those of [`order`].

use super::collation::Collation;
use super::context::Context;
use super::types::Family;
use super::value::Value;
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// An expression that is equal for two values exactly if SQL Server's `=` holds between them.
///
/// # Errors
/// A type whose values are not compared, text of an unknown collation, or a collation without
/// accents if the job makes no ICU collations.
pub(super) fn key(context: &mut Context<'_>, value: &Value) -> Outcome<String> {
    match value.family() {
        Family::Text => {
            let collation = known(context, value)?;
            text_key(context, value, &collation)
        }
        Family::Binary => Ok(binary(value)),
        Family::Other if value.ty.is_some() => Err(incomparable(value)),
        _ => Ok(value.operand()),
    }
}

/// An expression whose order in PostgreSQL is SQL Server's order of the values, and which is
/// equal exactly if they are. NULLs are the caller's: SQL Server has them first.
pub(super) fn order(context: &mut Context<'_>, value: &Value) -> Outcome<String> {
    match value.family() {
        Family::Text => {
            let collation = known(context, value)?;
            text_order(context, value, &collation)
        }
        Family::Uuid => Ok(uuid_order(value)),
        _ => key(context, value),
    }
}

fn incomparable(value: &Value) -> Untranslated {
    Untranslated::new(format!("a comparison of {}", value.shown()))
}

fn known(context: &Context<'_>, value: &Value) -> Outcome<Collation> {
    context
        .collation_of(value)
        .ok_or_else(|| Untranslated::new("text of an unknown collation"))
}

/// Without trailing blanks, which never count. Where case does not count, UPPER and LOWER change
/// nothing.
fn bare(value: &Value, collation: &Collation) -> String {
    let inner = match (&value.folded, collation.folds()) {
        (Some(inner), true) => inner,
        _ => value,
    };
    match &inner.bare {
        Some(bare) => bare.clone(),
        None => format!("rtrim({})", inner.sql),
    }
}

/// The key of a text under a collation, which both sides of a comparison must share.
pub(super) fn text_key(
    context: &mut Context<'_>,
    value: &Value,
    collation: &Collation,
) -> Outcome<String> {
    let bare = bare(value, collation);
    if collation.binary {
        return Ok(format!("{bare} COLLATE \"C\""));
    }
    if let Some(target) = context.names.collation(&collation.name) {
        return Ok(format!("{bare} COLLATE {target}"));
    }
    accents(collation)?;
    context.note(format!(
        "text is compared as {} compares letters: width, kana and characters that the collation \
         ignores or expands are different here",
        collation.name
    ));
    Ok(if collation.folds() {
        format!("lower({bare} COLLATE {})", collation.icu())
    } else {
        format!("{bare} COLLATE \"C\"")
    })
}

/// The order of a text under a collation.
pub(super) fn text_order(
    context: &mut Context<'_>,
    value: &Value,
    collation: &Collation,
) -> Outcome<String> {
    let bare = bare(value, collation);
    if collation.binary {
        context.note(format!(
            "text is ordered by code point; {} differs beyond ASCII by its code page or UTF-16",
            collation.name
        ));
        return Ok(format!("{bare} COLLATE \"C\""));
    }
    context.ranged = true;
    context.note(format!(
        "text is ordered as Unicode's collation algorithm does; {} may place punctuation and \
         symbols elsewhere",
        collation.name
    ));
    if let Some(target) = context.names.collation(&collation.name) {
        return Ok(format!("{bare} COLLATE {target}"));
    }
    accents(collation)?;
    Ok(if collation.folds() {
        format!("lower({bare} COLLATE {})", collation.icu())
    } else {
        format!("{bare} COLLATE {}", collation.icu())
    })
}

/// # Errors
/// PostgreSQL's own collations tell accents apart.
fn accents(collation: &Collation) -> Outcome<()> {
    if collation.accent_sensitive {
        Ok(())
    } else {
        Err(Untranslated::new(format!(
            "comparison without accents ({}), which needs `collations: icu`",
            collation.name
        )))
    }
}

/// Zero bytes at the end never count ("binary and varbinary"); `binary(n)` has them all.
fn binary(value: &Value) -> String {
    match value.ty {
        Some(SqlType::Binary { .. }) => value.operand(),
        _ => bytes(value),
    }
}

/// Bytes in hexadecimal, which have their order, without zeros at the end.
pub(super) fn bytes(value: &Value) -> String {
    format!(
        "regexp_replace(encode({}, 'hex'), '(00)+$', '') COLLATE \"C\"",
        value.sql
    )
}

/// The last six bytes decide first, then the other groups from the right, the first three of them
/// in the byte order of the wire (documentation of `SqlGuid`: "Comparing GUID and uniqueidentifier
/// values").
fn uuid_order(value: &Value) -> String {
    const GROUPS: [&str; 10] = [
        "25", "20, 4", "17, 2", "15, 2", "12, 2", "10, 2", "7, 2", "5, 2", "3, 2", "1, 2",
    ];
    let text = value.cast("text");
    let groups: Vec<String> = GROUPS
        .iter()
        .map(|group| format!("substr({text}, {group})"))
        .collect();
    format!("({}) COLLATE \"C\"", groups.join(" || "))
}
