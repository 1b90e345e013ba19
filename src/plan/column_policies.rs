//! Whether a column can follow the policies that the job gives it.

use crate::config::job::TableOverride;
use crate::error::{Error, Kind};
use tsql::schema::Table;

/// A policy for characters, given to a column that has none, would have no effect.
pub(super) fn without_text(table: &Table, override_: &TableOverride) -> Vec<Error> {
    override_
        .values
        .iter()
        .filter(|(_, values)| values.is_of_text())
        .filter(|(name, _)| {
            table
                .column(name)
                .is_some_and(|column| !column.ty.holds_text())
        })
        .map(|(name, _)| {
            Error::new(
                Kind::JobFile,
                "the override has `values` of text for a column that holds none: out_of_range is \
                 all that can be said here",
            )
            .at_column(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::job::{ValuePolicy, ValuesOverride};
    use crate::plan::sample;
    use tsql::schema::SqlType;

    fn refused(ty: SqlType, values: ValuesOverride) -> bool {
        let table = sample::table(vec![sample::column("c", ty)], Vec::new(), 1);
        let override_ = TableOverride {
            values: BTreeMap::from([("c".to_owned(), values)]),
            ..TableOverride::default()
        };
        !without_text(&table, &override_).is_empty()
    }

    #[test]
    fn only_columns_that_can_hold_text_take_policies_of_text() {
        let strip = ValuesOverride {
            nul_characters: Some(ValuePolicy::Strip),
            ..ValuesOverride::default()
        };
        let range = ValuesOverride {
            out_of_range: Some(ValuePolicy::Reject),
            ..ValuesOverride::default()
        };
        let clr = SqlType::Clr {
            name: "Point3D".into(),
        };
        let without = [
            SqlType::Int,
            SqlType::HierarchyId,
            SqlType::Geography,
            SqlType::Geometry,
            SqlType::Vector { dimensions: 3 },
            clr,
        ];
        for ty in without {
            assert!(refused(ty.clone(), strip), "{ty}");
            assert!(!refused(ty.clone(), range), "{ty}");
        }
        let with = [
            SqlType::NText,
            SqlType::Xml,
            SqlType::Json,
            SqlType::SqlVariant,
        ];
        for ty in with {
            assert!(!refused(ty.clone(), strip), "{ty}");
        }
    }
}
