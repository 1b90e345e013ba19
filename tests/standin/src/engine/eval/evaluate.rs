//! Evaluates bound expressions, and with them the plans of their subqueries.

use std::borrow::Cow;
use std::sync::Arc;

use crate::engine::arithmetic;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Env, Kind, Quantified, collation_of};
use crate::engine::eval::plan::Plan;
use crate::engine::eval::run;
use crate::engine::model::object::Sequence;
use crate::engine::value::compare::{Comparison, compare_values};
use crate::engine::value::convert::convert;
use crate::engine::value::text;
use crate::types::{SqlError, SqlType, Value};

/// A constant was asked of an expression that reads a row, such as the bound of a series.
fn no_row() -> SqlError {
    unsupported("a column of the query around, where a constant is read")
}

pub(crate) fn next_value(sequence: &Sequence) -> Result<Value> {
    let next = sequence.next()?;
    Ok(match &sequence.ty {
        SqlType::Decimal { .. } => Value::Decimal {
            unscaled: i128::from(next),
            scale: 0,
        },
        _ => Value::Int(next),
    })
}

pub(crate) fn subquery(
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

pub(crate) fn scalar(plan: &Arc<Plan>, correlated: bool, env: &Env<'_>) -> Result<Value> {
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

impl Bound {
    /// The value, without a copy of what is there already.
    pub(crate) fn seen<'v>(&'v self, env: &'v Env<'_>) -> Result<Cow<'v, Value>> {
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
    pub(crate) fn computed(&self, env: &Env<'_>) -> Result<Value> {
        match &self.kind {
            Kind::Column { depth, at } => {
                let mut at_env = env;
                for _ in 0..*depth {
                    at_env = at_env.outer.ok_or_else(no_row)?;
                }
                at_env.row.get(*at).cloned().ok_or_else(no_row)
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
            Kind::Invoke(arguments, body) => {
                let row = arguments
                    .iter()
                    .map(|a| a.eval(env))
                    .collect::<Result<Vec<_>>>()?;
                body.eval(&Env {
                    row: &row,
                    outer: None,
                    run: env.run,
                })
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
            Kind::Quantified(quantified) => quantified.test(env)?,
            _ => match self.eval(env)? {
                Value::Bit(b) => Some(b),
                _ => None,
            },
        })
    }
}

impl Quantified {
    /// ANY is true of one row for which it holds and false of none, ALL false of one for which it
    /// does not and true of none; NULLs make both unknown.
    fn test(&self, env: &Env<'_>) -> Result<Option<bool>> {
        let value = self.left.eval(env)?;
        let rows = subquery(&self.plan, self.correlated, env, None)?;
        let decides = !self.all;
        let mut found = Some(self.all);
        for row in rows.iter() {
            let collation = self.left.t.collation.as_deref();
            match compare_values(self.comparison, &value, &row[0], collation) {
                Some(held) if held == decides => return Ok(Some(decides)),
                Some(_) => {}
                None => found = None,
            }
        }
        Ok(found)
    }
}
