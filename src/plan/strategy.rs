//! Chooses how a table is read: by a key, by row number, by hash, or in one statement.

use crate::config::job::{Consistency, Transfer};
use crate::plan::table::{KeyColumn, Strategy};
use crate::schema::{Column, Index, SqlType, Table};

/// What the choice depends on besides the table.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    pub transfer: &'a Transfer,
    /// Every statement sees the same rows: the database is read-only or a database snapshot.
    pub frozen: bool,
    /// Names of columns that the target does not get.
    pub excluded: &'a [String],
    /// `tables.overrides.<table>.partitions`.
    pub partitions: Option<usize>,
}

/// A strategy, the number of partitions worth trying for, and the reason in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub strategy: Strategy,
    pub partitions: usize,
    pub reason: Option<String>,
}

/// Chooses. Any answer reads every row once; they differ in how far the work can be divided and
/// in how much of it a broken connection costs.
pub fn choose(table: &Table, circumstances: &Circumstances<'_>) -> Choice {
    let partitions = wanted_partitions(table, circumstances);
    let keys = table.indexes.iter().filter(|index| is_key(table, index));
    if let Some(key) = keys.min_by_key(|index| preference(index)) {
        return by_key(table, key, circumstances, partitions);
    }
    if partitions == 1 {
        return whole("no unique key on NOT NULL columns");
    }
    let consistent = circumstances.frozen || circumstances.transfer.consistency == Consistency::Relaxed;
    if !consistent {
        return whole(
            "no unique key on NOT NULL columns: only a read-only database or a database snapshot \
             may be divided without one",
        );
    }
    without_key(table, partitions)
}

/// Clustered keys first, then the primary key, then the fewest columns; ties by name, so that the
/// choice is the same on every run.
fn preference(index: &Index) -> (bool, bool, usize, &str) {
    use crate::schema::IndexRole::PrimaryKey;
    (!index.clustered, index.role != PrimaryKey, index.key.len(), &index.name)
}

/// Unique, whole, usable, and on columns that cannot be NULL: a nullable unique index lets a NULL
/// row fall between all ranges, a filtered one covers some rows only.
fn is_key(table: &Table, index: &Index) -> bool {
    index.unique
        && !index.disabled
        && index.rowstore
        && index.filter.is_none()
        && !index.key.is_empty()
        && index.key.iter().all(|key| {
            table.column(&key.column).is_some_and(|column| !column.nullable && is_key_type(&column.ty))
        })
}

/// Types whose values come back to the server exactly, see [`crate::plan::key::KeyValue`].
fn is_key_type(ty: &SqlType) -> bool {
    !is_unordered(ty)
        && !matches!(
            ty,
            SqlType::SqlVariant
                | SqlType::HierarchyId
                | SqlType::VarChar { length: None }
                | SqlType::NVarChar { length: None }
                | SqlType::VarBinary { length: None }
        )
}

/// Types that ORDER BY refuses (T-SQL reference, "SELECT - ORDER BY clause").
fn is_unordered(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::Text
            | SqlType::NText
            | SqlType::Image
            | SqlType::Xml
            | SqlType::Geography
            | SqlType::Geometry
            | SqlType::Other { .. }
    )
}

fn by_key(
    table: &Table,
    index: &Index,
    circumstances: &Circumstances<'_>,
    partitions: usize,
) -> Choice {
    let key = index
        .key
        .iter()
        .filter_map(|key| {
            let column = table.column(&key.column)?.clone();
            Some(KeyColumn { column, descending: key.descending })
        })
        .collect::<Vec<_>>();
    let read_back = key.iter().all(|key| !circumstances.excluded.contains(&key.column.name));
    let reason = match (index.clustered, read_back) {
        (true, true) => None,
        (_, false) => Some("a key column is excluded: its ranges commit as a whole".to_owned()),
        (false, true) => Some(format!(
            "index {} is not clustered: its ranges are read unordered and commit as a whole",
            index.name
        )),
    };
    let ordered = index.clustered && read_back;
    Choice { strategy: Strategy::Keyset { index: index.name.clone(), key, ordered }, partitions, reason }
}

fn without_key(table: &Table, partitions: usize) -> Choice {
    let (unordered, orderable): (Vec<&Column>, Vec<&Column>) =
        table.columns.iter().partition(|column| is_unordered(&column.ty));
    let columns = orderable.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    if columns.is_empty() {
        return whole("no column that can be ordered or hashed");
    }
    let strategy = if unordered.is_empty() {
        Strategy::RowNumber { order: columns }
    } else {
        Strategy::Hash { columns }
    };
    Choice { strategy, partitions, reason: Some("no unique key on NOT NULL columns".to_owned()) }
}

fn whole(reason: &str) -> Choice {
    Choice { strategy: Strategy::Single, partitions: 1, reason: Some(reason.to_owned()) }
}

fn wanted_partitions(table: &Table, circumstances: &Circumstances<'_>) -> usize {
    if let Some(partitions) = circumstances.partitions {
        return partitions.max(1);
    }
    let transfer = circumstances.transfer;
    let by_rows = table.estimated_rows / transfer.partition_min_rows.max(1);
    usize::try_from(by_rows).unwrap_or(usize::MAX).clamp(1, transfer.max_partitions_per_table.max(1))
}
