//! Foreign keys: whether the rows that are referred to are there.

use std::sync::Arc;

use crate::engine::error::{Result, error};
use crate::engine::model::index::Index;
use crate::engine::model::rows::Row;
use crate::engine::model::state::Database;
use crate::engine::model::table::{ForeignKey, Table};
use crate::types::{SqlError, Value};

/// Checks that the rows a table's foreign keys point to exist.
pub(crate) fn check_references(
    database: &Database,
    table: &Table,
    values: &[Value],
    verb: &str,
) -> Result<()> {
    for key in table.foreign_keys.iter().filter(|k| !k.disabled) {
        let wanted: Vec<&Value> = key
            .columns
            .iter()
            .map(|c| &values[table.position(*c)])
            .collect();
        if wanted.iter().any(|v| matches!(v, Value::Null)) {
            continue;
        }
        // A row may refer to itself.
        if key.target == table.object_id && refers(table, key, &wanted, values) {
            continue;
        }
        let Some(target) = database.tables.get(&key.target) else {
            continue;
        };
        if !exists(target, &key.target_columns, &wanted) {
            return Err(conflict(database, target, key, verb, "FOREIGN KEY"));
        }
    }
    Ok(())
}

pub(crate) fn refers(table: &Table, key: &ForeignKey, wanted: &[&Value], values: &[Value]) -> bool {
    key.target_columns.iter().zip(wanted).all(|(c, w)| {
        let at = table.position(*c);
        crate::engine::value::compare::compare(
            w,
            &values[at],
            table.columns[at].collation.as_deref(),
        )
        .is_eq()
    })
}

pub(crate) fn conflict(
    database: &Database,
    other: &Table,
    key: &ForeignKey,
    verb: &str,
    kind: &str,
) -> SqlError {
    let schema = database.schema_name(other.schema_id).unwrap_or_default();
    let message = format!(
        "The {verb} statement conflicted with the {kind} constraint \"{}\". The conflict occurred in database \"{}\", table \"{schema}.{}\".",
        key.name, database.name, other.name
    );
    error(547, 16, message)
}

/// Whether a row has these values in these columns.
pub(crate) fn exists(table: &Table, columns: &[i32], wanted: &[&Value]) -> bool {
    find(table, columns, wanted).next().is_some()
}

/// The rows that have these values, by an index on just these columns or by reading all.
pub(crate) fn find<'t>(
    table: &'t Table,
    columns: &'t [i32],
    wanted: &'t [&'t Value],
) -> Box<dyn Iterator<Item = &'t Arc<Row>> + 't> {
    let fits = |i: &&Index| {
        i.readable()
            && i.placed.is_none()
            && i.keys.len() >= columns.len()
            && i.keys.iter().zip(columns).all(|((k, _), c)| k == c)
    };
    if let Some(index) = table.indexes.iter().find(fits) {
        let mut key = Vec::new();
        for ((id, descending), value) in index.keys.iter().zip(wanted) {
            let collation = table.columns[table.position(*id)].collation.as_deref();
            crate::engine::value::compare::append_ordered_key(
                value,
                collation,
                *descending,
                &mut key,
            );
        }
        let found: Vec<&Arc<Row>> = index
            .rows
            .range(&key, None)
            .take_while(|(k, _)| k.starts_with(&key))
            .map(|(_, r)| r)
            .collect();
        return Box::new(found.into_iter());
    }
    Box::new(table.primary().iter().filter(move |row| {
        columns.iter().zip(wanted).all(|(c, w)| {
            let at = table.position(*c);
            crate::engine::value::compare::compare(
                w,
                &row.values[at],
                table.columns[at].collation.as_deref(),
            )
            .is_eq()
        })
    }))
}
