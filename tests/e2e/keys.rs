//! Every kind of key that partitions run on: the union of the partitions is the table.

use crate::support::job::{Job, table};
use crate::support::postgres::Postgres;
use crate::support::scenario::Scenario;
use crate::support::source::Source;

const FIXTURE: &str = include_str!("../fixtures/keys.sql");
const SMALL: &str =
    "transfer: { partition_min_rows: 100, max_partitions_per_table: 7, commit_every: 4KiB }";

/// Tables of 1,000 rows whose column `V` counts from 0, and how the stand-in's catalog lets them
/// be read.
const COUNTED: [(&str, &str); 16] = [
    ("KeyInt", "keyset"),
    ("KeyGuid", "keyset"),
    ("KeyVarchar", "keyset"),
    ("KeyNVarchar", "keyset"),
    ("KeyDateTime", "keyset"),
    ("KeyDateTime2", "keyset"),
    ("KeyOffset", "keyset"),
    ("KeyDate", "keyset"),
    ("KeyDecimal", "keyset"),
    ("KeyBinary", "keyset"),
    ("KeyTwo", "keyset"),
    ("KeyDesc", "keyset"),
    ("KeyFive", "keyset"),
    ("UniqueConstraint", "keyset ranges"),
    ("Seq", "keyset"),
    ("KeyBigInt", "keyset"),
];

/// Babelfish does not tell whether an index is filtered, so the fixture's unique index is left out.
fn ending(source: &Source) -> i32 {
    if source.stand_in.is_some() { 0 } else { 6 }
}

#[test]
fn every_key_is_cut_without_losing_or_doubling_a_row() {
    let source = Source::shared();
    let database = source.database(FIXTURE);
    let postgres = Postgres::shared();
    let target = postgres.database();
    let more = match source.stand_in {
        // Its key is not clustered: several readers only where the job asks for them.
        Some(_) => format!(
            "{SMALL}\ntables: {{ overrides: {{ dbo.UniqueConstraint: {{ partitions: 7 }} }} }}"
        ),
        None => SMALL.to_owned(),
    };
    let job = Job::new(&database, &target.target(), &more);
    let report = job.report(&[], ending(source));
    for (table, strategy) in COUNTED {
        let row = report["tables"]
            .as_array()
            .expect("tables")
            .iter()
            .find(|row| {
                // Babelfish reports its names in lower case.
                let name = row["table"].as_str().expect("a name");
                name.eq_ignore_ascii_case(&format!("dbo.{table}"))
            })
            .unwrap_or_else(|| panic!("{table} is in the report"));
        let expected = if table == "KeyBigInt" { 1_004 } else { 1_000 };
        assert_eq!(row["rows"], expected, "{table}");
        if source.stand_in.is_some() {
            assert!(
                row["strategy"]
                    .as_str()
                    .expect("a strategy")
                    .starts_with(strategy),
                "{row}"
            );
            assert!(row["partitions"].as_u64().expect("partitions") > 1, "{row}");
        }
        let column = if table == "Seq" { "n" } else { "v" };
        let name = table.to_lowercase();
        let sums = target.sql(&format!(
            "SELECT count(*), sum({column}::bigint) FROM public.{name}"
        ));
        let sum = if table == "KeyBigInt" {
            499_510
        } else {
            499_500
        };
        let numbers = [Some(expected.to_string()), Some(sum.to_string())];
        assert_eq!(sums[0], numbers, "{table}");
    }
}

#[test]
fn rows_without_a_key_keep_their_number() {
    let scenario = Scenario::loaded(FIXTURE);
    scenario.job(SMALL).report(&[], ending(scenario.server()));
    assert_eq!(
        scenario.value("SELECT count(*) FROM public.duplicates"),
        "1000"
    );
    let groups = scenario.sql("SELECT DISTINCT count(*) FROM public.duplicates GROUP BY a, b");
    assert_eq!(groups, [[Some("100".to_owned())]]);
    assert_eq!(
        scenario.value("SELECT count(*) FROM public.nullableunique WHERE id IS NULL"),
        "1"
    );
    assert_eq!(
        scenario.value("SELECT count(*) FROM public.nullableunique"),
        "1001"
    );
    assert_eq!(
        scenario.value("SELECT count(*) FROM public.emptytable"),
        "0"
    );
    assert_eq!(scenario.value("SELECT count(*) FROM public.onerow"), "1");
}

/// Row numbers and hashes divide a table only where every statement sees the same rows, and only where
/// the job asks for it: each reader goes through the whole table.
#[test]
fn a_read_only_database_is_divided_by_row_number_and_by_hash_where_the_job_asks() {
    let script = format!(
        "{FIXTURE}\nCREATE TABLE dbo.Numbered (A int NULL, B bigint NULL);\n\
         INSERT INTO dbo.Numbered SELECT N % 10, 7 FROM dbo.Seq;\n\
         CREATE TABLE dbo.Unasked (A int NULL, B bigint NULL);\n\
         INSERT INTO dbo.Unasked SELECT N % 10, 7 FROM dbo.Seq;\n"
    );
    let scenario = Scenario::on_stand_in(&script);
    scenario.script(&format!(
        "ALTER DATABASE [{}] SET READ_ONLY",
        scenario.source.name
    ));
    let more = format!(
        "{SMALL}\ntables: {{ overrides: {{ dbo.Numbered: {{ partitions: 7 }}, dbo.Duplicates: {{ partitions: 7 }} }} }}"
    );
    let report = scenario.job(&more).report(&[], 0);
    let read_by = |name: &str| {
        let row = table(&report, name);
        let strategy = row["strategy"].as_str().expect("a strategy").to_owned();
        (
            strategy,
            row["partitions"].as_u64().expect("partitions"),
            row["rows"].as_u64().expect("rows"),
        )
    };
    assert_eq!(read_by("dbo.Numbered"), ("row_number".into(), 7, 1_000));
    // Text ties under its collation, so its rows are divided by a hash.
    assert_eq!(read_by("dbo.Duplicates"), ("hash".into(), 7, 1_000));
    assert_eq!(read_by("dbo.Unasked"), ("single".into(), 1, 1_000));
    for table in ["duplicates", "numbered", "unasked"] {
        let groups = scenario.sql(&format!(
            "SELECT DISTINCT count(*) FROM public.{table} GROUP BY a, b"
        ));
        assert_eq!(groups, [[Some("100".to_owned())]], "{table}");
    }
}

