//! Chooses how a table is read: by a key, by its clustered index, in one statement, or by row
//! number or hash if the job asks for that many readers.
//!
//! The choice is recorded with the table's plan, and a continued run keeps it. What every strategy
//! needs to be right is said at [`Strategy`]; which is quicker was measured (docs/levers.md).

use crate::config::job::{Consistency, Transfer};
use crate::plan::table::{KeyColumn, Strategy, TablePlan};
use tsql::schema::objects::{PartitionFunction, Temporal};
use tsql::schema::{Column, Index, Table};

/// What the choice depends on besides the table.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The job's sizes, number of partitions and consistency.
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
    /// If the cuts cost two seeks: as many or more.
    pub dense_partitions: usize,
    /// A fragment for the plan's notes; `None` if the table is read by its clustered key, the usual
    /// case.
    pub reason: Option<String>,
}

/// Chooses. Any answer reads every row once; they differ in how far the work can be divided and
/// in how much of it a broken connection costs.
///
/// What is not divided by the order in which its rows are stored is read as a whole by each reader:
/// a range of a key that is not clustered is past the point where SQL Server looks up each row, and
/// a hash has no index. So such a table has one reader, unless the job asks for more.
pub fn choose(table: &Table, circumstances: &Circumstances<'_>) -> Choice {
    let transfer = circumstances.transfer;
    let partitions = wanted_partitions(table, circumstances, transfer.partition_min_size);
    let keys = table.indexes.iter().filter(|index| is_key(table, index));
    let key = keys.min_by_key(|index| preference(index));
    if let Some(key) = key.filter(|key| key.clustered) {
        return by_key(table, key, circumstances, partitions);
    }
    let asked = circumstances
        .partitions
        .is_some_and(|partitions| partitions > 1);
    let relaxed = transfer.consistency == Consistency::Relaxed;
    // The server only ever appends to the history of a temporal table.
    let stable = circumstances.frozen || table.extras.temporal == Some(Temporal::History);
    if let Some(index) = table.indexes.iter().find(|index| divides(table, index))
        && (key.is_some() || stable || relaxed || asked)
    {
        return by_clustered_index(table, index, partitions, stable);
    }
    match key {
        Some(key) if asked => by_key(table, key, circumstances, partitions),
        Some(_) if partitions == 1 => whole(NOT_CLUSTERED),
        Some(_) => whole(&format!("{NOT_CLUSTERED}: {ONE_READER}")),
        None if partitions == 1 => whole(NO_KEY),
        None if !circumstances.frozen && !relaxed => whole(&format!(
            "{NO_KEY}: only a read-only database or a database snapshot may be divided without one"
        )),
        None if asked => without_key(table, partitions, circumstances.frozen),
        None => whole(&format!("{NO_KEY}: {ONE_READER}")),
    }
}

const NOT_CLUSTERED: &str = "the key's index is not clustered";

const NO_KEY: &str = "no unique key on NOT NULL columns";

const NO_CLUSTERED_KEY: &str = "no clustered key that is unique and NOT NULL";

const NO_COLUMN: &str = "no column that can be ordered or hashed";

const ONE_READER: &str = "read by one statement, as each of several would read the whole table \
     (tables.overrides.<table>.partitions asks for more)";

/// Why a table has one reader: the note of its plan that [`choose`] gave as the reason. `None` if several
/// could read it, or if it is too small for that.
pub fn why_one_reader(plan: &TablePlan) -> Option<&str> {
    if plan.strategy != Strategy::Single {
        return None;
    }
    let reasons = [NOT_CLUSTERED, NO_KEY, NO_CLUSTERED_KEY, NO_COLUMN];
    let is_reason = |note: &&String| reasons.iter().any(|reason| note.starts_with(reason));
    plan.notes.iter().find(is_reason).map(String::as_str)
}

/// Clustered keys first, then the primary key, then the fewest columns; ties by name, so that the
/// choice is the same on every run.
fn preference(index: &Index) -> (bool, bool, usize, &str) {
    use tsql::schema::IndexRole::PrimaryKey;
    (
        !index.clustered,
        index.role != PrimaryKey,
        index.key.len(),
        &index.name,
    )
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
            table.column(&key.column).is_some_and(|column| {
                // The server makes a graph's ids of two columns for every row: no index has them.
                !column.nullable && !column.extras.pseudo && column.ty.is_key()
            })
        })
}

/// Whether ranges of the index are ranges of the table's rows as they are stored. It need not be
/// unique: equal values are in one range, and NULLs are the lowest of all.
fn divides(table: &Table, index: &Index) -> bool {
    index.clustered
        && index.rowstore
        && !index.disabled
        && !index.key.is_empty()
        && index.key.iter().all(|key| {
            let column = table.column(&key.column);
            column.is_some_and(|column| column.ty.is_key())
        })
}

