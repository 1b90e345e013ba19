//! The rows that a job rejected, for the operator who corrects them.
//!
//! It is read from `_migrate.rejects` of the target, by `migrate rejects`. Keys and, if asked for,
//! whole rows are in it: this report holds data of the source and is not written to log files.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One column of a rejected row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultyColumn {
    /// By its source name.
    pub column: String,
    /// The key of `values:` that asked for it, as `nul_characters`.
    pub reason: String,
}

/// One rejected row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejectedRow {
    /// `_migrate.rejects.reject_id`.
    pub id: i64,
    /// The run that rejected it, `_migrate.runs.run_id`.
    pub run_id: String,
    /// `dbo.Posts`.
    pub table: String,
    /// Partition of the table, from 1.
    pub partition: u32,
    /// By source column; `None` if the table has no key.
    pub key: Option<Value>,
    /// In the order in which they were read.
    pub faults: Vec<FaultyColumn>,
    /// RFC 3339, as the target's clock had it.
    pub at: String,
    /// By target column; only if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<Value>,
}

/// How many rows a table has in `_migrate.rejects`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedTable {
    pub table: String,
    /// Over all runs of the job since it was last started over.
    pub rows: u64,
}

/// What `migrate rejects` found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejectsReport {
    pub job: String,
    /// Every table with rejects, whatever the limit.
    pub tables: Vec<RejectedTable>,
    /// By table, in the order in which they were rejected.
    pub rejects: Vec<RejectedRow>,
}

impl RejectsReport {
    /// Rejected rows of all tables, listed or not.
    pub fn total(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}
