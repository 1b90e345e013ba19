//! Reading large tables as the server wants to be read: seeks, no sorts, every kind of table.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::job::{Job, table};
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::{Source, SourceDatabase};

/// Rows of each table; `V` counts them from 0.
const ROWS: i64 = 4_096;

const EIGHT: &str = "transfer: { partition_min_rows: 500, max_partitions_per_table: 8, commit_every: 4KiB, \
     retry: { attempts: 20, initial_backoff: 10ms, max_backoff: 50ms } }";

/// `dbo.Seq (V)` with the numbers from 0, for tables to be filled from.
fn numbers() -> String {
    let mut script =
        String::from("CREATE TABLE dbo.Seq (V int NOT NULL);\nINSERT INTO dbo.Seq VALUES (0);\n");
    for power in 0..12 {
        let step = 1 << power;
        script.push_str(&format!(
            "INSERT INTO dbo.Seq SELECT V + {step} FROM dbo.Seq;\n"
        ));
    }
    script
}

/// Every row is there, and there once.
fn check(target: &Database<'_>, table: &str) {
    let sql = format!("SELECT count(*), count(DISTINCT v), sum(v) FROM public.{table}");
    let sum = ROWS * (ROWS - 1) / 2;
    let expected = [ROWS.to_string(), ROWS.to_string(), sum.to_string()].map(Some);
    assert_eq!(target.sql(&sql)[0], expected, "{table}");
}

/// Runs the job and gives the report with the statements that read rows of the table, which only the
/// stand-in tells.
fn run(source: &Source, job: &Job, table: &str) -> (Value, Option<Vec<String>>) {
    let counters = source.stand_in.as_ref().map(|it| it.handle.counters());
    if let Some(counters) = counters {
        counters.log_statements(true);
    }
    let report = job.report(&[], 0);
    let from = format!("FROM [dbo].[{table}]");
    let reads_rows = |statement: &String| {
        let asks = ["COUNT", "TOP (", "TABLESAMPLE", "NTILE", "MIN("];
        statement.contains(&from) && !asks.iter().any(|word| statement.contains(word))
    };
    let reads = counters.map(|counters| counters.statements().into_iter().filter(reads_rows));
    (report, reads.map(Iterator::collect))
}

/// Gives the stand-in a fault in place of those it had. Other servers have none of their own accord.
fn break_reads(source: &Source, fault: &str) {
    if let Some(stand_in) = &source.stand_in {
        stand_in.handle.faults().clear();
        let fault = fault.parse().expect("a fault");
        stand_in.handle.faults().add(fault);
    }
}

/// The fault happened, if the server has one.
fn assert_retried(source: &Source, row: &Value) {
    let retried = row["retries"].as_u64() > Some(0);
    assert!(retried || source.stand_in.is_none(), "{row}");
}

/// The first conjuncts are equalities on the key's first columns, then a range of the next, and no
/// conjunct is about a later column.
fn assert_seeks(statement: &str, key: &[&str]) {
    assert!(!statement.contains(" OR "), "{statement}");
    let Some((_, predicates)) = statement.split_once(" WHERE ") else {
        return;
    };
    let predicates = predicates.split(" ORDER BY ").next().expect("a part");
    let mut pinned = 0;
    for predicate in predicates.split(" AND ") {
        let name = key
            .iter()
            .position(|name| predicate.starts_with(&format!("[{name}] ")));
        let name = name.expect("a key column");
        assert_eq!(name, pinned, "{statement}");
        pinned += usize::from(predicate.contains(" = "));
    }
}

/// Babelfish has no clustered indexes, so there several readers of a table must be asked for.
fn key_job(database: &SourceDatabase, target: &Database<'_>, name: &str) -> Job {
    let asked = format!("tables: {{ overrides: {{ dbo.{name}: {{ partitions: 8 }} }} }}");
    let more = if database.server.is_babelfish() {
        format!("{EIGHT}\n{asked}")
    } else {
        EIGHT.to_owned()
    };
    Job::new(database, &target.target(), &more)
}

