//! Cut points: cheap to find, whatever the key, and never the cause of a lost row.

use serde_json::Value;

use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::{Source, SourceDatabase};

const ROWS: u64 = 80_000;

/// Four parts, so that a sample has about 128 pages; nothing is counted afterwards.
const FOUR: &str = "verify: none\ntransfer: { partition_min_rows: 20000, \
     max_partitions_per_table: 4, split_stragglers: false }";

/// Keys that arithmetic cannot cut, on rows of which 40 share a page.
const KEYS: [(&str, &str, &str); 5] = [
    (
        "Guids",
        "K uniqueidentifier NOT NULL PRIMARY KEY",
        "CAST(CAST(value * 7919 % 80000 AS binary(4)) + CAST(value AS binary(12)) AS uniqueidentifier)",
    ),
    (
        "Words",
        "K varchar(40) COLLATE Latin1_General_CI_AS NOT NULL PRIMARY KEY",
        "CASE WHEN value % 2 = 0 THEN 'a' ELSE 'B' END + CAST(value * 7919 % 80000 AS varchar(10))",
    ),
    (
        "Sparse",
        "K bigint NOT NULL PRIMARY KEY",
        "CAST(value AS bigint) * value * 1000",
    ),
    (
        "Down",
        "K decimal(18,2) NOT NULL|, PRIMARY KEY CLUSTERED (K DESC)",
        "CAST(value AS decimal(18,2)) / 4 * 17",
    ),
    (
        "Tenants",
        "K int NOT NULL|, PRIMARY KEY (K, V)",
        "value % 3",
    ),
];

fn script() -> String {
    let mut script = String::new();
    for (name, key, value) in KEYS {
        let (column, rest) = key.split_once('|').unwrap_or((key, ""));
        script.push_str(&format!(
            "CREATE TABLE dbo.{name} ({column}, V int NOT NULL, \
             P char(60) NOT NULL, Q char(60) NOT NULL, R char(60) NOT NULL{rest});\n\
             INSERT INTO dbo.{name} SELECT {value}, value, 'p', 'q', 'r' \
             FROM GENERATE_SERIES(1, {ROWS});\n"
        ));
    }
    script
}

fn only(name: &str, more: &str) -> String {
    format!("tables: {{ include: ['dbo.{name}'] }}\n{more}")
}

fn check(target: &Database<'_>, name: &str) {
    let sql = format!(
        "SELECT count(*), count(DISTINCT v), sum(v) FROM public.{}",
        name.to_lowercase()
    );
    let sum = ROWS * (ROWS + 1) / 2;
    let expected = [ROWS, ROWS, sum].map(|n| Some(n.to_string()));
    assert_eq!(target.sql(&sql)[0], expected, "{name}");
}

/// Rows of the largest partition, of those that were planned.
fn largest(target: &Database<'_>) -> u64 {
    let sql = "SELECT max(rows) FROM _migrate.partitions";
    target.value(sql).parse().expect("a number")
}

/// The one table that was not left out.
fn row_of(report: &Value) -> &Value {
    let tables = report["tables"].as_array().expect("tables");
    let table = tables.iter().find(|table| table["outcome"] == "done");
    table.expect("a table that is done")
}

fn moved(database: &SourceDatabase, name: &str, more: &str) -> (Value, u64) {
    let target = Postgres::shared().database();
    let job = Job::new(database, &target.target(), &only(name, more));
    let report = job.report(&[], 0);
    check(&target, name);
    (report, largest(&target))
}

/// F12. NTILE over the key is an ordered scan of the whole index, a spool of it in tempdb and a count
/// before the first row; a sample is a few pages, whatever the key. Scan and spool would touch every
/// row twice more.
#[test]
fn a_large_table_is_cut_by_a_few_of_its_pages() {
    let source = Source::stand_in();
    let database = source.database(&script());
    let engine = &source.expect_stand_in().engine;
    for (name, ..) in KEYS {
        engine.reset_work();
        let (report, largest) = moved(&database, name, FOUR);
        let read = engine.work().touched();
        assert!(
            read < ROWS + ROWS / 4,
            "{name}: {read} rows were touched to move {ROWS}"
        );
        let row = row_of(&report);
        assert_eq!(row["partitions"], 4, "{row}");
        assert!(
            largest < ROWS * 2 / 5,
            "{name}: one part has {largest} rows"
        );
    }
}

