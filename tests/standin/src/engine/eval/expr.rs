//! Expressions after binding: typed, with every column resolved, ready to evaluate.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::engine::arithmetic::Operator;
use crate::engine::error::{Result, cancelled};
use crate::engine::eval::plan::Plan;
use crate::engine::model::object::Sequence;
use crate::engine::model::partition::PartitionFunction;
use crate::engine::value::compare::Comparison;
use crate::engine::value::convert::how::How;
use crate::types::{Collation, SqlType, Value};
use crate::work::{Ledger, Meter};

/// What an expression yields.
#[derive(Debug, Clone)]
pub(crate) struct Ty {
    pub(crate) ty: SqlType,
    pub(crate) nullable: bool,
    pub(crate) collation: Option<Arc<Collation>>,
    /// Collation precedence: 0 coercible default, 1 implicit (a column), 2 explicit, 3 in conflict.
    pub(crate) rank: u8,
}

/// A function's body.
pub(crate) type Call = Arc<dyn Fn(&[Value]) -> Result<Value> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) kind: Kind,
    pub(crate) t: Ty,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Const(Value),
    /// `depth` 0 is the row at hand, 1 that of the enclosing query, and so on.
    Column {
        depth: usize,
        at: usize,
    },
    /// The result of the select list's n-th window function, before its column is known.
    Window(usize),
    /// A variable read while rows are processed (`SELECT @x = @x + ...`).
    Variable(String),
    Arithmetic(Operator, Box<Bound>, Box<Bound>),
    Compare(Comparison, Box<Bound>, Box<Bound>),
    And(Box<Bound>, Box<Bound>),
    Or(Box<Bound>, Box<Bound>),
    Not(Box<Bound>),
    IsNull(Box<Bound>),
    Like {
        text: Box<Bound>,
        pattern: Box<Bound>,
        escape: Option<u16>,
        collation: Arc<Collation>,
    },
    InList(Box<Bound>, Vec<Bound>),
    Case {
        whens: Vec<(Bound, Bound)>,
        otherwise: Option<Box<Bound>>,
    },
    Convert {
        inner: Box<Bound>,
        how: How,
        attempt: bool,
    },
    Call(Call, Vec<Bound>),
    /// A call of a user's function: what it returns, over a row of its arguments.
    Invoke(Vec<Bound>, Arc<Bound>),
    /// `$PARTITION.function(value)`: the number of the partition, from 1.
    Partition(Arc<PartitionFunction>, Box<Bound>),
    /// NEXT VALUE FOR: another number at every evaluation.
    NextValue(Arc<Sequence>),
    /// First row, first column.
    Scalar(Arc<Plan>, bool),
    Exists(Arc<Plan>, bool),
    InQuery(Box<Bound>, Arc<Plan>, bool),
    Quantified(Box<Quantified>),
}

/// A comparison with ANY, or ALL, of a query's rows.
#[derive(Clone)]
pub(crate) struct Quantified {
    pub(crate) comparison: Comparison,
    pub(crate) left: Bound,
    pub(crate) plan: Arc<Plan>,
    pub(crate) correlated: bool,
    pub(crate) all: bool,
}

/// Tells whether the client still waits for the statement.
pub(crate) type Watch<'a> = dyn Fn() -> ControlFlow<()> + 'a;

/// Rows read in silence between two looks at the client.
const WATCH_EVERY: u64 = 4096;

/// What an execution of one plan shares: live variables, results of subqueries that need no outer
/// row, and the client's patience.
#[derive(Default)]
pub(crate) struct Run<'a> {
    pub(crate) variables: RefCell<BTreeMap<String, Value>>,
    pub(crate) cache: RefCell<HashMap<usize, Arc<Vec<Vec<Value>>>>>,
    /// The rows that recursive common tables are at, by their ids.
    pub(crate) working: RefCell<HashMap<usize, Vec<Value>>>,
    watch: Option<&'a Watch<'a>>,
    pub(crate) meter: Meter<'a>,
}

impl<'a> Run<'a> {
    pub(crate) fn watched(watch: &'a Watch<'a>) -> Run<'a> {
        Run {
            watch: Some(watch),
            ..Run::default()
        }
    }

    /// Enters the work into `ledger`, under the text of the batch.
    pub(crate) fn counted(mut self, ledger: &'a Ledger, text: &'a str) -> Run<'a> {
        self.meter = Meter::into_ledger(ledger, text);
        self
    }

    /// Counts a row that was read; an error when the client no longer waits.
    pub(crate) fn tick(&self) -> Result<()> {
        let read = self.meter.tick();
        match self.watch {
            Some(watch) if read.is_multiple_of(WATCH_EVERY) && watch().is_break() => {
                Err(cancelled())
            }
            _ => Ok(()),
        }
    }
}

