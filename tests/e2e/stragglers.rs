//! A partition that is still long when workers fall idle is cut, and every row comes once.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::load;
use crate::support::cluster::Options;
use crate::support::job::{Job, table};
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// Tables that are planned as one partition each, with room for three more.
const ONE_EACH: &str = "transfer: { max_partitions_per_table: 4, commit_every: 32KiB, \
     retry: { attempts: 5, initial_backoff: 10ms, max_backoff: 100ms } }";

/// A reader that is slow for a while, as behind a cold disk: before its first batch, and for longer
/// than a partition without a row is taken to be about to begin.
fn slow(source: &Source, table: &str) {
    let fault = format!("stall:rows=2500,for=5s,times=1,match=FROM [dbo].[{table}]");
    let faults = source.expect_stand_in().handle.faults();
    faults.add(fault.parse().expect("a fault"));
}

/// Asks again and again until the target gives this value.
fn wait_for(target: &Database<'_>, sql: &str, value: &str) {
    let began = Instant::now();
    loop {
        let now = target.value(sql);
        if now == value {
            return;
        }
        let late = began.elapsed() > Duration::from_secs(60);
        assert!(!late, "{sql} gives {now}, not {value}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_slow_partition_is_cut_and_the_others_help() {
    for name in ["Narrow", "Wide", "Pair"] {
        let scenario = Scenario::on_stand_in(&load::script());
        let more = format!("verify: checksums\n{ONE_EACH}");
        let job = scenario.job(&more);
        slow(scenario.server(), name);
        let report = job.report(&[], 0);
        load::check(&scenario.target);
        let cut = table(&report, &format!("dbo.{name}"));
        assert!(cut["splits"].as_u64() > Some(0), "{cut}");
        assert!(cut["partitions"].as_u64() > Some(1), "{cut}");
        assert_eq!(cut["retries"], 0, "a cut is no fault: {cut}");
        // What each partition recorded while it was loaded is the sum of its own rows only.
        for compared in report["verification"]["tables"].as_array().expect("tables") {
            assert_eq!(compared["checksums"]["source_taken"], "loading");
        }
        let odd = "SELECT count(*) FROM _migrate.partitions WHERE state <> 'done'";
        assert_eq!(scenario.value(odd), "0");
    }
}

/// Keys that cannot be cut by arithmetic, in an order that only the server knows.
#[test]
fn text_guid_and_descending_keys_are_cut_where_the_source_says() {
    let source = Source::stand_in();
    let mut script = load::script();
    script.push_str(
        "CREATE TABLE dbo.Words (W varchar(40) COLLATE Latin1_General_CI_AS NOT NULL PRIMARY KEY, V int NULL);\n\
         INSERT INTO dbo.Words SELECT CASE WHEN V % 2 = 0 THEN 'a' ELSE 'B' END + '-' + CAST(V AS varchar(10)), V FROM dbo.Narrow;\n\
         CREATE TABLE dbo.Down (Id bigint NOT NULL, V int NULL, CONSTRAINT PK_Down PRIMARY KEY CLUSTERED (Id DESC));\n\
         INSERT INTO dbo.Down SELECT CAST(Id AS bigint) * 1000000007, V FROM dbo.Narrow;\n\
         CREATE TABLE dbo.Guids (G uniqueidentifier NOT NULL PRIMARY KEY, V int NULL);\n\
         INSERT INTO dbo.Guids SELECT CAST(CAST(V AS binary(4)) + CAST(V * 7 AS binary(4)) + CAST(V * 31 AS binary(4)) + CAST(V AS binary(4)) AS uniqueidentifier), V FROM dbo.Narrow;\n",
    );
    let database = source.database(&script);
    for name in ["Words", "Down", "Guids"] {
        let target = Postgres::shared().database();
        let more = format!("tables: {{ include: ['dbo.{name}'] }}\n{ONE_EACH}");
        let job = Job::new(&database, &target.target(), &more);
        slow(&source, name);
        let report = job.report(&[], 0);
        let cut = table(&report, &format!("dbo.{name}"));
        assert!(cut["splits"].as_u64() > Some(0), "{cut}");
        let sql = format!(
            "SELECT count(*), count(DISTINCT v), sum(v) FROM public.{}",
            name.to_lowercase()
        );
        let sum = load::ROWS * (load::ROWS - 1) / 2;
        let expected = [
            load::ROWS.to_string(),
            load::ROWS.to_string(),
            sum.to_string(),
        ];
        assert_eq!(target.sql(&sql)[0], expected.map(Some), "{name}");
    }
}

/// The recorded cuts were right for the rows of then; most rows came behind the last of them since.
#[test]
fn a_table_that_grew_behind_its_last_cut_is_cut_again() {
    let scenario = Scenario::on_stand_in(&load::script());
    let more = ONE_EACH.replace("transfer: {", "transfer: { partition_min_rows: 4096,");
    let more = format!("tables: {{ include: ['dbo.Narrow'] }}\n{more}");
    let job = scenario.job(&more);
    let broken = "error:rows=100,number=208,times=forever,match=FROM [dbo].[Narrow]";
    scenario.fault(broken);
    job.report(&[], 1);
    scenario.clear_faults();
    let mut grow = String::new();
    for step in 1..10 {
        let by = step * load::ROWS;
        grow.push_str(&format!(
            "INSERT INTO dbo.Narrow SELECT Id + {by}, V + {by} FROM dbo.Narrow WHERE Id < {};\n",
            load::ROWS
        ));
    }
    scenario.script(&grow);
    // Only the last partition has so many rows.
    let slow = "stall:rows=9000,for=5s,times=forever,match=ORDER BY";
    scenario.fault(slow);
    let report = job.report(&[], 0);
    let cut = table(&report, "dbo.Narrow");
    assert!(cut["splits"].as_u64() > Some(0), "{cut}");
    let rows = (load::ROWS * 10).to_string();
    let sql = "SELECT count(*), count(DISTINCT id) FROM public.narrow";
    assert_eq!(scenario.sql(sql)[0], [Some(rows.clone()), Some(rows)]);
}

/// Text has no distance, so an index is read for the cuts, which may take minutes.
#[test]
fn a_table_whose_cuts_take_long_holds_up_no_other() {
    let mut script = load::script();
    script.push_str(
        "CREATE TABLE dbo.Words (W varchar(40) COLLATE Latin1_General_CI_AS NOT NULL PRIMARY KEY, V int NULL);\n\
         INSERT INTO dbo.Words SELECT 'w' + CAST(V AS varchar(10)), V FROM dbo.Narrow;\n\
         CREATE TABLE dbo.Others (W varchar(40) COLLATE Latin1_General_CI_AS NOT NULL PRIMARY KEY, V int NULL);\n\
         INSERT INTO dbo.Others SELECT W, V FROM dbo.Words;\n\
         UPDATE STATISTICS dbo.Words WITH ROWCOUNT = 2000000;\n\
         UPDATE STATISTICS dbo.Others WITH ROWCOUNT = 2000000;\n",
    );
    let scenario = Scenario::on_stand_in(&script);
    let more = ONE_EACH.replace("transfer: {", "transfer: { partition_min_rows: 4096,");
    let more = format!("tables: {{ include: ['dbo.Narrow', 'dbo.Words', 'dbo.Others'] }}\n{more}");
    let job = scenario.job(&more);
    // A server without samples, whose statistics tell of tables that are not small.
    let refused = "error:number=102,times=forever,match=TABLESAMPLE";
    scenario.fault(refused);
    scenario.fault("stall:for=10s,times=1,match=NTILE");
    let child = job.spawn(&["--output", "json"]);
    let made = "SELECT to_regclass('_migrate.tables') IS NOT NULL";
    wait_for(&scenario.target, made, "t");
    // Its own index was read, and it does not wait for the one that is still being read.
    let done = "SELECT count(*) FROM _migrate.tables WHERE state = 'done'";
    wait_for(&scenario.target, done, "2");
    let known = "SELECT count(*) FROM _migrate.tables";
    assert_eq!(
        scenario.value(known),
        "2",
        "the cuts of one are still looked for"
    );
    let output = child.wait_with_output().expect("the tool ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    for name in ["dbo.Narrow", "dbo.Words", "dbo.Others"] {
        assert_eq!(table(&report, name)["rows"], load::ROWS, "{name}");
        assert_eq!(table(&report, name)["partitions"], 4, "{name}");
    }
    let counted = report["verification"]["tables"].as_array().expect("tables");
    for table in counted {
        assert_eq!(
            (&table["source_rows"], &table["target_rows"]),
            (&load::ROWS.into(), &load::ROWS.into())
        );
    }
    assert_eq!(counted.len(), 3);
}

#[test]
fn nothing_is_cut_where_the_job_or_the_table_says_so() {
    for more in [
        ONE_EACH.replace("transfer: {", "transfer: { split_stragglers: false,"),
        ONE_EACH.replace("max_partitions_per_table: 4", "max_partitions_per_table: 1"),
        format!("tables: {{ overrides: {{ dbo.Narrow: {{ partitions: 1 }} }} }}\n{ONE_EACH}"),
    ] {
        let scenario = Scenario::on_stand_in(&load::script());
        slow(scenario.server(), "Narrow");
        let report = scenario.job(&more).report(&[], 0);
        let whole = table(&report, "dbo.Narrow");
        assert_eq!(
            (&whole["splits"], &whole["partitions"]),
            (&0.into(), &1.into())
        );
        load::check(&scenario.target);
    }
}

/// The target goes away while cuts are recorded: the connection ends before the answer comes.
#[test]
fn a_cut_whose_answer_is_lost_is_made_once_or_not_at_all() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(ONE_EACH);
    slow(scenario.server(), "Narrow");
    // The first attempt to add partitions finds its session ended.
    scenario.sql("CREATE SCHEMA probe; CREATE SEQUENCE probe.tries");
    let child = job.spawn(&["--output", "json"]);
    let installed = "SELECT to_regclass('_migrate.partitions') IS NOT NULL";
    wait_for(&scenario.target, installed, "t");
    scenario.sql(
        "CREATE FUNCTION probe.cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.partition > 1 AND nextval('probe.tries') = 1 THEN \
         PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$; \
         CREATE TRIGGER cut BEFORE INSERT ON _migrate.partitions \
         FOR EACH ROW EXECUTE FUNCTION probe.cut()",
    );
    let output = child.wait_with_output().expect("the tool ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    // `last_value` of a sequence that was never asked is 1, too.
    let cut = "SELECT is_called FROM probe.tries";
    assert_eq!(scenario.value(cut), "t", "a session ended in a cut");
    load::check(&scenario.target);
}

/// A server whose commits wait for a standby that there is not, where their transaction asks for it
/// as [`WAIT`] does. Ending such a session leaves the commit and takes its answer.
fn without_standby() -> Postgres {
    let server = Postgres::start(Options { tls: false });
    server.sql("ALTER SYSTEM SET synchronous_commit = local");
    server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    server.sql("SELECT pg_reload_conf()");
    server
}

/// A trigger's function: the first transaction that calls it waits when it commits.
const WAIT: &str = "CREATE SCHEMA probe; CREATE SEQUENCE probe.calls; \
     CREATE FUNCTION probe.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     IF nextval('probe.calls') = 1 THEN \
     PERFORM set_config('synchronous_commit', 'on', true); END IF; RETURN NEW; END $$;";

/// Makes the record of the job by a run that fails at Narrow.
fn record(job: &Job, source: &Source) {
    let faults = source.expect_stand_in().handle.faults();
    let broken = "error:rows=100,number=208,times=forever,match=FROM [dbo].[Narrow]";
    faults.add(broken.parse().expect("a fault"));
    job.report(&[], 1);
    faults.clear();
}

/// Runs the job, and ends the session whose commit waits.
fn lose_the_answer(job: &Job, target: &Database<'_>) -> Value {
    let child = job.spawn(&["--output", "json"]);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event = 'SyncRep'";
    wait_for(target, end, "1");
    let output = child.wait_with_output().expect("the tool ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).expect("a report")
}

#[test]
fn a_cut_that_was_made_and_whose_answer_is_lost_is_taken_up() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let server = without_standby();
    let target = server.database();
    let job = Job::new(&database, &target.target(), ONE_EACH);
    record(&job, &source);
    target.sql(&format!(
        "{WAIT} CREATE TRIGGER cut BEFORE INSERT ON _migrate.partitions FOR EACH ROW \
         WHEN (NEW.partition > 1) EXECUTE FUNCTION probe.wait()"
    ));
    slow(&source, "Narrow");
    let report = lose_the_answer(&job, &target);
    let cut = table(&report, "dbo.Narrow");
    // Nobody was told of the cut: that it was made is read from the record.
    assert_eq!(cut["splits"], 0, "{cut}");
    assert!(cut["partitions"].as_u64() > Some(1), "{cut}");
    assert!(cut["retries"].as_u64() > Some(0), "{cut}");
    assert_eq!(cut["rows"], load::ROWS, "{cut}");
    load::check(&target);
}

#[test]
fn a_partition_whose_last_answer_is_lost_is_not_loaded_again() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let server = without_standby();
    let target = server.database();
    // Only such a commit leaves it to the server what it waits for.
    let more = ONE_EACH.replace("transfer: {", "transfer: { synchronous_commit: true,");
    // Rows go with it.
    let more = more.replace("commit_every: 32KiB", "commit_every: 64MiB");
    let job = Job::new(&database, &target.target(), &more);
    record(&job, &source);
    target.sql(&format!(
        "{WAIT} CREATE TRIGGER last BEFORE UPDATE ON _migrate.partitions FOR EACH ROW \
         WHEN (NEW.state = 'done' AND NEW.source_table = 'Narrow') EXECUTE FUNCTION probe.wait()"
    ));
    let report = lose_the_answer(&job, &target);
    let whole = table(&report, "dbo.Narrow");
    assert_eq!(whole["partitions"], 1, "{whole}");
    assert!(whole["retries"].as_u64() > Some(0), "{whole}");
    assert_eq!(whole["rows"], load::ROWS, "{whole}");
    let ended = "SELECT last_value FROM probe.calls WHERE is_called";
    assert_eq!(target.value(ended), "1", "it ended once");
    load::check(&target);
}

/// Kill -9 in the second in which partitions are cut; the same command ends with every row once.
#[test]
fn a_run_that_was_killed_around_a_cut_is_continued() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let mut between = 0;
    for point in 0..12 {
        let target = Postgres::shared().database();
        let job = Job::new(&database, &target.target(), ONE_EACH);
        slow(&source, "Narrow");
        slow(&source, "Pair");
        // What is cut is held up again, so that there is a time between the cut and its end.
        let again = "stall:rows=50,for=300ms,times=20,match=FROM [dbo].[Narrow]";
        let faults = source.expect_stand_in().handle.faults();
        faults.add(again.parse().expect("a fault"));
        let mut child = job.spawn(&[]);
        crate::resume::wait_for_rows(&target);
        let cut = "SELECT count(*) FROM (SELECT FROM _migrate.partitions \
             GROUP BY source_table HAVING count(*) > 1 AND bool_or(state <> 'done')) AS t";
        if point % 2 == 0 {
            // Partitions without a row are judged after two seconds, and looked for every quarter of one.
            std::thread::sleep(Duration::from_millis(1500 + 100 * point));
        } else {
            // Behind a cut, however fast the machine is.
            let started = Instant::now();
            while target.value(cut) == "0" && started.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(8 * point));
        }
        child.kill().expect("kill -9");
        child.wait().expect("the killed process is gone");
        between += u32::from(target.value(cut) != "0");
        source.expect_stand_in().handle.faults().clear();
        source.expect_stand_in().handle.drop_connections();
        job.report(&[], 0);
        load::check(&target);
    }
    assert!(between > 0, "some kill hit a run between a cut and its end");
}

