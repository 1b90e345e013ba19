//! Keys, foreign keys, checks and defaults.

use std::sync::Arc;

use crate::engine::ddl::work::{Work, facts_of};
use crate::engine::error::{Result, error, invalid_column, unsupported};
use crate::engine::eval::expr::{Env, Run};
use crate::engine::model::index::{Index, IndexForm, IndexKind};
use crate::engine::model::name::same_name;
use crate::engine::model::rows::OrderedRows;
use crate::engine::model::table::{Check, NamedText};
use crate::engine::parse::definition::{ConstraintKind, ConstraintSpec};
use crate::engine::parse::normal::definition;
use crate::engine::rules::check::bind_over;
use crate::engine::rules::reference::check_references;

impl Work<'_> {
    pub(super) fn add_key(
        &mut self,
        spec: &ConstraintSpec,
        column: Option<&str>,
        may_cluster: bool,
    ) -> Result<()> {
        let ConstraintKind::Key {
            kind,
            clustered,
            hash,
            columns,
            on,
        } = &spec.kind
        else {
            return Ok(());
        };
        let columns = match column {
            Some(c) if columns.is_empty() => vec![(c.to_owned(), false)],
            _ => columns.clone(),
        };
        let keys = self.key_columns(&columns)?;
        let primary = *kind == IndexKind::PrimaryKey;
        if primary {
            for (id, _) in &keys {
                let table = self.table();
                let at = table.position(*id);
                Arc::make_mut(&mut table.columns)[at].nullable = false;
            }
        }
        let clustered =
            clustered.unwrap_or(primary && may_cluster && self.table().clustered().is_none());
        let prefix = if primary { "PK" } else { "UQ" };
        let (name, object_id, system_named) = self.name(spec.name.as_deref(), prefix, "")?;
        if *hash {
            let Some(memory) = &mut self.table().memory else {
                return Err(unsupported("a hash index of a table on disk"));
            };
            memory.hash.push(name.clone());
        }
        let mut index = Index {
            name,
            id: 0,
            form: IndexForm::Rows,
            object_id,
            kind: *kind,
            system_named,
            unique: true,
            disabled: false,
            keys,
            included: Vec::new(),
            filter: None,
            placed: None,
            rows: OrderedRows::default(),
        };
        self.place_index(&mut index, on.as_ref(), clustered)?;
        self.add_index(index, clustered)
    }

    pub(super) fn add_constraint(
        &mut self,
        spec: &ConstraintSpec,
        column: Option<&str>,
        check: bool,
    ) -> Result<()> {
        match &spec.kind {
            ConstraintKind::Key { .. } => self.add_key(spec, column, true),
            ConstraintKind::Check(condition) => {
                let text = definition(condition);
                let (facts, snapshot) = (facts_of(self.facts, self.database), self.table().clone());
                let bound = bind_over(&facts, &snapshot, &text, true)?;
                let (name, object_id, system_named) =
                    self.name(spec.name.as_deref(), "CK", column.unwrap_or_default())?;
                if check {
                    let run = Run::default();
                    for row in snapshot.primary().iter() {
                        if bound.test(&Env {
                            row: &row.values,
                            outer: None,
                            run: &run,
                        })? == Some(false)
                        {
                            return Err(self.existing_conflict("CHECK", &name));
                        }
                    }
                }
                let column_id = column.map(|c| self.column_id(c)).transpose()?.unwrap_or(0);
                let text = NamedText {
                    object_id,
                    name,
                    definition: text,
                    system_named,
                };
                let added = Check {
                    text,
                    column_id,
                    disabled: false,
                    trusted: check && !spec.not_for_replication,
                    not_for_replication: spec.not_for_replication,
                };
                Arc::make_mut(&mut self.table().checks).push(added);
                Ok(())
            }
            ConstraintKind::Default {
                value,
                column: named,
            } => {
                let target = named
                    .as_deref()
                    .or(column)
                    .ok_or_else(|| unsupported("a DEFAULT without a column"))?
                    .to_owned();
                let (name, object_id, system_named) =
                    self.name(spec.name.as_deref(), "DF", &target)?;
                let table = self.table();
                let at = table
                    .column(&target)
                    .ok_or_else(|| invalid_column(&target))?;
                let text = NamedText {
                    object_id,
                    name,
                    definition: definition(value),
                    system_named,
                };
                Arc::make_mut(&mut table.columns)[at].default = Some(text);
                Ok(())
            }
            ConstraintKind::Foreign { .. } => self.add_foreign(spec, column, check),
        }
    }

    pub(super) fn existing_conflict(&mut self, kind: &str, name: &str) -> crate::types::SqlError {
        let (database, table) = (self.database.name.clone(), self.table().name.clone());
        error(
            547,
            16,
            format!(
                "The ALTER TABLE statement conflicted with the {kind} constraint \"{name}\". The conflict occurred in database \"{database}\", table \"{table}\"."
            ),
        )
    }

    pub(super) fn drop_constraint(&mut self, name: &str) -> Result<()> {
        let object_id = self.object_id;
        let table = self.table();
        let schema_id = table.schema_id;
        let mut found = false;
        if let Some(i) = table
            .indexes
            .iter()
            .position(|i| i.kind != IndexKind::Plain && same_name(&i.name, name))
        {
            let clustered = table.indexes[i].clustered();
            let id = table.indexes[i].keys.clone();
            let referenced = self.database.tables.values().any(|t| {
                t.foreign_keys.iter().any(|k| {
                    k.target == object_id
                        && k.target_columns.len() == id.len()
                        && k.target_columns
                            .iter()
                            .all(|c| id.iter().any(|(x, _)| x == c))
                })
            });
            if referenced {
                return Err(error(
                    3725,
                    16,
                    format!(
                        "The constraint '{name}' is being referenced by table, foreign key constraint."
                    ),
                ));
            }
            let table = self.table();
            if clustered {
                for row in table.indexes[i].rows.clone().iter() {
                    table
                        .heap
                        .insert(row.id.to_be_bytes().as_slice().into(), Arc::clone(row));
                }
            }
            table.indexes.remove(i);
            found = true;
        }
        let table = self.table();
        let count = table.checks.len() + table.foreign_keys.len();
        Arc::make_mut(&mut table.checks).retain(|c| !same_name(&c.text.name, name));
        Arc::make_mut(&mut table.foreign_keys).retain(|k| !same_name(&k.name, name));
        found |= table.checks.len() + table.foreign_keys.len() < count;
        for column in Arc::make_mut(&mut table.columns) {
            if column
                .default
                .as_ref()
                .is_some_and(|d| same_name(&d.name, name))
            {
                column.default = None;
                found = true;
            }
        }
        if !found {
            return Err(error(3728, 16, format!("'{name}' is not a constraint.")));
        }
        self.database.release(schema_id, name);
        Ok(())
    }

    /// Checks the rows that are there against constraints (WITH CHECK CHECK CONSTRAINT).
    pub(super) fn validate(&mut self, wanted: &dyn Fn(&str) -> bool) -> Result<()> {
        let (facts, snapshot) = (facts_of(self.facts, self.database), self.table().clone());
        let run = Run::default();
        for check in snapshot.checks.iter().filter(|c| wanted(&c.text.name)) {
            let bound = bind_over(&facts, &snapshot, &check.text.definition, true)?;
            for row in snapshot.primary().iter() {
                let env = Env {
                    row: &row.values,
                    outer: None,
                    run: &run,
                };
                if bound.test(&env)? == Some(false) {
                    return Err(self.existing_conflict("CHECK", &check.text.name));
                }
            }
        }
        let mut only = snapshot.clone();
        Arc::make_mut(&mut only.foreign_keys).retain(|k| wanted(&k.name));
        for row in snapshot.primary().iter() {
            check_references(self.database, &only, &row.values, "ALTER TABLE")?;
        }
        Ok(())
    }
}
