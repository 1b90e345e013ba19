//! Runs a job: the only code that spawns tasks.

pub mod policy;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::job::Job;
use crate::error::{Error, Kind, Result};
use crate::report::check::CheckReport;
use crate::report::planned::PlanReport;
use crate::report::progress::Progress;
use crate::report::run::Report;
use crate::report::status::StatusReport;
use crate::report::verify::VerifyReport;

/// What the command line adds to a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Forget what an earlier run of the job committed, and start over.
    pub restart: bool,
    /// `schema.table`, exact up to case; empty means all tables of the job.
    pub only_tables: Vec<String>,
}

/// Runs the job, or continues it.
pub async fn run(
    _job: &Job,
    _options: RunOptions,
    _cancel: CancellationToken,
    _progress: Arc<Progress>,
) -> Result<Report> {
    Err(not_built())
}

/// Looks at everything a run needs, and changes nothing.
pub async fn check(_job: &Job) -> Result<CheckReport> {
    Err(not_built())
}

/// Decides how each table would be made and read, and changes nothing.
pub async fn plan(
    _job: &Job,
    _options: &RunOptions,
    _cancel: CancellationToken,
) -> Result<PlanReport> {
    Err(not_built())
}

/// Reads what the target's state tables say of the job.
pub async fn status(_job: &Job) -> Result<StatusReport> {
    Err(not_built())
}

/// Compares both sides.
pub async fn verify(
    _job: &Job,
    _options: &RunOptions,
    _cancel: CancellationToken,
) -> Result<VerifyReport> {
    Err(not_built())
}

fn not_built() -> Error {
    Error::new(Kind::Internal, "the pipeline is not built in")
}
