//! A run as `status --watch` shows it: a picture of 80 columns and 24 lines at most, or lines for a log.

use std::cmp::Reverse;

use crate::cli::text::figures::{NARROW, count, fit, mebibytes, seconds, short, wrap_to};
use crate::cli::text::grid::{Align, Grid};
use crate::report::status::{LiveProcess, RunStatus, StatusReport, TableStatus};

/// Tables and processes that a picture has room for.
const MOST_TABLES: usize = 7;
const MOST_PROCESSES: usize = 4;

/// Columns for the name of a host.
const HOST_WIDTH: usize = 24;

/// The picture of a run that goes.
pub(crate) fn picture(report: &StatusReport) -> String {
    let Some(run) = &report.run else {
        return String::new();
    };
    let by = match report.live.as_slice() {
        [process] => format!(", by {}", name(process)),
        _ => String::new(),
    };
    let mut out = line_of(&format!(
        "job {}, run {} since {}{by}",
        report.job, run.run_id, run.started
    ));
    let (doing, moved, speed) = (doing(report), moved(run), speed(report, run));
    out.push_str(&line_of(&format!("{doing}; {moved}")));
    out.push_str(&line_of(&speed));
    processes(&mut out, report);
    tables(&mut out, run);
    out
}

/// The same for a log, in few lines.
pub(crate) fn line(report: &StatusReport) -> String {
    let Some(run) = &report.run else {
        return String::new();
    };
    let mut parts = vec![doing(report), moved(run), speed(report, run)];
    let first = |process: &LiveProcess| now(process);
    match report.live.as_slice() {
        [] => {}
        [process] => parts.push(first(process)),
        processes => parts.extend(
            processes
                .iter()
                .map(|process| format!("{}: {}", name(process), now(process))),
        ),
    }
    parts.retain(|part| !part.is_empty());
    wrap_to(NARROW, &parts.join("; "), "", "    ")
}

fn line_of(text: &str) -> String {
    format!("{}\n", fit(text, NARROW))
}

/// The step of the process that leads; of one that runs the job alone.
fn doing(report: &StatusReport) -> String {
    let leads = |process: &&LiveProcess| {
        let mut members = report.members.iter();
        members.any(|one| one.leads && one.host == process.host && one.pid == process.pid)
    };
    let leader = report.live.iter().find(leads).or(report.live.first());
    let Some(LiveProcess { state, .. }) = leader else {
        return "running; what it does is not noted yet".to_owned();
    };
    let tables = match state.step_tables {
        (_, 0) => String::new(),
        (done, of) => format!(" ({done} of {of})"),
    };
    format!(
        "step {} of {}, {}{tables}",
        state.step, state.steps, state.doing
    )
}

fn moved(run: &RunStatus) -> String {
    let done = run.tables.iter().filter(|table| table.state == "done");
    format!(
        "{} of {} tables, {} of about {} rows",
        done.count(),
        run.tables.len(),
        short(run.rows),
        short(run.expected_rows)
    )
}

fn speed(report: &StatusReport, run: &RunStatus) -> String {
    let Some(rate) = run.rows_per_second else {
        return String::new();
    };
    let bytes: f64 = report
        .live
        .iter()
        .map(|process| process.state.bytes_per_second)
        .sum();
    let left = run
        .seconds_left
        .map(|left| format!(", {} left for the rows", seconds(left)));
    format!(
        "{} rows/s, {}/s{}",
        count(rate as u64),
        mebibytes(bytes as u64),
        left.unwrap_or_default()
    )
}

fn name(process: &LiveProcess) -> String {
    format!("{} {}", fit(&process.host, HOST_WIDTH), process.pid)
}

/// `source 12/12 (3 waiting), target 8/8; waiting for the source 80 %`.
fn now(process: &LiveProcess) -> String {
    let pools = process.state.pools.iter().map(|pool| pool.words());
    let pools = pools.collect::<Vec<_>>().join(", ");
    match &process.state.bottleneck {
        Some(bottleneck) if pools.is_empty() => bottleneck.clone(),
        Some(bottleneck) => format!("{pools}; {bottleneck}"),
        None => pools,
    }
}

/// Pools and what is waited for; of processes that share the run, each with what it does. Then a warning.
fn processes(out: &mut String, report: &StatusReport) {
    if let [process] = report.live.as_slice() {
        out.push_str(&line_of(&now(process)));
    } else {
        for process in report.live.iter().take(MOST_PROCESSES) {
            let mut members = report.members.iter();
            let member = members.find(|one| one.host == process.host && one.pid == process.pid);
            let doing = member.map_or("", |member| member.doing.as_str());
            out.push_str(&line_of(&format!("{}: {doing}", name(process))));
            out.push_str(&line_of(&format!("  {}", now(process))));
        }
    }
    match report.live.len().saturating_sub(MOST_PROCESSES) {
        0 => {}
        more => out.push_str(&format!("and {more} more processes\n")),
    }
    let mut live = report.live.iter();
    if let Some(warning) = live.find_map(|process| process.state.warning.as_ref()) {
        out.push_str(&wrap_to(NARROW, warning, "", "  "));
    }
}

