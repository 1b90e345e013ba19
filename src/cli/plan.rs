//! `migrate plan`: statements, strategies and partitions.

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished, of_kind};
use crate::cli::text;
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, RunOptions};

/// Runs the command and prints its result.
pub(crate) async fn plan(
    job: &Job,
    options: &RunOptions,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    let report = pipeline::plan(job, options, cancel).await?;
    let conclusion = report.kind.map_or(Conclusion::Done, of_kind);
    let asked_for = request.log_level.is_verbose() || !options.only_tables.is_empty();
    let detail = if asked_for {
        text::plan::Detail::Full
    } else {
        text::plan::Detail::Summary
    };
    let json = console.result(request.output, &report, |report| {
        text::plan::render(report, detail)
    })?;
    Ok(Finished { conclusion, json })
}
