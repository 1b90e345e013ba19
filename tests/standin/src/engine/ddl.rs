//! Tables, constraints and indexes: CREATE, ALTER, DROP.

use std::sync::Arc;

use crate::engine::collate;
use crate::engine::datatype;
use crate::engine::error::{Result, error, invalid_column, invalid_object, unsupported};
use crate::engine::expr::{Env, Run};
use crate::engine::facts::Facts;
use crate::engine::parse::normal::definition;
use crate::engine::parse::statement::{
    AlterTable, ColumnSpec, ConstraintKind, ConstraintSpec, CreateIndex, CreateTable, Name,
};
use crate::engine::rows::{OrderedRows, Row};
use crate::engine::state::{Database, State};
use crate::engine::store::{Rules, bind_over, check_references};
use crate::engine::table::{
    Check, ColumnDef, Computed, ForeignKey, Identity, Index, IndexKind, NamedText, Table, same_name,
};
use crate::types::{SqlType, Value};

/// The database a name is in, ready to change, and the name in it.
fn place<'s>(facts: &Facts, state: &'s mut State, name: &Name) -> Result<(&'s mut Database, Name)> {
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

fn table_id(database: &Database, name: &Name) -> Result<i32> {
    let schema = name.schema.as_deref().unwrap_or("dbo");
    let id = database
        .object_id(schema, &name.name)
        .filter(|id| database.tables.contains_key(id));
    id.ok_or_else(|| error(4902, 16, format!("Cannot find the object \"{name}\" because it does not exist or you do not have permissions.")))
}

/// Facts whose state is the one being changed, so that expressions see it.
fn facts_of(facts: &Facts, database: &Database) -> Facts {
    let mut state = State::clone(&facts.state);
    state.databases.insert(
        crate::engine::table::fold(&database.name),
        Arc::new(database.clone()),
    );
    Facts {
        state: Arc::new(state),
        database: database.name.clone(),
        ..facts.clone()
    }
}

pub(crate) fn create_table(facts: &Facts, state: &mut State, create: &CreateTable) -> Result<i32> {
    let (database, name) = place(facts, state, &create.name)?;
    let schema = name.schema.as_deref().unwrap_or("dbo");
    let schema_id = database.schema_id(schema).ok_or_else(|| {
        error(2760, 16, format!("The specified schema name \"{schema}\" either does not exist or you do not have permission to use it."))
    })?;
    let object_id = database.new_object();
    database.claim(schema_id, &name.name, object_id)?;
    let table = Table {
        object_id,
        schema_id,
        name: name.name.clone(),
        columns: Arc::default(),
        indexes: Vec::new(),
        checks: Arc::default(),
        foreign_keys: Arc::default(),
        heap: OrderedRows::default(),
        next_row: 1,
        next_column: 1,
        generated: None,
        created: moment(facts),
    };
    database.tables.insert(object_id, Arc::new(table));
    let mut work = Work {
        facts,
        database,
        object_id,
    };
    for spec in &create.columns {
        work.add_column(spec)?;
    }
    // Keys first: foreign keys of the table may point at it.
    let at_columns = create.columns.iter().flat_map(|c| {
        c.constraints
            .iter()
            .map(move |k| (k, Some(c.name.as_str())))
    });
    let all: Vec<_> = at_columns
        .chain(create.constraints.iter().map(|k| (k, None)))
        .collect();
    let is_key = |k: &ConstraintSpec| matches!(k.kind, ConstraintKind::Key { .. });
    let primary_clustered = all.iter().any(|(k, _)| {
        matches!(
            &k.kind,
            ConstraintKind::Key {
                clustered: Some(true),
                ..
            }
        )
    });
    for (spec, column) in all.iter().filter(|(k, _)| is_key(k)) {
        work.add_key(spec, *column, !primary_clustered)?;
    }
    for (spec, column) in all.iter().filter(|(k, _)| !is_key(k)) {
        work.add_constraint(spec, *column, true)?;
    }
    Ok(object_id)
}

pub(crate) fn moment(facts: &Facts) -> u64 {
    facts.now.0 as u64 * crate::engine::value::calendar::DAY + facts.now.1
}

/// One table under change.
struct Work<'a> {
    facts: &'a Facts,
    database: &'a mut Database,
    object_id: i32,
}

