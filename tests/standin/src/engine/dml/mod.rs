//! INSERT, UPDATE, DELETE, TRUNCATE and bulk loading.

pub(crate) mod cascade;
mod change;
pub(crate) mod graph;
mod insert;
mod period;

use std::sync::Arc;

use crate::engine::dml::period::{keep_history, refuse_generated, stamp};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::model::rows::Row;
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::{Table, Temporal};
use crate::engine::store::Rules;
use crate::types::Value;

pub(crate) use crate::engine::dml::change::{delete, update};
pub(crate) use crate::engine::dml::insert::insert;

/// What a change did.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) rows: u64,
    /// The last identity value given out or inserted.
    pub(crate) identity: Option<i64>,
}

/// Finds the table of a change, in the state that the change will replace.
fn target<'s>(
    facts: &Facts,
    state: &'s mut State,
    name: &Name,
) -> Result<(&'s mut Database, Arc<Table>)> {
    let place = facts.place(name);
    let (database, table) = facts.table(name)?;
    if database.read_only {
        let message = format!(
            "Failed to update database \"{}\" because the database is read-only.",
            database.name
        );
        return Err(error(3906, 16, message));
    }
    if table.generated.is_some() {
        return Err(unsupported("a change of a generated table"));
    }
    let table = Arc::clone(table);
    let database = state.database_mut(place.database.as_deref().unwrap_or(&facts.database))?;
    Ok((database, table))
}

fn column_count(more_values: bool, values: bool) -> crate::types::SqlError {
    let list = if values { "VALUES" } else { "SELECT" };
    let relation = if more_values {
        "fewer columns in the INSERT statement than values specified"
    } else {
        "more columns in the INSERT statement than values specified"
    };
    let number = match (more_values, values) {
        (false, true) => 109,
        (true, true) => 110,
        (false, false) => 120,
        (true, false) => 121,
    };
    error(
        number,
        15,
        format!(
            "There are {relation} in the {list} clause. The number of values in the {list} clause must match the number of columns specified in the INSERT statement."
        ),
    )
}

fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(i) => Some(*i),
        Value::Decimal { unscaled, scale } => {
            i64::try_from(unscaled / crate::engine::value::decimal::pow10(*scale)).ok()
        }
        _ => None,
    }
}

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
