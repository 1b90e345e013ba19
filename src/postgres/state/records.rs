//! The records of tables and partitions, and how their values are stored.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Kind, Result};
use crate::plan::table::{Slice, TablePlan};
use tsql::key::KeyValue;

/// `_migrate.runs.run_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(pub i64);

/// `_migrate.members.member_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberId(pub i32);

/// Who claims a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimant {
    pub run: RunId,
    /// `None` for the process that leads the run.
    pub member: Option<MemberId>,
}

impl Claimant {
    /// The member's number as it is stored; NULL for the leader.
    pub(in crate::postgres) fn member_number(&self) -> Option<i32> {
        self.member.map(|member| member.0)
    }
}

impl From<RunId> for Claimant {
    fn from(run: RunId) -> Self {
        Self { run, member: None }
    }
}

/// A table of a job, by its source name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableKey {
    pub job: String,
    pub schema: String,
    pub name: String,
}

impl TableKey {
    /// The key of a planned table.
    pub fn for_plan(job: &str, plan: &TablePlan) -> Self {
        Self {
            job: job.to_owned(),
            schema: plan.schema.clone(),
            name: plan.name.clone(),
        }
    }

    /// `dbo.Posts`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// How far a table has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableStage {
    /// Set by `save_plan`.
    Planned,
    /// Set by `ddl::make`, with the DDL.
    Created,
    /// Set by `set_loaded`, when all partitions are done.
    Loaded,
    /// Set by `finish::finish`, with the keys.
    Done,
    /// Set by `set_failed`; left by `reopen`.
    Failed,
}

/// How far a partition has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionState {
    /// Set by `save_plan`, by a split with what it takes from a partition, and by a member that gives one
    /// back.
    Pending,
    /// Set by `PartitionWriter::claim`; also what a process that died leaves.
    Running,
    /// Set by the partition's last commit, with its rows.
    Done,
}

/// What is committed of a partition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartitionProgress {
    pub rows: u64,
    /// COPY BINARY bytes of the rows.
    pub bytes: u64,
    /// Where to continue reading; `None` at the start and for slices that commit as a whole.
    pub last_key: Option<Vec<KeyValue>>,
    /// Wrapping sum of the hashes of `hashed_rows` rows.
    pub checksum: u128,
    /// Fewer than `rows` if a run that did not ask for checksums committed some of them.
    pub hashed_rows: u64,
    /// Characters that `strip` or `replace` changed, and times that were truncated so as not to reach the
    /// next day.
    pub changed_values: u64,
    /// The same by source column; columns without any are left out.
    pub changed_columns: BTreeMap<String, u64>,
}

/// A table of a job, as recorded.
#[derive(Debug, Clone)]
pub struct TableRecord {
    pub plan: TablePlan,
    pub fingerprint: String,
    pub state: TableStage,
    /// The table was made, emptied or accepted for appending; stays true when the table fails later.
    pub created: bool,
    /// Rows of all partitions, as committed.
    pub rows: u64,
    /// COPY BINARY bytes of these rows.
    pub bytes: u64,
    /// Why it failed, or what it lacks.
    pub error: Option<String>,
    pub partitions: Vec<PartitionRecord>,
}

/// A partition of a table, as recorded.
#[derive(Debug, Clone)]
pub struct PartitionRecord {
    /// From 1.
    pub number: u32,
    pub slice: Slice,
    pub state: PartitionState,
    pub progress: PartitionProgress,
    /// Time that all writers spent on it, as committed.
    pub seconds: f64,
}

impl TableStage {
    /// The word in `_migrate.tables.state`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Created => "created",
            Self::Loaded => "loaded",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub(super) fn parse(word: &str) -> Result<Self> {
        [
            Self::Planned,
            Self::Created,
            Self::Loaded,
            Self::Done,
            Self::Failed,
        ]
        .into_iter()
        .find(|state| state.word() == word)
        .ok_or_else(|| unreadable("a table's state"))
    }
}

impl PartitionState {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
        }
    }

    pub(super) fn parse(word: &str) -> Result<Self> {
        [Self::Pending, Self::Running, Self::Done]
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or_else(|| unreadable("a partition's state"))
    }
}

/// Only runs of the same job write these records.
const CHANGED_MEANWHILE: &str = "run the same command again; if it is refused again, schema _migrate was changed by \
                                 hand or by another version: start over with --restart.";

/// A table on the target has the place of the one that the job made.
pub(in crate::postgres) const REPLACED: &str =
    "put the table that was loaded back, or drop the other one to have it loaded again.";

/// Two runs of a job exclude each other, so the other one took the job over.
pub(super) const ANOTHER_WRITER: &str =
    "another process took the job over: let it finish, or end it and run the same command.";

pub(super) fn unreadable(what: &str) -> Error {
    Error::new(
        Kind::Checkpoint,
        format!(
            "{what} in schema _migrate cannot be read: it was written by another version, or changed by hand"
        ),
    )
    .advise(CHANGED_MEANWHILE)
}

/// An error about a record that is not as this run left it, though it holds the job.
pub(in crate::postgres) fn not_as_recorded(message: impl Into<String>) -> Error {
    Error::new(Kind::Checkpoint, message).advise(CHANGED_MEANWHILE)
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(Kind::Internal, "could not write state as JSON").because(error))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(what).because(error))
}

/// Counts are `bigint` in PostgreSQL.
pub(super) fn stored(count: u64) -> Result<i64> {
    i64::try_from(count)
        .map_err(|error| Error::new(Kind::Internal, "a count exceeds 2^63").because(error))
}

pub(super) fn counted(stored: i64) -> Result<u64> {
    u64::try_from(stored).map_err(|error| unreadable("a count").because(error))
}
