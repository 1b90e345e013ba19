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
    /// Where the cuts cost two seeks: as many or more.
    pub dense_partitions: usize,
    pub reason: Option<String>,
}

/// Chooses. Any answer reads every row once; they differ in how far the work can be divided and
/// in how much of it a broken connection costs.
pub fn choose(table: &Table, circumstances: &Circumstances<'_>) -> Choice {
    let transfer = circumstances.transfer;
    let partitions = wanted_partitions(table, circumstances, transfer.partition_min_size);
    let keys = table.indexes.iter().filter(|index| is_key(table, index));
    if let Some(key) = keys.min_by_key(|index| preference(index)) {
        return by_key(table, key, circumstances, partitions);
    }
    if partitions == 1 {
        return whole("no unique key on NOT NULL columns");
    }
    let relaxed = transfer.consistency == Consistency::Relaxed;
    if !circumstances.frozen && !relaxed {
        return whole(
            "no unique key on NOT NULL columns: only a read-only database or a database snapshot \
             may be divided without one",
        );
    }
    without_key(table, partitions, circumstances.frozen)
}

/// Clustered keys first, then the primary key, then the fewest columns; ties by name, so that the
/// choice is the same on every run.
fn preference(index: &Index) -> (bool, bool, usize, &str) {
    use crate::schema::IndexRole::PrimaryKey;
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
                !column.nullable && !column.extras.pseudo && is_key_type(&column.ty)
            })
        })
}

/// Types whose values come back to the server exactly, see [`crate::plan::key::KeyValue`].
fn is_key_type(ty: &SqlType) -> bool {
    !is_unordered(ty)
        && !matches!(
            ty,
            SqlType::SqlVariant
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
            | SqlType::Json
            | SqlType::Vector { .. }
            | SqlType::Clr { .. }
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
        })
        .collect::<Vec<_>>();
    let read_back = key
        .iter()
        .all(|key| !circumstances.excluded.contains(&key.column.name));
    let exact = !key
        .iter()
        .any(|key| matches!(key.column.ty, SqlType::Real | SqlType::Float));
    let as_a_whole = |why: &str| {
        Some(format!(
            "{why}: its ranges are read unordered and commit as a whole"
        ))
    };
    let reason = if !read_back {
        as_a_whole("a key column is excluded")
    } else if !index.clustered {
        as_a_whole("the key's index is not clustered")
    } else if !exact {
        // A resume begins behind a literal; a cut is the same literal on both of its sides.
        as_a_whole("a float key does not come back from its literal for certain")
    } else {
        None
    };
    let ordered = reason.is_none();
    let least = circumstances.transfer.partition_min_size_dense;
    let dense = wanted_partitions(table, circumstances, least);
    Choice {
        strategy: Strategy::Keyset {
            index: index.name.clone(),
            key,
            ordered,
        },
        partitions,
        dense_partitions: partitions.max(dense),
        reason,
    }
}

/// Row numbers where every statement sees the same rows and equal rows are identical rows; a hash
/// otherwise, because the bucket of a row depends on that row alone: rows that move elsewhere in
/// the table move no other row into another bucket.
fn without_key(table: &Table, partitions: usize, frozen: bool) -> Choice {
    let columns = table
        .columns
        .iter()
        .filter(|column| !is_unordered(&column.ty) && !column.extras.pseudo)
        .map(|column| column.name.clone())
        .collect::<Vec<_>>();
    if columns.is_empty() {
        return whole("no column that can be ordered or hashed");
    }
    let total = table
        .columns
        .iter()
        .all(|column| orders_exactly(&column.ty));
    let strategy = if frozen && total {
        Strategy::RowNumber { order: columns }
    } else {
        Strategy::Hash { columns }
    };
    Choice {
        strategy,
        partitions,
        dense_partitions: partitions,
        reason: Some("no unique key on NOT NULL columns".to_owned()),
    }
}

/// Types of which two values tie only when they are identical. Text ties under its collation and
/// with trailing blanks, an instant at two offsets, and -0.0 with 0.0; statements may break such a
/// tie differently, which would take one row twice and the other never.
fn orders_exactly(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::Bit
            | SqlType::TinyInt
            | SqlType::SmallInt
            | SqlType::Int
            | SqlType::BigInt
            | SqlType::Decimal { .. }
            | SqlType::SmallMoney
            | SqlType::Money
            | SqlType::Date
            | SqlType::Time { .. }
            | SqlType::SmallDateTime
            | SqlType::DateTime
            | SqlType::DateTime2 { .. }
            | SqlType::UniqueIdentifier
            | SqlType::RowVersion
    )
}

