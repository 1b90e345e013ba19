//! Runs plans: rows are pushed to the consumer as they are read.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use crate::engine::error::Result;
use crate::engine::eval::context::Context;
use crate::engine::eval::expr::{Bound, Env, Run, Ty};
use crate::engine::eval::flow::{Consumer, Flow, Stop};
use crate::engine::eval::plan::{Join, JoinKind, Plan, Scan, SetKind, SortKey, reads_table};
use crate::engine::eval::scan::read;
use crate::engine::eval::{aggregate, recursive, window};
use crate::engine::value::compare::append_key;
use crate::types::Value;

/// Runs a plan for its rows; `outer` is the row of the enclosing query.
pub(crate) fn run(
    plan: &Plan,
    outer: Option<&Env<'_>>,
    run: &Run<'_>,
    out: &mut Consumer<'_>,
) -> Flow {
    let context = Context { outer, run };
    context.plan(plan, out)
}

/// All rows of a plan, or the first `limit`.
pub(crate) fn collect(
    plan: &Plan,
    outer: Option<&Env<'_>>,
    shared: &Run<'_>,
    limit: Option<usize>,
) -> Result<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    let flow = run(plan, outer, shared, &mut |row| {
        rows.push(row.to_vec());
        if limit.is_some_and(|n| rows.len() >= n) {
            Err(Stop::Enough)
        } else {
            Ok(())
        }
    });
    match flow {
        Err(Stop::Error(e)) => Err(e),
        _ => Ok(rows),
    }
}

impl<'a> Context<'a> {
    pub(crate) fn collect(&self, plan: &Plan) -> Result<Vec<Vec<Value>>> {
        collect(plan, self.outer, self.run, None)
    }

    pub(crate) fn plan(&self, plan: &Plan, out: &mut Consumer<'_>) -> Flow {
        match plan {
            Plan::One => out(&[]),
            Plan::Scan(scan) => self.scan(scan, out),
            Plan::Rows(rows) => rows.iter().try_for_each(|r| out(r)),
            Plan::Sample(sample) => sample.run(self.run, out),
            Plan::Series(series) => series.run(self.run, out),
            Plan::Values(rows) => {
                for row in rows {
                    let values = self.evaluate(row, &[])?;
                    out(&values)?;
                }
                Ok(())
            }
            Plan::Filter(input, condition) => self.plan(input, &mut |row| {
                if condition.test(&self.env(row))? == Some(true) {
                    out(row)
                } else {
                    Ok(())
                }
            }),
            Plan::Project(input, exprs) => self.project(input, exprs, out),
            Plan::Join(join) => self.join(join, out),
            Plan::Aggregate(aggregate) => aggregate::run(self, aggregate, out),
            Plan::Window(window) => window::run(self, window, out),
            Plan::Sort(input, keys) => self.sort(input, keys, out),
            Plan::Limit {
                input,
                offset,
                count,
                ties,
            } => self.limit(input, (*offset, *count), ties.as_deref(), out),
            Plan::Distinct(input, types) => {
                let mut seen = HashSet::new();
                self.plan(input, &mut |row| {
                    if seen.insert(row_key(row, types)) {
                        out(row)
                    } else {
                        Ok(())
                    }
                })
            }
            Plan::Union(inputs) => inputs.iter().try_for_each(|p| self.plan(p, out)),
            Plan::SetOperation {
                kind,
                left,
                right,
                types,
            } => self.set_operation(*kind, (left, right), types, out),
            Plan::Trim(input, n) => self.plan(input, &mut |row| out(&row[..*n])),
            other => self.nested(other, out),
        }
    }

