//! Window functions: rank, distribution, offset and running aggregates.

use crate::engine::error::{Result, error};
use crate::engine::eval::aggregate::{Accumulator, Call};
use crate::engine::eval::context::Context;
use crate::engine::eval::expr::{Bound, Env};
use crate::engine::eval::flow::{Consumer, Flow};
use crate::engine::eval::plan::{SortKey, Window, reads_table};
use crate::engine::eval::stream;
use crate::engine::value::compare::append_key;
use crate::types::Value;

#[derive(Clone)]
pub(crate) enum Function {
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
    Aggregate(Call),
}

#[derive(Clone)]
pub(crate) struct WindowCall {
    pub(crate) function: Function,
    pub(crate) partition: Vec<Bound>,
    pub(crate) order: Vec<SortKey>,
    /// The frame is ROWS, not RANGE: peers count one by one.
    pub(crate) by_rows: bool,
    /// The frame is the whole partition.
    pub(crate) whole: bool,
}

impl WindowCall {
    /// Every expression of the call.
    pub(crate) fn exprs(&mut self) -> Vec<&mut Bound> {
        let mut all = match &mut self.function {
            Function::RowNumber | Function::Rank | Function::DenseRank => Vec::new(),
            Function::Ntile(n) => vec![n],
            Function::Offset { value, default, .. } => [value].into_iter().chain(default).collect(),
            Function::Aggregate(call) => {
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
        matches!(self.function, Function::Ntile(_) | Function::Aggregate(_))
    }

    /// Whether the call needs no more than rows in its order, and few of them at a time.
    pub(crate) fn streams(&self) -> bool {
        self.partition.is_empty() && stream::streams(&self.function)
    }
}

/// Appends the result of each call to each row.
pub(crate) fn run(context: &Context<'_>, window: &Window, out: &mut Consumer<'_>) -> Flow {
    if window.ordered {
        return stream::run(context, window, out);
    }
    let mut rows = context.collect(&window.input)?;
    if reads_table(&window.input) {
        note(context, window, rows.len());
    }
    let width = rows.first().map_or(0, Vec::len);
    for row in &mut rows {
        row.resize(width + window.calls.len(), Value::Null);
    }
    for (i, call) in window.calls.iter().enumerate() {
        compute(context, call, &mut rows, width + i)?;
    }
    rows.iter().try_for_each(|row| out(row))
}

/// What a server does with the rows of unordered input: a sort for each order of its own, and a spool.
fn note(context: &Context<'_>, window: &Window, rows: usize) {
    let place = |call: &WindowCall| -> Vec<(Option<usize>, bool)> {
        let parts = call.partition.iter().map(|e| (e.as_column(), false));
        let order = call
            .order
            .iter()
            .map(|key| (key.expr.as_column(), key.descending));
        parts.chain(order).collect()
    };
    let mut orders: Vec<_> = window.calls.iter().map(place).collect();
    orders.retain(|order| !order.is_empty());
    orders.sort_unstable();
    orders.dedup();
    for _ in &orders {
        context.sorted(rows);
    }
    if window.calls.iter().any(WindowCall::spools) {
        context
            .run
            .meter
            .note(|work| work.spooled_rows += rows as u64);
    }
}

pub(crate) fn tile_count(n: &Bound, env: &Env<'_>) -> Result<u64> {
    match n.eval(env)? {
        Value::Int(n) if n > 0 => Ok(n as u64),
        _ => Err(error(
            4116,
            16,
            "The function 'ntile' takes only a positive int or bigint expression as its input.",
        )),
    }
}

/// Rows in equal parts, of which the first have one row more where they do not divide evenly.
pub(crate) struct Tiles {
    /// Of the shorter ones.
    size: u64,
    longer: u64,
    /// Rows in the longer ones together.
    in_longer: u64,
}

impl Tiles {
    /// `n` parts of `total` rows.
    pub(crate) fn of(total: u64, n: u64) -> Tiles {
        let (size, longer) = (total / n, total % n);
        Tiles {
            size,
            longer,
            in_longer: longer * (size + 1),
        }
    }

    /// The part, from 1, of the row at a position from 0.
    pub(crate) fn of_row(&self, at: u64) -> u64 {
        if at < self.in_longer {
            at / (self.size + 1) + 1
        } else {
            self.longer + (at - self.in_longer) / self.size.max(1) + 1
        }
    }
}

fn compute(
    context: &Context<'_>,
    call: &WindowCall,
    rows: &mut [Vec<Value>],
    column: usize,
) -> Result<()> {
    // Positions in partition and window order, each with its partition and peer key.
    let mut order: Vec<(Vec<u8>, Vec<u8>, usize)> = Vec::with_capacity(rows.len());
    for (i, row) in rows.iter().enumerate() {
        let env = context.env(row);
        let mut partition = Vec::new();
        for expr in &call.partition {
            append_key(
                &expr.eval(&env)?,
                expr.t.collation.as_deref(),
                &mut partition,
            );
        }
        order.push((partition, context.sort_key(&call.order, row)?, i));
    }
    order.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    for partition in order.chunk_by(|a, b| a.0 == b.0) {
        let values = partition_values(context, call, rows, partition)?;
        for ((_, _, i), value) in partition.iter().zip(values) {
            rows[*i][column] = value;
        }
    }
    Ok(())
}

type Position = (Vec<u8>, Vec<u8>, usize);

fn partition_values(
    context: &Context<'_>,
    call: &WindowCall,
    rows: &[Vec<Value>],
    partition: &[Position],
) -> Result<Vec<Value>> {
    let total = partition.len();
    let ints =
        |f: &mut dyn FnMut(usize) -> u64| (0..total).map(|i| Value::Int(f(i) as i64)).collect();
    let new_peer = |i: usize| i == 0 || partition[i].1 != partition[i - 1].1;
    match &call.function {
        Function::RowNumber => Ok(ints(&mut |i| i as u64 + 1)),
        Function::Rank => {
            let mut rank = 0;
            Ok(ints(&mut |i| {
                if new_peer(i) {
                    rank = i as u64 + 1;
                }
                rank
            }))
        }
        Function::DenseRank => {
            let mut rank = 0;
            Ok(ints(&mut |i| {
                rank += u64::from(new_peer(i));
                rank
            }))
        }
        Function::Ntile(n) => {
            let n = tile_count(n, &context.env(&rows[partition[0].2]))?;
            let tiles = Tiles::of(total as u64, n);
            Ok(ints(&mut |i| tiles.of_row(i as u64)))
        }
        Function::Offset { value, by, default } => (0..total)
            .map(|i| {
                let at = i as i64 - by;
                let env = context.env(&rows[partition[i].2]);
                match usize::try_from(at).ok().and_then(|at| partition.get(at)) {
                    Some((_, _, other)) => value.eval(&context.env(&rows[*other])),
                    None => default.as_ref().map_or(Ok(Value::Null), |d| d.eval(&env)),
                }
            })
            .collect(),
        Function::Aggregate(aggregate) => running(context, call, aggregate, rows, partition),
    }
}

fn running(
    context: &Context<'_>,
    call: &WindowCall,
    aggregate: &Call,
    rows: &[Vec<Value>],
    partition: &[Position],
) -> Result<Vec<Value>> {
    let mut accumulator = Accumulator::default();
    let mut values = Vec::with_capacity(partition.len());
    let same_frame = |a: &Position, b: &Position| {
        call.whole || call.order.is_empty() || (!call.by_rows && a.1 == b.1)
    };
    for peers in partition.chunk_by(same_frame) {
        for (_, _, i) in peers {
            accumulator.add(aggregate, &context.env(&rows[*i]))?;
        }
        let value = accumulator.finish(aggregate)?;
        values.extend(std::iter::repeat_n(value, peers.len()));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntile_gives_the_first_groups_the_extra_rows() {
        // "NTILE (Transact-SQL)": 53 rows in 5 groups are three of 11 and two of 10.
        let tiles: Vec<u64> = (0..53).map(|i| Tiles::of(53, 5).of_row(i)).collect();
        let size = |n| tiles.iter().filter(|t| **t == n).count();
        assert_eq!(
            [size(1), size(2), size(3), size(4), size(5)],
            [11, 11, 11, 10, 10]
        );
        let few = (0..2).map(|i| Tiles::of(2, 5).of_row(i));
        assert_eq!(few.collect::<Vec<_>>(), [1, 2]);
    }
}
