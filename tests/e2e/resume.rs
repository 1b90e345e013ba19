//! What breaks on the way and is taken up again, within a run and by the next one.

use std::process::Child;
use std::time::{Duration, Instant};

use standin::fault::FaultSpec;

use crate::load;
use crate::stopping::send;
use crate::support::cluster::Options;
use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
use crate::support::source::Source;

/// A run's report is right only if the rows are.
fn run_with_fault(fault: &str) -> serde_json::Value {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let target = Postgres::shared().database();
    // More attempts than faults, all of which may fall on one partition.
    let patient = load::TRANSFER.replace("attempts: 5", "attempts: 20");
    let job = Job::new(&database, &target.target(), &patient);
    let faults = source.expect_stand_in().handle.faults();
    faults.add(fault.parse::<FaultSpec>().expect("a fault"));
    let report = job.report(&[], 0);
    assert!(faults.fired() > 0, "the fault happened: {fault}");
    load::check(&target);
    report
}

fn retries(report: &serde_json::Value) -> u64 {
    report["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .filter_map(|table| table["retries"].as_u64())
        .sum()
}

#[test]
fn a_source_that_is_cut_at_random_bytes_is_read_on_from_the_last_committed_key() {
    for seed in 0..4 {
        let report = run_with_fault(&format!(
            "drop:bytes=2000..400000,times=12,seed={seed},match=dbo].[Wide"
        ));
        assert!(retries(&report) > 0);
    }
}

#[test]
fn a_cut_inside_a_row_leaves_no_half_row() {
    assert!(
        retries(&run_with_fault(
            "cut-row:rows=1..900,times=9,seed=7,match=ORDER BY"
        )) > 0
    );
}

#[test]
fn a_deadlock_victim_is_read_again() {
    assert!(
        retries(&run_with_fault(
            "deadlock:rows=500,times=3,match=FROM [dbo].[Narrow]"
        )) > 0
    );
}

#[test]
fn a_heap_that_was_cut_begins_again_as_a_whole() {
    assert!(
        retries(&run_with_fault(
            "drop:rows=9000,times=2,match=FROM [dbo].[Heap]"
        )) > 0
    );
}

#[test]
fn a_permanent_error_fails_its_table_and_no_other() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), load::TRANSFER);
    let faults = source.expect_stand_in().handle.faults();
    // 208 is "invalid object name", which no retry heals.
    faults.add(
        "error:rows=3000,number=208,times=forever,match=FROM [dbo].[Pair]"
            .parse()
            .expect("a fault"),
    );
    let report = job.report(&[], 1);
    let outcome = |name: &str| {
        let tables = report["tables"].as_array().expect("tables");
        tables
            .iter()
            .find(|table| table["table"] == name)
            .expect("the table")["outcome"]
            .clone()
    };
    assert_eq!(outcome("dbo.Pair"), "failed");
    for done in ["dbo.Narrow", "dbo.Wide", "dbo.Heap"] {
        assert_eq!(outcome(done), "done");
    }
    faults.clear();
    // Only the failed table is taken up, by name, from where it was.
    let report = job.report(&["--table", "dbo.Pair"], 0);
    assert_eq!(
        report["tables"]
            .as_array()
            .expect("tables")
            .iter()
            .filter(|table| table["outcome"] == "done")
            .count(),
        1
    );
    load::check(&target);
}

#[test]
fn garbage_in_the_stream_is_never_taken_for_rows() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), load::TRANSFER);
    let faults = source.expect_stand_in().handle.faults();
    faults.add(
        "garbage:rows=700,times=forever,match=FROM [dbo].[Narrow]"
            .parse()
            .expect("a fault"),
    );
    job.report(&[], 1);
    let most = format!(
        "SELECT count(*) <= {} AND count(*) = count(DISTINCT v) FROM public.narrow",
        load::ROWS
    );
    assert_eq!(target.value(&most), "t");
    faults.clear();
    job.report(&[], 0);
    load::check(&target);
}

