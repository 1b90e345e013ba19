//! Window functions: rank, distribution, offset and running aggregates.

use std::ops::Range;

use crate::engine::error::Result;
use crate::engine::eval::aggregate::Accumulator;
use crate::engine::eval::context::Context;
use crate::engine::eval::flow::{Consumer, Flow};
use crate::engine::eval::plan::{
    AggregateCall, Edge, Frame, Window, WindowCall, WindowFunction, reads_table,
};
use crate::engine::eval::stream;
use crate::engine::eval::tiles::{Tiles, tile_count};
use crate::engine::value::compare::append_key;
use crate::types::Value;

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
        WindowFunction::RowNumber => Ok(ints(&mut |i| i as u64 + 1)),
        WindowFunction::Rank => {
            let mut rank = 0;
            Ok(ints(&mut |i| {
                if new_peer(i) {
                    rank = i as u64 + 1;
                }
                rank
            }))
        }
        WindowFunction::DenseRank => {
            let mut rank = 0;
            Ok(ints(&mut |i| {
                rank += u64::from(new_peer(i));
                rank
            }))
        }
        WindowFunction::Ntile(n) => {
            let n = tile_count(n, &context.env(&rows[partition[0].2]))?;
            let tiles = Tiles::of(total as u64, n);
            Ok(ints(&mut |i| tiles.of_row(i as u64)))
        }
        WindowFunction::Offset { value, by, default } => (0..total)
            .map(|i| {
                let at = i as i64 - by;
                let env = context.env(&rows[partition[i].2]);
                match usize::try_from(at).ok().and_then(|at| partition.get(at)) {
                    Some((_, _, other)) => value.eval(&context.env(&rows[*other])),
                    None => default.as_ref().map_or(Ok(Value::Null), |d| d.eval(&env)),
                }
            })
            .collect(),
        WindowFunction::PercentRank | WindowFunction::CumeDist => {
            Ok(distribution(&call.function, partition))
        }
        WindowFunction::Edge {
            value,
            last,
            ignore_nulls,
        } => {
            let frames = Frames::new(call, partition);
            (0..total)
                .map(|i| {
                    let mut places = frames.of(i);
                    let mut found = || {
                        if *last {
                            places.next_back()
                        } else {
                            places.next()
                        }
                    };
                    while let Some(at) = found() {
                        let value = value.eval(&context.env(&rows[partition[at].2]))?;
                        if !(*ignore_nulls && matches!(value, Value::Null)) {
                            return Ok(value);
                        }
                    }
                    Ok(Value::Null)
                })
                .collect()
        }
        WindowFunction::Aggregate(aggregate) => running(context, call, aggregate, rows, partition),
    }
}

/// PERCENT_RANK is (rank - 1) / (rows - 1), CUME_DIST the rows up to the last peer among all.
fn distribution(function: &WindowFunction, partition: &[Position]) -> Vec<Value> {
    let total = partition.len();
    let mut values = Vec::with_capacity(total);
    for peers in partition.chunk_by(|a, b| a.1 == b.1) {
        let before = values.len();
        let share = match function {
            WindowFunction::CumeDist => (before + peers.len()) as f64 / total as f64,
            _ if total == 1 => 0.0,
            _ => before as f64 / (total - 1) as f64,
        };
        values.resize(before + peers.len(), Value::Float(share));
    }
    values
}

/// The rows of a partition that each row's frame holds.
struct Frames {
    frame: Frame,
    /// For each row, where its peers begin and end.
    peers: Vec<(usize, usize)>,
}

impl Frames {
    fn new(call: &WindowCall, partition: &[Position]) -> Frames {
        let mut peers = Vec::with_capacity(partition.len());
        let same = |a: &Position, b: &Position| call.order.is_empty() || a.1 == b.1;
        for chunk in partition.chunk_by(same) {
            let first = peers.len();
            peers.resize(first + chunk.len(), (first, first + chunk.len()));
        }
        Frames {
            frame: call.frame,
            peers,
        }
    }

    fn of(&self, row: usize) -> Range<usize> {
        let total = self.peers.len();
        let away = |by: i64| {
            let at = (row as i64).saturating_add(by);
            usize::try_from(at).unwrap_or(0).min(total)
        };
        let start = match self.frame.start {
            Edge::First => 0,
            Edge::Last => total,
            Edge::Away(_) if !self.frame.rows => self.peers[row].0,
            Edge::Away(by) => away(by),
        };
        let end = match self.frame.end {
            Edge::First => 0,
            Edge::Last => total,
            Edge::Away(_) if !self.frame.rows => self.peers[row].1,
            Edge::Away(by) => away(by.saturating_add(1)),
        };
        start..end.max(start)
    }
}

fn running(
    context: &Context<'_>,
    call: &WindowCall,
    aggregate: &AggregateCall,
    rows: &[Vec<Value>],
    partition: &[Position],
) -> Result<Vec<Value>> {
    let frames = Frames::new(call, partition);
    let mut accumulator = Accumulator::default();
    let mut values: Vec<Value> = Vec::with_capacity(partition.len());
    let mut held = 0..0;
    for at in 0..partition.len() {
        let frame = frames.of(at);
        if frame == held && at > 0 {
            values.extend(values.last().cloned());
            continue;
        }
        // A frame that only grows goes on from the last one.
        if frame.start != held.start || frame.end < held.end {
            accumulator = Accumulator::default();
            held = frame.start..frame.start;
        }
        for (_, _, i) in &partition[held.end..frame.end] {
            accumulator.add(aggregate, &context.env(&rows[*i]))?;
        }
        held = frame;
        values.push(accumulator.finish(aggregate)?);
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
