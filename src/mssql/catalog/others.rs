//! The tables' objects that are neither columns nor indexes: foreign keys, checks, defaults.

use std::collections::HashMap;

use crate::error::Result;
use crate::mssql::control::ControlRow;
use crate::schema::OtherObject;

/// One statement per view, because a server that speaks T-SQL may lack one of them. The word is
/// the object's kind in plans and reports.
pub(super) const VIEWS: [(&str, &str); 3] = [
    (
        "foreign key",
        "SELECT CONVERT(bigint, k.parent_object_id), k.name FROM sys.foreign_keys AS k WHERE k.is_ms_shipped = 0",
    ),
    (
        "check",
        "SELECT CONVERT(bigint, k.parent_object_id), k.name FROM sys.check_constraints AS k WHERE k.is_ms_shipped = 0",
    ),
    (
        "default",
        "SELECT CONVERT(bigint, k.parent_object_id), k.name FROM sys.default_constraints AS k WHERE k.is_ms_shipped = 0",
    ),
];

/// By the table's `object_id`, in the order of [`VIEWS`], then by name.
pub(super) fn by_table(
    answers: &[(&str, Vec<ControlRow>)],
) -> Result<HashMap<i64, Vec<OtherObject>>> {
    let mut objects: HashMap<i64, Vec<OtherObject>> = HashMap::new();
    for (kind, rows) in answers {
        let mut named = Vec::with_capacity(rows.len());
        for row in rows {
            named.push((row.need_int(0)?, row.need_text(1)?.to_owned()));
        }
        named.sort();
        for (table, name) in named {
            objects.entry(table).or_default().push(OtherObject {
                kind: (*kind).to_owned(),
                name,
            });
        }
    }
    Ok(objects)
}
