//! Indexes: created, rebuilt, disabled and dropped.

use std::sync::Arc;

use crate::engine::error::{Result, error, unsupported};
use crate::engine::facts::Facts;
use crate::engine::parse::normal::definition;
use crate::engine::parse::statement::{CreateIndex, Name};
use crate::engine::rows::{OrderedRows, Row};
use crate::engine::state::State;
use crate::engine::store::Rules;
use crate::engine::table::{Index, IndexKind, same_name};

use super::{Work, facts_of, place, table_id};

impl Work<'_> {
    pub(super) fn key_columns(&mut self, columns: &[(String, bool)]) -> Result<Vec<(i32, bool)>> {
        columns
            .iter()
            .map(|(c, d)| Ok((self.column_id(c)?, *d)))
            .collect()
    }

    pub(super) fn add_index(&mut self, mut index: Index, clustered: bool) -> Result<()> {
        let table = self.table();
        if table
            .indexes
            .iter()
            .any(|i| same_name(&i.name, &index.name))
        {
            let message = format!(
                "The operation failed because an index or statistics with name '{}' already exists on table '{}'.",
                index.name, table.name
            );
            return Err(error(1913, 16, message));
        }
        if clustered && table.clustered().is_some() {
            let message = format!(
                "Cannot create more than one clustered index on table '{}'. Drop the existing clustered index before creating another.",
                table.name
            );
            return Err(error(1902, 16, message));
        }
        index.id = if clustered {
            1
        } else {
            table.indexes.iter().map(|i| i.id).max().unwrap_or(1).max(1) + 1
        };
        table.indexes.push(index);
        table.indexes.sort_by_key(|i| i.id);
        self.rebuild()
    }

    /// Puts every row into every index again, checking what is unique.
    pub(super) fn rebuild(&mut self) -> Result<()> {
        let facts = facts_of(self.facts, self.database);
        let rows: Vec<Arc<Row>> = {
            let table = self.table();
            // A new clustered index is still empty: the rows are wherever they were.
            let fullest = table
                .indexes
                .iter()
                .filter(|i| i.readable())
                .map(|i| &i.rows)
                .chain([&table.heap])
                .max_by_key(|r| r.len());
            fullest
                .map(|r| r.iter().cloned().collect())
                .unwrap_or_default()
        };
        if rows.is_empty() {
            return Ok(());
        }
        let rules = Rules::new(&facts, &self.database.clone(), &self.table().clone())?;
        let table = self.table();
        table.heap = OrderedRows::default();
        for index in &mut table.indexes {
            index.rows = OrderedRows::default();
        }
        for row in rows {
            rules.insert(table, row).map_err(|e| error(1505, 16, format!("The CREATE UNIQUE INDEX statement terminated because a duplicate key was found. {}", e.message)))?;
        }
        Ok(())
    }
}

pub(crate) fn create_index(facts: &Facts, state: &mut State, create: &CreateIndex) -> Result<()> {
    let (database, name) = place(facts, state, &create.table)?;
    let object_id = table_id(database, &name)?;
    let mut work = Work {
        facts,
        database,
        object_id,
    };
    let keys = work.key_columns(&create.columns)?;
    let included = create
        .included
        .iter()
        .map(|c| work.column_id(c))
        .collect::<Result<_>>()?;
    let index = Index {
        name: create.name.clone(),
        id: 0,
        object_id: 0,
        kind: IndexKind::Plain,
        system_named: false,
        unique: create.unique,
        disabled: false,
        keys,
        included,
        filter: create.filter.as_ref().map(definition),
        rows: OrderedRows::default(),
    };
    work.add_index(index, create.clustered)
}

pub(crate) fn alter_index(
    facts: &Facts,
    state: &mut State,
    index: Option<&str>,
    table: &Name,
    rebuild: bool,
) -> Result<()> {
    let (database, name) = place(facts, state, table)?;
    let object_id = table_id(database, &name)?;
    let mut work = Work {
        facts,
        database,
        object_id,
    };
    let mut found = index.is_none();
    for i in &mut work.table().indexes {
        if index.is_none_or(|n| same_name(n, &i.name)) {
            if !rebuild && i.clustered() {
                return Err(unsupported("disabling a clustered index"));
            }
            i.disabled = !rebuild;
            found = true;
        }
    }
    if !found {
        return Err(error(
            2727,
            11,
            format!("Cannot find index '{}'.", index.unwrap_or_default()),
        ));
    }
    work.rebuild()
}

pub(crate) fn drop_index(
    facts: &Facts,
    state: &mut State,
    index: &str,
    table: &Name,
    if_exists: bool,
) -> Result<()> {
    let (database, name) = place(facts, state, table)?;
    let object_id = table_id(database, &name)?;
    let stored = database.table_mut(object_id).expect("found above");
    let Some(at) = stored
        .indexes
        .iter()
        .position(|i| same_name(&i.name, index))
    else {
        if if_exists {
            return Ok(());
        }
        return Err(error(
            3701,
            11,
            format!(
                "Cannot drop the index '{table}.{index}', because it does not exist or you do not have permission."
            ),
        ));
    };
    if stored.indexes[at].kind != IndexKind::Plain {
        return Err(error(
            3723,
            16,
            format!(
                "An explicit DROP INDEX is not allowed on index '{table}.{index}'. It is being used for PRIMARY KEY constraint enforcement."
            ),
        ));
    }
    let removed = stored.indexes.remove(at);
    if removed.clustered() {
        for row in removed.rows.iter() {
            stored
                .heap
                .insert(row.id.to_be_bytes().as_slice().into(), Arc::clone(row));
        }
    }
    Ok(())
}
