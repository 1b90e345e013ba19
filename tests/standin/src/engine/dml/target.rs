//! The table that a statement changes, and what it has changed.

use std::sync::Arc;

use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::Table;
use crate::types::Value;

/// What a change did.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) rows: u64,
    /// The last identity value given out or inserted.
    pub(crate) identity: Option<i64>,
}

/// Finds the table of a change, in the state that the change will replace.
pub(crate) fn target<'s>(
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

pub(crate) fn column_count(more_values: bool, values: bool) -> crate::types::SqlError {
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

pub(crate) fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(i) => Some(*i),
        Value::Decimal { unscaled, scale } => {
            i64::try_from(unscaled / crate::engine::value::decimal::pow10(*scale)).ok()
        }
        _ => None,
    }
}
