//! Which columns change their type on the way, for readers of a plan.

use serde::Serialize;

use crate::plan::table::{ColumnPlan, TablePlan};
use tsql::names::qualified;
use tsql::schema::SqlType;
use tsql::typemap::PgType;

/// A column whose type is another one on the target, beyond its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeChange {
    /// At the source.
    pub column: String,
    /// As T-SQL writes it.
    pub from: String,
    /// As PostgreSQL writes it.
    pub to: String,
}

/// In the order of the columns.
/// A column is listed if its type is another one, or if a domain takes its place. Types that are
/// the same under another name (`int`, `integer`) are not changes.
pub fn type_changes(plan: &TablePlan) -> Vec<TypeChange> {
    let mut columns: Vec<&ColumnPlan> = plan.all_columns().collect();
    columns.sort_by_key(|column| column.position);
    let changed = columns.into_iter().filter(|column| {
        let domain = column.clauses.domain.is_some();
        domain || !is_same(&column.source.ty, &column.target_type)
    });
    changed
        .map(|column| TypeChange {
            column: column.source.name.clone(),
            from: column.source.ty.to_string(),
            to: match &column.clauses.domain {
                Some(domain) => format!("domain {} of {}", qualified(domain), column.target_type),
                None => column.target_type.to_string(),
            },
        })
        .collect()
}

/// Two names of a type with the same values.
fn is_same(source: &SqlType, target: &PgType) -> bool {
    match (source, target) {
        (SqlType::Bit, PgType::Boolean)
        | (SqlType::SmallInt, PgType::SmallInt)
        | (SqlType::Int, PgType::Integer)
        | (SqlType::BigInt, PgType::BigInt)
        | (SqlType::Real, PgType::Real)
        | (SqlType::Float, PgType::DoublePrecision)
        | (SqlType::Date, PgType::Date)
        | (SqlType::UniqueIdentifier, PgType::Uuid)
        | (SqlType::Xml, PgType::Xml)
        | (SqlType::VarChar { length: None } | SqlType::NVarChar { length: None }, PgType::Text) => {
            true
        }
        (SqlType::Decimal { precision, scale }, PgType::Numeric(Some((p, s)))) => {
            precision == p && scale == s
        }
        (SqlType::Time { scale }, PgType::Time(digits))
        | (SqlType::DateTime2 { scale }, PgType::Timestamp(digits)) => scale == digits,
        (SqlType::Char { length } | SqlType::NChar { length }, PgType::Char(n)) => {
            u32::from(*length) == *n
        }
        (
            SqlType::VarChar {
                length: Some(length),
            }
            | SqlType::NVarChar {
                length: Some(length),
            },
            PgType::VarChar(n),
        ) => u32::from(*length) == *n,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_are_no_change_and_lost_digits_are() {
        let scale = |scale| SqlType::DateTime2 { scale };
        assert!(is_same(&scale(6), &PgType::Timestamp(6)));
        assert!(!is_same(&scale(7), &PgType::Timestamp(6)));
        let money = (SqlType::Money, PgType::Numeric(Some((19, 4))));
        assert!(!is_same(&money.0, &money.1));
        assert_eq!(money.0.to_string(), "money");
        assert_eq!(
            SqlType::NVarChar { length: None }.to_string(),
            "nvarchar(max)"
        );
        assert_eq!(SqlType::UniqueIdentifier.to_string(), "uniqueidentifier");
    }
}