    /// Shares of rows, recursion, and calls of table functions.
    fn nested(&self, plan: &Plan, out: &mut Consumer<'_>) -> Flow {
        match plan {
            Plan::Expand(arguments, rows) => {
                let values = self.evaluate(arguments, &[])?;
                rows(&values)?.iter().try_for_each(|row| out(row))
            }
            Plan::Gather(input, gather) => out(&[gather(&self.collect(input)?)?]),
            Plan::Recursive(recursive) => recursive::run(self, recursive, out),
            Plan::Working(id) => {
                let row = self.run.working.borrow().get(id).cloned();
                row.map_or(Ok(()), |row| out(&row))
            }
            Plan::Percent(input, percent, ties) => {
                let rows = self.collect(input)?;
                // "Fractional values are rounded up to the next integer value" ("TOP").
                let count = (rows.len() as f64 * percent / 100.0).ceil() as u64;
                let whole = Plan::Rows(rows.into());
                self.limit(&whole, (0, Some(count)), ties.as_deref(), out)
            }
            Plan::Invoke(arguments, body) => {
                let row = self.evaluate(arguments, &[])?;
                let env = Env {
                    row: &row,
                    outer: None,
                    run: self.run,
                };
                run(body, Some(&env), self.run, out)
            }
            _ => Ok(()),
        }
    }

    /// EXCEPT and INTERSECT.
    fn set_operation(
        &self,
        kind: SetKind,
        (left, right): (&Plan, &Plan),
        types: &[Ty],
        out: &mut Consumer<'_>,
    ) -> Flow {
        let others: HashSet<Vec<u8>> = self
            .collect(right)?
            .iter()
            .map(|r| row_key(r, types))
            .collect();
        let mut seen = HashSet::new();
        self.plan(left, &mut |row| {
            let key = row_key(row, types);
            let wanted = others.contains(&key) == (kind == SetKind::Intersect);
            if wanted && seen.insert(key) {
                out(row)
            } else {
                Ok(())
            }
        })
    }

    fn project(&self, input: &Plan, exprs: &[Bound], out: &mut Consumer<'_>) -> Flow {
        // Rows that pass through unchanged are not copied.
        let identity = exprs
            .iter()
            .enumerate()
            .all(|(i, e)| e.as_column() == Some(i));
        let mut values = Vec::with_capacity(exprs.len());
        self.plan(input, &mut |row| {
            if identity && row.len() == exprs.len() {
                return out(row);
            }
            values.clear();
            let env = self.env(row);
            for expr in exprs {
                values.push(expr.eval(&env)?);
            }
            out(&values)
        })
    }

    fn scan(&self, scan: &Scan, out: &mut Consumer<'_>) -> Flow {
        read(scan, self.outer, self.run, out)
    }

    fn limit(
        &self,
        input: &Plan,
        (offset, count): (u64, Option<u64>),
        ties: Option<&[SortKey]>,
        out: &mut Consumer<'_>,
    ) -> Flow {
        if count == Some(0) {
            return Ok(());
        }
        let seen = Cell::new(0u64);
        let full = Cell::new(false);
        let mut last_key = Vec::new();
        let flow = self.plan(input, &mut |row| {
            seen.set(seen.get() + 1);
            if seen.get() <= offset {
                return Ok(());
            }
            let taken = seen.get() - offset;
            if let (Some(keys), Some(count)) = (ties, count) {
                let key = self.sort_key(keys, row)?;
                if taken > count && key != last_key {
                    full.set(true);
                    return Err(Stop::Enough);
                }
                last_key = key;
                return out(row);
            }
            out(row)?;
            if Some(taken) == count {
                full.set(true);
                Err(Stop::Enough)
            } else {
                Ok(())
            }
        });
        match flow {
            // Only this limit is reached: whoever comes next may still have rows to add.
            Err(Stop::Enough) if full.get() => Ok(()),
            other => other,
        }
    }

    fn sort(&self, input: &Plan, keys: &[SortKey], out: &mut Consumer<'_>) -> Flow {
        let mut rows = Vec::new();
        self.plan(input, &mut |row| {
            rows.push((self.sort_key(keys, row)?, row.to_vec()));
            Ok(())
        })?;
        if reads_table(input) {
            self.sorted(rows.len());
        }
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows.iter().try_for_each(|(_, row)| out(row))
    }