/// Ordered, if the rows come in key order at no cost and a committed key can be read back;
/// otherwise the ranges are read unordered and each commits as a whole.
fn by_key(
    table: &Table,
    index: &Index,
    circumstances: &Circumstances<'_>,
    partitions: usize,
) -> Choice {
    let key = key_columns(table, index);
    let read_back = key
        .iter()
        .all(|key| !circumstances.excluded.contains(&key.column.name));
    let exact = !key.iter().any(|key| key.column.ty.is_float());
    let as_a_whole = |why: &str| {
        Some(format!(
            "{why}: its ranges are read unordered and commit as a whole"
        ))
    };
    let reason = if !read_back {
        as_a_whole("a key column is excluded")
    } else if !index.clustered {
        as_a_whole(NOT_CLUSTERED)
    } else if !exact {
        // A resume begins after a literal; a cut is the same literal on both of its sides.
        as_a_whole("a float key does not come back from its literal for certain")
    } else {
        None
    };
    let least = circumstances.transfer.partition_min_size_dense;
    let dense = wanted_partitions(table, circumstances, least).max(partitions);
    let stored_by = stored_by(table, &key).filter(|_| reason.is_none());
    let reason = match stored_by {
        // A sort would be as quick, and needs memory.
        Some(_) if dense == 1 => as_a_whole("the rows are stored by partitions of another column"),
        _ => reason,
    };
    let ordered = reason.is_none();
    let stored_by = stored_by.filter(|_| ordered).cloned();
    let reason = match &stored_by {
        Some(function) if !circumstances.frozen => Some(format!(
            "read by the partitions of {}{}",
            function.name,
            unless_moved(false, [function.column.as_str()])
        )),
        _ => reason,
    };
    let each = stored_by.as_ref().map(|function| function.partitions);
    let each = each.and_then(|partitions| usize::try_from(partitions).ok());
    Choice {
        strategy: Strategy::Keyset {
            index: index.name.clone(),
            key,
            ordered,
            stored_by,
        },
        partitions: each.unwrap_or(partitions),
        dense_partitions: each.unwrap_or(dense),
        reason,
    }
}

/// The function that divides the rows otherwise than by the key's first column: by that one, upwards,
/// the partitions follow each other in key order.
fn stored_by<'a>(table: &'a Table, key: &[KeyColumn]) -> Option<&'a PartitionFunction> {
    let function = table.extras.partition_function.as_ref()?;
    let first = key.first()?;
    let in_key_order = first.column.name == function.column && !first.descending;
    (!in_key_order).then_some(function)
}

/// The key's columns without what may change while a job runs.
fn key_columns(table: &Table, index: &Index) -> Vec<KeyColumn> {
    let columns = index.key.iter().filter_map(|key| {
        // The counter of an identity moves on a live source and decides nothing here.
        let column = Column {
            identity: None,
            computed: None,
            extras: Default::default(),
            ..table.column(&key.column)?.clone()
        };
        Some(KeyColumn {
            column,
            descending: key.descending,
        })
    });
    columns.collect()
}

/// A resume cannot begin between equal rows, so each range commits as a whole. Each range is a
/// statement that sees a moment of its own, so in a table that is not `stable` an UPDATE of the
/// index's columns can move a row from one range to another between the two.
fn by_clustered_index(table: &Table, index: &Index, partitions: usize, stable: bool) -> Choice {
    let why = NO_CLUSTERED_KEY;
    if partitions == 1 {
        return whole(why);
    }
    Choice {
        strategy: Strategy::Clustered {
            index: index.name.clone(),
            key: key_columns(table, index),
        },
        partitions,
        dense_partitions: partitions,
        reason: Some(format!(
            "{why}: divided by the clustered index, each range is read unordered and commits as a whole{}",
            unless_moved(stable, index.key.iter().map(|key| key.column.as_str()))
        )),
    }
}

/// What the reader of a live table has to know of a division by columns that may change.
fn unless_moved<'a>(stable: bool, columns: impl IntoIterator<Item = &'a str>) -> String {
    if stable {
        return String::new();
    }
    let columns: Vec<_> = columns.into_iter().collect();
    format!(
        "; an UPDATE of {} during the run can move a row between two statements, so that it is missed or read twice: if the application does that, read from a database snapshot or a read-only database",
        columns.join(", ")
    )
}

/// Up to this many rows are sorted in memory in a moment, once per reader.
const SORTED_FREELY: u64 = 100_000;

/// Row numbers if every statement sees the same rows, equal rows are identical rows, and they are
/// few; a hash otherwise, because it needs no sort, and because the bucket of a row depends on that
/// row alone: rows that move elsewhere in the table move no other row into another bucket.
fn without_key(table: &Table, partitions: usize, frozen: bool) -> Choice {
    let columns = table
        .columns
        .iter()
        .filter(|column| column.ty.is_ordered() && !column.extras.pseudo)
        .map(|column| column.name.clone())
        .collect::<Vec<_>>();
    if columns.is_empty() {
        return whole(NO_COLUMN);
    }
    let total = table
        .columns
        .iter()
        .all(|column| column.ty.orders_exactly());
    let strategy = if frozen && total && table.estimated_rows <= SORTED_FREELY {
        Strategy::RowNumber { order: columns }
    } else {
        Strategy::Hash { columns }
    };
    Choice {
        strategy,
        partitions,
        dense_partitions: partitions,
        reason: Some(NO_KEY.to_owned()),
    }
}

/// One statement, with the reason for it.
fn whole(reason: &str) -> Choice {
    Choice {
        strategy: Strategy::Single,
        partitions: 1,
        dense_partitions: 1,
        reason: Some(reason.to_owned()),
    }
}

/// `least`: bytes of a partition.
/// At least 1, at most `max_partitions_per_table`; the job's own number for the table is not
/// bounded.
fn wanted_partitions(table: &Table, circumstances: &Circumstances<'_>, least: u64) -> usize {
    if let Some(partitions) = circumstances.partitions {
        return partitions.max(1);
    }
    let transfer = circumstances.transfer;
    let by_rows = table.estimated_rows / transfer.partition_min_rows.max(1);
    // Few rows may be much to read, as large values are; a row is not cut.
    let by_bytes = table.estimated_bytes / least.max(1);
    let by_bytes = by_bytes.min(table.estimated_rows);
    usize::try_from(by_rows.max(by_bytes))
        .unwrap_or(usize::MAX)
        .clamp(1, transfer.max_partitions_per_table.max(1))
}

#[cfg(test)]
#[path = "strategy_tests.rs"]
mod tests;
