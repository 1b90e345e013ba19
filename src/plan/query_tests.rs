//! The statements as they are sent.

use super::*;
use crate::plan::ntile_cuts::cut_points;
use crate::plan::sample::{column, keyset, plan};
use crate::plan::table::Stored;
use tsql::schema::objects::PartitionFunction;

fn int(value: i64) -> KeyValue {
    KeyValue::Int(value)
}

fn one_key() -> TablePlan {
    let id = column("Id", SqlType::Int);
    plan(
        vec![
            id.clone(),
            column("Body", SqlType::NVarChar { length: None }),
        ],
        keyset(&[(id, false)]),
    )
}

#[test]
fn a_range_is_half_open_and_in_key_order() {
    let slice = Slice::Range {
        after: Some(vec![int(5)]),
        upto: Some(vec![int(9)]),
    };
    assert_eq!(
        read(&one_key(), &slice, None, Consistency::Strict),
        [
            "SELECT [Id], [Body] FROM [dbo].[Odd]]Name] WHERE [Id] > CAST(5 AS int) AND [Id] <= CAST(9 AS int) ORDER BY [Id]"
        ]
    );
}

#[test]
fn a_resumed_range_begins_behind_its_last_committed_key() {
    let slice = Slice::Range {
        after: Some(vec![int(5)]),
        upto: None,
    };
    assert_eq!(
        read(&one_key(), &slice, Some(&[int(7)]), Consistency::Strict),
        ["SELECT [Id], [Body] FROM [dbo].[Odd]]Name] WHERE [Id] > CAST(7 AS int) ORDER BY [Id]"]
    );
}

#[test]
fn a_whole_table_has_no_predicate_and_nolock_only_when_relaxed() {
    let whole = Slice::Range {
        after: None,
        upto: None,
    };
    let strict = read(&one_key(), &whole, None, Consistency::Strict);
    assert_eq!(
        strict,
        ["SELECT [Id], [Body] FROM [dbo].[Odd]]Name] ORDER BY [Id]"]
    );
    let relaxed = read(&one_key(), &whole, None, Consistency::Relaxed);
    assert!(relaxed[0].contains("FROM [dbo].[Odd]]Name] WITH (NOLOCK) ORDER BY"));
    assert!(!cut_points(&one_key(), &[], Vec::new(), 2, Consistency::Strict).contains("NOLOCK"));
}

#[test]
fn the_statements_of_a_range_are_in_key_order_and_each_is_a_seek() {
    let (a, b) = (column("A", SqlType::Int), column("B", SqlType::Int));
    let table = plan(vec![a.clone(), b.clone()], keyset(&[(a, false), (b, true)]));
    let slice = Slice::Range {
        after: Some(vec![int(1), int(2)]),
        upto: Some(vec![int(3), int(4)]),
    };
    let statement = |seek: &str| {
        format!("SELECT [A], [B] FROM [dbo].[Odd]]Name] WHERE {seek} ORDER BY [A], [B] DESC")
    };
    assert_eq!(
        read(&table, &slice, None, Consistency::Strict),
        [
            statement("[A] = CAST(1 AS int) AND [B] < CAST(2 AS int)"),
            statement("[A] > CAST(1 AS int) AND [A] < CAST(3 AS int)"),
            statement("[A] = CAST(3 AS int) AND [B] >= CAST(4 AS int)"),
        ]
    );
}

/// One large tenant would otherwise be read from its start by each of its ranges.
#[test]
fn columns_on_which_both_ends_agree_are_pinned() {
    let (a, b) = (column("A", SqlType::Int), column("B", SqlType::Int));
    let table = plan(
        vec![a.clone(), b.clone()],
        keyset(&[(a, false), (b, false)]),
    );
    let slice = Slice::Range {
        after: Some(vec![int(1), int(2)]),
        upto: Some(vec![int(1), int(9)]),
    };
    let sql = read(&table, &slice, None, Consistency::Strict);
    assert_eq!(
        sql,
        [
            "SELECT [A], [B] FROM [dbo].[Odd]]Name] WHERE [A] = CAST(1 AS int) \
         AND [B] > CAST(2 AS int) AND [B] <= CAST(9 AS int) ORDER BY [A], [B]"
        ]
    );
}

