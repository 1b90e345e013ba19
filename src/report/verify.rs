//! What a comparison of both sides found.

use serde::{Deserialize, Serialize};

use crate::report::table::Cause;

/// One table, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedTable {
    /// `dbo.Posts`.
    pub table: String,
    /// `public.posts`, unquoted.
    pub target: String,
    /// `None` where the side could not be counted; `cause` says why.
    pub source_rows: Option<u64>,
    pub target_rows: Option<u64>,
    /// Source rows that PostgreSQL cannot hold, in `_migrate.rejects`.
    #[serde(default)]
    pub rejected: u64,
    pub cause: Option<Cause>,
}

impl VerifiedTable {
    /// Both sides were counted, and every source row is on the target or among the rejected.
    pub fn equal(&self) -> bool {
        let accounted = self.target_rows.map(|rows| rows + self.rejected);
        self.cause.is_none() && self.source_rows.is_some() && self.source_rows == accounted
    }
}

/// A whole comparison.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VerifyReport {
    pub job: String,
    pub tables: Vec<VerifiedTable>,
    pub seconds: f64,
}

impl VerifyReport {
    /// Tables that were compared and differ.
    pub fn differences(&self) -> impl Iterator<Item = &VerifiedTable> {
        self.tables
            .iter()
            .filter(|table| table.cause.is_none() && !table.equal())
    }

    /// Tables that could not be compared.
    pub fn failures(&self) -> impl Iterator<Item = &VerifiedTable> {
        self.tables.iter().filter(|table| table.cause.is_some())
    }
}
