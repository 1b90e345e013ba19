//! The actions of foreign keys: what a row that goes or changes does to those that refer to it.

use std::sync::Arc;

use crate::engine::error::Result;
use crate::engine::eval::expr::{Env, Run};
use crate::engine::model::facts::Facts;
use crate::engine::model::rows::Row;
use crate::engine::model::state::Database;
use crate::engine::model::table::{ForeignKey, Table};
use crate::engine::rules::check::Rules;
use crate::engine::rules::reference::{check_references, conflict, exists, find};
use crate::types::Value;

const CASCADE: u8 = 1;
const SET_DEFAULT: u8 = 3;

/// Applies the foreign keys that point at a row that was deleted (`new` is `None`) or changed.
///
/// # Errors
/// 547 when a key without an action is left pointing nowhere.
pub(crate) fn leave(
    facts: &Facts,
    database: &mut Database,
    object_id: i32,
    old: &[Value],
    new: Option<&[Value]>,
) -> Result<()> {
    let referring: Vec<(i32, ForeignKey)> = database
        .tables
        .values()
        .flat_map(|t| {
            t.foreign_keys
                .iter()
                .filter(|k| k.target == object_id && !k.disabled)
                .map(|k| (t.object_id, k.clone()))
        })
        .collect();
    for (child, key) in referring {
        let (Some(target), Some(table)) = (
            database.tables.get(&object_id).cloned(),
            database.tables.get(&child).cloned(),
        ) else {
            continue;
        };
        let of = |values: &[Value]| -> Vec<Value> {
            let at = key.target_columns.iter().map(|c| target.position(*c));
            at.map(|at| values[at].clone()).collect()
        };
        let wanted = of(old);
        let wanted: Vec<&Value> = wanted.iter().collect();
        let rows: Vec<Arc<Row>> = find(&table, &key.columns, &wanted).cloned().collect();
        if rows.is_empty() || exists(&target, &key.target_columns, &wanted) {
            continue;
        }
        let (verb, action) = match new {
            None => ("DELETE", key.on_delete),
            Some(_) => ("UPDATE", key.on_update),
        };
        if action == 0 {
            return Err(conflict(database, &table, &key, verb, "REFERENCE"));
        }
        let reference = Reference {
            table: &table,
            key: &key,
            action,
        };
        for row in rows {
            follow(facts, database, &reference, &row, new.map(of))?;
        }
    }
    Ok(())
}

/// A foreign key of another table, and what it does when the row that it refers to goes.
struct Reference<'a> {
    table: &'a Table,
    key: &'a ForeignKey,
    /// `sys.foreign_keys.delete_referential_action` or `update_referential_action`.
    action: u8,
}

/// Changes or deletes one row whose reference went; `new` is the new key, if there is one.
fn follow(
    facts: &Facts,
    database: &mut Database,
    reference: &Reference<'_>,
    row: &Arc<Row>,
    new: Option<Vec<Value>>,
) -> Result<()> {
    let Reference { table, key, action } = *reference;
    let Some(child) = database.table_mut(table.object_id) else {
        return Ok(());
    };
    child.remove(row);
    if action == CASCADE && new.is_none() {
        return leave(facts, database, table.object_id, &row.values, None);
    }
    let rules = Rules::new(facts, database, table)?;
    let run = Run::default();
    let mut values = row.values.to_vec();
    for (nth, column) in key.columns.iter().enumerate() {
        let at = table.position(*column);
        let default = rules.defaults[at]
            .as_ref()
            .filter(|_| action == SET_DEFAULT);
        values[at] = match (default, &new) {
            (Some(d), _) => {
                let env = Env {
                    row: &[],
                    outer: None,
                    run: &run,
                };
                rules.store(table, at, &d.eval(&env)?, &d.t.ty)?
            }
            (None, Some(new)) if action == CASCADE => new[nth].clone(),
            _ => Value::Null,
        };
    }
    rules.complete(table, &mut values, "UPDATE")?;
    let changed = Arc::new(Row {
        id: row.id,
        values: values.into(),
    });
    let Some(child) = database.table_mut(table.object_id) else {
        return Ok(());
    };
    rules.insert(child, Arc::clone(&changed))?;
    if action == SET_DEFAULT {
        check_references(database, table, &changed.values, "UPDATE")?;
    }
    leave(
        facts,
        database,
        table.object_id,
        &row.values,
        Some(&changed.values),
    )
}
