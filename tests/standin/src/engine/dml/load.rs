//! TRUNCATE, and loading without SQL.

use std::sync::Arc;

use crate::engine::dml::target::{as_integer, column_count, target};
use crate::engine::error::{Result, error};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::model::rows::Row;
use crate::engine::model::state::State;
use crate::engine::model::table::Temporal;
use crate::engine::rules::check::Rules;
use crate::types::Value;

pub(crate) fn truncate(facts: &Facts, state: &mut State, name: &Name) -> Result<()> {
    let (database, table) = target(facts, state, name)?;
    let referenced = database.tables.values().any(|t| {
        t.object_id != table.object_id && t.foreign_keys.iter().any(|k| k.target == table.object_id)
    });
    if table.temporal != Temporal::No {
        let message = format!(
            "Truncate failed on table '{}' because it is not a supported operation on system-versioned tables.",
            table.name
        );
        return Err(error(13545, 16, message));
    }
    if referenced {
        return Err(error(
            4712,
            16,
            format!(
                "Cannot truncate table '{}' because it is being referenced by a FOREIGN KEY constraint.",
                table.name
            ),
        ));
    }
    database
        .table_mut(table.object_id)
        .expect("the statement's table stays")
        .clear();
    Ok(())
}

/// Adds rows that are already of the columns' types, with unique checks but no other constraint.
pub(crate) fn load(
    facts: &Facts,
    state: &mut State,
    name: &Name,
    rows: impl Iterator<Item = Vec<Value>>,
) -> Result<u64> {
    let (database, table) = target(facts, state, name)?;
    let rules = Rules::new(facts, database, &table)?;
    let identity = table.columns.iter().position(|c| c.identity.is_some());
    let object_id = table.object_id;
    drop(table);
    let stored = database
        .table_mut(object_id)
        .expect("the statement's table stays");
    let mut count = 0;
    for mut values in rows {
        if values.len() != stored.columns.len() {
            return Err(column_count(values.len() > stored.columns.len(), true));
        }
        rules.complete(stored, &mut values, "INSERT")?;
        if let Some(at) = identity
            && let Some(value) = as_integer(&values[at])
        {
            let def = Arc::make_mut(&mut stored.columns)[at]
                .identity
                .as_mut()
                .expect("found above");
            def.last = Some(def.last.map_or(value, |l| l.max(value)));
        }
        let id = stored.next_row;
        stored.next_row += 1;
        rules.insert(
            stored,
            Arc::new(Row {
                id,
                values: values.into(),
            }),
        )?;
        count += 1;
    }
    Ok(count)
}
