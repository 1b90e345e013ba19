//! The operators a query is made of.

use std::sync::Arc;

use crate::engine::eval::aggregate::Call;
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::eval::sample::Sample;
use crate::engine::eval::series::Series;
use crate::engine::eval::window::WindowCall;
use crate::engine::model::table::Table;
use crate::types::Value;

/// Keys `low <= key < high`; no `high` is the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) low: Vec<u8>,
    pub(crate) high: Option<Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct Scan {
    pub(crate) table: Arc<Table>,
    /// Position in `table.indexes`; `None` is the heap.
    pub(crate) index: Option<usize>,
    /// In key order, without overlap.
    pub(crate) ranges: Vec<KeyRange>,
    /// What the ranges do not already say.
    pub(crate) filter: Option<Bound>,
    /// From the last key to the first.
    pub(crate) backward: bool,
    /// For generated tables: only the key column is read.
    pub(crate) key_only: bool,
    /// Rows come in the order of the index: it is one, and not more than one partition is read
    /// unless their order is that of the key.
    pub(crate) ordered: bool,
    pub(crate) lookup: Lookup,
}

/// When the row that a nonclustered index leads to is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The index holds all that is needed.
    No,
    /// The predicate needs no more than the index: rows that pass it are fetched.
    Passed,
    /// The predicate is tested on the fetched row.
    All,
}

#[derive(Clone)]
pub(crate) struct SortKey {
    pub(crate) expr: Bound,
    pub(crate) descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

#[derive(Clone)]
pub(crate) struct Join {
    pub(crate) left: Plan,
    pub(crate) right: Plan,
    pub(crate) kind: JoinKind,
    /// Over the columns of both sides.
    pub(crate) condition: Option<Bound>,
    /// Equal expressions of the left row and of the right row (columns counted from 0 each).
    pub(crate) equal: Vec<(Bound, Bound)>,
    pub(crate) widths: (usize, usize),
    /// APPLY: the right side runs for each row of the left.
    pub(crate) lateral: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetKind {
    Except,
    Intersect,
}

#[derive(Clone)]
pub(crate) enum Plan {
    /// One row without columns.
    One,
    Scan(Box<Scan>),
    Rows(Arc<Vec<Vec<Value>>>),
    Sample(Box<Sample>),
    Series(Series),
    Values(Vec<Vec<Bound>>),
    Filter(Box<Plan>, Bound),
    Project(Box<Plan>, Vec<Bound>),
    Join(Box<Join>),
    Aggregate(Box<Aggregate>),
    Window(Box<Window>),
    Sort(Box<Plan>, Vec<SortKey>),
    /// Rows to skip, rows to return, and the sort keys by which ties of the last count too.
    Limit {
        input: Box<Plan>,
        offset: u64,
        count: Option<u64>,
        ties: Option<Vec<SortKey>>,
    },
    Distinct(Box<Plan>, Vec<Ty>),
    Union(Vec<Plan>),
    SetOperation {
        kind: SetKind,
        left: Box<Plan>,
        right: Box<Plan>,
        types: Vec<Ty>,
    },
    /// Keeps the first `n` columns.
    Trim(Box<Plan>, usize),
}

/// Whether rows of a table come out of the plan, and not only of a catalog view or of constants.
pub(crate) fn reads_table(plan: &Plan) -> bool {
    match plan {
        Plan::Scan(_) | Plan::Sample(_) => true,
        Plan::One | Plan::Rows(_) | Plan::Series(_) | Plan::Values(_) => false,
        Plan::Filter(input, _)
        | Plan::Project(input, _)
        | Plan::Sort(input, _)
        | Plan::Distinct(input, _)
        | Plan::Trim(input, _)
        | Plan::Limit { input, .. } => reads_table(input),
        Plan::Join(join) => reads_table(&join.left) || reads_table(&join.right),
        Plan::Aggregate(aggregate) => reads_table(&aggregate.input),
        Plan::Window(window) => reads_table(&window.input),
        Plan::Union(inputs) => inputs.iter().any(reads_table),
        Plan::SetOperation { left, right, .. } => reads_table(left) || reads_table(right),
    }
}

#[derive(Clone)]
pub(crate) struct Aggregate {
    pub(crate) input: Plan,
    pub(crate) groups: Vec<Bound>,
    pub(crate) calls: Vec<Call>,
    /// Without GROUP BY there is one row even for no input.
    pub(crate) scalar: bool,
}

#[derive(Clone)]
pub(crate) struct Window {
    pub(crate) input: Plan,
    pub(crate) calls: Vec<WindowCall>,
    /// The input is already in the order of every call, no call has a partition, and all can do
    /// with the rows around the one at hand.
    pub(crate) ordered: bool,
}
