//! What the target's state tables say of a job.
//!
//! It is read from schema `_migrate` of the target and needs no source. It is a moment's picture: a
//! run that is alive writes while it is read.

use serde::{Serialize, Serializer};

use crate::report::live::LiveState;
use crate::report::run::RunOutcome;

/// What is known of a job's last run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It has no recorded end, and a process holds the job's lock.
    Running,
    /// Its process went without recording an end.
    Died,
    /// It recorded its end.
    Ended(RunOutcome),
}

/// The word of a run whose process died, in `_migrate.runs.outcome` too.
pub const DIED: &str = "died";

impl RunState {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Died => DIED,
            Self::Ended(outcome) => outcome.as_str(),
        }
    }

    /// The state that `_migrate.runs.outcome` records; `None` for a word that this version does not
    /// write.
    pub fn recorded(word: &str) -> Option<Self> {
        if word == DIED {
            return Some(Self::Died);
        }
        RunOutcome::parse(word).map(Self::Ended)
    }
}

impl Serialize for RunState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A table's recorded state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableStatus {
    /// `dbo.Posts`.
    pub table: String,
    /// The word in `_migrate.tables.state`.
    pub state: &'static str,
    pub rows: u64,
    /// By the source's catalog when the table was planned.
    pub expected_rows: u64,
    /// COPY bytes of committed rows.
    pub bytes: u64,
    /// Rows that all processes of a running run send in a second; `None` if none works on the table.
    pub rows_per_second: Option<f64>,
    /// Until its rows are there at that rate; keys and indexes come after.
    pub seconds_left: Option<f64>,
    /// All rows are there, and keys and indexes are being made.
    pub finishing: bool,
    /// Rows of the table in `_migrate.rejects`.
    pub rejected_rows: u64,
    /// Partitions whose last row is committed.
    pub partitions_done: u32,
    pub partitions: u32,
    /// What it failed with, if it failed.
    pub cause: Option<String>,
}

/// The last run of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunStatus {
    pub run_id: String,
    pub state: RunState,
    /// RFC 3339, as the target's clock had it.
    pub started: String,
    /// `None` for a run that is running or whose process died.
    pub ended: Option<String>,
    /// Committed rows of all tables, and those that the source's catalog had.
    pub rows: u64,
    pub expected_rows: u64,
    /// As of a table, of all processes together.
    pub rows_per_second: Option<f64>,
    pub seconds_left: Option<f64>,
    pub tables: Vec<TableStatus>,
}

impl RunStatus {
    /// Sums up the tables, and computes rates and times from what the processes of a running run do.
    pub fn sum_up(&mut self, live: &[LiveProcess]) {
        let mut left = 0;
        for table in &mut self.tables {
            let running = live.iter().flat_map(|process| &process.state.tables);
            let running = running.filter(|one| one.table == table.table);
            let rates: Vec<f64> = running.clone().map(|one| one.rows_per_second).collect();
            let rate: f64 = rates.iter().sum();
            table.finishing = running.clone().any(|one| one.finishing);
            let missing = match table.state {
                "created" | "planned" => table.expected_rows.saturating_sub(table.rows),
                _ => 0,
            };
            table.rows_per_second = (!rates.is_empty()).then_some(rate);
            table.seconds_left = time_for(missing, rate);
            left += missing;
        }
        self.rows = self.tables.iter().map(|table| table.rows).sum();
        self.expected_rows = self.tables.iter().map(|table| table.expected_rows).sum();
        let rate: f64 = live
            .iter()
            .map(|process| process.state.rows_per_second)
            .sum();
        self.rows_per_second = (!live.is_empty()).then_some(rate);
        self.seconds_left = time_for(left, rate);
    }
}

/// `None` if nothing is missing or nothing moves.
fn time_for(rows: u64, rate: f64) -> Option<f64> {
    (rows > 0 && rate > 0.0).then(|| rows as f64 / rate)
}

