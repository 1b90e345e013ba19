//! Expressions after binding: typed, with every column resolved, ready to evaluate.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::engine::arithmetic::{self, Operator};
use crate::engine::error::{Result, cancelled, error};
use crate::engine::object::Sequence;
use crate::engine::partition::PartitionFunction;
use crate::engine::query::plan::Plan;
use crate::engine::query::run;
use crate::engine::value::compare::compare;
use crate::engine::value::convert::{How, convert};
use crate::engine::value::text;
use crate::engine::work::{Ledger, Meter};
use crate::types::{Collation, SqlType, Value};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
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
    /// `$PARTITION.function(value)`: the number of the partition, from 1.
    Partition(Arc<PartitionFunction>, Box<Bound>),
    /// NEXT VALUE FOR: another number at every evaluation.
    NextValue(Arc<Sequence>),
    /// First row, first column.
    Scalar(Arc<Plan>, bool),
    Exists(Arc<Plan>, bool),
    InQuery(Box<Bound>, Arc<Plan>, bool),
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

    /// The value, without a copy of what is there already.
    fn seen<'v>(&'v self, env: &'v Env<'_>) -> Result<Cow<'v, Value>> {
        match &self.kind {
            Kind::Const(value) => Ok(Cow::Borrowed(value)),
            Kind::Column { depth: 0, at } => Ok(Cow::Borrowed(&env.row[*at])),
            _ => self.eval(env).map(Cow::Owned),
        }
    }

    #[inline]
    pub(crate) fn eval(&self, env: &Env<'_>) -> Result<Value> {
        match &self.kind {
            Kind::Const(v) => Ok(v.clone()),
            Kind::Column { depth: 0, at } => Ok(env.row[*at].clone()),
            _ => self.computed(env),
        }
    }

    /// Apart from what is there already, which most rows are made of.
    fn computed(&self, env: &Env<'_>) -> Result<Value> {
        match &self.kind {
            Kind::Column { depth, at } => {
                let mut at_env = env;
                for _ in 0..*depth {
                    at_env = at_env
                        .outer
                        .expect("a column's depth was counted while binding");
                }
                Ok(at_env.row[*at].clone())
            }
            Kind::Window(_) => Err(error(
                4108,
                15,
                "Windowed functions can only appear in the SELECT or ORDER BY clauses.",
            )),
            Kind::Variable(name) => Ok(env
                .run
                .variables
                .borrow()
                .get(name)
                .cloned()
                .unwrap_or(Value::Null)),
            Kind::Arithmetic(op, l, r) => {
                arithmetic::evaluate(*op, l.eval(env)?, r.eval(env)?, &self.t.ty)
            }
            Kind::Case { whens, otherwise } => {
                for (condition, result) in whens {
                    if condition.test(env)? == Some(true) {
                        return result.eval(env);
                    }
                }
                otherwise.as_ref().map_or(Ok(Value::Null), |e| e.eval(env))
            }
            Kind::Convert {
                inner,
                how,
                attempt,
            } => {
                let value = inner.eval(env)?;
                match convert(&value, &inner.t.ty, &self.t.ty, *how) {
                    Err(_) if *attempt => Ok(Value::Null),
                    other => other,
                }
            }
            Kind::Call(call, args) => {
                let values = args
                    .iter()
                    .map(|a| a.eval(env))
                    .collect::<Result<Vec<_>>>()?;
                call(&values)
            }
            Kind::Partition(function, value) => Ok(Value::Int(i64::from(
                function.partition_of(&value.eval(env)?),
            ))),
            Kind::NextValue(sequence) => next_value(sequence),
            Kind::Scalar(plan, correlated) => scalar(plan, *correlated, env),
            _ => Ok(self.test(env)?.map_or(Value::Null, Value::Bit)),
        }
    }

    /// Evaluates a condition in three-valued logic; `None` is unknown.
    pub(crate) fn test(&self, env: &Env<'_>) -> Result<Option<bool>> {
        Ok(match &self.kind {
            Kind::And(l, r) => match l.test(env)? {
                Some(false) => Some(false),
                left => match (left, r.test(env)?) {
                    (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                },
            },
            Kind::Or(l, r) => match l.test(env)? {
                Some(true) => Some(true),
                left => match (left, r.test(env)?) {
                    (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                },
            },
            Kind::Not(e) => e.test(env)?.map(|b| !b),
            Kind::IsNull(e) => Some(matches!(e.eval(env)?, Value::Null)),
            Kind::Compare(op, l, r) => {
                compare_values(*op, &*l.seen(env)?, &*r.seen(env)?, collation_of(l, r))
            }
            Kind::Like {
                text,
                pattern,
                escape,
                collation,
            } => match (text.eval(env)?, pattern.eval(env)?) {
                (Value::Text(t), Value::Text(p)) => {
                    let ignores = ![text, pattern]
                        .iter()
                        .any(|b| crate::engine::datatype::is_unicode(&b.t.ty));
                    Some(text::like_padded(&t, &p, (*escape, ignores), collation))
                }
                _ => None,
            },
            Kind::InList(e, list) => {
                let value = e.eval(env)?;
                let mut found = Some(false);
                for item in list {
                    match compare_values(
                        Comparison::Eq,
                        &value,
                        &item.eval(env)?,
                        collation_of(e, item),
                    ) {
                        Some(true) => return Ok(Some(true)),
                        None => found = None,
                        Some(false) => {}
                    }
                }
                found
            }
            Kind::Exists(plan, correlated) => {
                Some(!subquery(plan, *correlated, env, Some(1))?.is_empty())
            }
            Kind::InQuery(e, plan, correlated) => {
                let value = e.eval(env)?;
                let rows = subquery(plan, *correlated, env, None)?;
                let mut found = Some(false);
                for row in rows.iter() {
                    match compare_values(Comparison::Eq, &value, &row[0], e.t.collation.as_deref())
                    {
                        Some(true) => return Ok(Some(true)),
                        None => found = None,
                        Some(false) => {}
                    }
                }
                found
            }
            _ => match self.eval(env)? {
                Value::Bit(b) => Some(b),
                _ => None,
            },
        })
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
            Kind::Call(_, args) => args.iter_mut().for_each(|a| a.walk(f)),
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
                    | Kind::Scalar(..)
                    | Kind::Exists(..)
                    | Kind::InQuery(..)
            );
        });
        free
    }
}

