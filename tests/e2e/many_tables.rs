//! Databases of many small tables: what the target is asked for each of them.

use std::fmt::Write;

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::proxy::Proxy;
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// Round trips to the target for each table with two indexes, a check and a foreign key, beside those that do
/// not depend on the number of tables. Thirteen are for its rows: claim, COPY, checkpoint and count. It was
/// 165, and 183 in mode replace, when each table and each object had a transaction of its own.
const FOR_A_TABLE: f64 = 20.0;

/// Tables of the small database and of the large one.
const TABLES: [u32; 2] = [40, 140];

fn script(tables: u32) -> String {
    let mut script = String::new();
    for table in 0..tables {
        writeln!(
            script,
            "CREATE TABLE dbo.T{table} (Id int NOT NULL IDENTITY CONSTRAINT PK_T{table} PRIMARY KEY, \
             Name nvarchar(50) NOT NULL, Amount int NOT NULL CONSTRAINT CK_T{table} CHECK (Amount > 0), Other int NULL);\n\
             INSERT INTO dbo.T{table} (Name, Amount) VALUES (N'one', 1), (N'two', 2);\n\
             CREATE INDEX IX_T{table}_Name ON dbo.T{table} (Name);\n\
             CREATE UNIQUE INDEX IX_T{table}_Amount ON dbo.T{table} (Amount);\n\
             ALTER TABLE dbo.T{table} ADD CONSTRAINT FK_T{table} FOREIGN KEY (Other) REFERENCES dbo.T{} (Id);",
            table / 2
        )
        .expect("a string takes it");
    }
    script
}

/// Loads a database of that number of tables, and returns the round trips.
fn round_trips(tables: u32, transfer: &str, runs: u32) -> u64 {
    let source = Source::stand_in();
    let database = source.database(&script(tables));
    let target = Postgres::shared().database();
    let mut through = target.target();
    let proxy = Proxy::start(([127, 0, 0, 1], through.port).into());
    through.port = proxy.port();
    let job = Job::new(&database, &through, transfer);
    let mut before = 0;
    for run in 0..runs {
        before = proxy.round_trips();
        let arguments: &[&str] = if run == 0 { &[] } else { &["--restart"] };
        job.ends(arguments, 0);
    }
    let made = "SELECT count(*) FILTER (WHERE contype = 'p') || ' ' || count(*) FILTER (WHERE contype = 'f' \
                AND convalidated) || ' ' || count(*) FILTER (WHERE contype = 'c' AND convalidated) || ' ' || \
                (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
                WHERE c.relnamespace = 'public'::regnamespace) \
                FROM pg_constraint WHERE connamespace = 'public'::regnamespace";
    let expected = format!("{tables} {tables} {tables} {}", 3 * tables);
    assert_eq!(target.value(made), expected);
    proxy.round_trips() - before
}

/// What each table costs, without what a run costs anyway.
fn for_a_table(transfer: &str, runs: u32) -> f64 {
    let [few, many] = TABLES.map(|tables| round_trips(tables, transfer, runs));
    let more = TABLES[1] - TABLES[0];
    many.saturating_sub(few) as f64 / f64::from(more)
}

#[test]
fn a_small_table_costs_few_round_trips() {
    let each = for_a_table("", 1);
    assert!(each < FOR_A_TABLE, "{each} round trips for a table");
}

#[test]
fn a_small_table_that_is_replaced_costs_few_round_trips() {
    let each = for_a_table("transfer: { mode: replace }", 2);
    assert!(each < FOR_A_TABLE, "{each} round trips for a table");
}

/// The name of one table's index is taken, and one foreign key compares text as only the source does. The
/// tables beside them have all of theirs, though they are finished together.
#[test]
fn an_odd_object_among_many_tables_costs_the_others_nothing() {
    let scenario = Scenario::on_stand_in(&format!(
        "{}\n\
         CREATE TABLE dbo.Codes (Code nvarchar(10) NOT NULL CONSTRAINT PK_Codes PRIMARY KEY);\n\
         CREATE TABLE dbo.Uses (Code nvarchar(10) NOT NULL CONSTRAINT PK_Uses PRIMARY KEY \
         CONSTRAINT FK_Uses REFERENCES dbo.Codes (Code));\n\
         INSERT INTO dbo.Codes VALUES (N'one');\nINSERT INTO dbo.Uses VALUES (N'ONE');",
        script(40)
    ));
    scenario.sql("CREATE SEQUENCE public.ix_t3_name");
    let answer = scenario.job("").ends(&[], 1);
    answer.says(&[
        "\"ix_t3_name\" is there already and is not the index",
        "foreign key FK_Uses of the source: rows refer to rows of dbo.Codes that are not there",
    ]);
    let states = "SELECT string_agg(DISTINCT state, ',') FROM _migrate.tables";
    assert_eq!(scenario.value(states), "done");
    let indexes = "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
                   WHERE c.relnamespace = 'public'::regnamespace";
    assert_eq!(scenario.value(indexes), (3 * 40 - 1 + 2).to_string());
    let keys = "SELECT count(*) FILTER (WHERE convalidated) || ' of ' || count(*) FROM pg_constraint \
                WHERE contype = 'f' AND connamespace = 'public'::regnamespace";
    assert_eq!(scenario.value(keys), "40 of 41");
}