/// A process of a run, and what it does now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiveProcess {
    pub host: String,
    pub pid: i32,
    #[serde(flatten)]
    pub state: LiveState,
}

/// A process that shares the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberStatus {
    pub host: String,
    pub pid: i32,
    /// RFC 3339, as the target's clock had it.
    pub since: String,
    /// It has the job lock and does what is done once.
    pub leads: bool,
    pub doing: String,
}

/// What `status` found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusReport {
    pub job: String,
    /// `None` if the target knows no run of the job.
    pub run: Option<RunStatus>,
    /// Who holds the job's lock now, as `pid 4711 on 10.0.0.7 since ...`.
    pub held_by: Option<String>,
    /// The processes that share the run, the oldest first; none of a run that one process does alone.
    pub members: Vec<MemberStatus>,
    /// What the processes of a running run do, as they note it every two seconds.
    pub live: Vec<LiveProcess>,
}

impl StatusReport {
    /// A process runs the job now.
    pub fn is_running(&self) -> bool {
        let running = |run: &RunStatus| run.state == RunState::Running;
        self.run.as_ref().is_some_and(running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::live::LiveTable;

    fn table(name: &str, state: &'static str, rows: u64, expected_rows: u64) -> TableStatus {
        TableStatus {
            table: name.into(),
            state,
            rows,
            expected_rows,
            bytes: 0,
            rows_per_second: None,
            seconds_left: None,
            finishing: false,
            rejected_rows: 0,
            partitions_done: 0,
            partitions: 1,
            cause: None,
        }
    }

    fn process(rate: f64, tables: &[(&str, f64, bool)]) -> LiveProcess {
        let tables = tables
            .iter()
            .map(|(table, rows_per_second, finishing)| LiveTable {
                table: (*table).into(),
                rows_per_second: *rows_per_second,
                finishing: *finishing,
            });
        LiveProcess {
            host: "etl-1".into(),
            pid: 1,
            state: LiveState {
                rows_per_second: rate,
                tables: tables.collect(),
                ..LiveState::default()
            },
        }
    }

    fn run(tables: Vec<TableStatus>) -> RunStatus {
        RunStatus {
            run_id: "7".into(),
            state: RunState::Running,
            started: String::new(),
            ended: None,
            rows: 0,
            expected_rows: 0,
            rows_per_second: None,
            seconds_left: None,
            tables,
        }
    }

    #[test]
    fn the_rates_of_all_processes_add_up_to_the_time_that_is_left() {
        let mut run = run(vec![
            table("dbo.A", "created", 400, 1000),
            table("dbo.B", "loaded", 90, 100),
            table("dbo.C", "planned", 0, 200),
            table("dbo.D", "done", 60, 50),
        ]);
        run.sum_up(&[
            process(30.0, &[("dbo.A", 20.0, false), ("dbo.B", 0.0, true)]),
            process(10.0, &[("dbo.A", 10.0, false)]),
        ]);
        assert_eq!((run.rows, run.expected_rows), (550, 1350));
        // 600 rows of A and 200 of C at 40 rows/s; the missing rows of B are an estimate that was wrong.
        assert_eq!(
            (run.rows_per_second, run.seconds_left),
            (Some(40.0), Some(20.0))
        );
        let of = |table: usize| {
            let table = &run.tables[table];
            (table.rows_per_second, table.seconds_left, table.finishing)
        };
        assert_eq!(of(0), (Some(30.0), Some(20.0), false));
        assert_eq!(of(1), (Some(0.0), None, true));
        assert_eq!(of(2), (None, None, false));
    }

    #[test]
    fn nothing_is_promised_while_nothing_moves() {
        let mut run = run(vec![table("dbo.A", "created", 400, 1000)]);
        run.sum_up(&[]);
        assert_eq!((run.rows_per_second, run.seconds_left), (None, None));
        run.sum_up(&[process(0.0, &[("dbo.A", 0.0, false)])]);
        assert_eq!((run.rows_per_second, run.seconds_left), (Some(0.0), None));
    }
}
