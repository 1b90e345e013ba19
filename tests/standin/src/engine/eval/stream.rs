//! Window functions over rows that come in order: no more rows are kept than LAG and LEAD look at.

use std::collections::VecDeque;

use crate::engine::error::Result;
use crate::engine::eval::context::Context;
use crate::engine::eval::expr::Bound;
use crate::engine::eval::flow::{Consumer, Flow, Stop};
use crate::engine::eval::plan::{Window, WindowCall, WindowFunction, reads_table};
use crate::engine::eval::scan::known_count;
use crate::engine::eval::tiles::{Tiles, tile_count};
use crate::types::Value;

/// Appends the result of each call to each row; the calls are such as [`plan::streams`](crate::engine::eval::plan::streams) names.
pub(crate) fn run(context: &Context<'_>, window: &Window, out: &mut Consumer<'_>) -> Flow {
    let calls = Call::all(context, window)?;
    let reach = |f: fn(i64) -> i64| {
        let offsets = window.calls.iter().map(|call| match &call.function {
            WindowFunction::Offset { by, .. } => f(*by).max(0).unsigned_abs(),
            _ => 0,
        });
        offsets.max().unwrap_or(0)
    };
    let mut stream = Stream {
        context,
        calls,
        back: reach(|by| by),
        ahead: reach(i64::saturating_neg),
        rows: VecDeque::new(),
        first: 0,
        next: 0,
        spare: Vec::new(),
        results: Vec::new(),
    };
    let spools = reads_table(&window.input) && window.calls.iter().any(WindowCall::spools);
    context.plan(&window.input, &mut |row| {
        if spools {
            context.run.meter.note(|work| work.spooled_rows += 1);
        }
        stream.push(row, out)
    })?;
    stream.end(out)
}

/// A call with what is known of it before the first row.
enum Call<'w> {
    RowNumber,
    Ntile(Tiles),
    Offset {
        value: &'w Bound,
        by: i64,
        default: Option<&'w Bound>,
    },
}

impl<'w> Call<'w> {
    fn all(context: &Context<'_>, window: &'w Window) -> std::result::Result<Vec<Self>, Stop> {
        let tiled = |call: &WindowCall| matches!(call.function, WindowFunction::Ntile(_));
        let total = if window.calls.iter().any(tiled) {
            count(context, window)?
        } else {
            0
        };
        let calls = window.calls.iter().map(|call| {
            Ok(match &call.function {
                WindowFunction::Ntile(n) => {
                    Call::Ntile(Tiles::of(total, tile_count(n, &context.env(&[]))?))
                }
                WindowFunction::Offset { value, by, default } => Call::Offset {
                    value,
                    by: *by,
                    default: default.as_ref(),
                },
                _ => Call::RowNumber,
            })
        });
        Ok(calls.collect::<Result<_>>()?)
    }
}

/// The rows of the input, by reading them where they are not counted.
fn count(context: &Context<'_>, window: &Window) -> std::result::Result<u64, Stop> {
    if let Some(known) = known_count(&window.input) {
        return Ok(known);
    }
    let mut rows = 0;
    // A server has the rows in its spool.
    context.run.meter.unnoted(|| {
        context.plan(&window.input, &mut |_| {
            rows += 1;
            Ok(())
        })
    })?;
    Ok(rows)
}

struct Stream<'c, 'w> {
    context: &'c Context<'c>,
    calls: Vec<Call<'w>>,
    /// How many rows LAG looks back and LEAD looks ahead.
    back: u64,
    ahead: u64,
    /// The rows in reach, of which the first stands at `first` in the input.
    rows: VecDeque<Vec<Value>>,
    first: u64,
    /// The next row to go out.
    next: u64,
    /// Rows that went out, to be filled again.
    spare: Vec<Vec<Value>>,
    results: Vec<Value>,
}

impl Stream<'_, '_> {
    fn push(&mut self, row: &[Value], out: &mut Consumer<'_>) -> Flow {
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(row);
        self.rows.push_back(kept);
        if self.first + self.rows.len() as u64 > self.next + self.ahead {
            self.emit(out)?;
        }
        Ok(())
    }

    /// No row comes any more: those that waited for the next ones go out.
    fn end(&mut self, out: &mut Consumer<'_>) -> Flow {
        while self.next < self.first + self.rows.len() as u64 {
            self.emit(out)?;
        }
        Ok(())
    }

    fn emit(&mut self, out: &mut Consumer<'_>) -> Flow {
        let mut results = std::mem::take(&mut self.results);
        for call in &self.calls {
            results.push(self.value(call)?);
        }
        let at = (self.next - self.first) as usize;
        // Behind the row's own columns, where no call of a later row looks.
        self.rows[at].append(&mut results);
        self.results = results;
        self.next += 1;
        out(&self.rows[at])?;
        while self.first + self.back < self.next {
            self.spare.extend(self.rows.pop_front());
            self.first += 1;
        }
        Ok(())
    }

    /// The result of a call for the next row.
    fn value(&self, call: &Call<'_>) -> Result<Value> {
        let number = match call {
            Call::RowNumber => self.next + 1,
            Call::Ntile(tiles) => tiles.of_row(self.next),
            Call::Offset { value, by, default } => {
                let other = i64::try_from(self.next)
                    .ok()
                    .and_then(|next| next.checked_sub(*by));
                let other = other.and_then(|at| usize::try_from(at - self.first as i64).ok());
                return match other.and_then(|at| self.rows.get(at)) {
                    Some(row) => value.eval(&self.context.env(row)),
                    None => {
                        let row = &self.rows[(self.next - self.first) as usize];
                        default.map_or(Ok(Value::Null), |d| d.eval(&self.context.env(row)))
                    }
                };
            }
        };
        Ok(Value::Int(number as i64))
    }
}
