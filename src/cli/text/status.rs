//! What the target knows of a job, as text.

use crate::cli::text::figures::{count, mebibytes, wrap};
use crate::cli::text::grid::{Align, Grid};
use crate::cli::text::watch;
use crate::report::run::RunOutcome;
use crate::report::status::{MemberStatus, RunState, RunStatus, StatusReport};

/// The report as text.
pub(crate) fn render(report: &StatusReport) -> String {
    let mut out = format!("job {}\n", report.job);
    match &report.held_by {
        Some(holder) => out.push_str(&format!("running now: {holder}\n")),
        None => out.push_str("not running now\n"),
    }
    members(&mut out, &report.members);
    if report.is_running() {
        out.push_str(&watch::line(report));
    }
    match &report.run {
        Some(status) => run(&mut out, status),
        None => out.push_str("no run of this job is recorded\n"),
    }
    out
}

fn members(out: &mut String, members: &[MemberStatus]) {
    if members.is_empty() {
        return;
    }
    let mut grid = Grid::new(&[
        ("host", Align::Left),
        ("process", Align::Right),
        ("since", Align::Left),
        ("doing", Align::Left),
    ]);
    for member in members {
        grid.row(vec![
            member.host.clone(),
            member.pid.to_string(),
            member.since.clone(),
            member.doing.clone(),
        ]);
    }
    out.push_str(&format!("\n{}\n", grid.render()));
}

fn run(out: &mut String, run: &RunStatus) {
    let RunStatus {
        run_id, started, ..
    } = run;
    out.push_str(&match (run.state, &run.ended) {
        (RunState::Running, _) => format!("run {run_id} began at {started}\n\n"),
        (state, Some(ended)) => format!(
            "last run {run_id}: {}, {started} to {ended}\n\n",
            ending(state)
        ),
        (_, None) => format!(
            "last run {run_id} began at {started} and its process died; the same command \
             continues\n\n"
        ),
    });
    let mut grid = Grid::new(&[
        ("table", Align::Left),
        ("rows", Align::Right),
        ("size", Align::Right),
        ("partitions", Align::Right),
        ("rejected", Align::Right),
        ("state", Align::Left),
    ]);
    for table in &run.tables {
        grid.row(vec![
            table.table.clone(),
            count(table.rows),
            mebibytes(table.bytes),
            format!("{}/{}", table.partitions_done, table.partitions),
            count(table.rejected_rows),
            table.state.to_owned(),
        ]);
    }
    out.push_str(&grid.render());
    for table in &run.tables {
        if let Some(cause) = &table.cause {
            out.push_str(&wrap(&format!("{}: {cause}", table.table), "  ", "    "));
        }
    }
}

/// A run whose rows are all there is done, whatever else is to be said of it.
fn ending(state: RunState) -> &'static str {
    match state {
        RunState::Ended(RunOutcome::Incomplete) => "done, with schema objects left out",
        RunState::Ended(RunOutcome::Rejected) => "done, with rejected rows",
        RunState::Ended(RunOutcome::Different) => "done, and the sides differ",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::status::TableStatus;

    #[test]
    fn rejected_rows_are_shown_by_table() {
        let table = |name: &str, rejected_rows| TableStatus {
            table: name.into(),
            state: "done",
            rows: 1200,
            expected_rows: 1200,
            bytes: 0,
            rows_per_second: None,
            seconds_left: None,
            finishing: false,
            rejected_rows,
            partitions_done: 1,
            partitions: 1,
            cause: None,
        };
        let mut out = String::new();
        let status = RunStatus {
            run_id: "7".into(),
            state: RunState::Ended(RunOutcome::Rejected),
            started: "2026-03-04T05:06:07Z".into(),
            ended: Some("2026-03-04T06:00:00Z".into()),
            rows: 2400,
            expected_rows: 2400,
            rows_per_second: None,
            seconds_left: None,
            tables: vec![table("dbo.Posts", 31), table("dbo.Users", 0)],
        };
        run(&mut out, &status);
        let words = |name: &str| -> Vec<&str> {
            let line = out.lines().find(|line| line.contains(name));
            line.unwrap_or_default().split_whitespace().collect()
        };
        assert_eq!(words("dbo.Posts")[4..], ["1/1", "31", "done"], "{out}");
        assert_eq!(words("dbo.Users")[4..], ["1/1", "0", "done"], "{out}");
    }

    #[test]
    fn processes_that_share_the_run_are_listed() {
        let mut out = String::new();
        let member = |host: &str, leads, doing: &str| MemberStatus {
            host: host.into(),
            pid: 4711,
            since: "2026-03-04T05:06:07Z".into(),
            leads,
            doing: doing.into(),
        };
        members(
            &mut out,
            &[
                member("one", true, "leads the run"),
                member("two", false, "loads 1 of dbo.Posts"),
            ],
        );
        let line = "two      4711  2026-03-04T05:06:07Z  loads 1 of dbo.Posts";
        assert!(out.contains(line), "{out}");
    }

    #[test]
    fn each_end_of_a_run_is_a_sentence() {
        for (state, ended, sentence) in [
            (
                RunState::Running,
                None,
                "run 7 began at 2026-03-04T05:06:07Z\n",
            ),
            (
                RunState::Died,
                None,
                "2026-03-04T05:06:07Z and its process died; the same command continues",
            ),
            (
                RunState::Ended(RunOutcome::Done),
                Some("2026-03-04T06:00:00Z"),
                "last run 7: done, 2026-03-04T05:06:07Z to 2026-03-04T06:00:00Z\n",
            ),
            (
                RunState::Ended(RunOutcome::Incomplete),
                Some("2026-03-04T06:00:00Z"),
                "last run 7: done, with schema objects left out, 2026",
            ),
        ] {
            let text = render(&StatusReport {
                job: "demo".into(),
                run: Some(RunStatus {
                    run_id: "7".into(),
                    state,
                    started: "2026-03-04T05:06:07Z".into(),
                    ended: ended.map(str::to_owned),
                    rows: 0,
                    expected_rows: 0,
                    rows_per_second: None,
                    seconds_left: None,
                    tables: Vec::new(),
                }),
                held_by: None,
                members: Vec::new(),
                live: Vec::new(),
            });
            assert!(text.contains(sentence), "{text}");
        }
    }
}
