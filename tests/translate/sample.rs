//! One table on both sides, with the rows where the two could differ.

use tsql::schema::SqlType;
use tsql::translate::{Relation, Scope, ScopeColumn, TargetNames};
use tsql::typemap::PgType;

use crate::support::postgres::{Database, Postgres};
use crate::support::source::{Source, SourceDatabase};

const CI: &str = "SQL_Latin1_General_CP1_CI_AS";
const BIN: &str = "Latin1_General_BIN2";

/// Name, type at the source, type at the target.
const TYPES: &[(&str, &str, &str)] = &[
    ("Id", "int NOT NULL PRIMARY KEY", "integer PRIMARY KEY"),
    ("Flag", "bit NULL", "boolean"),
    ("Small", "smallint NULL", "smallint"),
    ("N", "int NULL", "integer"),
    ("D", "decimal(10,2) NULL", "numeric(10,2)"),
    ("Cash", "money NULL", "numeric(19,4)"),
    ("Day", "date NULL", "date"),
    ("At", "datetime NULL", "timestamp(3)"),
    (
        "C",
        "char(5) COLLATE SQL_Latin1_General_CP1_CI_AS NULL",
        "char(5)",
    ),
    (
        "V",
        "varchar(20) COLLATE SQL_Latin1_General_CP1_CI_AS NULL",
        "varchar(20)",
    ),
    (
        "W",
        "nvarchar(20) COLLATE SQL_Latin1_General_CP1_CI_AS NULL",
        "varchar(20)",
    ),
    (
        "B",
        "varchar(20) COLLATE Latin1_General_BIN2 NULL",
        "varchar(20)",
    ),
];

/// Literals that both sides read alike, but for `bit`.
const ROWS: &[&[&str]] = &[
    &[
        "0",
        "0",
        "0",
        "0.00",
        "0",
        "'20000101'",
        "'20000101 00:00:00'",
        "''",
        "''",
        "''",
        "''",
    ],
    &[
        "1",
        "-7",
        "-7",
        "-7.50",
        "-7.5",
        "'20000229'",
        "'20000229 23:59:59.997'",
        "'a'",
        "'a'",
        "'A'",
        "'a'",
    ],
    &[
        "1",
        "7",
        "7",
        "7.49",
        "7.49",
        "'19991231'",
        "'19991231 12:30:45.123'",
        "'A b'",
        "'Abc '",
        "'aBC  '",
        "'Abc '",
    ],
    &[
        "0",
        "3",
        "3",
        "0.05",
        "0.05",
        "'20240131'",
        "'20240131 01:02:03.000'",
        "'12345'",
        "'12-34'",
        "'12-34'",
        "'12-34'",
    ],
    &[
        "1",
        "100",
        "1000000",
        "1234567.89",
        "1234567.8901",
        "'99991231'",
        "'99991231 23:59:59.997'",
        "' x'",
        "'50%'",
        "'50%'",
        "'50%'",
    ],
    &[
        "0",
        "2",
        "2",
        "-0.01",
        "-0.0001",
        "'17530101'",
        "'17530101 00:00:00.003'",
        "'a_b'",
        "'a_b\\'",
        "'a_b\\'",
        "'a_b\\'",
    ],
    &[
        "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL",
    ],
    &[
        "1",
        "12",
        "2147483647",
        "9999999.99",
        "922337203685477.5807",
        "'20231231'",
        "'20231231 23:59:59'",
        "'[x]'",
        "'[x]'",
        "'[x]'",
        "'[x]'",
    ],
    &[
        "0",
        "-12",
        "-2147483648",
        "-9999999.99",
        "-922337203685477.5808",
        "'20240101'",
        "'20240101 00:00:00'",
        "'ZZ'",
        "'   '",
        "'   '",
        "'   '",
    ],
    &[
        "1",
        "5",
        "5",
        "2.50",
        "2.5",
        "'20240630'",
        "'20240630 12:00:00'",
        "'f'",
        "'M'",
        "'m'",
        "'m'",
    ],
];

pub struct Sample {
    pub source: SourceDatabase,
    pub target: Database<'static>,
}

pub fn make() -> Sample {
    let columns = |which: fn(&(&str, &str, &str)) -> String| {
        TYPES.iter().map(which).collect::<Vec<_>>().join(", ")
    };
    let mut script = format!(
        "CREATE TABLE dbo.Sample ({})\nGO\n",
        columns(|(name, source, _)| format!("[{name}] {source}"))
    );
    let mut made = format!(
        "CREATE TABLE sample ({});",
        columns(|(name, _, target)| format!("\"{}\" {target}", name.to_lowercase()))
    );
    for (id, row) in ROWS.iter().enumerate() {
        let cells = row.join(", ");
        script.push_str(&format!(
            "INSERT INTO dbo.Sample VALUES ({id}, {cells})\nGO\n"
        ));
        let bit = match row[0] {
            "1" => "true",
            "0" => "false",
            other => other,
        };
        let rest = row[1..].join(", ");
        made.push_str(&format!("INSERT INTO sample VALUES ({id}, {bit}, {rest});"));
    }
    let target = Postgres::shared().database();
    target.sql(&made);
    Sample {
        source: Source::shared().database(&script),
        target,
    }
}

struct NoNames;

impl TargetNames for NoNames {
    fn sequence(&self, _: Option<&str>, _: &str) -> Option<String> {
        None
    }

    fn relation(&self, _: &str, _: &str) -> Option<Relation<'_>> {
        None
    }
}

/// Runs with the table's columns in scope.
pub fn with_scope<T>(run: impl FnOnce(&Scope<'_>) -> T) -> T {
    let text = |length| SqlType::VarChar {
        length: Some(length),
    };
    let decimal = SqlType::Decimal {
        precision: 10,
        scale: 2,
    };
    let columns = [
        ("Id", "id", SqlType::Int, PgType::Integer, None),
        ("Flag", "flag", SqlType::Bit, PgType::Boolean, None),
        ("Small", "small", SqlType::SmallInt, PgType::SmallInt, None),
        ("N", "n", SqlType::Int, PgType::Integer, None),
        ("D", "d", decimal, PgType::Numeric(Some((10, 2))), None),
        (
            "Cash",
            "cash",
            SqlType::Money,
            PgType::Numeric(Some((19, 4))),
            None,
        ),
        ("Day", "day", SqlType::Date, PgType::Date, None),
        ("At", "at", SqlType::DateTime, PgType::Timestamp(3), None),
        (
            "C",
            "c",
            SqlType::Char { length: 5 },
            PgType::Char(5),
            Some(CI),
        ),
        ("V", "v", text(20), PgType::VarChar(20), Some(CI)),
        (
            "W",
            "w",
            SqlType::NVarChar { length: Some(20) },
            PgType::VarChar(20),
            Some(CI),
        ),
        ("B", "b", text(20), PgType::VarChar(20), Some(BIN)),
    ];
    let columns: Vec<ScopeColumn<'_>> = columns
        .iter()
        .map(
            |(source, target, sql_type, pg_type, collation)| ScopeColumn {
                source,
                target,
                sql_type,
                pg_type,
                collation: *collation,
                nullable: true,
                generated: false,
            },
        )
        .collect();
    run(&Scope {
        columns: &columns,
        names: &NoNames,
        default_collation: Some(CI),
    })
}
