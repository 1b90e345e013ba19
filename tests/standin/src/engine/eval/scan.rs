//! Reading a table: the stored rows of key ranges, and how many there are.

use crate::engine::eval::expr::{Env, Run};
use crate::engine::eval::flow::{Consumer, Flow};
use crate::engine::eval::plan::{KeyRange, Lookup, Plan, Scan};
use crate::engine::model::index::Index;
use crate::engine::model::rows::OrderedRows;
use crate::engine::model::table::{Generated, Table};
use crate::types::Value;

/// The rows of a scan's ranges that pass its filter; every row that is looked at is counted.
pub(crate) fn read(
    scan: &Scan,
    outer: Option<&Env<'_>>,
    shared: &Run<'_>,
    each: &mut Consumer<'_>,
) -> Flow {
    let mut tally = Tally {
        scan,
        run: shared,
        read: 0,
        lookups: 0,
    };
    let mut each = |values: &[Value]| -> Flow {
        shared.tick()?;
        tally.read += 1;
        tally.lookups += u64::from(scan.lookup == Lookup::All);
        if let Some(filter) = &scan.filter {
            let env = Env {
                row: values,
                outer,
                run: shared,
            };
            if filter.test(&env)? != Some(true) {
                return Ok(());
            }
        }
        tally.lookups += u64::from(scan.lookup == Lookup::Passed);
        each(values)
    };
    if scan.backward {
        let mut ranges = scan.ranges.iter().rev();
        ranges.try_for_each(|range| read_range(scan, range, &mut each))
    } else {
        let mut ranges = scan.ranges.iter();
        ranges.try_for_each(|range| read_range(scan, range, &mut each))
    }
}

/// Rows of one scan, entered when it ends, however it ends.
struct Tally<'r> {
    scan: &'r Scan,
    run: &'r Run<'r>,
    read: u64,
    lookups: u64,
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        note(self.scan, self.run, self.read, self.lookups);
    }
}

fn note(scan: &Scan, run: &Run<'_>, read: u64, lookups: u64) {
    run.meter.note(|work| {
        match scan.index.map(|i| &scan.table.indexes[i]) {
            Some(index) if !index.clustered() => work.index_rows += read,
            _ => work.table_rows += read,
        }
        work.lookups += lookups;
    });
}

fn read_range(scan: &Scan, range: &KeyRange, each: &mut Consumer<'_>) -> Flow {
    if let Some(generated) = &scan.table.generated {
        let (from, to) = ordinals(generated, range);
        return if scan.backward {
            generate(scan, generated, (from..to).rev(), each)
        } else {
            generate(scan, generated, from..to, each)
        };
    }
    let mut rows = stored(scan).rows_between(&range.low, range.high.as_deref());
    if scan.backward {
        rows.rev().try_for_each(|row| each(&row.values))
    } else {
        rows.try_for_each(|row| each(&row.values))
    }
}

/// The rows in the order of the scan's index.
fn stored(scan: &Scan) -> &OrderedRows {
    scan.index
        .map_or_else(|| scan.table.primary(), |i| &scan.table.indexes[i].rows)
}

/// The ordinals of a generated table whose keys are in the range.
fn ordinals(generated: &Generated, range: &KeyRange) -> (u64, u64) {
    // A key is one marker byte and eight bytes with the sign turned; ordinal i has the key i + 1.
    let first_at_least = |key: &[u8]| -> u64 {
        match key.first() {
            None | Some(0) => 0,
            Some(1) => {
                let mut eight = [0u8; 8];
                let n = key.len().saturating_sub(1).min(8);
                eight[..n].copy_from_slice(&key[1..1 + n]);
                let value = (u64::from_be_bytes(eight) ^ (1 << 63)) as i64;
                u64::try_from(value.saturating_sub(1))
                    .unwrap_or(0)
                    .min(generated.rows)
            }
            Some(_) => generated.rows,
        }
    };
    let to = range.high.as_deref().map_or(generated.rows, first_at_least);
    (first_at_least(&range.low), to)
}

fn generate(
    scan: &Scan,
    generated: &Generated,
    mut ordinals: impl Iterator<Item = u64>,
    emit: &mut Consumer<'_>,
) -> Flow {
    if !scan.key_only {
        return ordinals.try_for_each(|i| emit(&(generated.make)(i)));
    }
    let mut row = vec![Value::Null; scan.table.columns.len()];
    ordinals.try_for_each(|i| {
        row[generated.key] = Value::Int(i as i64 + 1);
        emit(&row)
    })
}

/// How many rows a plan has, when that is known without reading them.
pub(crate) fn known_count(plan: &Plan) -> Option<u64> {
    match bare(plan) {
        Plan::One => Some(1),
        Plan::Scan(scan) => scan.filter.is_none().then(|| rows_of(scan)),
        Plan::Rows(rows) => Some(rows.len() as u64),
        // Ties of the last row count too, and which they are takes reading.
        Plan::Limit {
            input,
            offset,
            count,
            ties: None,
        } => {
            let behind = known_count(input)?.saturating_sub(*offset);
            Some(count.map_or(behind, |most| behind.min(most)))
        }
        _ => None,
    }
}

/// The plan without the operators on top that neither add, drop nor evaluate anything.
pub(crate) fn bare(plan: &Plan) -> &Plan {
    match plan {
        Plan::Trim(input, _) => bare(input),
        Plan::Project(input, exprs)
            if exprs
                .iter()
                .all(|e| e.as_column().is_some() || e.as_constant().is_some()) =>
        {
            bare(input)
        }
        other => other,
    }
}

fn rows_of(scan: &Scan) -> u64 {
    let index = scan.index.map(|i| &scan.table.indexes[i]);
    rows_in(&scan.table, index, &scan.ranges)
}

/// Rows of an index, or of the heap, in the ranges.
pub(crate) fn rows_in(table: &Table, index: Option<&Index>, ranges: &[KeyRange]) -> u64 {
    let count = |range: &KeyRange| match &table.generated {
        Some(generated) => {
            let (from, to) = ordinals(generated, range);
            to.saturating_sub(from)
        }
        None => index
            .map_or_else(|| table.primary(), |i| &i.rows)
            .count(&range.low, range.high.as_deref()),
    };
    ranges.iter().map(count).sum()
}

/// Counts what reading for [`known_count`] would have touched.
pub(crate) fn note_known(plan: &Plan, run: &Run<'_>) {
    let (scan, most) = match bare(plan) {
        Plan::Scan(scan) => (scan, u64::MAX),
        Plan::Limit {
            input,
            offset,
            count,
            ..
        } => match bare(input) {
            Plan::Scan(scan) => (scan, count.map_or(u64::MAX, |n| n.saturating_add(*offset))),
            _ => return,
        },
        _ => return,
    };
    let read = rows_of(scan).min(most);
    let lookups = if scan.lookup == Lookup::No { 0 } else { read };
    note(scan, run, read, lookups);
}
