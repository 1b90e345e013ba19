//! What passes by itself is tried again, at the start and later; what does not is told at once.

mod away;
mod changed_table;
mod cuts;
mod identity;
mod numbers;
mod session;

use std::process::Child;
use std::time::{Duration, Instant};

use migrate::config::job::Target;

use crate::support::job::{Answer, Job};
use crate::support::postgres::Database;
use crate::support::source::SourceDatabase;

/// Rows of `dbo.T`; of `V` there are as many values.
const ROWS: i64 = 4096;

const TRANSFER: &str = "transfer: { mode: replace, partition_min_rows: 500, max_partitions_per_table: 4, \
     commit_every: 2KiB, retry: { attempts: 60, initial_backoff: 10ms, max_backoff: 100ms } }\n";

fn script() -> String {
    let mut script = String::from(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY CLUSTERED, V int NOT NULL);\n\
         INSERT INTO dbo.T VALUES (0, 0);\n",
    );
    for power in 0..12 {
        let step = 1 << power;
        script.push_str(&format!(
            "INSERT INTO dbo.T SELECT Id + {step}, V + {step} FROM dbo.T;\n"
        ));
    }
    script
}

/// A job's text, for a test to change.
fn text(source: &SourceDatabase, target: &Target) -> String {
    let job = Job::new(source, target, TRANSFER);
    std::fs::read_to_string(&job.path).expect("the job file")
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} in {text}");
    text.replacen(from, to, 1)
}

/// Every row is there, and there once.
fn check(target: &Database<'_>) {
    let sum = ROWS * (ROWS - 1) / 2;
    let expected = [ROWS.to_string(), ROWS.to_string(), sum.to_string()].map(Some);
    let sql = "SELECT count(*), count(DISTINCT v), sum(v) FROM public.t";
    assert_eq!(target.sql(sql)[0], expected);
}

#[track_caller]
fn done(answer: &Answer, what: &str) {
    assert_eq!(answer.code, Some(0), "{what}\n{}", answer.stderr);
}

fn ended(child: Child) -> Answer {
    let output = child.wait_with_output().expect("the tool ends");
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn wait_until(what: &str, mut there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !there() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
