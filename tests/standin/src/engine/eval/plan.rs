//! The operators a query is made of.

use std::sync::Arc;

use crate::engine::error::Result;
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::model::table::Table;
use crate::types::{SqlType, Value};

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
    /// The first rows, as many as the percentage of all makes, rounded up; with the ties of the last.
    Percent(Box<Plan>, f64, Option<Vec<SortKey>>),
    /// The rows that are made of values.
    Expand(Vec<Bound>, Expansion),
    /// All rows as one value of one row.
    Gather(Box<Plan>, Gathering),
    Recursive(Box<Recursive>),
    /// The row that a recursive common table is at, in its recursive members.
    Working(usize),
    /// A call of a table function: its query runs inside of a row of its arguments.
    Invoke(Vec<Bound>, Arc<Plan>),
}

/// Whether rows of a table come out of the plan, and not only of a catalog view or of constants.
pub(crate) fn reads_table(plan: &Plan) -> bool {
    match plan {
        Plan::Scan(_) | Plan::Sample(_) => true,
        Plan::One
        | Plan::Rows(_)
        | Plan::Series(_)
        | Plan::Values(_)
        | Plan::Expand(..)
        | Plan::Working(_)
        | Plan::Recursive(_) => false,
        Plan::Filter(input, _)
        | Plan::Project(input, _)
        | Plan::Sort(input, _)
        | Plan::Distinct(input, _)
        | Plan::Trim(input, _)
        | Plan::Percent(input, ..)
        | Plan::Gather(input, _)
        | Plan::Limit { input, .. } => reads_table(input),
        Plan::Join(join) => reads_table(&join.left) || reads_table(&join.right),
        Plan::Invoke(_, body) => reads_table(body),
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
    pub(crate) calls: Vec<AggregateCall>,
    /// Without GROUP BY there is one row even for no input.
    pub(crate) scalar: bool,
    /// Which of the groups each grouping set has; none where they are all one set.
    pub(crate) sets: Vec<Vec<usize>>,
}

/// Makes rows of values.
pub(crate) type Expansion = Arc<dyn Fn(&[Value]) -> Result<Vec<Vec<Value>>> + Send + Sync>;

/// Makes a value of rows.
pub(crate) type Gathering = Arc<dyn Fn(&[Vec<Value>]) -> Result<Value> + Send + Sync>;

/// A recursive common table: what it begins with, and what each of its rows leads to.
#[derive(Clone)]
pub(crate) struct Recursive {
    /// Names the row at hand for [`Plan::Working`].
    pub(crate) id: usize,
    pub(crate) anchor: Plan,
    pub(crate) members: Vec<Plan>,
    /// MAXRECURSION; 0 means without a limit.
    pub(crate) most: u64,
}

#[derive(Clone)]
pub(crate) struct Window {
    pub(crate) input: Plan,
    pub(crate) calls: Vec<WindowCall>,
    /// The input is already in the order of every call, no call has a partition, and all can do
    /// with the rows around the one at hand.
    pub(crate) ordered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateFunction {
    CountRows,
    Count,
    Sum,
    Avg,
    Min,
    Max,
    StringAgg,
    ChecksumAgg,
    /// STDEV and STDEVP, VAR and VARP: of a sample, or of all there is.
    Deviation {
        all: bool,
    },
    Variance {
        all: bool,
    },
    /// GROUPING and GROUPING_ID: which of the groups `of` the row's grouping set has not.
    Grouping,
}

#[derive(Clone)]
pub(crate) struct AggregateCall {
    pub(crate) function: AggregateFunction,
    pub(crate) arg: Option<Bound>,
    pub(crate) distinct: bool,
    /// Type of the result; sums and averages are computed in it.
    pub(crate) ty: SqlType,
    pub(crate) separator: Option<Value>,
    /// WITHIN GROUP (ORDER BY ...): expression and descending.
    pub(crate) order: Vec<(Bound, bool)>,
    /// For GROUPING, the groups that it asks for.
    pub(crate) of: Vec<usize>,
}

/// ROWS or RANGE BETWEEN ... AND ...
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// ROWS, so that peers count one by one.
    pub(crate) rows: bool,
    pub(crate) start: Edge,
    pub(crate) end: Edge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    /// UNBOUNDED PRECEDING.
    First,
    /// UNBOUNDED FOLLOWING.
    Last,
    /// Rows behind the current one, negative ahead of it, 0 for CURRENT ROW.
    Away(i64),
}

#[derive(Clone)]
pub(crate) enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    Ntile(Bound),
    /// Rows back (LAG) or, negative, ahead (LEAD), and what stands for a row outside.
    Offset {
        value: Bound,
        by: i64,
        default: Option<Bound>,
    },
    /// FIRST_VALUE, or LAST_VALUE.
    Edge {
        value: Bound,
        last: bool,
        ignore_nulls: bool,
    },
    PercentRank,
    CumeDist,
    Aggregate(AggregateCall),
}

#[derive(Clone)]
pub(crate) struct WindowCall {
    pub(crate) function: WindowFunction,
    pub(crate) partition: Vec<Bound>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) frame: Frame,
}

impl WindowCall {
    /// Every expression of the call.
    pub(crate) fn exprs(&mut self) -> Vec<&mut Bound> {
        let mut all = match &mut self.function {
            WindowFunction::RowNumber
            | WindowFunction::Rank
            | WindowFunction::DenseRank
            | WindowFunction::PercentRank
            | WindowFunction::CumeDist => Vec::new(),
            WindowFunction::Ntile(n) => vec![n],
            WindowFunction::Edge { value, .. } => vec![value],
            WindowFunction::Offset { value, default, .. } => {
                [value].into_iter().chain(default).collect()
            }
            WindowFunction::Aggregate(call) => {
                let order = call.order.iter_mut().map(|(expr, _)| expr);
                call.arg.iter_mut().chain(order).collect()
            }
        };
        all.extend(&mut self.partition);
        all.extend(self.order.iter_mut().map(|key| &mut key.expr));
        all
    }

    /// Whether the rows are put aside first: NTILE needs their number, an aggregate over a frame its
    /// result ("Table Spool" in "Showplan Logical and Physical Operators Reference").
    pub(crate) fn spools(&self) -> bool {
        matches!(
            self.function,
            WindowFunction::Ntile(_) | WindowFunction::Aggregate(_)
        )
    }

    /// Whether the call needs no more than rows in its order, and few of them at a time.
    pub(crate) fn streams(&self) -> bool {
        self.partition.is_empty() && streams(&self.function)
    }
}

/// Whether the function needs no more than the rows around the one at hand.
pub(crate) fn streams(function: &WindowFunction) -> bool {
    matches!(
        function,
        WindowFunction::RowNumber | WindowFunction::Ntile(_) | WindowFunction::Offset { .. }
    )
}

#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) table: Arc<Table>,
    /// Share of the pages, 0 to 1.
    pub(crate) part: f64,
    /// The same one gives the same pages; each execution has its own without.
    pub(crate) seed: Option<u64>,
}

/// `first`, `first + step` and so on, up to and with `last`; never a step of 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) step: i64,
}