impl Work<'_> {
    fn table(&mut self) -> &mut Table {
        self.database
            .table_mut(self.object_id)
            .expect("the table under change exists")
    }

    fn column_id(&mut self, name: &str) -> Result<i32> {
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
    fn system_name(&mut self, prefix: &str, of: &str) -> String {
        let id = self.object_id as u32;
        let number = self.database.next_object as u32;
        let short: String = of.chars().take(9).collect();
        format!("{prefix}__{short}__{id:08X}{number:08X}")
    }

    fn name(
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

    fn add_column(&mut self, spec: &ColumnSpec) -> Result<()> {
        if self.table().column(&spec.name).is_some() {
            let message = format!(
                "Column names in each table must be unique. Column name '{}' in table '{}' is specified more than once.",
                spec.name,
                self.table().name
            );
            return Err(error(2705, 16, message));
        }
        let def = self.column_def(spec)?;
        let table = self.table();
        let mut def = ColumnDef {
            id: table.next_column,
            ..def
        };
        table.next_column += 1;
        if def.identity.is_some() && table.columns.iter().any(|c| c.identity.is_some()) {
            return Err(error(
                2744,
                16,
                format!(
                    "Multiple identity columns specified for table '{}'. Only one identity column per table is allowed.",
                    table.name
                ),
            ));
        }
        if let Some(expr) = &spec.computed {
            let text = definition(expr);
            let (facts, snapshot) = (facts_of(self.facts, self.database), self.table().clone());
            let bound = bind_over(&facts, &snapshot, &text, false)?;
            (def.ty, def.collation) = (bound.t.ty.clone(), bound.t.collation.clone());
            def.user_type_id = i32::from(datatype::system_type_id(&def.ty));
            def.nullable = spec.nullable.unwrap_or(true);
            def.computed = Some(Computed {
                definition: text,
                persisted: spec.persisted,
            });
        }
        Arc::make_mut(&mut self.table().columns).push(def);
        Ok(())
    }

    fn column_def(&mut self, spec: &ColumnSpec) -> Result<ColumnDef> {
        let (ty, user_type_id, alias_nullable) = match &spec.ty {
            Some(name) => facts_of(self.facts, self.database)
                .resolve_type(name, false)
                .map_err(|_| {
                    error(
                        2715,
                        16,
                        format!(
                            "Column, parameter, or variable #{}: Cannot find data type {}.",
                            self.object_id, name.name
                        ),
                    )
                })?,
            None => (SqlType::Int, 56, None),
        };
        let collation = match (&spec.collation, datatype::has_collation(&ty)) {
            (Some(name), true) if !name.eq_ignore_ascii_case("database_default") => {
                Some(collate::find(name)?)
            }
            (_, true) => Some(Arc::clone(&self.database.collation)),
            _ => None,
        };
        let key = spec.constraints.iter().any(|c| {
            matches!(
                &c.kind,
                ConstraintKind::Key {
                    kind: IndexKind::PrimaryKey,
                    ..
                }
            )
        });
        let fixed = key || spec.identity.is_some() || ty == SqlType::RowVersion;
        Ok(ColumnDef {
            name: spec.name.clone(),
            id: 0,
            ty,
            user_type_id,
            nullable: spec
                .nullable
                .unwrap_or(!fixed && alias_nullable.unwrap_or(true)),
            collation,
            identity: spec.identity.map(|(seed, increment)| Identity {
                seed,
                increment,
                last: None,
            }),
            computed: None,
            default: None,
            rowguid: spec.rowguid,
            sparse: spec.sparse,
        })
    }

    fn add_key(
        &mut self,
        spec: &ConstraintSpec,
        column: Option<&str>,
        may_cluster: bool,
    ) -> Result<()> {
        let ConstraintKind::Key {
            kind,
            clustered,
            columns,
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
        let index = Index {
            name,
            id: 0,
            object_id,
            kind: *kind,
            system_named,
            unique: true,
            disabled: false,
            keys,
            included: Vec::new(),
            filter: None,
            rows: OrderedRows::default(),
        };
        self.add_index(index, clustered)
    }

    fn key_columns(&mut self, columns: &[(String, bool)]) -> Result<Vec<(i32, bool)>> {
        columns
            .iter()
            .map(|(c, d)| Ok((self.column_id(c)?, *d)))
            .collect()
    }

    fn add_index(&mut self, mut index: Index, clustered: bool) -> Result<()> {
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
    fn rebuild(&mut self) -> Result<()> {
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

    fn add_constraint(
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
                    trusted: check,
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

    fn existing_conflict(&mut self, kind: &str, name: &str) -> crate::types::SqlError {
        let (database, table) = (self.database.name.clone(), self.table().name.clone());
        error(
            547,
            16,
            format!(
                "The ALTER TABLE statement conflicted with the {kind} constraint \"{name}\". The conflict occurred in database \"{database}\", table \"{table}\"."
            ),
        )
    }

    fn add_foreign(
        &mut self,
        spec: &ConstraintSpec,
        column: Option<&str>,
        check: bool,
    ) -> Result<()> {
        let ConstraintKind::Foreign {
            columns,
            target,
            target_columns,
            on_delete,
            on_update,
        } = &spec.kind
        else {
            return Ok(());
        };
        let own: Vec<String> = if columns.is_empty() {
            column.map(str::to_owned).into_iter().collect()
        } else {
            columns.clone()
        };
        let ids = own
            .iter()
            .map(|c| self.column_id(c))
            .collect::<Result<Vec<_>>>()?;
        let schema = target.schema.as_deref().unwrap_or("dbo");
        let other = self
            .database
            .table(schema, &target.name)
            .cloned()
            .ok_or_else(|| {
                error(
                    1767,
                    16,
                    format!(
                        "Foreign key '{}' references invalid table '{target}'.",
                        spec.name.as_deref().unwrap_or_default()
                    ),
                )
            })?;
        let target_ids: Vec<i32> = if target_columns.is_empty() {
            let primary = other
                .indexes
                .iter()
                .find(|i| i.kind == IndexKind::PrimaryKey);
            primary
                .map(|i| i.keys.iter().map(|k| k.0).collect())
                .unwrap_or_default()
        } else {
            target_columns
                .iter()
                .map(|c| {
                    other
                        .column(c)
                        .map(|i| other.columns[i].id)
                        .ok_or_else(|| invalid_column(c))
                })
                .collect::<Result<_>>()?
        };
        let unique = other.indexes.iter().any(|i| {
            i.unique
                && i.keys.len() == target_ids.len()
                && target_ids
                    .iter()
                    .all(|t| i.keys.iter().any(|(k, _)| k == t))
        });
        if !unique || target_ids.len() != ids.len() {
            let message = format!(
                "There are no primary or candidate keys in the referenced table '{target}' that match the referencing column list in the foreign key '{}'.",
                spec.name.as_deref().unwrap_or_default()
            );
            return Err(error(1776, 16, message));
        }
        let (name, object_id, system_named) = self.name(
            spec.name.as_deref(),
            "FK",
            own.first().map_or("", String::as_str),
        )?;
        let key = ForeignKey {
            object_id,
            name: name.clone(),
            system_named,
            columns: ids,
            target: other.object_id,
            target_columns: target_ids,
            on_delete: *on_delete,
            on_update: *on_update,
            disabled: false,
            trusted: check,
        };
        Arc::make_mut(&mut self.table().foreign_keys).push(key);
        if check {
            let snapshot = self.table().clone();
            for row in snapshot.primary().iter() {
                check_references(self.database, &snapshot, &row.values, "ALTER TABLE")?;
            }
        }
        Ok(())
    }

    fn fill_new_columns(&mut self, from: usize) -> Result<()> {
        let facts = facts_of(self.facts, self.database);
        let snapshot = self.table().clone();
        let rules = Rules::new(&facts, &self.database.clone(), &snapshot)?;
        let rows: Vec<Arc<Row>> = snapshot.primary().iter().cloned().collect();
        let run = Run::default();
        let mut widened = Vec::new();
        for row in rows {
            let mut values = row.values.to_vec();
            for at in from..snapshot.columns.len() {
                let column = &snapshot.columns[at];
                let value = match (&column.identity, &rules.defaults[at]) {
                    (Some(_), _) => {
                        return Err(unsupported(
                            "adding an identity column to a table with rows",
                        ));
                    }
                    (None, Some(default)) if !column.nullable => {
                        let value = default.eval(&Env {
                            row: &[],
                            outer: None,
                            run: &run,
                        })?;
                        rules.store(&snapshot, at, &value, &default.t.ty)?
                    }
                    _ => Value::Null,
                };
                values.push(value);
            }
            rules.complete(&snapshot, &mut values, "ALTER TABLE")?;
            widened.push(Arc::new(Row {
                id: row.id,
                values: values.into(),
            }));
        }
        self.replace_rows(&rules, widened)
    }

    fn replace_rows(&mut self, rules: &Rules, rows: Vec<Arc<Row>>) -> Result<()> {
        let table = self.table();
        table.heap = OrderedRows::default();
        for index in &mut table.indexes {
            index.rows = OrderedRows::default();
        }
        rows.into_iter()
            .try_for_each(|row| rules.insert(table, row))
    }

    fn drop_column(&mut self, name: &str) -> Result<()> {
        let table = self.table();
        let Some(at) = table.column(name) else {
            return Err(error(
                4924,
                16,
                format!(
                    "ALTER TABLE DROP COLUMN failed because column '{name}' does not exist in table '{}'.",
                    table.name
                ),
            ));
        };
        let id = table.columns[at].id;
        let used = table
            .indexes
            .iter()
            .any(|i| i.keys.iter().any(|k| k.0 == id) || i.included.contains(&id))
            || table.foreign_keys.iter().any(|k| k.columns.contains(&id))
            || table.columns[at].default.is_some()
            || table.checks.iter().any(|c| c.column_id == id);
        if used {
            return Err(error(
                4922,
                16,
                format!(
                    "ALTER TABLE DROP COLUMN {name} failed because one or more objects access this column."
                ),
            ));
        }
        let rows: Vec<Arc<Row>> = table.primary().iter().cloned().collect();
        Arc::make_mut(&mut table.columns).remove(at);
        let narrowed = rows.iter().map(|r| {
            let mut values = r.values.to_vec();
            values.remove(at);
            Arc::new(Row {
                id: r.id,
                values: values.into(),
            })
        });
        let narrowed: Vec<_> = narrowed.collect();
        let facts = facts_of(self.facts, self.database);
        let rules = Rules::new(&facts, &self.database.clone(), &self.table().clone())?;
        self.replace_rows(&rules, narrowed)
    }

    fn alter_column(&mut self, spec: &ColumnSpec) -> Result<()> {
        let def = self.column_def(spec)?;
        let before = self.table().clone();
        let at = before
            .column(&spec.name)
            .ok_or_else(|| invalid_column(&spec.name))?;
        let old = &before.columns[at];
        let changed = ColumnDef {
            id: old.id,
            name: old.name.clone(),
            identity: old.identity.clone(),
            default: old.default.clone(),
            rowguid: old.rowguid,
            ..def
        };
        Arc::make_mut(&mut self.table().columns)[at] = changed;
        let facts = facts_of(self.facts, self.database);
        let after = self.table().clone();
        let rules = Rules::new(&facts, &self.database.clone(), &after)?;
        let mut rows = Vec::new();
        for row in before.primary().iter() {
            let mut values = row.values.to_vec();
            values[at] = rules.store(&after, at, &values[at], &old.ty)?;
            rules.complete(&after, &mut values, "ALTER TABLE")?;
            rows.push(Arc::new(Row {
                id: row.id,
                values: values.into(),
            }));
        }
        self.replace_rows(&rules, rows)
    }

    fn drop_constraint(&mut self, name: &str) -> Result<()> {
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
}

pub(crate) fn alter_table(
    facts: &Facts,
    state: &mut State,
    name: &Name,
    change: &AlterTable,
) -> Result<()> {
    let (database, name) = place(facts, state, name)?;
    let object_id = table_id(database, &name)?;
    let mut work = Work {
        facts,
        database,
        object_id,
    };
    match change {
        AlterTable::Add {
            columns,
            constraints,
            check,
        } => {
            let from = work.table().columns.len();
            for spec in columns {
                work.add_column(spec)?;
                for constraint in spec
                    .constraints
                    .iter()
                    .filter(|c| matches!(c.kind, ConstraintKind::Default { .. }))
                {
                    work.add_constraint(constraint, Some(&spec.name), *check)?;
                }
            }
            if !columns.is_empty() {
                work.fill_new_columns(from)?;
            }
            for spec in columns {
                for constraint in spec
                    .constraints
                    .iter()
                    .filter(|c| !matches!(c.kind, ConstraintKind::Default { .. }))
                {
                    work.add_constraint(constraint, Some(&spec.name), *check)?;
                }
            }
            constraints
                .iter()
                .try_for_each(|c| work.add_constraint(c, None, *check))
        }
        AlterTable::AlterColumn(spec) => work.alter_column(spec),
        AlterTable::DropColumns { names, if_exists } => {
            for name in names {
                if *if_exists && work.table().column(name).is_none() {
                    continue;
                }
                work.drop_column(name)?;
            }
            Ok(())
        }
        AlterTable::DropConstraints { names, if_exists } => {
            for name in names {
                match work.drop_constraint(name) {
                    Err(e) if *if_exists && e.number == 3728 => {}
                    other => other?,
                }
            }
            Ok(())
        }
        AlterTable::Enable { names, on, check } => {
            let wanted = |n: &str| names.is_empty() || names.iter().any(|w| same_name(w, n));
            let table = work.table();
            for c in Arc::make_mut(&mut table.checks)
                .iter_mut()
                .filter(|c| wanted(&c.text.name))
            {
                (c.disabled, c.trusted) = (!on, *on && *check);
            }
            for k in Arc::make_mut(&mut table.foreign_keys)
                .iter_mut()
                .filter(|k| wanted(&k.name))
            {
                (k.disabled, k.trusted) = (!on, *on && *check);
            }
            Ok(())
        }
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

pub(crate) fn drop_table(
    facts: &Facts,
    state: &mut State,
    name: &Name,
    if_exists: bool,
) -> Result<()> {
    let (database, name) = place(facts, state, name)?;
    let Ok(object_id) = table_id(database, &name) else {
        if if_exists {
            return Ok(());
        }
        return Err(error(
            3701,
            11,
            format!(
                "Cannot drop the table '{name}', because it does not exist or you do not have permission."
            ),
        ));
    };
    if database
        .tables
        .values()
        .any(|t| t.object_id != object_id && t.foreign_keys.iter().any(|k| k.target == object_id))
    {
        return Err(error(
            3726,
            16,
            format!(
                "Could not drop object '{name}' because it is referenced by a FOREIGN KEY constraint."
            ),
        ));
    }
    let table = database
        .tables
        .remove(&object_id)
        .ok_or_else(|| invalid_object(&name))?;
    let mut ids = vec![object_id];
    ids.extend(table.indexes.iter().map(|i| i.object_id));
    ids.extend(table.checks.iter().map(|c| c.text.object_id));
    ids.extend(table.foreign_keys.iter().map(|k| k.object_id));
    ids.extend(
        table
            .columns
            .iter()
            .filter_map(|c| c.default.as_ref().map(|d| d.object_id)),
    );
    Arc::make_mut(&mut database.names).retain(|_, id| !ids.contains(id));
    Arc::make_mut(&mut database.properties).retain(|p| p.class != 1 || p.major_id != object_id);
    Ok(())
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
