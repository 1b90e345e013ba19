//! What the tool writes to: a log that cannot be written must not end what it tells of.

use crate::support::scenario::Scenario;
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::load;

/// Its exit code; a run that hangs is ended.
fn ended(mut run: Child) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(120) {
        if let Some(status) = run.try_wait().expect("the run") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    run.kill().expect("the run is ended");
    panic!("it did not end");
}

/// One table fails, so that workers log too; the others are done whatever becomes of the log.
fn one_table_fails_with_the_log_going_to(stderr: impl Fn() -> Stdio) {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    let fault = "deadlock:rows=500,times=forever,match=FROM [dbo].[Heap]";
    scenario.fault(fault);
    let mut failing = job.command(&["-vv"]);
    let failing = failing.stdout(Stdio::null()).stderr(stderr());
    let run = failing.spawn().expect("the tool starts");
    assert_eq!(ended(run), Some(1));
    let status = job.report(&["status"], 0);
    let tables = status["run"]["tables"].as_array().expect("tables");
    let failed = tables.iter().filter(|table| table["state"] != "done");
    let failed = failed.map(|table| (&table["table"], &table["state"]));
    let failed = failed.map(|(name, state)| (name.as_str(), state.as_str()));
    assert_eq!(
        failed.collect::<Vec<_>>(),
        [(Some("dbo.Heap"), Some("failed"))]
    );
    scenario.clear_faults();
    let mut whole = job.command(&["-vv"]);
    let whole = whole.stdout(Stdio::null()).stderr(stderr());
    assert_eq!(ended(whole.spawn().expect("the tool starts")), Some(0));
    load::check(&scenario.target);
}

/// A log file on the disk that a target has just filled.
#[test]
fn a_log_on_a_full_disk_does_not_stop_the_run() {
    one_table_fails_with_the_log_going_to(|| {
        let full = File::options().write(true).open("/dev/full");
        full.expect("/dev/full").into()
    });
}

/// `migrate ... 2>&1 | head`, or an agent that read the log and died.
#[test]
fn a_log_that_nobody_reads_any_more_does_not_stop_the_run() {
    one_table_fails_with_the_log_going_to(|| {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        writer.into()
    });
}

/// The rows are there and the report is not: that is no success, and the next run tells it.
#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    let full = File::options().write(true).open("/dev/full");
    let mut run = job.command(&[]);
    let run = run.stdout(full.expect("/dev/full")).output();
    let run = run.expect("the tool runs");
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write to stdout"), "{said}");
    load::check(&scenario.target);
    assert_eq!(job.run(&[]).code, Some(0));
}