/// F3. One tenant, few tenants, three columns, and columns that descend: no statement, of a beginning
/// or a resume, has a condition on a column whose predecessors are not fixed, which the server would
/// check row by row from the tenant's start.
#[test]
fn ranges_of_a_composite_key_are_seeks_and_so_is_each_resume() {
    let script = numbers()
        + "CREATE TABLE dbo.OneTenant (T int NOT NULL, Id int NOT NULL, V int NOT NULL, Pad char(2000) NOT NULL, CONSTRAINT PK_One PRIMARY KEY CLUSTERED (T, Id));\n\
           INSERT INTO dbo.OneTenant SELECT 1, V, V, 'x' FROM dbo.Seq;\n\
           CREATE TABLE dbo.FewTenants (T int NOT NULL, Id int NOT NULL, V int NOT NULL, Pad char(2000) NOT NULL, CONSTRAINT PK_Few PRIMARY KEY CLUSTERED (T DESC, Id));\n\
           INSERT INTO dbo.FewTenants SELECT V % 3, V, V, 'x' FROM dbo.Seq;\n\
           CREATE TABLE dbo.Three (A int NOT NULL, B int NOT NULL, C int NOT NULL, V int NOT NULL, Pad char(2000) NOT NULL, CONSTRAINT PK_Three PRIMARY KEY CLUSTERED (A, B DESC, C));\n\
           INSERT INTO dbo.Three SELECT V / 1024, V / 32 % 32, V % 32, V, 'x' FROM dbo.Seq;\n";
    let source = Source::own();
    let database = source.database(&script);
    for (name, key) in [
        ("OneTenant", &["T", "Id"][..]),
        ("FewTenants", &["T", "Id"]),
        ("Three", &["A", "B", "C"]),
    ] {
        let target = Postgres::shared().database();
        let job = key_job(&database, &target, name);
        let fault = format!("cut-row:rows=1..400,times=8,seed=7,match=FROM [dbo].[{name}] WHERE");
        break_reads(&source, &fault);
        let (report, reads) = run(&source, &job, name);
        assert_retried(
            &source,
            table(&report, &source.spelled(&format!("dbo.{name}"))),
        );
        check(&target, &name.to_lowercase());
        let Some(reads) = reads else { continue };
        // A plan of eight partitions has some ten statements, so some resumes begin in the middle of a
        // range.
        assert!(
            reads.iter().collect::<HashSet<_>>().len() > 12,
            "{reads:#?}"
        );
        for statement in &reads {
            assert_seeks(statement, key);
        }
    }
}

/// F3. A tenant that is spelled in two ways is one value under the column's collation, which only the
/// server knows.
#[test]
fn a_composite_key_of_text_loses_nothing_where_its_collation_has_no_case() {
    let script = numbers()
        + "CREATE TABLE dbo.Spelled (T varchar(9) COLLATE Latin1_General_CI_AS NOT NULL, Id int NOT NULL, V int NOT NULL, Pad char(2000) NOT NULL, CONSTRAINT PK_Spelled PRIMARY KEY CLUSTERED (T, Id));\n\
           INSERT INTO dbo.Spelled SELECT CASE WHEN V % 2 = 0 THEN 'north' ELSE 'NORTH' END, V, V, 'x' FROM dbo.Seq WHERE V < 3000;\n\
           INSERT INTO dbo.Spelled SELECT CASE WHEN V % 2 = 0 THEN 'south ' ELSE 'South' END, V, V, 'x' FROM dbo.Seq WHERE V >= 3000;\n";
    let source = Source::own();
    let database = source.database(&script);
    let target = Postgres::shared().database();
    let job = key_job(&database, &target, "Spelled");
    let fault = "cut-row:rows=1..400,times=8,seed=3,match=FROM [dbo].[Spelled] WHERE";
    break_reads(&source, fault);
    let (report, _) = run(&source, &job, "Spelled");
    let row = table(&report, &source.spelled("dbo.Spelled"));
    assert_retried(&source, row);
    assert!(row["partitions"].as_u64() > Some(1), "{row}");
    check(&target, "spelled");
}

