//! Moves a Microsoft SQL Server database into PostgreSQL, in parallel and restartably.
//!
//! The `migrate` command is a thin edge around this library: a checked [`Job`] and a cancellation
//! token go in, a [`Report`] comes out, and nothing is printed on the way.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use migrate::report::progress::Progress;
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let job = migrate::config::load(Path::new("job.yaml"), &|name| std::env::var_os(name))?;
//! let report = migrate::run(&job, CancellationToken::new(), Progress::new()).await?;
//! assert_eq!(report.totals.tables_failed, 0);
//! # Ok(())
//! # }
//! ```
//!
//! `docs/architecture.md` has the code map and the invariants.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::RunOptions;
use crate::report::progress::Progress;
use crate::report::run::Report;

mod child;
pub mod cli;
pub mod config;
mod credential;
pub mod error;
pub mod mssql;
mod mutex;
pub mod pipeline;
pub mod plan;
pub mod postgres;
pub mod report;
mod route;
mod tls;

/// Runs all tables of a job, or continues an unfinished run of it.
///
/// A table that fails is part of the report; `progress` can be read while this runs.
///
/// # Errors
/// What keeps the run as a whole from happening: a server that cannot be reached, a checkpoint
/// that does not belong to the job, another process that runs it.
/// Dropping the future stops the work without a report and without a recorded end; cancel the token
/// instead, and the run ends within seconds and is continued by the next call with the same job.
pub async fn run(job: &Job, cancel: CancellationToken, progress: Arc<Progress>) -> Result<Report> {
    pipeline::run(job, RunOptions::default(), cancel, progress).await
}
