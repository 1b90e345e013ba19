//! GROUP BY and the aggregate functions.

use std::collections::{BTreeMap, HashSet};

use crate::engine::arithmetic::{Operator, evaluate};
use crate::engine::datatype;
use crate::engine::error::{Result, error, overflow};
use crate::engine::eval::context::Context;
use crate::engine::eval::expr::Env;
use crate::engine::eval::flow::{Consumer, Flow, Stop};
use crate::engine::eval::plan::{Aggregate, AggregateCall, AggregateFunction, Plan};
use crate::engine::eval::scan::{bare, known_count, note_known};
use crate::engine::value::compare::{append_key, compare};
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

/// The running state of one call in one group.
#[derive(Default, Clone)]
pub(crate) struct Accumulator {
    count: i64,
    value: Option<Value>,
    seen: HashSet<Vec<u8>>,
    parts: Vec<(Vec<u8>, Value)>,
    checksum: i32,
    spread: Spread,
}

/// The mean of numbers and the sum of their squared distances from it, number by number (Welford).
#[derive(Default, Clone, Copy)]
struct Spread {
    mean: f64,
    squares: f64,
}

impl Accumulator {
    pub(crate) fn add(&mut self, call: &AggregateCall, env: &Env<'_>) -> Result<()> {
        let Some(arg) = &call.arg else {
            self.count += 1;
            return Ok(());
        };
        let value = arg.eval(env)?;
        if matches!(value, Value::Null) {
            return Ok(());
        }
        if call.distinct {
            let mut key = Vec::new();
            append_key(&value, arg.t.collation.as_deref(), &mut key);
            if !self.seen.insert(key) {
                return Ok(());
            }
        }
        self.count += 1;
        match call.function {
            AggregateFunction::CountRows | AggregateFunction::Count => {}
            AggregateFunction::Sum | AggregateFunction::Avg => {
                let wide = widen(value, &arg.t.ty, &call.ty)?;
                self.value = Some(match self.value.take() {
                    Some(sum) => evaluate(Operator::Add, sum, wide, &sum_type(&call.ty))?,
                    None => wide,
                });
            }
            AggregateFunction::Min | AggregateFunction::Max => {
                let better = self.value.as_ref().is_none_or(|best| {
                    let order = compare(&value, best, arg.t.collation.as_deref());
                    if call.function == AggregateFunction::Min {
                        order.is_lt()
                    } else {
                        order.is_gt()
                    }
                });
                if better {
                    self.value = Some(value);
                }
            }
            AggregateFunction::StringAgg => {
                let mut key = Vec::new();
                for (expr, descending) in &call.order {
                    crate::engine::value::compare::append_ordered_key(
                        &expr.eval(env)?,
                        expr.t.collation.as_deref(),
                        *descending,
                        &mut key,
                    );
                }
                self.parts.push((key, value));
            }
            AggregateFunction::Deviation { .. } | AggregateFunction::Variance { .. } => {
                if let Value::Float(number) = convert(&value, &arg.t.ty, &call.ty, How::default())?
                {
                    let spread = &mut self.spread;
                    let away = number - spread.mean;
                    spread.mean += away / self.count as f64;
                    spread.squares += away * (number - spread.mean);
                }
            }
            AggregateFunction::Grouping => {}
            AggregateFunction::ChecksumAgg => {
                if let Value::Int(i) = value {
                    self.checksum ^= i as i32;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn finish(&self, call: &AggregateCall) -> Result<Value> {
        match call.function {
            AggregateFunction::CountRows | AggregateFunction::Count => {
                count_value(self.count, &call.ty)
            }
            AggregateFunction::Avg => match &self.value {
                None => Ok(Value::Null),
                Some(sum) => average(sum.clone(), self.count, &call.ty),
            },
            AggregateFunction::StringAgg => self.joined(call),
            AggregateFunction::Deviation { all } => Ok(self.variance(all, f64::sqrt)),
            AggregateFunction::Variance { all } => Ok(self.variance(all, |v| v)),
            AggregateFunction::ChecksumAgg if self.count == 0 => Ok(Value::Null),
            AggregateFunction::ChecksumAgg => Ok(Value::Int(i64::from(self.checksum))),
            _ => Ok(self.value.clone().unwrap_or(Value::Null)),
        }
    }

    /// Over one number less for a sample ("VAR", "VARP"), NULL where that leaves none.
    fn variance(&self, all: bool, shown: fn(f64) -> f64) -> Value {
        let count = if all { self.count } else { self.count - 1 };
        if count <= 0 {
            return Value::Null;
        }
        Value::Float(shown(self.spread.squares / count as f64))
    }

    fn joined(&self, call: &AggregateCall) -> Result<Value> {
        if self.parts.is_empty() {
            return Ok(Value::Null);
        }
        let mut parts: Vec<_> = self.parts.iter().collect();
        parts.sort_by(|a, b| a.0.cmp(&b.0));
        let separator = call
            .separator
            .as_ref()
            .and_then(text::units)
            .map(|u| u.to_vec())
            .unwrap_or_default();
        let mut joined: Vec<u16> = Vec::new();
        for (i, (_, part)) in parts.into_iter().enumerate() {
            if i > 0 {
                joined.extend_from_slice(&separator);
            }
            joined.extend_from_slice(text::units(part).map_or(&[], |u| u));
        }
        let most = datatype::length(&call.ty).map(usize::from);
        if most.is_some_and(|most| joined.len() > most) {
            return Err(error(
                9829,
                16,
                "STRING_AGG aggregation result exceeded the limit of 8000 bytes. Use LOB types to avoid result truncation.",
            ));
        }
        Ok(Value::Text(joined.into()))
    }
}

fn count_value(count: i64, ty: &SqlType) -> Result<Value> {
    if *ty == SqlType::Int && i32::try_from(count).is_err() {
        return Err(overflow("int"));
    }
    Ok(Value::Int(count))
}

/// Sums run in 38 digits, at the result's scale.
fn sum_type(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::Decimal { scale, .. } => SqlType::Decimal {
            precision: 38,
            scale: *scale,
        },
        other => other.clone(),
    }
}

fn widen(value: Value, from: &SqlType, result: &SqlType) -> Result<Value> {
    match (&value, result) {
        (Value::Decimal { .. }, SqlType::Decimal { .. }) => Ok(value),
        _ => convert(&value, from, &sum_type(result), How::default()),
    }
}

fn average(sum: Value, count: i64, ty: &SqlType) -> Result<Value> {
    let divisor = match &sum {
        Value::Float(_) => Value::Float(count as f64),
        Value::Money(m) => {
            return Ok(Value::Money(m / count));
        }
        _ => Value::Int(count),
    };
    match (&sum, ty) {
        (Value::Int(total), _) => Ok(Value::Int(total / count)),
        _ => evaluate(Operator::Divide, sum, divisor, ty),
    }
}

/// How many rows a plan gives: what they hold is neither copied nor evaluated.
fn count_rows(context: &Context<'_>, input: &Plan) -> std::result::Result<u64, Stop> {
    if let Some(known) = known_count(input) {
        // A server counts by reading.
        note_known(input, context.run);
        return Ok(known);
    }
    let mut count = 0;
    context.plan(bare(input), &mut |_| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

pub(crate) fn run(context: &Context<'_>, aggregate: &Aggregate, out: &mut Consumer<'_>) -> Flow {
    if aggregate.scalar
        && aggregate
            .calls
            .iter()
            .all(|c| c.function == AggregateFunction::CountRows)
    {
        let count = count_rows(context, &aggregate.input)?;
        let row = aggregate
            .calls
            .iter()
            .map(|c| count_value(count as i64, &c.ty))
            .collect::<Result<Vec<_>>>()?;
        return out(&row);
    }
    if aggregate.sets.is_empty() {
        let groups: Vec<usize> = (0..aggregate.groups.len()).collect();
        return grouped(context, aggregate, &[groups], out);
    }
    grouped(context, aggregate, &aggregate.sets, out)
}

/// The groups of one grouping set by their keys, each with its values.
type Groups = BTreeMap<Vec<u8>, (Vec<Value>, Vec<Accumulator>)>;

/// Each set is what a GROUP BY of its own would be ("Using GROUP BY with ROLLUP, CUBE, and GROUPING
/// SETS").
fn grouped(
    context: &Context<'_>,
    aggregate: &Aggregate,
    sets: &[Vec<usize>],
    out: &mut Consumer<'_>,
) -> Flow {
    let fresh = || vec![Accumulator::default(); aggregate.calls.len()];
    let mut of_sets: Vec<Groups> = vec![Groups::new(); sets.len()];
    for (set, groups) in sets.iter().zip(&mut of_sets) {
        if aggregate.scalar || set.is_empty() {
            let nothing = vec![Value::Null; aggregate.groups.len()];
            groups.insert(Vec::new(), (nothing, fresh()));
        }
    }
    let mut key = Vec::new();
    context.plan(&aggregate.input, &mut |row| {
        let env = context.env(row);
        let values = aggregate
            .groups
            .iter()
            .map(|g| g.eval(&env))
            .collect::<Result<Vec<_>>>()?;
        for (set, groups) in sets.iter().zip(&mut of_sets) {
            key.clear();
            for at in set {
                let collation = aggregate.groups[*at].t.collation.as_deref();
                append_key(&values[*at], collation, &mut key);
            }
            if !groups.contains_key(&key) {
                let mut kept = vec![Value::Null; values.len()];
                for at in set {
                    kept[*at].clone_from(&values[*at]);
                }
                groups.insert(key.clone(), (kept, fresh()));
            }
            let Some((_, accumulators)) = groups.get_mut(&key) else {
                continue;
            };
            for (accumulator, call) in accumulators.iter_mut().zip(&aggregate.calls) {
                accumulator.add(call, &env)?;
            }
        }
        Ok(())
    })?;
    for (set, groups) in sets.iter().zip(of_sets) {
        for (mut row, accumulators) in groups.into_values() {
            for (accumulator, call) in accumulators.iter().zip(&aggregate.calls) {
                row.push(match call.function {
                    AggregateFunction::Grouping => Value::Int(missing(&call.of, set)),
                    _ => accumulator.finish(call)?,
                });
            }
            out(&row)?;
        }
    }
    Ok(())
}

/// A bit for each of the groups, the last one's the lowest, that is set where the grouping set has
/// it not ("GROUPING_ID").
fn missing(of: &[usize], set: &[usize]) -> i64 {
    of.iter()
        .fold(0, |bits, group| bits << 1 | i64::from(!set.contains(group)))
}