/// Servers that do not know the clause, and tables that it is refused for, are cut as before.
#[test]
fn a_server_without_samples_is_asked_by_key() {
    let source = Source::stand_in();
    let database = source.database(&script());
    let refused = "error:number=102,times=forever,match=TABLESAMPLE";
    let faults = source.expect_stand_in().handle.faults();
    faults.add(refused.parse().expect("a fault"));
    let (report, largest) = moved(&database, "Guids", FOUR);
    assert_eq!(row_of(&report)["partitions"], 4);
    assert_eq!(largest, ROWS / 4, "NTILE cuts evenly");
}

/// The catalog's page counts are more than some logins may see: the estimate of a table's bytes does.
#[test]
fn a_login_that_sees_no_pages_gets_its_sample_all_the_same() {
    let source = Source::stand_in();
    let database = source.database(&script());
    let refused = "error:number=229,times=forever,match=a.type = 1";
    let faults = source.expect_stand_in().handle.faults();
    faults.add(refused.parse().expect("a fault"));
    let engine = &source.expect_stand_in().engine;
    engine.reset_work();
    let (report, _) = moved(&database, "Words", FOUR);
    assert_eq!(row_of(&report)["partitions"], 4);
    assert!(engine.work().touched() < ROWS + ROWS / 4);
}

/// A filter may leave less of a sample than there are parts: the table is then cut as if there were
/// none, and every row that the filter leaves comes once.
#[test]
fn a_filter_that_empties_the_sample_loses_no_row() {
    let scenario = Scenario::on_stand_in(&script());
    let more = format!(
        "tables: {{ include: ['dbo.Guids'], overrides: {{ dbo.Guids: {{ where: 'V IN (77, 20000, 39999)' }} }} }}\n{FOUR}"
    );
    let report = scenario.job(&more).report(&[], 0);
    assert_eq!(row_of(&report)["partitions"], 4);
    let sql = "SELECT string_agg(v::text, ' ' ORDER BY v) FROM public.guids";
    assert_eq!(scenario.value(sql), "77 20000 39999");
}

/// What is left of a straggler is judged and cut by a sample, too: a count and NTILE of what is left
/// would read it twice more.
#[test]
fn a_straggler_of_a_large_table_is_cut_by_a_sample() {
    let rows = 120_000;
    let script = format!(
        "CREATE TABLE dbo.Big (K uniqueidentifier NOT NULL PRIMARY KEY, V int NOT NULL, \
         P char(60) NOT NULL, Q char(60) NOT NULL, R char(60) NOT NULL, S char(60) NOT NULL);\n\
         INSERT INTO dbo.Big SELECT CAST(CAST(value AS binary(4)) + CAST(value AS binary(12)) \
         AS uniqueidentifier), value, 'p', 'q', 'r', 's' FROM GENERATE_SERIES(1, {rows});\n"
    );
    let scenario = Scenario::on_stand_in(&script);
    // One partition, with room for three more.
    let more = only(
        "Big",
        "verify: none\ntransfer: { partition_min_rows: 2000000, max_partitions_per_table: 4, \
         commit_every: 64KiB }",
    );
    let job = scenario.job(&more);
    let counters = &scenario.stand_in().handle;
    counters.counters().log_statements(true);
    let slow = "stall:rows=2500,for=5s,times=1,match=FROM [dbo].[Big]";
    counters.faults().add(slow.parse().expect("a fault"));
    let report = job.report(&[], 0);
    assert!(report["tables"][0]["splits"].as_u64() > Some(0), "{report}");
    let sql = "SELECT count(*) || ' ' || count(DISTINCT v) FROM public.big";
    assert_eq!(scenario.value(sql), format!("{rows} {rows}"));
    let statements = counters.counters().statements();
    let ntile = statements.iter().filter(|sql| sql.contains("NTILE"));
    let tiled = ntile.collect::<Vec<_>>();
    assert!(!tiled.is_empty(), "the straggler was cut");
    for sql in tiled {
        assert!(sql.contains("TABLESAMPLE"), "{sql}");
    }
}
