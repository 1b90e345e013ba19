//! Signals and lost connections behind the load and before it: what is waited for, cancelled, and
//! said.

use std::sync::Arc;

use std::process::Child;
use std::time::{Duration, Instant};

use crate::load;
use crate::resume::wait_for_rows;
use crate::starting_over::{rows_of, values};
use crate::stopping::{answer, end, hold, send, stall, wait_until, waits_for_a_lock};
use crate::support::job::{Answer, Job};
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::{Source, SourceDatabase};

/// The contract is 10 s from a signal to the end of the process.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Sends SIGINT and expects the end that it must have.
pub fn stops_soon(child: Child) -> Answer {
    let asked = Instant::now();
    send(&child, "-INT");
    let answer = answer(child);
    assert!(asked.elapsed() < STOP_WITHIN, "{:?}", asked.elapsed());
    let said = answer.said();
    assert_eq!(answer.code, Some(130), "{said}");
    answer
}

/// Statements of the tool that go on at the server.
fn nothing_runs(target: &Database<'_>) {
    let running = "SELECT string_agg(query, '; ') FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() \
        AND state = 'active' AND query NOT LIKE '%the holder%'";
    let began = Instant::now();
    // The server may still be at what it does behind a statement that ended.
    while !target.value(running).is_empty() {
        let left = target.value(running);
        assert!(began.elapsed() < Duration::from_secs(1), "{left}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Stops a run that waits for what somebody has locked, and lets go of that afterwards.
fn stops_behind(lock: &str, target: &Database<'_>, job: &Job, arguments: &[&str]) -> Answer {
    let holder = hold(target, &format!("LOCK TABLE {lock} MODE"));
    let waiting = job.spawn(arguments);
    waits_for_a_lock(target);
    let answer = stops_soon(waiting);
    nothing_runs(target);
    end(target, "the holder", holder);
    answer
}

/// With nothing to compare, the visibility maps are all that a run can be stopped at.
#[test]
fn a_stop_while_vacuuming_is_a_stop() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY); INSERT INTO dbo.T VALUES (1);",
    );
    let settings = "transfer: { vacuum: true }\nverify: none";
    let job = scenario.job(settings);
    job.report(&[], 0);
    stops_behind(
        "public.t IN SHARE UPDATE EXCLUSIVE",
        &scenario.target,
        &job,
        &[],
    );
    assert_eq!(
        scenario.value("SELECT outcome FROM _migrate.runs ORDER BY run_id DESC LIMIT 1"),
        "stopped"
    );
    job.report(&[], 0);
}

/// Its foreign key is what the second job makes.
pub fn pair(source: &Arc<Source>) -> SourceDatabase {
    source.database(
        "CREATE TABLE dbo.Other (Id int NOT NULL PRIMARY KEY);\n\
         CREATE TABLE dbo.Parent (Id int NOT NULL PRIMARY KEY);\n\
         CREATE TABLE dbo.Child (Id int NOT NULL PRIMARY KEY, ParentId int NULL \
         CONSTRAINT FK_Child_Parent REFERENCES dbo.Parent (Id));\n\
         INSERT INTO dbo.Parent VALUES (1);\nINSERT INTO dbo.Child VALUES (1, 1);",
    )
}

const KEYS: &str = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'public.child'::regclass";

/// A run that waits for somebody's lock to make a foreign key behind rows that are there.
pub fn makes_a_key(database: &SourceDatabase, target: &Database<'_>) -> (Job, Child, Child) {
    let bare = "job: keys\nschema: { foreign_keys: false }";
    Job::new(database, &target.target(), bare).report(&[], 0);
    let job = Job::new(database, &target.target(), "job: keys");
    let holder = hold(target, "LOCK TABLE public.child IN ROW EXCLUSIVE MODE");
    let making = job.spawn(&[]);
    waits_for_a_lock(target);
    (job, holder, making)
}

/// The statement that is waited for was once let go of at once, and went on with nobody to end it.
#[test]
fn a_stop_while_keys_are_made_leaves_nothing_running() {
    let source = Source::stand_in();
    let database = pair(&source);
    let target = Postgres::shared().database();
    let (job, holder, making) = makes_a_key(&database, &target);
    stops_soon(making);
    nothing_runs(&target);
    end(&target, "the holder", holder);
    assert_eq!(target.value(KEYS), "0");
    job.report(&[], 0);
    assert_eq!(target.value(KEYS), "1");
}

#[test]
fn a_key_that_takes_less_than_the_grace_is_made_before_the_stop() {
    let source = Source::stand_in();
    let database = pair(&source);
    let target = Postgres::shared().database();
    let (job, holder, making) = makes_a_key(&database, &target);
    send(&making, "-INT");
    std::thread::sleep(Duration::from_secs(1));
    end(&target, "the holder", holder);
    assert_eq!(answer(making).code, Some(130));
    assert_eq!(target.value(KEYS), "1");
    nothing_runs(&target);
    job.report(&[], 0);
}

