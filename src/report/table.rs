//! What became of one table.
//!
//! `pipeline::run::summary` fills one for each table at the end of a run, from the load's counters
//! and the recorded state. The words and field names are those of the JSON report: a snapshot test
//! holds them, and programs of others read them.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::Error;

/// A table is in exactly one of these when a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableOutcome {
    /// Every row is on the target.
    Done,
    /// Not done, and `cause` says why.
    Failed,
    /// Left out by the job's own filter; `notes` names the filter.
    Skipped,
    /// The run was stopped before the table was done; the same command continues it.
    Unfinished,
}

impl TableOutcome {
    /// The word in JSON and in the HTML report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unfinished => "unfinished",
        }
    }
}

impl Serialize for TableOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One table of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableReport {
    /// `dbo.Posts`.
    pub table: String,
    /// `public.posts`, unquoted.
    pub target: String,
    pub outcome: TableOutcome,
    /// `Some` if the outcome is `Failed`.
    pub cause: Option<Cause>,
    /// Committed on the target, earlier runs of the same job included.
    pub rows: u64,
    /// COPY bytes committed, earlier runs included.
    pub bytes: u64,
    /// The part of `rows` that an earlier run of the job had committed.
    pub resumed_rows: u64,
    /// From the table's first partition taken to its last commit, in this run.
    pub seconds: f64,
    /// In words, as `keyset PK_Posts (Id)`; empty if the table was never planned.
    pub strategy: String,
    pub partitions: u32,
    /// Times that a partition was cut because others had nothing left to do.
    #[serde(default)]
    pub splits: u32,
    /// Partitions that were taken up again after a transient fault.
    pub retries: u32,
    /// Rows in `_migrate.rejects`.
    pub rejected: u64,
    /// Characters that `strip` or `replace` changed.
    pub changed_values: u64,
    /// The same by source column.
    #[serde(default)]
    pub changed_columns: BTreeMap<String, u64>,
    /// Times that were truncated instead of rounded, because rounding would have carried them into
    /// another day.
    #[serde(default)]
    pub truncated_values: u64,
    /// The same by source column.
    #[serde(default)]
    pub truncated_columns: BTreeMap<String, u64>,
    /// What the plan says of the table: digits that go, names that were shortened.
    pub notes: Vec<String>,
}

impl TableReport {
    /// A table of which nothing has happened yet.
    pub fn new(table: impl Into<String>, target: impl Into<String>, outcome: TableOutcome) -> Self {
        Self {
            table: table.into(),
            target: target.into(),
            outcome,
            cause: None,
            rows: 0,
            bytes: 0,
            resumed_rows: 0,
            seconds: 0.0,
            strategy: String::new(),
            partitions: 0,
            splits: 0,
            retries: 0,
            rejected: 0,
            changed_values: 0,
            changed_columns: BTreeMap::new(),
            truncated_values: 0,
            truncated_columns: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// Rows of this run per second; `None` if it took no measurable time.
    /// It leaves out rows of earlier runs, whose time is not known here.
    pub fn rows_per_second(&self) -> Option<f64> {
        let rows = self.rows.saturating_sub(self.resumed_rows);
        (self.seconds > 0.0 && rows > 0).then(|| rows as f64 / self.seconds)
    }
}

/// An error as a report keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The error's kind, as `SourceLost`.
    pub kind: String,
    /// The error with its place.
    pub message: String,
    /// What caused it, the nearest first.
    pub because: Vec<String>,
    /// What the operator can do.
    pub advice: String,
}

impl Cause {
    /// The error with its causes, and the advice for its kind.
    pub fn new(error: &Error, advice: &str) -> Self {
        Self {
            kind: error.kind().as_str().to_owned(),
            message: error.to_string(),
            because: chain(error),
            advice: advice.to_owned(),
        }
    }
}

/// The causes below an error, the nearest first, without what was said above already: drivers
/// repeat their causes in their own text, and messages of ours quote what the server said.
/// A cause counts as said if its text is part of any text above it.
pub fn chain(error: &Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = once(&cause.to_string());
        if !said.iter().any(|above| above.contains(&text)) {
            said.push(text);
        }
        next = cause.source();
    }
    said.remove(0);
    said
}

/// `x: x` as `x`: what a driver says before the colon and again, as its own cause, after it.
fn once(text: &str) -> String {
    match text.split_once(": ") {
        Some((head, tail)) if head == tail => head.to_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Told>>);

    impl std::fmt::Display for Told {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Told {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        let refused = Told("connection refused", None);
        let driver = Told(
            "error connecting: connection refused",
            Some(Box::new(refused)),
        );
        let error = Error::new(Kind::TargetUnreachable, "no connection to db:5432").because(driver);
        assert_eq!(chain(&error), ["error connecting: connection refused"]);
        let quoted = Error::new(Kind::TargetQuery, "could not read: no such column")
            .because(Told("no such column", None));
        assert_eq!(chain(&quoted), Vec::<String>::new());
        let doubled = Error::new(Kind::SourceLost, "broke").because(Told("reset: reset", None));
        assert_eq!(chain(&doubled), ["reset"]);
    }
}
