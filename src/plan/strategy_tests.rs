//! Which strategy a table gets, and into how many partitions.

use std::time::Duration;

use super::*;
use crate::config::job::{Mode, Retry};
use crate::plan::sample::{column, primary_key, table};
use tsql::schema::IndexRole;
use tsql::schema::SqlType;

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
            at_start: max_backoff,
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

/// The same if the job asks for four partitions.
fn asked(table: &Table, consistency: Consistency, frozen: bool) -> Choice {
    let transfer = transfer(consistency);
    let circumstances = Circumstances {
        transfer: &transfer,
        frozen,
        excluded: &[],
        partitions: Some(4),
    };
    choose(table, &circumstances)
}

#[test]
fn partitions_by_another_column_than_the_first_are_read_one_by_one() {
    let columns = vec![column("Id", SqlType::Int), column("Day", SqlType::Date)];
    let function = PartitionFunction {
        name: "Days".into(),
        column: "Day".into(),
        partitions: 12,
        version: "1".into(),
    };
    let of = |key: &[&str], rows| {
        let mut table = table(columns.clone(), vec![primary_key("PK", key)], rows);
        table.extras.partition_function = Some(function.clone());
        let choice = chosen(&table, Consistency::Strict, false);
        let Strategy::Keyset {
            ordered, stored_by, ..
        } = choice.strategy
        else {
            panic!("it has a key")
        };
        (ordered, stored_by, choice.partitions)
    };
    let by_function = Some(function.clone());
    assert_eq!(of(&["Id", "Day"], 1_000), (true, by_function, 12));
    // Its partitions follow each other in key order.
    assert_eq!(of(&["Day", "Id"], 1_000), (true, None, 4));
    // Not worth a partition each: read as they come.
    assert_eq!(of(&["Id", "Day"], 50), (false, None, 1));
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
    let choice = chosen(&alone, Consistency::Strict, false);
    assert_eq!(choice.strategy, Strategy::Single);
    let reason = choice.reason.expect("a reason");
    assert!(reason.contains("overrides.<table>.partitions"), "{reason}");
    assert_eq!(
        index_of(&asked(&alone, Consistency::Strict, false)),
        Some(("PK", false))
    );
}

/// The tables that are clustered on a date, and the history of temporal ones.
#[test]
fn a_clustered_index_divides_where_it_is_not_unique() {
    let mut primary = primary_key("PK", &["Id"]);
    primary.clustered = false;
    let mut clustered = primary_key("CX", &["At", "Id"]);
    (clustered.role, clustered.unique) = (IndexRole::Index, false);
    let mut at = column("At", SqlType::Date);
    at.nullable = true;
    let columns = vec![column("Id", SqlType::Int), at.clone()];
    let both = table(columns.clone(), vec![primary, clustered.clone()], 1_000);
    let choice = chosen(&both, Consistency::Strict, false);
    let Strategy::Clustered { index, key } = &choice.strategy else {
        panic!("{choice:?}");
    };
    assert_eq!((index.as_str(), &key[0].column), ("CX", &at));
    assert_eq!(choice.partitions, 4);
    let reason = choice.reason.expect("a reason");
    assert!(reason.contains("UPDATE of At, Id"), "{reason}");
    let few = table(columns.clone(), vec![clustered.clone()], 50);
    let choice = chosen(&few, Consistency::Strict, false);
    assert_eq!(choice.strategy, Strategy::Single);
    let disabled = Index {
        disabled: true,
        ..clustered.clone()
    };
    let columnstore = Index {
        rowstore: false,
        key: Vec::new(),
        ..clustered.clone()
    };
    let mut no_key_type = columns.clone();
    no_key_type[1].ty = SqlType::SqlVariant;
    for case in [
        table(columns.clone(), vec![disabled], 1_000),
        table(columns, vec![columnstore], 1_000),
        table(no_key_type, vec![clustered], 1_000),
    ] {
        let choice = chosen(&case, Consistency::Strict, true);
        assert_eq!(choice.strategy, Strategy::Single);
    }
}

/// Without a key, a row that an UPDATE moves from one range to another would be doubled or missed
/// unseen, so ranges need rows that keep their places.
#[test]
fn a_clustered_index_of_a_live_table_without_a_key_does_not_divide_it() {
    let mut clustered = primary_key("CX", &["At"]);
    (clustered.role, clustered.unique) = (IndexRole::Index, false);
    let live = table(vec![column("At", SqlType::Date)], vec![clustered], 1_000);
    let divided = |choice: Choice| matches!(choice.strategy, Strategy::Clustered { .. });
    for consistency in [Consistency::Strict, Consistency::Snapshot] {
        let choice = chosen(&live, consistency, false);
        assert_eq!(choice.strategy, Strategy::Single);
        assert!(choice.reason.expect("a reason").contains("read-only"));
        assert!(divided(chosen(&live, consistency, true)));
        assert!(divided(asked(&live, consistency, false)));
    }
    assert!(divided(chosen(&live, Consistency::Relaxed, false)));
    let mut history = live.clone();
    history.extras.temporal = Some(Temporal::History);
    let choice = chosen(&history, Consistency::Strict, false);
    assert!(!choice.reason.clone().expect("a reason").contains("UPDATE"));
    assert!(divided(choice));
}

#[test]
fn nullable_filtered_and_disabled_indexes_are_no_keys() {
    let mut nullable = column("Id", SqlType::Int);
    nullable.nullable = true;
    let mut unique = primary_key("UX", &["Id"]);
    unique.clustered = false;
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
    // Each of several readers would read all of it.
    assert_eq!(
        chosen(&heap, Consistency::Strict, true).strategy,
        Strategy::Single
    );
    assert_eq!(
        asked(&heap, Consistency::Strict, false).strategy,
        Strategy::Single
    );
    let order = vec!["A".to_owned()];
    let strict = |table| asked(table, Consistency::Strict, true).strategy;
    assert_eq!(strict(&heap), Strategy::RowNumber { order });
    let columns = vec!["A".to_owned()];
    let large = table(vec![column("A", SqlType::Int)], Vec::new(), 1_000_000);
    assert_eq!(strict(&large), Strategy::Hash { columns });
    let with_xml = table(
        vec![column("A", SqlType::Int), column("X", SqlType::Xml)],
        Vec::new(),
        1_000,
    );
    let columns = vec!["A".to_owned()];
    assert_eq!(strict(&with_xml), Strategy::Hash { columns });
}

/// A live counter once made a checkpoint look like another table's, and unreadable besides.
#[test]
fn an_identity_key_carries_no_counter() {
    let mut id = column("Id", SqlType::Int);
    id.identity = Some(tsql::schema::Identity {
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
        asked(&heap, Consistency::Strict, true).strategy,
        Strategy::Hash { columns }
    );
    // A row number depends on every other row, and NOLOCK shows them at different moments.
    let numbers = table(vec![column("A", SqlType::Int)], Vec::new(), 1_000);
    let columns = vec!["A".to_owned()];
    assert_eq!(
        asked(&numbers, Consistency::Relaxed, false).strategy,
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