/// Who holds the job is read from its record, which had to wait for a connection of the pool; where
/// none came free in time, the lock that had been taken again was given up.
#[test]
fn a_lock_that_is_taken_again_is_recorded_though_every_connection_is_in_use() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    let job = job.changed(
        "pool: { max_connections: 4 }",
        "pool: { max_connections: 2, acquire_timeout: 1s }",
    );
    stall(scenario.server(), 60);
    let child = job.spawn(&[]);
    wait_for_rows(&scenario.target);
    wait_until(
        &scenario.target,
        "SELECT count(*) = 2 FROM _migrate.partitions WHERE state = 'running'",
    );
    let held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let first = scenario.value(held);
    scenario.sql(&format!("SELECT pg_terminate_backend({first})"));
    let recorded = format!(
        "SELECT count(*) = 1 FROM _migrate.runs WHERE ended_at IS NULL AND lock_pid <> {first} \
         AND lock_pid = ({held})"
    );
    wait_until(&scenario.target, &recorded);
    let second = scenario.value(held);
    // Longer than a connection of the pool is waited for.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(scenario.value(held), second, "the same lock");
    stops_soon(child);
    scenario.faults().clear();
    scenario.stand_in().handle.drop_connections();
    job.report(&[], 0);
    load::check(&scenario.target);
}

fn runs(target: &Database<'_>) -> String {
    target.value("SELECT count(*) || ' runs, ' || count(*) FILTER (WHERE ended_at IS NULL) || ' open' FROM _migrate.runs")
}

/// The wipe waits for whoever reads a table, and a stop must not.
#[test]
fn a_stop_while_the_wipe_waits_leaves_the_job_as_it_was() {
    let scenario = Scenario::on_stand_in(&rows_of("one"));
    let job = scenario.job("job: wiped");
    job.report(&[], 0);
    stops_behind(
        "public.t IN ACCESS SHARE",
        &scenario.target,
        &job,
        &["--restart"],
    );
    assert_eq!(runs(&scenario.target), "1 runs, 0 open");
    let report = job.report(&[], 0);
    assert_eq!(report["tables"][0]["resumed_rows"], 3, "{report:#}");
    assert_eq!(values(&scenario.target), "one");
}

/// A run is registered in a moment, unless somebody holds the state tables.
#[test]
fn a_stop_while_the_run_is_registered_is_heard() {
    let scenario = Scenario::on_stand_in(&rows_of("one"));
    let job = scenario.job("job: registered");
    job.report(&[], 0);
    stops_behind(
        "_migrate.runs IN SHARE ROW EXCLUSIVE",
        &scenario.target,
        &job,
        &[],
    );
    assert_eq!(runs(&scenario.target), "1 runs, 0 open");
    job.report(&[], 0);
}

/// What a report asks the target for is waited for until a stop, and hardly longer.
#[test]
fn a_stop_while_the_target_is_asked_for_the_report_is_heard() {
    let scenario = Scenario::on_stand_in(&rows_of("one"));
    let job = scenario.job("job: asked");
    job.report(&[], 0);
    // Nothing else is asked of a run that rejects no row.
    let said = stops_behind(
        "_migrate.rejects IN ACCESS EXCLUSIVE",
        &scenario.target,
        &job,
        &[],
    )
    .stderr;
    assert!(said.contains("the target could not be asked"), "{said}");
    assert_eq!(runs(&scenario.target), "2 runs, 0 open");
}

/// Counts that a run makes behind its load, of tables that an earlier one has loaded.
#[test]
fn a_stop_while_tables_are_compared_cancels_the_counts() {
    let source = Source::stand_in();
    let database = pair(&source);
    let target = Postgres::shared().database();
    let (job, holder, making) = makes_a_key(&database, &target);
    let other = hold(&target, "LOCK TABLE public.other IN ACCESS EXCLUSIVE MODE");
    wait_until(
        &target,
        "SELECT count(*) = 1 FROM pg_locks WHERE relation = 'public.other'::regclass AND granted \
         AND mode = 'AccessExclusiveLock'",
    );
    end(&target, "public.child IN ROW", holder);
    let stops = |comparing| {
        wait_until(
            &target,
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() \
             AND wait_event_type = 'Lock' AND query LIKE '%count(*)%'",
        );
        let said = stops_soon(comparing).stderr;
        nothing_runs(&target);
        assert!(!said.contains("could not be"), "{said}");
    };
    stops(making);
    assert!(runs(&target).ends_with(" 0 open"), "{}", runs(&target));
    stops(job.spawn(&["verify"]));
    end(&target, "the holder", other);
}

/// Tables are emptied, dropped and made before the load, and each statement may wait for a lock.
#[test]
fn a_stop_while_tables_are_made_ready_leaves_nothing_running() {
    let scenario = Scenario::on_stand_in(&rows_of("one"));
    scenario.sql("CREATE TABLE public.t (id int PRIMARY KEY, v varchar(10))");
    let settings = "job: emptied\ntransfer: { mode: truncate }";
    let job = scenario.job(settings);
    job.report(&[], 0);
    let said = stops_behind("public.t IN ACCESS SHARE", &scenario.target, &job, &[]).stderr;
    assert!(!said.contains("could not be"), "{said}");
    assert_eq!(runs(&scenario.target), "2 runs, 0 open");
    assert_eq!(
        scenario.value("SELECT count(*) FROM _migrate.tables WHERE state = 'failed'"),
        "0"
    );
    job.report(&[], 0);
    assert_eq!(values(&scenario.target), "one");
}