fn whole(reason: &str) -> Choice {
    Choice {
        strategy: Strategy::Single,
        partitions: 1,
        dense_partitions: 1,
        reason: Some(reason.to_owned()),
    }
}

/// `least`: bytes of a partition.
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
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::job::{Mode, Retry};
    use crate::plan::sample::{column, primary_key, table};
    use crate::schema::IndexRole;

    fn transfer(consistency: Consistency) -> Transfer {
        let (initial_backoff, max_backoff) = (Duration::from_secs(1), Duration::from_secs(1));
        Transfer {
            mode: Mode::Create,
            consistency,
            max_partitions_per_table: 4,
            partition_min_rows: 100,
            partition_min_size: 1 << 30,
            partition_min_size_dense: 64 << 20,
            commit_every: 1,
            unlogged_load: false,
            synchronous_commit: false,
            vacuum: false,
            split_stragglers: true,
            partitions_in_flight: None,
            retry: Retry {
                attempts: 1,
                initial_backoff,
                max_backoff,
            },
        }
    }

    #[test]
    fn few_large_rows_are_cut_by_their_bytes() {
        let transfer = transfer(Consistency::Strict);
        let circumstances = Circumstances {
            partitions: None,
            transfer: &transfer,
            frozen: false,
            excluded: &[],
        };
        for (rows, bytes, expected) in [
            (250, 0, 2),
            (250, 3 << 30, 3),
            (50, 3 << 30, 3),
            (2, 3 << 30, 2),
            (0, 0, 1),
            (50, 900 << 30, 4),
        ] {
            let mut table = table(vec![column("Id", SqlType::Int)], vec![], rows);
            table.estimated_bytes = bytes;
            let least = transfer.partition_min_size;
            assert_eq!(wanted_partitions(&table, &circumstances, least), expected);
        }
    }

    #[test]
    fn a_key_that_may_be_dense_is_cut_into_smaller_parts() {
        let of = |bytes: u64| {
            let id = column("Id", SqlType::Int);
            let mut table = table(vec![id], vec![primary_key("PK", &["Id"])], 50);
            table.estimated_bytes = bytes;
            let choice = chosen(&table, Consistency::Strict, false);
            (choice.partitions, choice.dense_partitions)
        };
        assert_eq!(of(127 << 20), (1, 1));
        assert_eq!(of(128 << 20), (1, 2));
        assert_eq!(of(3 << 30), (3, 4));
        let mut heap = table(vec![column("A", SqlType::Int)], Vec::new(), 50);
        heap.estimated_bytes = 200 << 20;
        let choice = chosen(&heap, Consistency::Strict, true);
        assert_eq!((choice.partitions, choice.dense_partitions), (1, 1));
    }

    fn chosen(table: &Table, consistency: Consistency, frozen: bool) -> Choice {
        let transfer = transfer(consistency);
        choose(
            table,
            &Circumstances {
                transfer: &transfer,
                frozen,
                excluded: &[],
                partitions: None,
            },
        )
    }

    fn index_of(choice: &Choice) -> Option<(&str, bool)> {
        match &choice.strategy {
            Strategy::Keyset { index, ordered, .. } => Some((index, *ordered)),
            _ => None,
        }
    }

    #[test]
    fn the_clustered_key_wins_over_a_primary_key_that_is_not() {
        let mut primary = primary_key("PK", &["Id"]);
        primary.clustered = false;
        let mut clustered = primary_key("CX", &["A", "Id"]);
        clustered.role = IndexRole::Index;
        let columns = vec![column("Id", SqlType::Int), column("A", SqlType::Int)];
        let both = table(columns.clone(), vec![primary.clone(), clustered], 1_000);
        assert_eq!(
            index_of(&chosen(&both, Consistency::Strict, false)),
            Some(("CX", true))
        );
        let alone = table(columns, vec![primary], 1_000);
        assert_eq!(
            index_of(&chosen(&alone, Consistency::Strict, false)),
            Some(("PK", false))
        );
    }

    #[test]
    fn nullable_filtered_and_disabled_indexes_are_no_keys() {
        let mut nullable = column("Id", SqlType::Int);
        nullable.nullable = true;
        let unique = primary_key("UX", &["Id"]);
        let case = table(vec![nullable], vec![unique.clone()], 1_000);
        assert_eq!(
            chosen(&case, Consistency::Strict, false).strategy,
            Strategy::Single
        );
        let id = vec![column("Id", SqlType::Int)];
        let filtered = Index {
            filter: Some("([Id]>(0))".into()),
            ..unique.clone()
        };
        let disabled = Index {
            disabled: true,
            ..unique.clone()
        };
        let columnstore = Index {
            rowstore: false,
            ..unique
        };
        for index in [filtered, disabled, columnstore] {
            let case = table(id.clone(), vec![index], 1_000);
            assert_eq!(
                chosen(&case, Consistency::Strict, false).strategy,
                Strategy::Single
            );
        }
    }

    #[test]
    fn without_a_key_only_a_consistent_view_is_divided() {
        let heap = table(vec![column("A", SqlType::Int)], Vec::new(), 1_000);
        assert_eq!(
            chosen(&heap, Consistency::Strict, false).strategy,
            Strategy::Single
        );
        // Each statement under SNAPSHOT sees a moment of its own, so row numbers would not agree.
        assert_eq!(
            chosen(&heap, Consistency::Snapshot, false).strategy,
            Strategy::Single
        );
        let order = vec!["A".to_owned()];
        assert_eq!(
            chosen(&heap, Consistency::Strict, true).strategy,
            Strategy::RowNumber { order }
        );
        let with_xml = table(
            vec![column("A", SqlType::Int), column("X", SqlType::Xml)],
            Vec::new(),
            1_000,
        );
        let columns = vec!["A".to_owned()];
        assert_eq!(
            chosen(&with_xml, Consistency::Strict, true).strategy,
            Strategy::Hash { columns }
        );
    }

    /// A live counter once made a checkpoint look like another table's, and unreadable besides.
    #[test]
    fn an_identity_key_carries_no_counter() {
        let mut id = column("Id", SqlType::Int);
        id.identity = Some(crate::schema::Identity {
            seed: 1,
            increment: 1,
            last_value: Some(7),
        });
        let table = table(vec![id], vec![primary_key("PK", &["Id"])], 1_000);
        let choice = chosen(&table, Consistency::Strict, false);
        let text = serde_json::to_string(&choice.strategy).expect("serialises");
        assert_eq!(
            serde_json::from_str::<Strategy>(&text).expect("reads back"),
            choice.strategy
        );
        assert!(!text.contains("last_value"));
    }

    #[test]
    fn text_ties_without_being_identical_so_it_is_hashed() {
        let heap = table(
            vec![column("V", SqlType::VarChar { length: Some(9) })],
            Vec::new(),
            1_000,
        );
        let columns = vec!["V".to_owned()];
        assert_eq!(
            chosen(&heap, Consistency::Strict, true).strategy,
            Strategy::Hash { columns }
        );
        // A row number depends on every other row, and NOLOCK shows them at different moments.
        let numbers = table(vec![column("A", SqlType::Int)], Vec::new(), 1_000);
        let columns = vec!["A".to_owned()];
        assert_eq!(
            chosen(&numbers, Consistency::Relaxed, false).strategy,
            Strategy::Hash { columns }
        );
    }

    #[test]
    fn partitions_follow_the_rows_up_to_the_limit() {
        let of = |rows| {
            let table = table(
                vec![column("Id", SqlType::Int)],
                vec![primary_key("PK", &["Id"])],
                rows,
            );
            chosen(&table, Consistency::Strict, false).partitions
        };
        assert_eq!((of(0), of(199), of(200), of(1_000_000)), (1, 1, 2, 4));
    }

    #[test]
    fn an_excluded_key_column_cannot_mark_a_commit() {
        let table = table(
            vec![column("Id", SqlType::Int)],
            vec![primary_key("PK", &["Id"])],
            1_000,
        );
        let transfer = transfer(Consistency::Strict);
        let excluded = ["Id".to_owned()];
        let circumstances = Circumstances {
            transfer: &transfer,
            frozen: false,
            excluded: &excluded,
            partitions: Some(2),
        };
        assert_eq!(
            index_of(&choose(&table, &circumstances)),
            Some(("PK", false))
        );
    }
}