/// F5. Ranges of a key that is not clustered would each read the whole table: they are ranges of the
/// clustered index, though it is not unique and has NULLs.
#[test]
fn a_clustered_index_that_is_not_unique_divides_its_table() {
    if Source::shared().differs("takes a clustered index for one that is not") {
        return;
    }
    let make = |name: &str, direction: &str| {
        format!(
            "CREATE TABLE dbo.{name} (Id int NOT NULL CONSTRAINT PK_{name} PRIMARY KEY NONCLUSTERED, At int NULL, V int NOT NULL);\n\
             CREATE CLUSTERED INDEX CX_{name} ON dbo.{name} (At{direction});\n\
             INSERT INTO dbo.{name} SELECT V, NULLIF(V % 10, 0), V FROM dbo.Seq;\n"
        )
    };
    let script = numbers() + &make("Upwards", "") + &make("Downwards", " DESC");
    let source = Source::own();
    let database = source.database(&script);
    for name in ["Upwards", "Downwards"] {
        let target = Postgres::shared().database();
        let job = key_job(&database, &target, name);
        let fault = format!("cut-row:rows=1..300,times=3,seed=5,match=FROM [dbo].[{name}] WHERE");
        break_reads(&source, &fault);
        let (report, reads) = run(&source, &job, name);
        let row = table(&report, &format!("dbo.{name}"));
        let strategy = row["strategy"].as_str().expect("a strategy");
        assert_eq!(strategy, format!("clustered ranges CX_{name} (At)"));
        assert!(row["partitions"].as_u64() > Some(2), "{row}");
        assert_retried(&source, row);
        check(&target, &name.to_lowercase());
        let nulls = format!("SELECT count(*) FROM public.{name} WHERE at IS NULL");
        assert_eq!(target.value(&nulls), (ROWS / 10 + 1).to_string());
        for statement in reads.iter().flatten() {
            assert!(statement.ends_with("OPTION (MAXDOP 1)"), "{statement}");
        }
    }
}

/// F5, F16. Neither the key of a heap nor a hash divides what the server has to read.
#[test]
fn a_heap_is_read_once_unless_the_job_asks_for_more() {
    let script = numbers()
        + "CREATE TABLE dbo.Heap (Id int NOT NULL CONSTRAINT PK_Heap PRIMARY KEY NONCLUSTERED, V int NOT NULL);\n\
           INSERT INTO dbo.Heap SELECT V, V FROM dbo.Seq;\n";
    let source = Source::own();
    let database = source.database(&script);
    let frozen = format!(
        "ALTER DATABASE [{}] SET READ_ONLY WITH ROLLBACK IMMEDIATE",
        database.name
    );
    if !database.runs_if_supported(&frozen) {
        return;
    }
    let target = Postgres::shared().database();
    let job = key_job(&database, &target, "Heap");
    let (report, reads) = run(&source, &job, "Heap");
    assert_eq!(table(&report, "dbo.Heap")["strategy"], "single");
    if let Some(reads) = reads {
        let once = "SELECT [Id], [V] FROM [dbo].[Heap] OPTION (MAXDOP 1)";
        assert_eq!(reads, [once]);
    }
    check(&target, "heap");
    assert_eq!(table(&report, "dbo.Seq")["strategy"], "single");
    let target = Postgres::shared().database();
    let more = format!(
        "{EIGHT}\ntables: {{ overrides: {{ dbo.Heap: {{ partitions: 4 }}, dbo.Seq: {{ partitions: 4 }} }} }}"
    );
    let job = Job::new(&database, &target.target(), &more);
    let (report, reads) = run(&source, &job, "Heap");
    let strategy = &table(&report, "dbo.Heap")["strategy"];
    assert_eq!(strategy, "keyset ranges PK_Heap (Id)");
    assert_eq!(reads.map_or(4, |reads| reads.len()), 4);
    assert_eq!(table(&report, "dbo.Seq")["partitions"], 4);
    check(&target, "heap");
    check(&target, "seq");
}