    fn join(&self, join: &Join, out: &mut Consumer<'_>) -> Flow {
        if join.lateral {
            return self.apply(join, out);
        }
        let right = self.collect(&join.right)?;
        let mut by_key: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        if !join.equal.is_empty() {
            for (i, row) in right.iter().enumerate() {
                if let Some(key) =
                    self.join_key(join.equal.iter().map(|(_, r)| r), row, &join.equal)?
                {
                    by_key.entry(key).or_default().push(i);
                }
            }
        }
        let all: Vec<usize> = (0..right.len()).collect();
        let mut matched = vec![false; right.len()];
        let keep_left = matches!(join.kind, JoinKind::Left | JoinKind::Full);
        let mut row = Vec::with_capacity(join.widths.0 + join.widths.1);
        self.plan(&join.left, &mut |left| {
            let candidates = if join.equal.is_empty() {
                Some(&all)
            } else {
                match self.join_key(join.equal.iter().map(|(l, _)| l), left, &join.equal)? {
                    Some(key) => by_key.get(&key),
                    None => None,
                }
            };
            let mut any = false;
            for &i in candidates.into_iter().flatten() {
                self.run.tick()?;
                row.clear();
                row.extend_from_slice(left);
                row.extend_from_slice(&right[i]);
                if let Some(condition) = &join.condition
                    && condition.test(&self.env(&row))? != Some(true)
                {
                    continue;
                }
                (any, matched[i]) = (true, true);
                out(&row)?;
            }
            if !any && keep_left {
                row.clear();
                row.extend_from_slice(left);
                row.resize(join.widths.0 + join.widths.1, Value::Null);
                out(&row)?;
            }
            Ok(())
        })?;
        if matches!(join.kind, JoinKind::Right | JoinKind::Full) {
            for (i, right) in right.iter().enumerate().filter(|(i, _)| !matched[*i]) {
                let _ = i;
                row.clear();
                row.resize(join.widths.0, Value::Null);
                row.extend_from_slice(right);
                out(&row)?;
            }
        }
        Ok(())
    }

    /// The equal expressions of one side as bytes; `None` when one is NULL and so equals nothing.
    fn join_key<'b>(
        &self,
        exprs: impl Iterator<Item = &'b Bound>,
        row: &[Value],
        equal: &[(Bound, Bound)],
    ) -> Result<Option<Vec<u8>>> {
        let env = self.env(row);
        let mut key = Vec::new();
        for (expr, (l, r)) in exprs.zip(equal) {
            let value = expr.eval(&env)?;
            if matches!(value, Value::Null) {
                return Ok(None);
            }
            append_key(
                &value,
                crate::engine::eval::expr::collation_of(l, r),
                &mut key,
            );
        }
        Ok(Some(key))
    }

    fn apply(&self, join: &Join, out: &mut Consumer<'_>) -> Flow {
        let mut row = Vec::new();
        self.plan(&join.left, &mut |left| {
            let env = self.env(left);
            let mut any = false;
            run(&join.right, Some(&env), self.run, &mut |right| {
                any = true;
                row.clear();
                row.extend_from_slice(left);
                row.extend_from_slice(right);
                out(&row)
            })?;
            if !any && join.kind == JoinKind::Left {
                row.clear();
                row.extend_from_slice(left);
                row.resize(join.widths.0 + join.widths.1, Value::Null);
                out(&row)?;
            }
            Ok(())
        })
    }
}

/// A row as bytes, for DISTINCT and the set operators.
pub(crate) fn row_key(row: &[Value], types: &[Ty]) -> Vec<u8> {
    let mut key = Vec::new();
    for (value, t) in row.iter().zip(types) {
        append_key(value, t.collation.as_deref(), &mut key);
    }
    key
}
