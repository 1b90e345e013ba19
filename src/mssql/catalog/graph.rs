//! The columns of node and edge tables (Microsoft, "SQL Graph architecture").
//!
//! A node table has `$node_id`, an edge table `$edge_id`, `$from_id` and `$to_id`: computed columns
//! over internal ones. The internal columns cannot be selected, and indexes are declared on them.

use std::collections::HashMap;

use super::queries::ColumnRow;

/// `sys.columns.graph_type` (Microsoft, "sys.columns").
const ID: i64 = 1;
const ID_COMPUTED: i64 = 2;
const FROM_ID: i64 = 3;
const FROM_OBJ_ID: i64 = 4;
const FROM_ID_COMPUTED: i64 = 5;
const TO_ID: i64 = 6;
const TO_OBJ_ID: i64 = 7;
const TO_ID_COMPUTED: i64 = 8;

/// Columns that no query may name; what they hold is shown by the computed ones.
pub(super) fn is_internal(graph_type: i64) -> bool {
    !matches!(graph_type, ID_COMPUTED | FROM_ID_COMPUTED | TO_ID_COMPUTED)
}

/// `$node_id` of `$node_id_6D5F...`: "the only supported and recommended way" to query it.
pub(super) fn pseudo(name: &str) -> &str {
    name.rsplit_once('_').map_or(name, |(pseudo, _)| pseudo)
}

/// Internal columns, which indexes on pseudo-columns are really on.
pub(super) struct Internal(HashMap<(i64, i64), String>);

impl Internal {
    pub(super) fn new(columns: &[ColumnRow]) -> Self {
        let mut shown = HashMap::new();
        for row in columns {
            if let Some(kind) = row.graph_type.filter(|kind| !is_internal(*kind)) {
                shown.insert((row.object_id, kind), pseudo(&row.name));
            }
        }
        let mut internal = HashMap::new();
        for row in columns {
            let shown_as = match row.graph_type {
                Some(ID) => ID_COMPUTED,
                Some(FROM_ID | FROM_OBJ_ID) => FROM_ID_COMPUTED,
                Some(TO_ID | TO_OBJ_ID) => TO_ID_COMPUTED,
                _ => continue,
            };
            if let Some(pseudo) = shown.get(&(row.object_id, shown_as)) {
                internal.insert((row.object_id, row.column_id), (*pseudo).to_owned());
            }
        }
        Self(internal)
    }

    /// The pseudo-column that shows an internal column.
    pub(super) fn pseudo(&self, part: (i64, i64)) -> Option<&str> {
        self.0.get(&part).map(String::as_str)
    }

    /// Whether a pseudo-column of this name shows internal columns of the table.
    pub(super) fn is_named(&self, object_id: i64, name: &str) -> bool {
        let mut all = self.0.iter();
        all.any(|((table, _), pseudo)| *table == object_id && pseudo == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mssql::catalog::row::samples;

    /// An edge table as Microsoft's "SQL Graph architecture" shows it in sys.columns.
    #[test]
    fn internal_columns_are_shown_by_pseudo_columns() {
        let rows = [
            "7|1|graph_id_AB|127|127|8|19|0|0|0|NULL|NULL|1|NULL|NULL",
            "7|2|$edge_id_AB|231|231|2000|0|0|0|0|NULL|NULL|2|NULL|NULL",
            "7|3|from_obj_id_AB|56|56|4|10|0|0|0|NULL|NULL|4|NULL|NULL",
            "7|4|from_id_AB|127|127|8|19|0|0|0|NULL|NULL|3|NULL|NULL",
            "7|5|$from_id_AB|231|231|2000|0|0|1|0|NULL|NULL|5|NULL|NULL",
            "7|6|Since|40|40|3|10|0|1|0|NULL|NULL|NULL|NULL|NULL",
        ];
        let internal = Internal::new(&samples(&rows));
        let shown = [1, 2, 3, 4, 5, 6].map(|column| internal.pseudo((7, column)));
        let edge = Some("$edge_id");
        let from = Some("$from_id");
        assert_eq!(shown, [edge, None, from, from, None, None]);
        assert!(internal.is_named(7, "$from_id") && !internal.is_named(8, "$from_id"));
        assert!(is_internal(1) && !is_internal(8));
    }
}
