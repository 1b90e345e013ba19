//! The T-SQL of partition reads, cut points and counts, from the plan alone.

use std::fmt::Write;

use crate::config::job::Consistency;
use crate::plan::key::KeyValue;
use crate::plan::table::{ColumnPlan, KeyColumn, Slice, Strategy, TablePlan};

/// Which end of a range a predicate closes.
#[derive(Clone, Copy)]
enum End {
    /// Strictly behind the key.
    After,
    /// Up to the key and the key itself.
    UpTo,
}

/// The statement that reads `slice`, behind `resume_after` where the partition was begun before.
///
/// Columns come in the order of `table.columns`.
pub fn read(
    table: &TablePlan,
    slice: &Slice,
    resume_after: Option<&[KeyValue]>,
    consistency: Consistency,
) -> String {
    match (&table.strategy, slice) {
        (Strategy::RowNumber { order }, Slice::Rows { after, upto }) => {
            read_rows(table, order, *after, *upto, consistency)
        }
        (Strategy::Hash { columns }, Slice::Bucket { bucket, of }) => {
            let bucket = format!("({}) % {of} = {bucket}", hash(columns));
            select(table, vec![bucket], consistency)
        }
        (Strategy::Keyset { key, ordered, .. }, Slice::Range { after, upto }) => {
            let mut predicates = Vec::new();
            if let Some(values) = resume_after.or(after.as_deref()) {
                predicates.push(bound(key, values, End::After));
            }
            if let Some(values) = upto {
                predicates.push(bound(key, values, End::UpTo));
            }
            let mut sql = select(table, predicates, consistency);
            if *ordered {
                let _ = write!(sql, " ORDER BY {}", order_by(key));
            }
            sql
        }
        _ => select(table, Vec::new(), consistency),
    }
}

/// The statement that finds the last key of each of `partitions` equal parts, in key order; the
/// last part's comes too and is not a cut.
///
/// NTILE in a derived table and LEAD above it: the row whose successor lies in another tile is the
/// last of its own. Works for keys of several columns, where MAX per tile does not.
pub fn cut_points(
    table: &TablePlan,
    key: &[KeyColumn],
    partitions: usize,
    consistency: Consistency,
) -> String {
    let columns = key
        .iter()
        .map(|column| quote(&column.column.name))
        .collect::<Vec<_>>()
        .join(", ");
    let order = order_by(key);
    let tile = free_name(table, "migrate_tile");
    let next = free_name(table, "migrate_next");
    let from = from(table, consistency);
    let filter = where_clause(table, Vec::new());
    format!(
        "SELECT {columns} FROM (SELECT {columns}, {tile}, LEAD({tile}) OVER (ORDER BY {order}) AS {next} \
         FROM (SELECT {columns}, NTILE({partitions}) OVER (ORDER BY {order}) AS {tile} FROM {from}{filter}) AS tiles) AS ends \
         WHERE {next} <> {tile} ORDER BY {order}"
    )
}

/// The statement that counts what the partitions of the table read.
pub fn count(table: &TablePlan, consistency: Consistency) -> String {
    format!(
        "SELECT COUNT_BIG(*) FROM {}{}",
        from(table, consistency),
        where_clause(table, Vec::new())
    )
}

/// `[name]`, with `]` doubled (T-SQL reference, "Database identifiers").
pub fn quote(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

fn select(table: &TablePlan, predicates: Vec<String>, consistency: Consistency) -> String {
    format!(
        "SELECT {} FROM {}{}",
        select_list(&table.columns),
        from(table, consistency),
        where_clause(table, predicates)
    )
}

fn read_rows(
    table: &TablePlan,
    order: &[String],
    after: u64,
    upto: Option<u64>,
    consistency: Consistency,
) -> String {
    let columns = select_list(&table.columns);
    let order = order
        .iter()
        .map(|name| quote(name))
        .collect::<Vec<_>>()
        .join(", ");
    let row = free_name(table, "migrate_row");
    let upper = upto
        .map(|upto| format!(" AND {row} <= {upto}"))
        .unwrap_or_default();
    format!(
        "SELECT {columns} FROM (SELECT {columns}, ROW_NUMBER() OVER (ORDER BY {order}) AS {row} FROM {}{}) AS numbered \
         WHERE {row} > {after}{upper}",
        from(table, consistency),
        where_clause(table, Vec::new())
    )
}

/// CHECKSUM is a signed int; without its sign bit the remainder is never negative.
fn hash(columns: &[String]) -> String {
    let columns = columns
        .iter()
        .map(|name| quote(name))
        .collect::<Vec<_>>()
        .join(", ");
    format!("BINARY_CHECKSUM({columns}) & 2147483647")
}

fn select_list(columns: &[ColumnPlan]) -> String {
    columns
        .iter()
        .map(|column| quote(&column.source.name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn from(table: &TablePlan, consistency: Consistency) -> String {
    let hint = if consistency == Consistency::Relaxed {
        " WITH (NOLOCK)"
    } else {
        ""
    };
    format!("{}.{}{hint}", quote(&table.schema), quote(&table.name))
}

fn where_clause(table: &TablePlan, predicates: Vec<String>) -> String {
    let filter = table.filter.iter().map(|filter| format!("({filter}\n)"));
    let all = filter.chain(predicates).collect::<Vec<_>>();
    if all.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", all.join(" AND "))
    }
}

fn order_by(key: &[KeyColumn]) -> String {
    key.iter()
        .map(|column| {
            let direction = if column.descending { " DESC" } else { "" };
            format!("{}{direction}", quote(&column.column.name))
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// A name for a computed column that no column of the table has.
fn free_name(table: &TablePlan, wish: &str) -> String {
    let mut name = wish.to_owned();
    while table
        .columns
        .iter()
        .any(|column| column.source.name.eq_ignore_ascii_case(&name))
    {
        name.push('_');
    }
    quote(&name)
}

/// One end of a key range. Several columns expand to
/// `a >= 1 AND (a > 1 OR (b >= 2 AND (b > 2 OR c > 3)))`: the first conjunct is what SQL Server
/// seeks with, which `(a > 1) OR (a = 1 AND b > 2)` does not give it.
fn bound(key: &[KeyColumn], values: &[KeyValue], end: End) -> String {
    let mut predicate = String::new();
    let pairs = key.iter().zip(values).enumerate().collect::<Vec<_>>();
    let last = pairs.len().saturating_sub(1);
    for (index, (column, value)) in pairs.into_iter().rev() {
        let name = quote(&column.column.name);
        let source = &column.column;
        let literal = value.literal(&source.ty, source.collation.as_deref());
        let strict = match (end, column.descending) {
            (End::After, false) | (End::UpTo, true) => ">",
            (End::After, true) | (End::UpTo, false) => "<",
        };
        predicate = match (index == last, end) {
            (true, End::After) => format!("{name} {strict} {literal}"),
            (true, End::UpTo) => format!("{name} {strict}= {literal}"),
            (false, _) => {
                format!(
                    "{name} {strict}= {literal} AND ({name} {strict} {literal} OR ({predicate}))"
                )
            }
        };
    }
    predicate
}
