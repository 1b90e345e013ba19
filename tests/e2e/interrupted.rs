//! Signals and lost connections behind the load and before it: what is waited for, cancelled, and
//! said.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::stopping::{answer, end, hold, send, waits_for_a_lock};
use crate::support::job::{Answer, Job};
use crate::support::postgres::{Database, Postgres};
use crate::support::source::Source;

/// The contract is 10 s from a signal to the end of the process.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Sends SIGINT and expects the end that it must have.
pub fn stops_soon(child: Child) -> Answer {
    let asked = Instant::now();
    send(&child, "-INT");
    let answer = answer(child);
    assert!(asked.elapsed() < STOP_WITHIN, "{:?}", asked.elapsed());
    let said = format!("{}{}", answer.stdout, answer.stderr);
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

/// With nothing to compare, the visibility maps are all that a run can be stopped at.
#[test]
fn a_stop_while_vacuuming_is_a_stop() {
    let source = Source::stand_in();
    let database = source.database(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY); INSERT INTO dbo.T VALUES (1);",
    );
    let target = Postgres::shared().database();
    let settings = "transfer: { vacuum: true }\nverify: none";
    let job = Job::new(&database, &target.target(), settings);
    job.report(&[], 0);
    let holder = hold(
        &target,
        "LOCK TABLE public.t IN SHARE UPDATE EXCLUSIVE MODE",
    );
    let vacuuming = job.spawn(&[]);
    waits_for_a_lock(&target);
    stops_soon(vacuuming);
    nothing_runs(&target);
    end(&target, "the holder", holder);
    assert_eq!(
        target.value("SELECT outcome FROM _migrate.runs ORDER BY run_id DESC LIMIT 1"),
        "stopped"
    );
    job.report(&[], 0);
}
