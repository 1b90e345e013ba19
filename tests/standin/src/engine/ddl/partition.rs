//! Partition functions and schemes, and the indexes that lie on them.

use std::sync::Arc;

use sqlparser::ast::Expr;

use crate::engine::ddl::work::{Work, moment, place};
use crate::engine::error::{Result, error};
use crate::engine::model::facts::Facts;
use crate::engine::model::index::{Index, IndexForm};
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::partition::{PartitionFunction, PartitionScheme, Placement};
use crate::engine::model::rows::{OrderedRows, Row};
use crate::engine::model::state::State;
use crate::engine::parse::definition::{On, PartitionFunctionSpec};
use crate::engine::query::bind::Binder;
use crate::engine::value::compare::compare;
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;
use crate::engine::{collate, datatype};
use crate::types::{Collation, SqlType, Value};

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

/// A boundary as a value of the function's type.
fn boundary(
    facts: &Facts,
    given: &Expr,
    ty: &SqlType,
    collation: Option<&Collation>,
) -> Result<Value> {
    let how = How {
        order: facts.date_order,
        code_page: collation.map(|c| c.code_page),
        ..How::default()
    };
    let (value, t) = Binder::new(facts).constant(given)?;
    convert(&value, &t.ty, ty, how)
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
    let mut boundaries = Vec::new();
    for given in &spec.boundaries {
        boundaries.push(boundary(facts, given, &ty, collation.as_deref())?);
    }
    // In any order, but no value twice.
    boundaries.sort_by(|a, b| compare(a, b, collation.as_deref()));
    let equal = |pair: &[Value]| compare(&pair[0], &pair[1], collation.as_deref()).is_eq();
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
        created: moment(facts),
        modified: moment(facts),
    }));
    Ok(())
}

/// `ALTER PARTITION FUNCTION ... SPLIT RANGE`: every index and heap on a scheme of the function has one
/// partition more, and its rows move to their new numbers.
///
/// The filegroup of the new partition, which `ALTER PARTITION SCHEME ... NEXT USED` names, is not asked
/// for: a scheme that was made with `ALL TO` has one.
pub(crate) fn split_partition(
    facts: &Facts,
    state: &mut State,
    function: &str,
    given: &Expr,
) -> Result<()> {
    let (database, _) = place(facts, state, &anywhere(function))?;
    let known = Arc::make_mut(&mut database.partition_functions);
    let Some(found) = known.iter_mut().find(|f| same_name(&f.name, function)) else {
        let message = format!("Invalid object name '{function}'.");
        return Err(error(208, 16, message));
    };
    let value = boundary(facts, given, &found.ty, found.collation.as_deref())?;
    let order = |known: &Value| compare(known, &value, found.collation.as_deref());
    let at = found
        .boundaries
        .partition_point(|known| order(known).is_lt());
    if found
        .boundaries
        .get(at)
        .is_some_and(|known| order(known).is_eq())
    {
        let message =
            "Duplicate values are not allowed in partition function boundary values list.";
        return Err(error(7708, 16, message));
    }
    let mut split = PartitionFunction::clone(found);
    split.boundaries.insert(at, value);
    split.modified = moment(facts);
    let split = Arc::new(split);
    *found = Arc::clone(&split);
    for scheme in Arc::make_mut(&mut database.partition_schemes) {
        if scheme.function.id == split.id {
            scheme.function = Arc::clone(&split);
        }
    }
    let tables = database.tables.iter();
    let divided = tables.filter(|(_, table)| table.is_divided_by(split.id));
    let ids: Vec<i32> = divided.map(|(id, _)| *id).collect();
    for object_id in ids {
        let mut work = Work {
            facts,
            database: &mut *database,
            object_id,
        };
        work.table().replace_function(&split);
        work.rebuild()?;
    }
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
