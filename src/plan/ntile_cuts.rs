//! The T-SQL of cut points by NTILE, over a table or a part of it.

use crate::config::job::Consistency;
use crate::plan::isolation::at_level;
use crate::plan::query::{free_name, from, names, order_by, sent_key, where_clause};
use crate::plan::range::Predicates;
use crate::plan::table::{KeyColumn, TablePlan};
use tsql::names::bracket;

/// The statement that finds, in key order, the last key of each but the last of `partitions` equal
/// parts of the rows that satisfy `predicates`.
///
/// NTILE in a derived table and LEAD above it: the row whose successor lies in another tile is the
/// last of its own. Works for keys of several columns too, for which MAX per tile does not.
/// The server scans and spools the whole range before the first row of the answer: for small
/// ranges.
pub(super) fn cut_points(
    table: &TablePlan,
    key: &[KeyColumn],
    predicates: Predicates,
    partitions: usize,
    consistency: Consistency,
) -> String {
    let source = from(table, consistency);
    let sql = tiles(table, key, &source, predicates, partitions);
    at_level(table, consistency, sql)
}

/// As [`cut_points`], of `source`: the table or a sample of it.
pub(super) fn tiles(
    table: &TablePlan,
    key: &[KeyColumn],
    source: &str,
    predicates: Predicates,
    partitions: usize,
) -> String {
    let (columns, sent, order) = (names(key), sent_key(key), order_by(key));
    let tile = free_name(table, "migrate_tile");
    let next = free_name(table, "migrate_next");
    let filter = where_clause(table, predicates);
    // A cut has a value in each column.
    // A key that has NULLs sorts them first; such a row ends no part.
    let nullable = key.iter().filter(|key| key.column.nullable);
    let values = nullable.map(|key| format!(" AND {} IS NOT NULL", bracket(&key.column.name)));
    let values = values.collect::<String>();
    format!(
        "SELECT {sent} FROM (SELECT {columns}, {tile}, LEAD({tile}) OVER (ORDER BY {order}) AS {next} \
         FROM (SELECT {columns}, NTILE({partitions}) OVER (ORDER BY {order}) AS {tile} FROM {source}{filter}) AS tiles) AS ends \
         WHERE {next} <> {tile}{values} ORDER BY {order}"
    )
}
