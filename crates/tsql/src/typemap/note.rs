//! What of a value does not arrive as it was, in words.
//!
//! The plan shows these sentences once for each column. What happens to a single value, such as a
//! policy of the job, is not here.

use crate::schema::{Column, SqlType};
use crate::typemap::pg::PgType;

/// What of a value does not arrive, for the plan.
pub fn precision_note(column: &Column, target: &PgType) -> Option<String> {
    let note = match rounded(column, target) {
        Some(note) => note,
        None => recast(&column.ty, target)?.to_owned(),
    };
    Some(format!("column {}: {note}", column.name))
}

/// What a comment on the target's column should say of where its values came from; `None` where
/// the type says it all.
pub fn source_note(column: &Column, target: &PgType) -> Option<String> {
    Some(match (&column.ty, target) {
        (SqlType::SqlVariant, PgType::Text) => {
            "sql_variant at the source: each value as CONVERT to nvarchar prints it".to_owned()
        }
        (SqlType::SqlVariant, _) => {
            "sql_variant at the source: each value with its base type".to_owned()
        }
        (SqlType::HierarchyId, PgType::Text) => "hierarchyid at the source".to_owned(),
        (SqlType::Geography | SqlType::Geometry, PgType::Bytea) => {
            format!("{} at the source, as EWKB", column.ty)
        }
        (SqlType::Vector { .. }, PgType::RealArray) => format!("{} at the source", column.ty),
        (SqlType::Clr { name }, PgType::Bytea) => {
            format!("CLR type {name} at the source, serialized")
        }
        _ => return None,
    })
}

/// What the target's type makes of every value.
fn recast(source: &SqlType, target: &PgType) -> Option<&'static str> {
    Some(match (source, target) {
        (SqlType::SqlVariant, PgType::Text) => {
            "each value as CONVERT to nvarchar prints it, without its base type, money with 2 and \
             floats with 6 digits (type `jsonb` keeps all of it)"
        }
        (SqlType::Geography | SqlType::Geometry, PgType::Bytea) => {
            "EWKB with its SRID (the target has no PostGIS on its search path, or the job asks for bytea)"
        }
        (SqlType::Vector { .. }, PgType::RealArray | PgType::Vector(_)) => {
            "read as the JSON text that the server makes of it, with the digits that it prints"
        }
        (SqlType::Json, PgType::Jsonb) => {
            "jsonb keeps neither the order of keys nor one of two equal keys (type `json` does)"
        }
        _ => return None,
    })
}

/// Whether the target keeps fewer fractional digits of a time than the source has.
/// Rounding may make two values equal, which matters to keys and to translated comparisons.
pub fn rounds(column: &Column, target: &PgType) -> bool {
    digits(column, target).is_some_and(|(digits, kept)| kept < digits)
}

/// Fractional digits of a time at the source, and those that the target keeps.
fn digits(column: &Column, target: &PgType) -> Option<(u8, u8)> {
    let digits = column.ty.fraction_digits()?;
    let kept = match *target {
        PgType::Time(kept) | PgType::Timestamp(kept) | PgType::TimestampTz(kept) => kept,
        _ => return None,
    };
    Some((digits, kept))
}

fn rounded(column: &Column, target: &PgType) -> Option<String> {
    let (digits, kept) = digits(column, target)?;
    let mut notes = Vec::new();
    if kept < digits {
        notes.push(format!(
            "rounded half up from {digits} to {kept} fractional digits; a time that rounding would \
             carry into the next day is truncated instead, and the report counts those"
        ));
    }
    if matches!(column.ty, SqlType::DateTimeOffset { .. }) {
        notes.push("the instant is kept, the offset is not (type `text` keeps it)".to_owned());
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}
