//! `status --watch` from another process: what a run does now, until the run has ended.

use std::process::{Child, Output};

use serde_json::Value;

use crate::joined::wait_for;
use crate::support::job::Job;
use crate::support::scenario::Scenario;

/// 4,096 rows in partitions that stall: long enough to be watched for some seconds.
fn slow() -> (Scenario, Job) {
    let mut script = String::from(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V varchar(100) NULL);\n\
         INSERT INTO dbo.T VALUES (0, REPLICATE('x', 100));\n",
    );
    for power in 0..12 {
        let more = 1 << power;
        script.push_str(&format!(
            "INSERT INTO dbo.T SELECT Id + {more}, V FROM dbo.T;\n"
        ));
    }
    let scenario = Scenario::on_stand_in(&script);
    scenario.fault("stall:rows=5,for=1500ms,times=12,match=SELECT [Id], [V]");
    let job = Job::with(
        scenario.server(),
        &scenario.source.name,
        &scenario.target.target(),
        "{ max_connections: 2 }",
        "transfer: { partition_min_rows: 512, commit_every: 16KiB, partitions_in_flight: 4 }",
    );
    (scenario, job)
}

/// Both outputs and the end of a watch that began while the run went.
fn watched(more: &[&str]) -> (Scenario, Job, Output) {
    let (scenario, job) = slow();
    let mut run: Child = job.spawn(&["run", "--progress", "none"]);
    wait_for(&scenario.target, "SELECT count(*) FROM _migrate.runs");
    let arguments = [&["status", "--watch=1"], more].concat();
    let output = job.command(&arguments).output().expect("the watch ends");
    assert_eq!(run.wait().expect("the run ends").code(), Some(0));
    (scenario, job, output)
}

#[test]
fn a_watch_shows_what_the_run_does_and_ends_with_it() {
    let (scenario, job, output) = watched(&["--output", "json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let looks: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    let (last, going) = looks.split_last().expect("looks");
    assert!(going.len() >= 2, "{text}");
    assert_eq!(last["outcome"], "done", "{last}");
    assert_eq!(last["run"]["state"], "done", "{last}");
    assert_eq!(last["live"], Value::Array(Vec::new()), "{last}");
    let mut seen = (false, false, false);
    for look in going {
        assert_eq!(look["run"]["state"], "running", "{look}");
        let Some(live) = look["live"].get(0) else {
            continue;
        };
        let pool = &live["pools"][0];
        seen.0 |= pool["side"] == "source" && pool["max_connections"] == 2 && pool["in_use"] == 2;
        seen.1 |= pool["waiting"].as_u64() > Some(0);
        seen.2 |= live["bottleneck"]
            .as_str()
            .is_some_and(|words| words.contains("source"));
        assert_eq!(live["steps"], 8, "{live}");
    }
    assert_eq!(
        seen,
        (true, true, true),
        "in use, waiting, bottleneck: {text}"
    );
    let rates = going
        .iter()
        .filter_map(|look| look["run"]["rows_per_second"].as_f64());
    assert!(rates.into_iter().any(|rate| rate > 0.0), "{text}");
    let left = going
        .iter()
        .filter_map(|look| look["run"]["tables"][0]["seconds_left"].as_f64());
    assert!(left.into_iter().any(|left| left > 0.0), "{text}");
    // Nothing stays, and a second watch has nothing to wait for.
    assert_eq!(scenario.value("SELECT count(*) FROM _migrate.live"), "0");
    let text = job.ends(&["status", "--watch"], 0).stdout;
    assert!(
        text.contains("last run") && text.contains("dbo.T"),
        "{text}"
    );
}

/// Into a file or a pipe go lines that can be read there.
#[test]
fn a_watch_that_is_no_terminal_prints_lines() {
    let (_scenario, _job, output) = watched(&[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let step = text
        .lines()
        .filter(|line| line.starts_with("step 4 of 8, loading"));
    assert!(step.count() >= 1, "{text}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("source 2/2"), "{text}");
    assert!(flat.contains("last run"), "the report of the end:\n{text}");
    let (lines, _) = text.split_once("job job").unwrap_or((&text, ""));
    assert!(
        lines.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}