/// The number of a partition, then an exact seek: nothing of another partition is read or sorted.
#[test]
fn a_partition_of_the_source_is_read_by_its_number_and_in_key_order() {
    let (id, day) = (column("Id", SqlType::Int), column("Day", SqlType::Int));
    let function = PartitionFunction {
        name: "By Day".into(),
        column: "Day".into(),
        partitions: 12,
        version: "2024".into(),
    };
    let table = plan(
        vec![id.clone(), day.clone()],
        keyset(&[(id, false), (day, false)]),
    );
    let stored = Box::new(Stored {
        partition: 7,
        function,
    });
    let slice = Slice::Within {
        stored,
        after: None,
        upto: Some(vec![int(9), int(1)]),
    };
    let statement = |seek: &str| {
        format!(
            "SELECT [Id], [Day] FROM [dbo].[Odd]]Name] \
             WHERE $PARTITION.[By Day]([Day]) = 7 AND {seek} ORDER BY [Id], [Day]"
        )
    };
    assert_eq!(
        read(&table, &slice, Some(&[int(5), int(3)]), Consistency::Strict),
        [
            statement("[Id] = CAST(5 AS int) AND [Day] > CAST(3 AS int)"),
            statement("[Id] > CAST(5 AS int) AND [Id] < CAST(9 AS int)"),
            statement("[Id] = CAST(9 AS int) AND [Day] <= CAST(1 AS int)"),
        ]
    );
    let unchanged = unchanged(&slice).expect("a number is not a number for ever");
    assert_eq!(
        (unchanged.sql.as_str(), unchanged.expected.as_str()),
        (
            "SELECT CONVERT(nvarchar(30), f.modify_date, 126) FROM sys.partition_functions AS f \
             WHERE f.name = N'By Day' AND f.fanout = 12",
            "2024"
        )
    );
    assert_eq!(super::unchanged(&Slice::Whole), None);
}

#[test]
fn utf8_text_is_asked_for_as_nvarchar_and_ordered_as_it_is() {
    let mut id = column("Id", SqlType::VarChar { length: Some(20) });
    id.code_page = Some(65_001);
    let mut long = column("Long", SqlType::VarChar { length: None });
    long.code_page = Some(65_001);
    let table = plan(vec![id.clone(), long], keyset(&[(id, false)]));
    let whole = Slice::Range {
        after: None,
        upto: None,
    };
    assert_eq!(
        read(&table, &whole, None, Consistency::Strict),
        [
            "SELECT CAST([Id] AS nvarchar(20)), CAST([Long] AS nvarchar(max)) FROM [dbo].[Odd]]Name] ORDER BY [Id]"
        ]
    );
}

#[test]
fn types_that_have_no_form_of_their_own_are_converted_and_keyed_as_they_are() {
    let id = column("Id", SqlType::HierarchyId);
    let columns = vec![
        id.clone(),
        column("Place", SqlType::Geography),
        column("Doc", SqlType::Json),
        column("V", SqlType::Vector { dimensions: 3 }),
        column("Any", SqlType::SqlVariant),
    ];
    let table = plan(columns, keyset(&[(id, false)]));
    let slice = Slice::Range {
        after: Some(vec![KeyValue::Bytes(vec![0x58])]),
        upto: None,
    };
    assert_eq!(
        read(&table, &slice, None, Consistency::Strict),
        ["SELECT CAST([Id] AS varbinary(892)), \
         CAST([Place].STSrid AS binary(4)) + [Place].AsBinaryZM(), \
         CAST([Doc] AS nvarchar(max)), CAST([V] AS nvarchar(max)), [Any] \
         FROM [dbo].[Odd]]Name] WHERE [Id] > CAST(0x58 AS hierarchyid) ORDER BY [Id]"]
    );
}

#[test]
fn the_jobs_filter_cannot_swallow_the_range() {
    let mut table = one_key();
    table.filter = Some("Score > 1 OR 1 = 1 -- all".into());
    let slice = Slice::Range {
        after: Some(vec![int(5)]),
        upto: None,
    };
    let sql = read(&table, &slice, None, Consistency::Strict).remove(0);
    assert!(
        sql.contains("WHERE (Score > 1 OR 1 = 1 -- all\n) AND [Id] > CAST(5 AS int)"),
        "{sql}"
    );
}

#[test]
fn row_numbers_and_hashes_divide_tables_without_a_key() {
    let columns = vec![
        column("A", SqlType::Int),
        column("migrate_row", SqlType::Int),
    ];
    let table = plan(
        columns.clone(),
        Strategy::RowNumber {
            order: vec!["A".into(), "migrate_row".into()],
        },
    );
    assert_eq!(
        read(
            &table,
            &Slice::Rows {
                after: 3,
                upto: Some(6)
            },
            None,
            Consistency::Strict
        ),
        [
            "SELECT [A], [migrate_row] FROM (SELECT [A], [migrate_row], ROW_NUMBER() OVER (ORDER BY [A], [migrate_row]) \
         AS [migrate_row_] FROM [dbo].[Odd]]Name]) AS numbered WHERE [migrate_row_] > 3 AND [migrate_row_] <= 6 OPTION (MAXDOP 1)"
        ]
    );
    let table = plan(
        columns,
        Strategy::Hash {
            columns: vec!["A".into()],
        },
    );
    assert_eq!(
        read(
            &table,
            &Slice::Bucket { bucket: 1, of: 4 },
            None,
            Consistency::Strict
        ),
        [
            "SELECT [A], [migrate_row] FROM [dbo].[Odd]]Name] WHERE (BINARY_CHECKSUM([A]) & 2147483647) % 4 = 1 OPTION (MAXDOP 1)"
        ]
    );
}
