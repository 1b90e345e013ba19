//! Catalog rows with everything that can be odd, and the tables that come of them.

use super::*;
use crate::error::Kind;
use crate::mssql::catalog::row::samples;

fn answers() -> Answers {
    Answers {
        types: samples(&[
            "56|56|int|0|0|sys",
            "167|167|varchar|0|0|sys",
            "231|231|nvarchar|0|0|sys",
        ]),
        collations: samples(&["Greek_CI_AS|1253", "Unicode_Only|0", "default|NULL"]),
        tables: samples(&["7|dbo|Orders|0", "8|dbo|Empty|1"]),
        columns: samples(&[
            "7|3|Total|56|56|4|10|0|1|1|NULL|NULL|NULL|NULL|NULL",
            "7|1|Id|56|56|4|10|0|0|0|NULL|NULL|NULL|0|NULL",
            "7|2|Note|167|167|50|0|0|1|0|Greek_CI_AS|NULL|NULL|1|NULL",
            "7|5|Key|231|231|20|0|0|0|0|Greek_CI_AS|1|NULL|NULL|NULL",
            "8|1|A|231|231|20|0|0|0|0|Unicode_Only|NULL|NULL|0|NULL",
        ]),
        identities: samples(&["7|1|x-5|x3|NULL"]),
        computed: samples(&["7|3|([Id]*(2))|1"]),
        indexes: samples(&[
            "7|1|PK_Orders|1|1|1|0|0|0|NULL",
            "7|2|UX_Note|2|1|0|0|1|1|([Note] IS NOT NULL)",
            "7|3|CS|6|0|0|0|0|0|NULL",
        ]),
        index_columns: samples(&[
            "7|2|1|2|1|0|2",
            "7|2|2|1|0|0|1",
            "7|2|3|0|0|1|3",
            "7|2|1|0|0|0|4",
            "7|1|1|1|0|0|1",
        ]),
        constraints: samples(&[
            "7|F |FK_A",
            "7|C |CK_B",
            "7|D |DF_C",
            "7|R |Rule",
            "9|C |CK_E",
        ]),
        estimates: samples(&["7|-1|0", "7|1000|0", "7|0|3"]),
        access: Access::sample(&["7|2|0"], &[8]),
        filters_unknown: false,
        objects: ObjectAnswers::default(),
    }
}

fn with_identity(rows: Vec<IdentityRow>) -> Answers {
    Answers {
        identities: rows,
        ..answers()
    }
}

#[test]
fn a_table_comes_out_in_column_order_with_its_keys() {
    let made = tables(&with_identity(Vec::new())).unwrap();
    assert_eq!(made.len(), 2);
    let orders = &made[0];
    let names: Vec<_> = orders
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["Id", "Note", "Total", "Key"]);
    assert_eq!(
        (orders.estimated_rows, orders.estimated_bytes),
        (1000, 3 * 8192)
    );
    assert_eq!(orders.columns[1].code_page, Some(1253));
    assert_eq!(orders.columns[2].computed.as_deref(), Some("([Id]*(2))"));
    assert!(orders.columns[2].extras.persisted);
    assert!(matches!(&orders.columns[3].ty, SqlType::Other { name } if name.contains("Encrypted")));
    assert_eq!(
        made[1].columns[0].code_page, None,
        "nvarchar has no code page"
    );

    let others: Vec<_> = orders
        .others
        .iter()
        .map(|other| other.kind.as_str())
        .collect();
    assert_eq!(others, ["foreign key", "check", "default"]);

    let [primary, unique, columnstore] = &orders.indexes[..] else {
        panic!("three indexes");
    };
    assert!(primary.clustered && primary.unique && primary.rowstore);
    assert_eq!(primary.role, IndexRole::PrimaryKey);
    assert!(unique.disabled);
    assert_eq!(unique.filter.as_deref(), Some("([Note] IS NOT NULL)"));
    let key: Vec<_> = unique
        .key
        .iter()
        .map(|key| (key.column.as_str(), key.descending))
        .collect();
    assert_eq!(key, [("Note", false), ("Id", true)]);
    assert_eq!(unique.included, ["Total"]);
    assert!(!columnstore.rowstore && !columnstore.clustered);
}

#[test]
fn an_index_that_may_be_filtered_is_taken_as_filtered() {
    let mut answers = with_identity(Vec::new());
    answers.filters_unknown = true;
    answers.indexes = samples(&["7|1|PK|1|1|1|0|0|0|NULL", "7|2|UX|2|1|0|0|0|0|NULL"]);
    let made = tables(&answers).unwrap();
    assert_eq!(
        made[0].indexes[0].filter, None,
        "a constraint has no filter"
    );
    assert!(made[0].indexes[1].filter.is_some());
}

#[test]
fn identities_are_exact_and_listed_once() {
    // A decimal(38) identity does not fit 64 bits.
    let lowest = "-99999999999999999999999999999999999999";
    let row = format!("7|1|{lowest}|+3 |NULL");
    let rows = samples(&[&row, &row, "7|2|NULL|NULL|NULL"]);
    let found = identities(&rows).unwrap();
    let told = found[&(7, 1)].clone().unwrap();
    assert_eq!(told.seed, -(10_i128.pow(38) - 1));
    assert_eq!(told.increment, 3);
    assert_eq!(told.last_value, None);
    assert_eq!(found[&(7, 2)], None, "the server does not tell");
    let wrong = tables(&answers()).unwrap_err();
    assert_eq!(wrong.kind(), Kind::SourceProtocol);
}

#[test]
fn an_index_on_a_column_that_is_not_there_is_a_changed_schema() {
    let mut answers = with_identity(Vec::new());
    answers.index_columns = samples(&["7|1|9|1|0|0|1"]);
    let error = tables(&answers).unwrap_err();
    assert!(error.to_string().contains("run again"), "{error}");
}

/// What the login is shown instead of the truth is known before anything is copied.
#[test]
fn masks_and_policies_are_told() {
    let mut answers = with_identity(Vec::new());
    let seen = |answers: &Answers| {
        let made = tables(answers).unwrap();
        let masked = made.iter().flat_map(|table| &table.columns);
        let masked: Vec<_> = masked.filter(|column| column.masked).cloned().collect();
        let names: Vec<_> = masked.into_iter().map(|column| column.name).collect();
        let filtered = made.iter().map(|table| table.filtered_by_policy);
        (names, filtered.collect::<Vec<_>>())
    };
    assert_eq!(seen(&answers), (vec!["Note".to_owned()], vec![false, true]));
    answers.access = Access::sample(&["7|2|1"], &[]);
    assert_eq!(seen(&answers), (Vec::new(), vec![false, false]));
}
