//! Columns of views and functions: as the source's catalog records them against what their query gives.
//!
//! Those who read the view (other views, the comparison of both sides) see it as a table with these
//! columns. A type that differs from the catalog's would make values that differ, so it is an
//! error.

use crate::plan::object::ColumnClauses;
use crate::plan::table::ColumnPlan;
use tsql::schema::objects::RecordedColumn;
use tsql::schema::{Column, Database, SqlType};
use tsql::translate::ViewColumn;

/// The columns for those that read them.
///
/// # Errors
/// One that the translation gives another type than the source has.
pub(super) fn plan(
    translated: &[ViewColumn],
    recorded: &[RecordedColumn],
    database: &Database,
) -> Result<Vec<ColumnPlan>, String> {
    let mut columns = Vec::with_capacity(translated.len());
    for (position, column) in translated.iter().enumerate() {
        let recorded = recorded.get(position);
        if let Some(recorded) = recorded {
            same_type(&column.source, &recorded.ty, &column.sql_type)?;
        }
        let collation = recorded.and_then(|recorded| recorded.collation.clone());
        let collation = collation.or_else(|| column.collation.clone());
        columns.push(ColumnPlan {
            position,
            target_name: column.target.clone(),
            target_type: column.pg_type.clone(),
            identity: None,
            clauses: ColumnClauses::default(),
            source: Column {
                name: column.source.clone(),
                ty: recorded.map_or(&column.sql_type, |it| &it.ty).clone(),
                nullable: true,
                identity: None,
                computed: None,
                code_page: code_page(database, collation.as_deref()),
                collation,
                masked: false,
                extras: Default::default(),
            },
        });
    }
    Ok(columns)
}

/// `None` if the catalog does not list the collation.
fn code_page(database: &Database, collation: Option<&str>) -> Option<u16> {
    let name = collation.unwrap_or(&database.collation);
    database.code_pages.get(name).copied()
}

/// The lengths of varying texts do not count: the target's have none.
///
/// # Errors
/// A fragment that names the column and both types.
pub(super) fn same_type(name: &str, source: &SqlType, here: &SqlType) -> Result<(), String> {
    if alike(source, here) {
        return Ok(());
    }
    Err(format!(
        "column {name}, which is {source} at the source and would be {here} by its expression"
    ))
}

/// The same type, or two whose values both become the same type on the target.
fn alike(one: &SqlType, other: &SqlType) -> bool {
    let varying = |ty: &SqlType| {
        matches!(
            ty,
            SqlType::VarChar { .. } | SqlType::NVarChar { .. } | SqlType::Text | SqlType::NText
        )
    };
    let fixed = |ty: &SqlType| match *ty {
        SqlType::Char { length } | SqlType::NChar { length } => Some(length),
        _ => None,
    };
    let bytes = |ty: &SqlType| matches!(ty, SqlType::VarBinary { .. } | SqlType::Image);
    one == other
        || (varying(one) && varying(other))
        || (bytes(one) && bytes(other))
        || fixed(one).is_some_and(|length| fixed(other) == Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_must_be_the_same_but_for_the_length_of_texts() {
        let decimal = |precision, scale| SqlType::Decimal { precision, scale };
        let varying = |length| SqlType::NVarChar { length };
        for (one, other, same) in [
            (decimal(10, 2), decimal(10, 2), true),
            (decimal(10, 2), decimal(12, 2), false),
            (SqlType::Int, SqlType::BigInt, false),
            (varying(Some(5)), varying(None), true),
            (varying(Some(5)), SqlType::VarChar { length: Some(9) }, true),
            (
                SqlType::Char { length: 5 },
                SqlType::NChar { length: 5 },
                true,
            ),
            (
                SqlType::Char { length: 5 },
                SqlType::Char { length: 6 },
                false,
            ),
            (SqlType::Char { length: 5 }, varying(Some(5)), false),
            (SqlType::DateTime, SqlType::DateTime2 { scale: 3 }, false),
            (
                SqlType::Binary { length: 8 },
                SqlType::VarBinary { length: Some(8) },
                false,
            ),
        ] {
            assert_eq!(
                same_type("c", &one, &other).is_ok(),
                same,
                "{one} and {other}"
            );
        }
        let why = same_type("Total", &SqlType::Int, &SqlType::BigInt).unwrap_err();
        assert!(why.contains("Total") && why.contains("int at") && why.contains("bigint"));
    }
}
