//! What the target's state tables say of a job.

use serde::Serialize;

/// A table's recorded state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableStatus {
    /// `dbo.Posts`.
    pub table: String,
    /// The word kept in `_migrate.tables`.
    pub state: String,
    pub rows: u64,
    pub bytes: u64,
    /// Rows of the table in `_migrate.rejects`.
    pub rejected_rows: u64,
    pub partitions_done: u32,
    pub partitions: u32,
    /// What it failed with, where it failed.
    pub cause: Option<String>,
}

/// The last run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunStatus {
    pub run_id: String,
    /// The word kept in `_migrate.runs`: an outcome, `running`, or `died` where a process went
    /// without recording its end.
    pub state: String,
    /// RFC 3339, as the target's clock had it.
    pub started: String,
    pub ended: Option<String>,
    pub tables: Vec<TableStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusReport {
    pub job: String,
    /// `None` where the target knows no run of the job.
    pub run: Option<RunStatus>,
    /// Who holds the job's lock now, as `pid 4711 on 10.0.0.7 since ...`.
    pub held_by: Option<String>,
}
