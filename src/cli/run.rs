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
use crate::cli::lineage::Lineage;
use crate::cli::metrics::Exporter;
use crate::cli::metrics::options::MetricsOptions;
use crate::cli::{files, sampler, text};
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, HookContext, Joined, RunOptions};
use crate::report::file::ReportFile;
use crate::report::progress::Progress;
use crate::report::run::RunOutcome;
use crate::report::timestamp::Timestamp;

/// What the command line asks of a run.
pub(crate) struct Asked<'a> {
    pub(crate) options: &'a RunOptions,
    pub(crate) metrics: &'a MetricsOptions,
}

/// Runs the job with progress on stderr, prints the report and writes its files. A process that shared
/// a run of another prints its own part and that run's result; the files are the other's.
pub(crate) async fn run(
    job: &Job,
    asked: Asked<'_>,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    files::prepare(&job.report)?;
    let progress = Progress::new();
    let exporter = Exporter::start(asked.metrics, &job.name, &progress).await?;
    let lineage = if asked.options.join.is_none() {
        Lineage::start(job, Timestamp::now())?
    } else {
        None
    };
    let sampler = sampler::start(&progress);
    let display = Display::start(console, Arc::clone(&progress))?;
    let stop = cancel.clone();
    let run = carry_out(job, asked.options, cancel, Arc::clone(&progress));
    let outcome = finish_in_time(&stop, run).await;
    display.finish();
    drop(sampler);
    progress.look();
    progress.end(match &outcome {
        Ok(Joined::Led(report)) => report.outcome,
        Ok(Joined::Member(joined)) => joined.outcome,
        Err(error) => RunOutcome::of_error(error.kind()),
    });
    if let Err(error) = end_lineage(job, lineage, &outcome) {
        tracing::warn!(%error, "the lineage event of the end is missing");
    }
    // What became of the run is more than whether its last metrics could be written.
    if let Err(error) = exporter.finish().await {
        tracing::warn!(%error, "the metrics of the end are missing");
    }
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
            if asked.options.join.is_none()
                && let Err(error) = files::write_failure(&job.report, &error)
            {
                tracing::warn!(%error, "an older report is still there");
            }
            return Err(error);
        }
    };
    let json = console.result(request.output, &*report, text::run::render)?;
    let timeline = progress.timeline();
    files::write(
        &job.report,
        &ReportFile::new(&report, &timeline, &job.settings),
    )?;
    // A stop leaves no time for it.
    if !stop.is_cancelled() {
        let context = HookContext {
            run_id: Some(report.facts.run_id.clone()),
            outcome: Some(report.outcome.as_str()),
        };
        pipeline::after_run(job, &context, &stop).await?;
    }
    Ok(Finished {
        conclusion: report.outcome.into(),
        json,
    })
}

/// Writes the event of the end. Of processes that share a run, only the end tells which one led it last:
/// that one writes both events.
fn end_lineage(job: &Job, begun: Option<Lineage<'_>>, outcome: &Result<Joined>) -> Result<()> {
    let (lineage, ended) = match outcome {
        Ok(Joined::Member(_)) => return Ok(()),
        Ok(Joined::Led(report)) => match begun {
            Some(lineage) => (Some(lineage), Ok(&**report)),
            None => (Lineage::start(job, report.facts.started)?, Ok(&**report)),
        },
        Err(error) => (begun, Err(error)),
    };
    lineage.map_or(Ok(()), |lineage| lineage.end(ended))
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