/// The first row of a statement may be far into the table, so it has a time of its own; a pause
/// between rows is no longer allowed for than before.
#[test]
fn the_first_row_of_a_statement_may_take_longer_than_the_next() {
    let script = numbers()
        + "CREATE TABLE dbo.Late (Id int NOT NULL CONSTRAINT PK_Late PRIMARY KEY CLUSTERED, V int NOT NULL, Pad char(200) NOT NULL);\n\
           INSERT INTO dbo.Late SELECT V, V, 'x' FROM dbo.Seq;\n";
    for (stalled, first_row, retried) in [(0, "30s", false), (0, "1s", true), (3_000, "30s", true)]
    {
        let scenario = Scenario::on_stand_in(&script);
        let pool = format!(
            "{{ max_connections: 4, min_connections: 1 }}\n  read_timeout: 1s\n  first_row_timeout: {first_row}"
        );
        let transfer = "transfer: { split_stragglers: false }";
        let job = Job::with(
            scenario.server(),
            &scenario.source.name,
            &scenario.target.target(),
            &pool,
            transfer,
        );
        let fault = format!("stall:rows={stalled},for=4s,match=FROM [dbo].[Late] ORDER BY");
        scenario.fault(fault);
        let report = job.report(&[], 0);
        assert_eq!(scenario.faults().fired(), 1);
        let row = table(&report, "dbo.Late");
        assert_eq!(
            row["retries"].as_u64() > Some(0),
            retried,
            "{stalled}: {row}"
        );
        check(&scenario.target, "late");
    }
}

/// A table whose primary key begins with another column than the one it is partitioned by.
const PARTITIONED: &str = "CREATE PARTITION FUNCTION Days (int) AS RANGE RIGHT FOR VALUES (1, 2, 3);\nGO\n\
     CREATE PARTITION SCHEME ByDay AS PARTITION Days ALL TO ([PRIMARY]);\nGO\n\
     CREATE TABLE dbo.Log (Id int NOT NULL, Day int NOT NULL, V int NOT NULL, Pad char(2000) NOT NULL, \
     CONSTRAINT PK_Log PRIMARY KEY CLUSTERED (Id, Day)) ON ByDay (Day);\nGO\n\
     INSERT INTO dbo.Log SELECT V, V % 4, V, 'x' FROM dbo.Seq;\n";

/// F4. The order of a partitioned index is that of each partition: ORDER BY across them is a sort of
/// every range, with all columns.
#[test]
fn a_table_on_a_partition_scheme_is_read_by_its_partitions_and_never_sorted() {
    let source = Source::own();
    let script = numbers() + "GO\n" + PARTITIONED;
    let Some(database) = source.database_if_supported(&script) else {
        return;
    };
    let target = Postgres::shared().database();
    let job = key_job(&database, &target, "Log");
    break_reads(
        &source,
        "cut-row:rows=200..900,times=6,seed=9,match=FROM [dbo].[Log] WHERE",
    );
    if let Some(stand_in) = &source.stand_in {
        stand_in.engine.reset_work();
    }
    let (report, reads) = run(&source, &job, "Log");
    let row = table(&report, &source.spelled("dbo.Log"));
    assert!(row["partitions"].as_u64() >= Some(4), "{row}");
    assert_retried(&source, row);
    check(&target, "log");
    let (Some(reads), Some(stand_in)) = (reads, &source.stand_in) else {
        return;
    };
    assert!(!reads.is_empty());
    for statement in &reads {
        assert!(
            statement.contains(" WHERE $PARTITION.[Days]([Day]) = "),
            "{statement}"
        );
        assert!(statement.ends_with(" ORDER BY [Id], [Day]"), "{statement}");
    }
    let work = stand_in.engine.work_by_text().into_iter();
    for (statement, work) in work.filter(|(text, _)| text.contains("[Log]")) {
        assert_eq!((work.sorts, work.spooled_rows), (0, 0), "{statement}");
    }
}

/// The days 0 to 3 are in the partitions 1 to 4 before it, and in 2 to 5 after it.
const SPLIT: &str = "ALTER PARTITION FUNCTION Days() SPLIT RANGE (0)";

