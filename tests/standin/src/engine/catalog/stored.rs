//! What views of indexes and of partitions share: which structures hold rows, and how many.

use crate::engine::model::index::{Index, IndexForm};
use crate::engine::model::pages;
use crate::engine::model::state::Database;
use crate::engine::model::table::Table;

/// The index ids that have rows: XML and spatial indexes keep theirs in internal tables.
pub(crate) fn stored(table: &Table) -> impl Iterator<Item = (i32, Option<&Index>)> {
    let hidden = |i: &Index| matches!(i.form, IndexForm::Xml(_) | IndexForm::Spatial(_));
    ids(table)
        .into_iter()
        .filter(move |(_, i)| !i.is_some_and(hidden))
}

/// Every structure of the database that holds rows: its table, its index id and its index.
pub(crate) fn structures(
    database: &Database,
) -> impl Iterator<Item = (&Table, i32, Option<&Index>)> {
    let tables = database.tables.values().map(|table| table.as_ref());
    tables.flat_map(|table| stored(table).map(move |(id, index)| (table, id, index)))
}

pub(crate) fn rows(table: &Table, index: Option<&Index>) -> i64 {
    table.rows_of(index) as i64
}

/// An estimate of the 8 KiB pages that SQL Server would need.
pub(crate) fn pages(table: &Table, index: Option<&Index>) -> i64 {
    i64::try_from(pages::pages(table, index, table.rows_of(index))).unwrap_or(i64::MAX)
}

/// A table's index ids: the heap is 0.
pub(crate) fn ids(table: &Table) -> Vec<(i32, Option<&Index>)> {
    // The rows of a memory-optimised table are in its indexes, from 2 on.
    let heap =
        (table.memory.is_none() && !table.indexes.iter().any(|i| i.id == 1)).then_some((0, None));
    heap.into_iter()
        .chain(table.indexes.iter().map(|i| (i.id, Some(i))))
        .collect()
}
