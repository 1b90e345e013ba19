//! `migrate run`: runs the job, or continues it.
//!
//! The order matters: report files are tried before hours of work, the display ends before the
//! report is printed, and the files are written last.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::deadline::finish_in_time;
use crate::cli::display::Display;
use crate::cli::exit::Finished;
use crate::cli::{files, text};
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, RunOptions};
use crate::report::progress::Progress;

/// Runs the job with progress on stderr, prints the report and writes its files.
pub(crate) async fn run(
    job: &Job,
    options: &RunOptions,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    files::prepare(&job.report)?;
    let progress = Progress::new();
    let display = Display::start(console, Arc::clone(&progress))?;
    let stop = cancel.clone();
    let run = pipeline::run(job, options.clone(), cancel, progress);
    let outcome = finish_in_time(&stop, run).await;
    display.finish();
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            if let Err(error) = files::write_failure(&job.report, &error) {
                tracing::warn!(%error, "an older report is still there");
            }
            return Err(error);
        }
    };
    let json = console.result(request.output, &report, text::run::render)?;
    files::write(&job.report, &report)?;
    Ok(Finished {
        conclusion: report.outcome.into(),
        json,
    })
}
