//! `migrate run`: runs the job, continues it, or shares a run with other processes.
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
use crate::pipeline::{self, Joined, RunOptions};
use crate::report::progress::Progress;

/// Runs the job with progress on stderr, prints the report and writes its files. A process that shared
/// a run of another prints its own part and that run's result; the files are the other's.
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
    let outcome = finish_in_time(&stop, carry_out(job, options, cancel, progress)).await;
    display.finish();
    let report = match outcome {
        Ok(Joined::Led(report)) => report,
        Ok(Joined::Member(joined)) => {
            return Ok(Finished {
                conclusion: joined.outcome.into(),
                json: console.result(request.output, &joined, text::joined::render)?,
            });
        }
        Err(error) => {
            // A member's error is not that of the run.
            if options.join.is_none()
                && let Err(error) = files::write_failure(&job.report, &error)
            {
                tracing::warn!(%error, "an older report is still there");
            }
            return Err(error);
        }
    };
    let json = console.result(request.output, &*report, text::run::render)?;
    files::write(&job.report, &report)?;
    Ok(Finished {
        conclusion: report.outcome.into(),
        json,
    })
}

async fn carry_out(
    job: &Job,
    options: &RunOptions,
    cancel: CancellationToken,
    progress: Arc<Progress>,
) -> Result<Joined> {
    let options = options.clone();
    if options.join.is_some() {
        return pipeline::join(job, options, cancel, progress).await;
    }
    let report = pipeline::run(job, options, cancel, progress).await?;
    Ok(Joined::Led(Box::new(report)))
}