#[test]
fn a_target_that_restarts_is_waited_for() {
    let postgres = Postgres::start(Options { tls: false });
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let target = postgres.database();
    let slow = load::TRANSFER
        .replace("max_backoff: 100ms", "max_backoff: 2s")
        .replace("attempts: 5", "attempts: 10");
    let job = Job::new(&database, &target.target(), &slow);
    let faults = source.expect_stand_in().handle.faults();
    faults.add(
        "stall:rows=2000,for=3s,times=4,match=FROM [dbo]"
            .parse()
            .expect("a fault"),
    );
    let child = job.spawn(&[]);
    wait_for_rows(&target);
    postgres.cluster().restart(true);
    assert_eq!(code(child), Some(0));
    load::check(&target);
}

#[test]
fn a_signal_stops_within_ten_seconds_and_the_next_run_continues() {
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let source = Source::stand_in();
        let database = source.database(&load::script());
        let target = Postgres::shared().database();
        let job = Job::new(&database, &target.target(), load::TRANSFER);
        let faults = source.expect_stand_in().handle.faults();
        faults.add(
            "stall:rows=2500,for=60s,times=4,match=FROM [dbo]"
                .parse()
                .expect("a fault"),
        );
        let child = job.spawn(&[]);
        wait_for_rows(&target);
        send(&child, signal);
        let asked = Instant::now();
        assert_eq!(code(child), Some(expected));
        assert!(
            asked.elapsed() < Duration::from_secs(10),
            "took {:?}",
            asked.elapsed()
        );
        faults.clear();
        source.expect_stand_in().handle.drop_connections();
        job.report(&[], 0);
        load::check(&target);
    }
}

#[test]
fn a_second_process_says_who_holds_the_job_and_leaves() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), load::TRANSFER);
    let faults = source.expect_stand_in().handle.faults();
    faults.add(
        "stall:rows=2500,for=6s,times=2,match=FROM [dbo]"
            .parse()
            .expect("a fault"),
    );
    let first = job.spawn(&[]);
    wait_for_rows(&target);
    let pid = first.id();
    let second = job.run(&[]);
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(
        second.stderr.contains(&format!("process {pid} on host")),
        "{}",
        second.stderr
    );
    assert_eq!(code(first), Some(0));
    load::check(&target);
}

#[test]
fn a_finished_job_is_not_done_twice_and_restart_begins_anew() {
    let source = Source::shared();
    let database = source.database(&load::script());
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), load::TRANSFER);
    job.report(&[], 0);
    job.report(&[], 0);
    load::check(&target);
    job.report(&["--restart"], 0);
    load::check(&target);
}

#[test]
fn a_checkpoint_is_refused_when_the_table_changed() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), load::TRANSFER);
    let faults = source.expect_stand_in().handle.faults();
    faults.add(
        "error:rows=3000,number=208,times=forever,match=FROM [dbo].[Narrow]"
            .parse()
            .expect("a fault"),
    );
    job.report(&[], 1);
    faults.clear();
    database.script("ALTER TABLE dbo.Narrow ADD Extra int NULL;");
    let answer = job.run(&[]);
    assert_eq!(answer.code, Some(1));
    assert!(
        answer.stderr.contains("dbo.Narrow") && answer.stderr.contains("--restart"),
        "{}",
        answer.stderr
    );
}

/// Waits until a partition has committed rows.
pub(crate) fn wait_for_rows(target: &Database<'_>) {
    let committed = "SELECT CASE WHEN to_regclass('_migrate.partitions') IS NULL THEN 'f' ELSE \
        (xpath('/row/c/text()', query_to_xml('SELECT coalesce(sum(rows), 0) > 0 AS c FROM _migrate.partitions', false, true, '')))[1]::text END";
    let started = Instant::now();
    while target.value(committed) != "true" {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "no row was committed"
        );
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn code(child: Child) -> Option<i32> {
    let output = child.wait_with_output().expect("the tool ends");
    if output.status.code() != Some(0) {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.code()
}