/// Tables that rows are moved of, then those that failed, then the largest of the others.
fn tables(out: &mut String, run: &RunStatus) {
    let open = run.tables.iter().filter(|table| table.state != "done");
    let mut open: Vec<_> = open.collect();
    if open.is_empty() {
        return;
    }
    let missing = |table: &TableStatus| table.expected_rows.saturating_sub(table.rows);
    open.sort_by_key(|table| {
        let running = table.rows_per_second.is_some();
        (!running, table.state != "failed", Reverse(missing(table)))
    });
    let mut grid = Grid::new(&[
        ("table", Align::Left),
        ("rows", Align::Right),
        ("of about", Align::Right),
        ("rows/s", Align::Right),
        ("left", Align::Right),
        ("parts", Align::Right),
        ("state", Align::Left),
    ]);
    for table in open.iter().take(MOST_TABLES) {
        grid.row(vec![
            table.table.clone(),
            short(table.rows),
            short(table.expected_rows),
            table
                .rows_per_second
                .map_or("-".to_owned(), |rate| short(rate as u64)),
            table.seconds_left.map_or("-".to_owned(), seconds),
            format!("{}/{}", table.partitions_done, table.partitions),
            state(table).to_owned(),
        ]);
    }
    out.push('\n');
    out.push_str(&grid.render_to(NARROW));
    match open.len().saturating_sub(MOST_TABLES) {
        0 => {}
        more => out.push_str(&format!("and {more} more that are not done\n")),
    }
}

/// What becomes of a table now; what is recorded of it if no process works on it.
fn state(table: &TableStatus) -> &'static str {
    match (table.finishing, table.rows_per_second) {
        (true, _) => "indexes",
        (false, Some(_)) => "loading",
        (false, None) if table.state == "created" => "waiting",
        (false, None) => table.state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::live::{LivePool, LiveState, LiveTable};
    use crate::report::pool::Side;
    use crate::report::status::{MemberStatus, RunState};

    fn table(number: usize, state: &'static str) -> TableStatus {
        TableStatus {
            table: format!("dbo.A_table_with_a_long_name_{number}"),
            state,
            rows: 123_456_789,
            expected_rows: 999_456_789,
            bytes: 0,
            rows_per_second: None,
            seconds_left: None,
            finishing: false,
            rejected_rows: 0,
            partitions_done: 12,
            partitions: 128,
            cause: None,
        }
    }

    fn process(pid: i32, tables: &[usize]) -> LiveProcess {
        let pool = |side, waiting| LivePool {
            side,
            max_connections: 12,
            in_use: 12,
            waiting,
        };
        let tables = tables.iter().map(|number| LiveTable {
            table: format!("dbo.A_table_with_a_long_name_{number}"),
            rows_per_second: 34_567.0,
            finishing: *number == 1,
        });
        LiveProcess {
            host: "etl-1.example.internal".into(),
            pid,
            state: LiveState {
                step: 4,
                steps: 8,
                doing: "loading".into(),
                pools: vec![pool(Side::Source, 3), pool(Side::Target, 0)],
                bottleneck: Some("waiting for the source 80 %".into()),
                warning: Some("warning: 2 waits for a source connection ended without one".into()),
                rows_per_second: 40_000.0,
                bytes_per_second: f64::from(5 << 20),
                tables: tables.collect(),
                ..LiveState::default()
            },
        }
    }

    fn report(live: Vec<LiveProcess>) -> StatusReport {
        let mut run = RunStatus {
            run_id: "12".into(),
            state: RunState::Running,
            started: "2026-03-04T05:06:07Z".into(),
            ended: None,
            rows: 0,
            expected_rows: 0,
            rows_per_second: None,
            seconds_left: None,
            tables: (0..40).map(|number| table(number, "created")).collect(),
        };
        run.tables[7].state = "done";
        run.tables[8].state = "failed";
        run.sum_up(&live);
        let members = live.iter().skip(1).map(|process| MemberStatus {
            host: process.host.clone(),
            pid: process.pid,
            since: String::new(),
            leads: process.pid == 2,
            doing: "loads 1 of dbo.Posts".into(),
        });
        StatusReport {
            job: "demo".into(),
            run: Some(run),
            held_by: None,
            members: members.collect(),
            live,
        }
    }

    #[test]
    fn a_picture_has_pools_bottleneck_rate_and_time_left_in_80_columns() {
        let text = picture(&report(vec![process(1, &[0, 1])]));
        for part in [
            "job demo, run 12 since 2026-03-04T05:06:07Z",
            "step 4 of 8, loading; 1 of 40 tables, 4.9 G of about 40.0 G rows",
            "40,000 rows/s, 5.0 MiB/s, ",
            " left for the rows",
            "\nsource 12/12 (3 waiting), target 12/12; waiting for the source 80 %\n",
            "warning: 2 waits",
            "7 h 2 min",
            "12/128  loading",
            "12/128  indexes",
            "12/128  failed",
            "12/128  waiting",
            "and 32 more that are not done",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let running = text.find("loading\n").zip(text.find("failed\n"));
        assert!(
            running.is_some_and(|(loading, failed)| loading < failed),
            "{text}"
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }

    #[test]
    fn a_shared_run_has_its_processes_and_24_lines() {
        let processes = (1..8).map(|pid| process(pid, &[0])).collect();
        let text = picture(&report(processes));
        assert!(text.contains("280,000 rows/s"), "{text}");
        assert!(
            text.contains("241,969"),
            "seven processes on one table:\n{text}"
        );
        assert!(
            text.contains(" 2: loads 1 of dbo.Posts\n  source 12/12")
                && text.contains("and 3 more processes"),
            "{text}"
        );
        assert!(
            text.lines().count() <= 24,
            "{}\n{text}",
            text.lines().count()
        );
    }

    #[test]
    fn a_log_has_short_lines() {
        let text = line(&report(vec![process(1, &[0])]));
        assert!(
            text.starts_with("step 4 of 8, loading; 1 of 40 tables"),
            "{text}"
        );
        assert!(text.contains("waiting for the source 80 %"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        let none = line(&report(Vec::new()));
        assert!(
            none.starts_with("running; what it does is not noted yet;"),
            "{none}"
        );
    }
}