/// One row fewer than, as many as, and one row more than a cut.
#[test]
fn tables_around_a_cut_arrive_whole() {
    let mut script = String::new();
    for rows in [1, 2, 6, 7, 8] {
        script.push_str(&format!(
            "CREATE TABLE dbo.T{rows} (Id int NOT NULL PRIMARY KEY);\n"
        ));
        for id in 0..rows {
            script.push_str(&format!("INSERT INTO dbo.T{rows} VALUES ({id});\n"));
        }
    }
    let scenario = Scenario::loaded(&script);
    let more = "tables:\n  overrides:\n".to_owned()
        + &[1, 2, 6, 7, 8]
            .map(|rows| format!("    dbo.T{rows}: {{ partitions: 7 }}\n"))
            .concat();
    scenario.job(&more).report(&[], 0);
    for rows in [1, 2, 6, 7, 8] {
        assert_eq!(
            scenario.value(&format!("SELECT count(DISTINCT id) FROM public.t{rows}")),
            rows.to_string()
        );
    }
}

/// The lines on keys of the project's type table that need a table of their own.
#[test]
fn gaps_clusters_trailing_blanks_and_keys_that_are_none() {
    let mut script = "CREATE TABLE dbo.Clustered (Id bigint NOT NULL PRIMARY KEY CLUSTERED, V int NULL);\n\
         CREATE TABLE dbo.Blanks (Id varchar(20) COLLATE Latin1_General_CI_AS NOT NULL PRIMARY KEY CLUSTERED, V int NULL);\n\
         CREATE TABLE dbo.Moment (Id datetime2(7) NOT NULL PRIMARY KEY CLUSTERED, V int NULL);\n\
         CREATE TABLE dbo.Filtered (Id int NOT NULL, V int NULL);\n\
         CREATE UNIQUE INDEX UX_Filtered ON dbo.Filtered (Id) WHERE Id > 5;\n\
         CREATE TABLE dbo.Disabled (Id int NOT NULL, V int NULL);\n\
         CREATE UNIQUE INDEX UX_Disabled ON dbo.Disabled (Id);\n\
         ALTER INDEX UX_Disabled ON dbo.Disabled DISABLE;\n"
        .to_owned();
    for n in 0..300u64 {
        // 99 % of the rows in a small part of the range, the others 10^12 apart.
        let id = match n % 100 {
            0 => n * 1_000_000_000_000,
            _ => 5_000_000 + n,
        };
        let text = ["a_", "B%", "c[", "d'' ", "e]  "][(n % 5) as usize];
        script.push_str(&format!(
            "INSERT INTO dbo.Clustered VALUES ({id}, {n});\n\
             INSERT INTO dbo.Blanks VALUES ('{n:03}{text}', {n});\n\
             INSERT INTO dbo.Moment VALUES ('2024-05-06T07:08:09.0000{n:03}', {n});\n\
             INSERT INTO dbo.Filtered VALUES ({}, {n});\n\
             INSERT INTO dbo.Disabled VALUES ({}, {n});\n",
            if n < 5 { 1 } else { n + 10 },
            n % 50,
        ));
    }
    let scenario = Scenario::on_stand_in(&script);
    let more = "transfer: { partition_min_rows: 30, max_partitions_per_table: 7, commit_every: 1KiB }\n\
                tables: { overrides: { dbo.Moment: { types: { Id: text } } } }";
    let report = scenario.job(more).report(&[], 6);
    for (made, strategy) in [
        ("Clustered", "keyset PK"),
        ("Blanks", "keyset PK"),
        ("Moment", "keyset PK"),
        ("Filtered", "single"),
        ("Disabled", "single"),
    ] {
        let row = table(&report, &format!("dbo.{made}"));
        let read_by = row["strategy"].as_str().expect("a strategy");
        assert!(read_by.starts_with(strategy), "{row}");
        let name = made.to_lowercase();
        let sums = format!(
            "SELECT count(*) || '|' || count(DISTINCT v) || '|' || sum(v) FROM public.{name}"
        );
        assert_eq!(scenario.value(&sums), "300|300|44850", "{made}");
    }
    assert_eq!(
        scenario.value("SELECT id FROM public.moment WHERE v = 7"),
        "2024-05-06 07:08:09.0000007"
    );
    assert_eq!(
        scenario.value("SELECT id || '.' FROM public.blanks WHERE v = 4"),
        "004e]  ."
    );
}
