//! What breaks on the way and is taken up again, within a run and by the next one.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::load;
use crate::stopping::send;
use crate::support::cluster::Options;
use crate::support::job::{Job, table};
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// A run's report is right only if the rows are.
fn run_with_fault(fault: &str) -> serde_json::Value {
    let scenario = Scenario::on_stand_in(&load::script());
    // More attempts than faults, all of which may fall on one partition.
    let patient = load::TRANSFER.replace("attempts: 5", "attempts: 20");
    let job = scenario.job(&patient);
    scenario.fault(fault);
    let report = job.report(&[], 0);
    assert!(scenario.faults().fired() > 0, "the fault happened: {fault}");
    load::check(&scenario.target);
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
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    // 208 is "invalid object name", which no retry heals.
    scenario.fault("error:rows=3000,number=208,times=forever,match=FROM [dbo].[Pair]");
    let report = job.report(&[], 1);
    let outcome = |name: &str| table(&report, name)["outcome"].clone();
    assert_eq!(outcome("dbo.Pair"), "failed");
    for done in ["dbo.Narrow", "dbo.Wide", "dbo.Heap"] {
        assert_eq!(outcome(done), "done");
    }
    scenario.clear_faults();
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
    load::check(&scenario.target);
}

#[test]
fn garbage_in_the_stream_is_never_taken_for_rows() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    scenario.fault("garbage:rows=700,times=forever,match=FROM [dbo].[Narrow]");
    job.report(&[], 1);
    let most = format!(
        "SELECT count(*) <= {} AND count(*) = count(DISTINCT v) FROM public.narrow",
        load::ROWS
    );
    assert_eq!(scenario.value(&most), "t");
    scenario.clear_faults();
    job.report(&[], 0);
    load::check(&scenario.target);
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
        let scenario = Scenario::on_stand_in(&load::script());
        let job = scenario.job(load::TRANSFER);
        scenario.fault("stall:rows=2500,for=60s,times=4,match=FROM [dbo]");
        let child = job.spawn(&[]);
        wait_for_rows(&scenario.target);
        send(&child, signal);
        let asked = Instant::now();
        assert_eq!(code(child), Some(expected));
        assert!(
            asked.elapsed() < Duration::from_secs(10),
            "took {:?}",
            asked.elapsed()
        );
        scenario.clear_faults();
        scenario.stand_in().handle.drop_connections();
        job.report(&[], 0);
        load::check(&scenario.target);
    }
}

#[test]
fn a_second_process_says_who_holds_the_job_and_leaves() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    scenario.fault("stall:rows=2500,for=6s,times=2,match=FROM [dbo]");
    let first = job.spawn(&[]);
    wait_for_rows(&scenario.target);
    let pid = first.id();
    let second = job.ends(&[], 1);
    second.says(&[&format!("process {pid} on host")]);
    assert_eq!(code(first), Some(0));
    load::check(&scenario.target);
}

#[test]
fn a_finished_job_is_not_done_twice_and_restart_begins_anew() {
    let scenario = Scenario::loaded(&load::script());
    let job = scenario.job(load::TRANSFER);
    job.report(&[], 0);
    job.report(&[], 0);
    load::check(&scenario.target);
    job.report(&["--restart"], 0);
    load::check(&scenario.target);
}

#[test]
fn a_checkpoint_is_refused_when_the_table_changed() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    scenario.fault("error:rows=3000,number=208,times=forever,match=FROM [dbo].[Narrow]");
    job.report(&[], 1);
    scenario.clear_faults();
    scenario.script("ALTER TABLE dbo.Narrow ADD Extra int NULL;");
    let answer = job.run(&[]);
    assert_eq!(answer.code, Some(1));
    answer.says(&["dbo.Narrow", "--restart"]);
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
