//! What the target's state tables say of a job.
//!
//! It is read from schema `_migrate` of the target and needs no source. It is a moment's picture: a
//! run that is alive writes while it is read.

use serde::{Serialize, Serializer};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableStatus {
    /// `dbo.Posts`.
    pub table: String,
    /// The word in `_migrate.tables.state`.
    pub state: &'static str,
    pub rows: u64,
    /// COPY bytes of committed rows.
    pub bytes: u64,
    /// Rows of the table in `_migrate.rejects`.
    pub rejected_rows: u64,
    /// Partitions whose last row is committed.
    pub partitions_done: u32,
    pub partitions: u32,
    /// What it failed with, if it failed.
    pub cause: Option<String>,
}

/// The last run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunStatus {
    pub run_id: String,
    pub state: RunState,
    /// RFC 3339, as the target's clock had it.
    pub started: String,
    /// `None` for a run that is running or whose process died.
    pub ended: Option<String>,
    pub tables: Vec<TableStatus>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusReport {
    pub job: String,
    /// `None` if the target knows no run of the job.
    pub run: Option<RunStatus>,
    /// Who holds the job's lock now, as `pid 4711 on 10.0.0.7 since ...`.
    pub held_by: Option<String>,
    /// The processes that share the run, the oldest first; none of a run that one process does alone.
    pub members: Vec<MemberStatus>,
}