#[test]
fn a_table_at_a_time_is_finished_and_vacuumed_where_the_job_says_so() {
    let scenario = Scenario::loaded(&load::script());
    let more = ONE_EACH.replace("transfer: {", "transfer: { vacuum: true,");
    let job = scenario.job(&more);
    let finishing = "sslmode: disable\n  finish_connections: 1\n  maintenance_work_mem: 64MiB\n  \
         parallel_maintenance_workers: 0";
    job.changed("sslmode: disable", finishing).report(&[], 0);
    load::check(&scenario.target);
    let invisible = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relkind = 'r' AND relallvisible < relpages";
    assert_eq!(scenario.value(invisible), "0");
}

#[test]
fn the_report_says_how_many_partitions_were_in_flight() {
    let source = Source::shared();
    let database = source.database(&load::script());
    let fixed = ONE_EACH.replace("transfer: {", "transfer: { partitions_in_flight: 1,");
    let cores = std::thread::available_parallelism().map_or(4, usize::from);
    for (more, pinned, first) in [
        (ONE_EACH, false, cores.clamp(2, 4)),
        (fixed.as_str(), true, 1),
    ] {
        let target = Postgres::shared().database();
        let report = Job::new(&database, &target.target(), more).report(&[], 0);
        load::check(&target);
        let flight = &report["in_flight"];
        assert_eq!(flight["pinned"], pinned, "{flight}");
        assert_eq!(
            (&flight["cap"], &flight["first"]),
            (&4.into(), &first.into())
        );
    }
}
