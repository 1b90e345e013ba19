//! CREATE, ALTER and DROP TABLE.

use std::sync::Arc;

use crate::engine::ddl::drop_object::enable_triggers;
use crate::engine::ddl::graph;
use crate::engine::ddl::work::{Work, moment, place, table_id};
use crate::engine::error::{Result, error, invalid_object};
use crate::engine::model::facts::Facts;
use crate::engine::model::index::IndexKind;
use crate::engine::model::memory::Memory;
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::rows::OrderedRows;
use crate::engine::model::state::State;
use crate::engine::model::table::{Table, Temporal};
use crate::engine::parse::definition::{
    AlterTable, ColumnSpec, ConstraintKind, ConstraintSpec, CreateTable,
};

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
        placed: None,
        next_row: 1,
        next_column: 1,
        generated: None,
        external: create.external,
        temporal: Temporal::No,
        memory: create.durable.map(|durable| Memory {
            durable,
            hash: Vec::new(),
        }),
        kept_rows: None,
        period: None,
        created: moment(facts),
    };
    database.tables.insert(object_id, Arc::new(table));
    let mut work = Work {
        facts,
        database,
        object_id,
    };
    let graph = create.graph.map(|graph| graph::columns(graph, object_id));
    for spec in graph.iter().flatten().chain(&create.columns) {
        work.add_column(spec)?;
    }
    refuse_many(work.table())?;
    if graph.is_some() {
        work.add_graph_index()?;
    }
    for spec in &create.columns {
        work.bind_computed(spec)?;
    }
    if let Some(on) = &create.on {
        let placed = work.placement(on)?;
        work.place_heap(placed);
    }
    work.add_constraints(create)?;
    let at_columns = create.columns.iter().flat_map(|c| c.indexes.iter());
    for index in at_columns.chain(&create.indexes) {
        work.create_index(index)?;
    }
    refuse_memory(create, work.table())?;
    if let Some((start, end)) = &create.period {
        work.add_period(start, end)?;
    }
    if let Some(versioning) = &create.versioning {
        work.version(versioning)?;
    }
    Ok(object_id)
}

/// Memory-optimised tables have no clustered index, and durable ones a primary key.
///
/// # Errors
/// 12317 and 41321 (Microsoft, "The Memory Optimized Filegroup", "CREATE TABLE": "a durable
/// memory-optimized table must have a primary key").
fn refuse_memory(create: &CreateTable, table: &Table) -> Result<()> {
    let Some(durable) = create.durable else {
        return Ok(());
    };
    if table.indexes.iter().any(|i| i.id == 1) {
        let message = "Clustered indexes, which are the default for primary keys, are not supported with memory optimized tables. Specify a NONCLUSTERED index instead.";
        return Err(error(12317, 16, message));
    }
    let keyed = table
        .indexes
        .iter()
        .any(|i| i.kind == IndexKind::PrimaryKey);
    if durable && !keyed {
        let message = format!(
            "The memory optimized table '{}' with DURABILITY=SCHEMA_AND_DATA must have a primary key.",
            table.name
        );
        return Err(error(41321, 16, message));
    }
    Ok(())
}

/// Microsoft, "Maximum capacity specifications": columns of a table, and of one with a column set.
pub(crate) fn refuse_many(table: &Table) -> Result<()> {
    let set = table.columns.iter().any(|c| c.column_set);
    let (most, all) = (if set { 30_000 } else { 1024 }, table.columns.len());
    let kept = table.columns.iter().filter(|c| !c.sparse).count();
    if all > most || kept > 1024 {
        let message = format!(
            "CREATE TABLE failed because column '{}' in table '{}' exceeds the maximum of 1024 columns.",
            table.columns[all.min(1025) - 1].name,
            table.name
        );
        return Err(error(1702, 16, message));
    }
    Ok(())
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
            period,
        } => {
            work.add_columns(columns, *check)?;
            constraints
                .iter()
                .try_for_each(|c| work.add_constraint(c, None, *check))?;
            match period {
                Some((start, end)) => work.add_period(start, end),
                None => Ok(()),
            }
        }
        AlterTable::AlterColumn(spec) => work.alter_column(spec),
        AlterTable::Mask { column, function } => work.mask_column(column, function.as_ref()),
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
        AlterTable::Enable { names, on, check } => work.enable_constraints(names, *on, *check),
        AlterTable::EnableTriggers { names, on } => {
            enable_triggers(work.database, object_id, names, *on)
        }
        AlterTable::DropPeriod => work.drop_period(),
        AlterTable::Versioning(Some(versioning)) => work.version(versioning),
        AlterTable::Versioning(None) => work.unversion(),
    }
}