fn next_value(sequence: &Sequence) -> Result<Value> {
    let next = sequence.next()?;
    Ok(match &sequence.ty {
        SqlType::Decimal { .. } => Value::Decimal {
            unscaled: i128::from(next),
            scale: 0,
        },
        _ => Value::Int(next),
    })
}

/// The collation of a comparison: that of the side with the higher rank.
pub(crate) fn collation_of<'a>(l: &'a Bound, r: &'a Bound) -> Option<&'a Collation> {
    if r.t.rank > l.t.rank || l.t.collation.is_none() {
        r.t.collation.as_deref()
    } else {
        l.t.collation.as_deref()
    }
}

pub(crate) fn compare_values(
    op: Comparison,
    l: &Value,
    r: &Value,
    collation: Option<&Collation>,
) -> Option<bool> {
    if matches!(l, Value::Null) || matches!(r, Value::Null) {
        return None;
    }
    let order = compare(l, r, collation);
    Some(match op {
        Comparison::Eq => order.is_eq(),
        Comparison::Ne => order.is_ne(),
        Comparison::Lt => order.is_lt(),
        Comparison::Le => order.is_le(),
        Comparison::Gt => order.is_gt(),
        Comparison::Ge => order.is_ge(),
    })
}

fn subquery(
    plan: &Arc<Plan>,
    correlated: bool,
    env: &Env<'_>,
    limit: Option<usize>,
) -> Result<Arc<Vec<Vec<Value>>>> {
    let key = Arc::as_ptr(plan) as usize;
    if !correlated && let Some(rows) = env.run.cache.borrow().get(&key) {
        return Ok(Arc::clone(rows));
    }
    let rows = Arc::new(run::collect(plan, Some(env), env.run, limit)?);
    if !correlated {
        env.run.cache.borrow_mut().insert(key, Arc::clone(&rows));
    }
    Ok(rows)
}

fn scalar(plan: &Arc<Plan>, correlated: bool, env: &Env<'_>) -> Result<Value> {
    let rows = subquery(plan, correlated, env, Some(2))?;
    match rows.as_slice() {
        [] => Ok(Value::Null),
        [row] => Ok(row[0].clone()),
        _ => Err(error(
            512,
            16,
            "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.",
        )),
    }
}
