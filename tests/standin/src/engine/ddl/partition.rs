//! Partition functions and schemes, and the indexes that lie on them.

use std::sync::Arc;

use crate::engine::collate;
use crate::engine::datatype;
use crate::engine::error::{Result, error};
use crate::engine::facts::Facts;
use crate::engine::parse::statement::{Name, On, PartitionFunctionSpec};
use crate::engine::partition::{PartitionFunction, PartitionScheme, Placement};
use crate::engine::query::bind::Binder;
use crate::engine::rows::{OrderedRows, Row};
use crate::engine::state::State;
use crate::engine::table::{Index, IndexForm, same_name};
use crate::engine::value::compare::compare;
use crate::engine::value::convert::{How, convert};

use super::{Work, place};

/// Where the ids of functions and of schemes begin, as seen on servers.
const FIRST_FUNCTION: i32 = 65_536;
const FIRST_SCHEME: i32 = 65_601;

/// The current database's own, whatever the schema: neither belongs to one.
fn anywhere(name: &str) -> Name {
    Name {
        database: None,
        schema: None,
        name: name.to_owned(),
    }
}

fn taken(name: &str, what: &str) -> crate::types::SqlError {
    let message = format!("There is already an object named '{name}' in the database ({what}).");
    error(2714, 16, message)
}

pub(crate) fn create_partition_function(
    facts: &Facts,
    state: &mut State,
    spec: &PartitionFunctionSpec,
) -> Result<()> {
    let (ty, user_type_id, _) = facts.resolve_type(&spec.ty, false)?;
    let (database, _) = place(facts, state, &anywhere(&spec.name))?;
    let known = Arc::make_mut(&mut database.partition_functions);
    if known.iter().any(|f| same_name(&f.name, &spec.name)) {
        return Err(taken(&spec.name, "a partition function"));
    }
    let collation = match &spec.collation {
        Some(name) => Some(collate::find(name)?),
        None => datatype::has_collation(&ty).then(|| Arc::clone(&database.collation)),
    };
    let how = How {
        order: facts.date_order,
        code_page: collation.as_ref().map(|c| c.code_page),
        ..How::default()
    };
    let mut boundaries = Vec::new();
    for boundary in &spec.boundaries {
        let (value, t) = Binder::new(facts).constant(boundary)?;
        boundaries.push(convert(&value, &t.ty, &ty, how)?);
    }
    // In any order, but no value twice.
    boundaries.sort_by(|a, b| compare(a, b, collation.as_deref()));
    let equal =
        |pair: &[crate::types::Value]| compare(&pair[0], &pair[1], collation.as_deref()).is_eq();
    if boundaries.windows(2).any(equal) {
        let message =
            "Duplicate values are not allowed in partition function boundary values list.";
        return Err(error(7708, 16, message));
    }
    let last = known.iter().map(|f| f.id + 1).max();
    known.push(Arc::new(PartitionFunction {
        id: last.unwrap_or(FIRST_FUNCTION),
        name: spec.name.clone(),
        ty,
        user_type_id,
        collation,
        right: spec.right,
        boundaries,
    }));
    Ok(())
}

pub(crate) fn create_partition_scheme(
    facts: &Facts,
    state: &mut State,
    name: &str,
    function: &str,
) -> Result<()> {
    let (database, _) = place(facts, state, &anywhere(name))?;
    let found = database
        .partition_functions
        .iter()
        .find(|f| same_name(&f.name, function));
    let Some(function) = found.cloned() else {
        let message = format!("Invalid object name '{function}'.");
        return Err(error(208, 16, message));
    };
    let known = Arc::make_mut(&mut database.partition_schemes);
    if known.iter().any(|s| same_name(&s.name, name)) {
        return Err(taken(name, "a partition scheme"));
    }
    let last = known.iter().map(|s| s.id + 1).max();
    known.push(PartitionScheme {
        id: last.unwrap_or(FIRST_SCHEME),
        name: name.to_owned(),
        function,
    });
    Ok(())
}

impl Work<'_> {
    /// What `ON scheme (column)` means for the table at hand.
    pub(super) fn placement(&mut self, on: &On) -> Result<Placement> {
        let found = self
            .database
            .partition_schemes
            .iter()
            .find(|s| same_name(&s.name, &on.scheme))
            .cloned();
        let Some(scheme) = found else {
            let message = format!("Invalid partition scheme '{}' specified.", on.scheme);
            return Err(error(1921, 16, message));
        };
        let column = self.column_id(&on.column)?;
        let table = self.table();
        let def = &table.columns[table.position(column)];
        if def.ty != scheme.function.ty {
            let message = format!(
                "Partition column '{}' has a data type that differs from the one of partition function '{}'.",
                def.name, scheme.function.name
            );
            return Err(error(7726, 16, message));
        }
        Ok(Placement {
            scheme: scheme.id,
            function: scheme.function,
            column,
        })
    }

    /// Puts a new index where it was told, or else where its table is ("Partitioned Tables and
    /// Indexes": an index is aligned with its table unless it says otherwise).
    pub(super) fn place_index(
        &mut self,
        index: &mut Index,
        on: Option<&On>,
        clustered: bool,
    ) -> Result<()> {
        let placed = match on {
            Some(on) => Some(self.placement(on)?),
            None => {
                let table = self.table();
                let base = table.clustered();
                table.placement(base).cloned()
            }
        };
        let Some(placed) = placed else {
            return Ok(());
        };
        let table = self.table();
        if index.unique && !index.keys.iter().any(|(id, _)| *id == placed.column) {
            let column = &table.columns[table.position(placed.column)].name;
            let message = format!(
                "Column '{column}' is partitioning column of the index '{}'. Partition columns for a unique index must be a subset of the index key.",
                index.name
            );
            return Err(error(1908, 16, message));
        }
        if clustered && index.form != IndexForm::Rows {
            self.place_heap(placed.clone());
        }
        index.placed = Some(placed);
        Ok(())
    }

    /// Puts the rows of a heap, or of a columnstore, on a scheme.
    pub(super) fn place_heap(&mut self, placed: Placement) {
        let table = self.table();
        table.placed = Some(placed);
        let rows: Vec<Arc<Row>> = table.heap.iter().cloned().collect();
        table.heap = OrderedRows::default();
        let unindexed = |_: &Index| false;
        if table.clustered().is_none() {
            rows.into_iter()
                .for_each(|row| table.insert(row, &unindexed));
        }
    }
}