/// F4. ALTER PARTITION FUNCTION gives the partitions other numbers: what is read by the old ones may
/// be there twice, or not at all.
#[test]
fn a_partition_function_that_was_altered_meanwhile_fails_the_table() {
    let scenario = Scenario::on_stand_in(&(numbers() + "GO\n" + PARTITIONED));
    // Time for the change between the break and the next try.
    let patient = EIGHT.replace("10ms, max_backoff: 50ms", "3s, max_backoff: 3s");
    assert_ne!(patient, EIGHT);
    let job = scenario.job(&patient);
    scenario.fault("cut-row:rows=300,times=8,match=FROM [dbo].[Log] WHERE");
    let child = job.spawn(&[]);
    let began = Instant::now();
    while scenario.faults().fired() == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing broke");
        std::thread::sleep(Duration::from_millis(20));
    }
    scenario.script(SPLIT);
    let output = child.wait_with_output().expect("the tool ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let words = "partition function Days was altered";
    assert!(said.contains(words), "{said}");
}

/// F4. The same between two runs: the record was made for another table.
#[test]
fn a_partition_function_that_was_altered_before_the_next_run_fails_the_table() {
    let scenario = Scenario::on_stand_in(&(numbers() + "GO\n" + PARTITIONED));
    let job = scenario.job(EIGHT);
    scenario.fault("error:rows=300,number=208,times=forever,match=FROM [dbo].[Log] WHERE");
    job.report(&[], 1);
    scenario.clear_faults();
    scenario.script(SPLIT);
    let answer = job.ends(&[], 1);
    answer.says(&["table dbo.Log", "its checkpoint was made for", "--restart"]);
}

/// F3, F5, F16. What the server touches for the rows it sends: nothing but them, resumes included.
#[test]
fn rows_are_touched_once_whatever_the_key() {
    let script = numbers()
        + "CREATE TABLE dbo.OneTenant (T int NOT NULL, Id int NOT NULL, V int NOT NULL, Pad char(2000) NOT NULL, CONSTRAINT PK_One PRIMARY KEY CLUSTERED (T, Id));\n\
           INSERT INTO dbo.OneTenant SELECT 1, V, V, 'x' FROM dbo.Seq;\n\
           CREATE TABLE dbo.Three (A int NOT NULL, B int NOT NULL, C int NOT NULL, V int NOT NULL, Pad char(2000) NOT NULL, CONSTRAINT PK_Three PRIMARY KEY CLUSTERED (A, B DESC, C));\n\
           INSERT INTO dbo.Three SELECT V / 1024, V / 32 % 32, V % 32, V, 'x' FROM dbo.Seq;\n\
           CREATE TABLE dbo.Dated (Id int NOT NULL CONSTRAINT PK_Dated PRIMARY KEY NONCLUSTERED, At int NULL, V int NOT NULL, Pad char(2000) NOT NULL);\n\
           CREATE CLUSTERED INDEX CX_Dated ON dbo.Dated (At);\n\
           INSERT INTO dbo.Dated SELECT V, NULLIF(V % 100, 0), V, 'x' FROM dbo.Seq;\n\
           CREATE TABLE dbo.Heap (Id int NOT NULL CONSTRAINT PK_Heap PRIMARY KEY NONCLUSTERED, V int NOT NULL, Pad char(2000) NOT NULL);\n\
           INSERT INTO dbo.Heap SELECT V, V, 'x' FROM dbo.Seq;\n";
    let source = Source::stand_in();
    let database = source.database(&script);
    let engine = &source.expect_stand_in().engine;
    for name in ["OneTenant", "Three", "Dated", "Heap"] {
        let target = Postgres::shared().database();
        let job = key_job(&database, &target, name);
        engine.reset_work();
        let (_, reads) = run(&source, &job, name);
        check(&target, &name.to_lowercase());
        let reads = reads.expect("the stand-in tells what was read");
        let reads = reads.into_iter().collect::<HashSet<_>>();
        let all = engine.work_by_text().into_iter();
        let work = all
            .filter(|(text, _)| reads.contains(text))
            .map(|(_, work)| work);
        let work = work.collect::<Vec<_>>();
        let touched = work.iter().map(|work| work.touched()).sum::<u64>();
        assert_eq!(touched, ROWS as u64, "{name}");
        assert_eq!(work.iter().map(|work| work.sorts).sum::<u64>(), 0, "{name}");
    }
}
