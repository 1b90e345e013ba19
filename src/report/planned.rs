//! What `plan` decided: DDL, strategies, partitions, and what is left out.
//!
//! `pipeline::commands::plan` fills it from the catalog alone: no row was read for it but what cut
//! points need, and nothing was made on the target.

use serde::Serialize;

use crate::error::Kind;
use crate::plan::changes::TypeChange;
use crate::plan::table::TablePlan;
use crate::report::assessment::Assessment;
use crate::report::estimate::Estimate;
use crate::report::table::Cause;
use crate::report::{Endpoint, Omission};
use tsql::schema::inventory::InventoryKind;

/// A table that will be moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedTable {
    /// As `run` would carry it out; JSON has it whole.
    pub plan: TablePlan,
    /// The statements that make it, in order, without the final semicolon.
    pub ddl: Vec<String>,
    /// Columns whose type is another one on the target.
    pub changes: Vec<TypeChange>,
}

/// A table that will not be moved because the job's filter leaves it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedTable {
    pub table: String,
    /// The pattern or setting that leaves it out, a lower-case fragment.
    pub reason: String,
}

/// A table that cannot be planned; once for each of its problems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnplannedTable {
    pub table: String,
    /// What is wrong with this table, with advice.
    pub cause: Cause,
}

/// What `plan` decided for the whole job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport {
    pub job: String,
    pub source: Endpoint,
    pub tables: Vec<PlannedTable>,
    pub skipped: Vec<SkippedTable>,
    pub failed: Vec<UnplannedTable>,
    /// What is wrong with the job and with no single table: names that become one, names that are
    /// not there.
    pub problems: Vec<Cause>,
    /// Objects that the job asks for and the target will not have, with reasons.
    pub omissions: Vec<Omission>,
    /// On sequences, views and the source as a whole.
    pub notes: Vec<String>,
    /// What is never made, by kind.
    pub inventory: Vec<InventoryKind>,
    /// Statements that make collations, sequences and views.
    pub others: Vec<String>,
    /// Every object by kind, and what needs a person.
    pub assessment: Assessment,
    /// From samples of both sides; `None` without `--sample`.
    pub estimate: Option<Estimate>,
    /// The kind of the first problem, which a run of this job would end with.
    #[serde(skip)]
    pub kind: Option<Kind>,
}
