//! `sys.dm_db_stats_histogram(object_id, stats_id)`: the steps of an index's statistics.

use std::cmp::Ordering;

use crate::engine::catalog::build::{Build, T, i};
use crate::engine::datatype;
use crate::engine::model::index::Index;
use crate::engine::model::state::Database;
use crate::engine::model::table::Table;
use crate::engine::value::compare::compare;
use crate::types::{Collation, Value};

/// "A histogram ... up to a maximum of 200 contiguous steps" ("sys.dm_db_stats_histogram").
const MOST_STEPS: usize = 200;
/// Rows that are looked at; beyond this, statistics are of a sample, as a server's are.
const SAMPLE: u64 = 20_000;

/// The histogram of the first key column of index `stats_id`. What reads it touches no row.
pub(super) fn view(database: &Database, object_id: i32, stats_id: i32) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("stats_id", T::Int),
        ("step_number", T::Int),
        ("range_high_key", T::Any),
        ("range_rows", T::Real),
        ("equal_rows", T::Real),
        ("distinct_range_rows", T::Big),
        ("average_range_rows", T::Real),
    ]);
    let table = database.tables.get(&object_id);
    let found = table.and_then(|t| Some((t, t.indexes.iter().find(|i| i.id == stats_id)?)));
    let Some((table, index)) = found.filter(|(t, i)| in_variant(t, i)) else {
        return v;
    };
    let Some((column, _)) = index.keys.first() else {
        return v;
    };
    let at = table.position(*column);
    let (values, each) = sampled(table, index, at);
    let collation = table.columns[at].collation.as_deref();
    for (n, step) in steps(values, collation).into_iter().enumerate() {
        let rows = |n: u64| Value::Real((n * each) as f32);
        let average = match step.distinct {
            0 => 1.0,
            distinct => (step.between * each) as f32 / distinct as f32,
        };
        v.row(vec![
            i(object_id),
            i(stats_id),
            i(n as i64 + 1),
            step.high,
            rows(step.between),
            rows(step.equal),
            i(step.distinct as i64),
            Value::Real(average),
        ]);
    }
    v
}

/// Whether the index has statistics whose keys fit into a `sql_variant`.
fn in_variant(table: &Table, index: &Index) -> bool {
    let first = index.keys.first().map(|(id, _)| table.position(*id));
    index.readable()
        && first.is_some_and(|at| {
            let ty = &table.columns[at].ty;
            !datatype::is_clr(ty) && datatype::max_length(ty) != -1
        })
}

/// Values of a column in every n-th row of an index and in its last row; and n.
fn sampled(table: &Table, index: &Index, at: usize) -> (Vec<Value>, u64) {
    let rows = table.rows_of(Some(index));
    let each = rows.div_ceil(SAMPLE).max(1);
    let wanted = |n: &u64| n.is_multiple_of(each) || n + 1 == rows;
    if let Some(generated) = &table.generated {
        let ordinals = (0..rows).filter(wanted);
        let keys = ordinals.map(|n| Value::Int(n as i64 + 1));
        return (
            if at == generated.key {
                keys.collect()
            } else {
                Vec::new()
            },
            each,
        );
    }
    let numbered = (0..).zip(index.rows.iter());
    let picked = numbered.filter(|(n, _)| wanted(n));
    (
        picked.map(|(_, row)| row.values[at].clone()).collect(),
        each,
    )
}

struct Step {
    high: Value,
    equal: u64,
    between: u64,
    distinct: u64,
}

/// Steps of about as many values each; the first is the least value alone.
fn steps(mut values: Vec<Value>, collation: Option<&Collation>) -> Vec<Step> {
    values.sort_by(|a, b| match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => compare(a, b, collation),
    });
    let same = |a: &Value, b: &Value| match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        _ => compare(a, b, collation).is_eq(),
    };
    let height = values.len().div_ceil(MOST_STEPS - 1).max(1);
    let (mut steps, mut between, mut distinct): (Vec<Step>, u64, u64) = (Vec::new(), 0, 0);
    let groups: Vec<&[Value]> = values.chunk_by(same).collect();
    for (n, group) in groups.iter().enumerate() {
        let rows = group.len() as u64;
        let full = between as usize + group.len() >= height;
        if n == 0 || n + 1 == groups.len() || full {
            steps.push(Step {
                high: group[0].clone(),
                equal: rows,
                between: std::mem::take(&mut between),
                distinct: std::mem::take(&mut distinct),
            });
        } else {
            between += rows;
            distinct += 1;
        }
    }
    steps
}

/// NULL arguments give nothing.
pub(super) fn of_arguments(database: &Database, arguments: &[Value]) -> Build {
    let number = |n: usize| match arguments.get(n) {
        Some(Value::Int(id)) => i32::try_from(*id).unwrap_or(0),
        _ => 0,
    };
    view(database, number(0), number(1))
}
