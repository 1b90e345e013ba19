//! What `check` found: settings, connections, permissions, and what will not fit.
//!
//! `pipeline::commands::check` fills it, `cli` prints it. A finding is never an error: `check`
//! continues to the end, and the number of problems decides the exit code.

use serde::Serialize;

use crate::config::setting::Setting;
use crate::error::Kind;
use crate::plan::changes::TypeChange;
use crate::report::estimate::Estimate;
use crate::report::server::ServerFacts;
use crate::report::{Endpoint, Omission};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Good,
    /// The run works; the plan says this of a table too.
    Note,
    /// The run works, but an operator should know.
    Warning,
    /// The run would fail.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// What was found, a lower-case fragment: `login migrator may create schemas`.
    pub finding: String,
    /// What to do; empty if there is nothing to do.
    pub advice: String,
}

/// How much there is to copy, as the source estimates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Volume {
    pub tables: usize,
    pub rows: u64,
    pub bytes: u64,
}

/// Tables that are read by one statement on one connection, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OneReader {
    /// A lower-case fragment.
    pub reason: String,
    /// The largest first.
    pub tables: Vec<TableSize>,
}

/// A table of the source with its size in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableSize {
    /// `dbo.Posts`.
    pub table: String,
    pub bytes: u64,
}

/// Columns of a table whose type is another one on the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedColumns {
    /// `dbo.Posts`.
    pub table: String,
    pub columns: Vec<TypeChange>,
}

/// Values that may not arrive as they are, of every column that may have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AtRisk {
    /// What becomes of them, a lower-case fragment.
    pub risk: String,
    /// `dbo.Posts.Body`.
    pub columns: Vec<String>,
}

/// What a run of the job would do that an operator should know, from the plan alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outlook {
    pub one_reader: Vec<OneReader>,
    pub changed_columns: Vec<ChangedColumns>,
    pub at_risk: Vec<AtRisk>,
    /// What the target will not have.
    pub omissions: Vec<Omission>,
}

/// What `check` found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// The job's name.
    pub job: String,
    /// Every setting in force with secrets masked, in the order of the job file.
    pub settings: Vec<Setting>,
    /// `None` if the side could not be reached; a finding says why.
    pub source: Option<Endpoint>,
    /// As `source`.
    pub target: Option<Endpoint>,
    /// What the source says of itself; `None` if it could not be asked.
    pub source_facts: Option<ServerFacts>,
    /// As `source_facts`.
    pub target_facts: Option<ServerFacts>,
    /// All tables that would be copied; `None` if nothing could be planned.
    pub volume: Option<Volume>,
    /// From samples of both sides; `None` without `--sample`.
    pub estimate: Option<Estimate>,
    /// Empty if nothing could be planned.
    pub outlook: Outlook,
    pub findings: Vec<Finding>,
    /// A side could not be reached, refused the login, or takes no rows.
    #[serde(skip)]
    pub unreachable: bool,
    /// The kind of the first problem of planning, which a run of this job would end with.
    #[serde(skip)]
    pub kind: Option<Kind>,
}

impl CheckReport {
    /// How many findings would end a run.
    pub fn problems(&self) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Problem)
            .count()
    }
}