impl Work<'_> {
    /// The constraints of CREATE TABLE, at columns and after them.
    fn add_constraints(&mut self, create: &CreateTable) -> Result<()> {
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
            self.add_key(spec, *column, !primary_clustered)?;
        }
        for (spec, column) in all.iter().filter(|(k, _)| !is_key(k)) {
            self.add_constraint(spec, *column, true)?;
        }
        Ok(())
    }

    /// Adds columns with their constraints; defaults come first, as they fill the rows that are there.
    fn add_columns(&mut self, columns: &[ColumnSpec], check: bool) -> Result<()> {
        let from = self.table().columns.len();
        for spec in columns {
            self.add_column(spec)?;
            self.bind_computed(spec)?;
            for constraint in spec
                .constraints
                .iter()
                .filter(|c| matches!(c.kind, ConstraintKind::Default { .. }))
            {
                self.add_constraint(constraint, Some(&spec.name), check)?;
            }
        }
        if !columns.is_empty() {
            self.fill_new_columns(from)?;
        }
        for spec in columns {
            for constraint in spec
                .constraints
                .iter()
                .filter(|c| !matches!(c.kind, ConstraintKind::Default { .. }))
            {
                self.add_constraint(constraint, Some(&spec.name), check)?;
            }
        }
        Ok(())
    }

    /// CHECK and NOCHECK CONSTRAINT; no names means all.
    fn enable_constraints(&mut self, names: &[String], on: bool, check: bool) -> Result<()> {
        let wanted = |n: &str| names.is_empty() || names.iter().any(|w| same_name(w, n));
        let table = self.table();
        // What was never off stays trusted; what comes back is trusted once it was checked.
        let trusted = |disabled: bool, trusted: bool, replicated: bool| {
            on && !replicated && (check || (trusted && !disabled))
        };
        let mut found = 0;
        for c in Arc::make_mut(&mut table.checks)
            .iter_mut()
            .filter(|c| wanted(&c.text.name))
        {
            c.trusted = trusted(c.disabled, c.trusted, c.not_for_replication);
            c.disabled = !on;
            found += 1;
        }
        for k in Arc::make_mut(&mut table.foreign_keys)
            .iter_mut()
            .filter(|k| wanted(&k.name))
        {
            k.trusted = trusted(k.disabled, k.trusted, k.not_for_replication);
            k.disabled = !on;
            found += 1;
        }
        if found < names.len() {
            let message = format!("Constraint '{}' does not exist.", names.join(", "));
            return Err(error(4917, 16, message));
        }
        if on && check {
            self.validate(&wanted)?;
        }
        Ok(())
    }
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
    let temporal = database.tables.get(&object_id).map(|t| t.temporal);
    if temporal.is_some_and(|t| t != Temporal::No) {
        let message = format!(
            "Drop table operation failed on table '{name}' because it is not a supported operation on system-versioned temporal tables."
        );
        return Err(error(13552, 16, message));
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
    let triggers = database.modules.values().filter(|m| m.parent == object_id);
    let triggers: Vec<i32> = triggers.map(|m| m.object_id).collect();
    database.modules.retain(|id, _| !triggers.contains(id));
    ids.extend(triggers);
    Arc::make_mut(&mut database.full_text)
        .indexes
        .retain(|i| i.table != object_id);
    Arc::make_mut(&mut database.names).retain(|_, id| !ids.contains(id));
    Arc::make_mut(&mut database.properties)
        .retain(|p| !matches!(p.class, 1 | 7) || !ids.contains(&p.major_id));
    Ok(())
}
