//! What DDL statements share: places of names, and a table being changed.

use std::sync::Arc;

use crate::engine::error::{Result, error};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::Table;

/// The database a name is in, ready to change, and the name in it.
pub(crate) fn place<'s>(
    facts: &Facts,
    state: &'s mut State,
    name: &Name,
) -> Result<(&'s mut Database, Name)> {
    let name = facts.place(name);
    let database = state.database_mut(name.database.as_deref().unwrap_or(&facts.database))?;
    if database.read_only {
        let message = format!(
            "Failed to update database \"{}\" because the database is read-only.",
            database.name
        );
        return Err(error(3906, 16, message));
    }
    Ok((database, name))
}

pub(crate) fn table_id(database: &Database, name: &Name) -> Result<i32> {
    let schema = name.schema.as_deref().unwrap_or("dbo");
    let id = database
        .object_id(schema, &name.name)
        .filter(|id| database.tables.contains_key(id));
    id.ok_or_else(|| error(4902, 16, format!("Cannot find the object \"{name}\" because it does not exist or you do not have permissions.")))
}

/// Facts whose state is the one being changed, so that expressions see it.
pub(crate) fn facts_of(facts: &Facts, database: &Database) -> Facts {
    let mut state = State::clone(&facts.state);
    state.databases.insert(
        crate::engine::model::name::fold(&database.name),
        Arc::new(database.clone()),
    );
    Facts {
        state: Arc::new(state),
        database: database.name.clone(),
        ..facts.clone()
    }
}

pub(crate) fn moment(facts: &Facts) -> u64 {
    facts.now.0 as u64 * crate::engine::value::calendar::DAY + facts.now.1
}

/// One table under change.
pub(crate) struct Work<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) database: &'a mut Database,
    pub(crate) object_id: i32,
}

impl Work<'_> {
    pub(crate) fn table(&mut self) -> &mut Table {
        self.database
            .table_mut(self.object_id)
            .expect("the table under change exists")
    }

    pub(crate) fn column_id(&mut self, name: &str) -> Result<i32> {
        let table = self.table();
        let at = table.column(name).ok_or_else(|| {
            error(
                1911,
                16,
                format!("Column name '{name}' does not exist in the target table or view."),
            )
        })?;
        Ok(table.columns[at].id)
    }

    /// A system-made name such as `PK__Posts__3214EC07A1B2C3D4`.
    pub(crate) fn system_name(&mut self, prefix: &str, of: &str) -> String {
        let id = self.object_id as u32;
        let number = self.database.next_object as u32;
        let short: String = of.chars().take(9).collect();
        format!("{prefix}__{short}__{id:08X}{number:08X}")
    }

    pub(crate) fn name(
        &mut self,
        given: Option<&str>,
        prefix: &str,
        column: &str,
    ) -> Result<(String, i32, bool)> {
        let object_id = self.database.new_object();
        let table = self.table();
        let (schema_id, table_name) = (table.schema_id, table.name.clone());
        let name = match given {
            Some(n) => n.to_owned(),
            None if column.is_empty() => self.system_name(prefix, &table_name),
            None => self.system_name(prefix, &format!("{table_name:.9}__{column:.5}")),
        };
        self.database.claim(schema_id, &name, object_id)?;
        Ok((name, object_id, given.is_none()))
    }
}