/// The rows that columns refer to.
#[derive(Clone, Copy)]
pub(crate) struct Env<'a> {
    pub(crate) row: &'a [Value],
    pub(crate) outer: Option<&'a Env<'a>>,
    pub(crate) run: &'a Run<'a>,
}

impl Bound {
    pub(crate) fn constant(value: Value, ty: SqlType) -> Bound {
        let nullable = matches!(value, Value::Null);
        Bound {
            kind: Kind::Const(value),
            t: Ty {
                ty,
                nullable,
                collation: None,
                rank: 0,
            },
        }
    }

    pub(crate) fn predicate(kind: Kind) -> Bound {
        Bound {
            kind,
            t: Ty {
                ty: SqlType::Bit,
                nullable: true,
                collation: None,
                rank: 0,
            },
        }
    }

    pub(crate) fn as_constant(&self) -> Option<&Value> {
        match &self.kind {
            Kind::Const(v) => Some(v),
            _ => None,
        }
    }

    /// The column of the row at hand that this is.
    pub(crate) fn as_column(&self) -> Option<usize> {
        match self.kind {
            Kind::Column { depth: 0, at } => Some(at),
            _ => None,
        }
    }

    /// Calls `f` on this and every expression below it, subqueries excepted.
    pub(crate) fn walk(&mut self, f: &mut dyn FnMut(&mut Bound)) {
        f(self);
        match &mut self.kind {
            Kind::Arithmetic(_, l, r)
            | Kind::Compare(_, l, r)
            | Kind::And(l, r)
            | Kind::Or(l, r) => {
                l.walk(f);
                r.walk(f);
            }
            Kind::Not(e)
            | Kind::IsNull(e)
            | Kind::Convert { inner: e, .. }
            | Kind::Partition(_, e)
            | Kind::InQuery(e, ..) => e.walk(f),
            Kind::Quantified(q) => q.left.walk(f),
            Kind::Like { text, pattern, .. } => {
                text.walk(f);
                pattern.walk(f);
            }
            Kind::InList(e, list) => {
                e.walk(f);
                list.iter_mut().for_each(|i| i.walk(f));
            }
            Kind::Case { whens, otherwise } => {
                for (condition, result) in whens {
                    condition.walk(f);
                    result.walk(f);
                }
                if let Some(e) = otherwise {
                    e.walk(f);
                }
            }
            Kind::Call(_, args) | Kind::Invoke(args, _) => args.iter_mut().for_each(|a| a.walk(f)),
            Kind::Const(_)
            | Kind::Column { .. }
            | Kind::Window(_)
            | Kind::Variable(_)
            | Kind::NextValue(_)
            | Kind::Scalar(..)
            | Kind::Exists(..) => {}
        }
    }

    /// Whether a subquery below may look at the row at hand.
    pub(crate) fn has_correlated_subquery(&self) -> bool {
        let mut found = false;
        self.clone().walk(&mut |e| {
            found |= matches!(
                e.kind,
                Kind::Scalar(_, true) | Kind::Exists(_, true) | Kind::InQuery(_, _, true)
            );
            if let Kind::Quantified(q) = &e.kind {
                found |= q.correlated;
            }
        });
        found
    }

    /// The columns of the row at hand that this reads, or `None` when a subquery may read any.
    pub(crate) fn columns(&self, into: &mut Vec<usize>) -> Option<()> {
        if self.has_correlated_subquery() {
            return None;
        }
        self.clone().walk(&mut |e| {
            if let Kind::Column { depth: 0, at } = e.kind {
                into.push(at);
            }
        });
        Some(())
    }

    pub(crate) fn reads_nothing(&self) -> bool {
        let mut free = true;
        self.clone().walk(&mut |e| {
            free &= !matches!(
                e.kind,
                Kind::Column { .. }
                    | Kind::Window(_)
                    | Kind::Variable(_)
                    | Kind::NextValue(_)
                    | Kind::Invoke(..)
                    | Kind::Scalar(..)
                    | Kind::Exists(..)
                    | Kind::InQuery(..)
                    | Kind::Quantified(_)
            );
        });
        free
    }
}

/// The collation of a comparison: that of the side with the higher rank.
pub(crate) fn collation_of<'a>(l: &'a Bound, r: &'a Bound) -> Option<&'a Collation> {
    if r.t.rank > l.t.rank || l.t.collation.is_none() {
        r.t.collation.as_deref()
    } else {
        l.t.collation.as_deref()
    }
}
