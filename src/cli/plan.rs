//! `migrate plan`: statements, strategies and partitions.

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::{Output, Request};
use crate::cli::console::Console;
use crate::cli::exit::Conclusion;
use crate::cli::{Finished, text};
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, RunOptions};

pub(crate) async fn plan(
    job: &Job,
    options: &RunOptions,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    let report = pipeline::plan(job, options, cancel).await?;
    let conclusion = if report.failed.is_empty() && report.problems.is_empty() {
        Conclusion::Done
    } else {
        Conclusion::Failed
    };
    let json = match request.output {
        Output::Text => {
            console.text(&text::plan::render(&report))?;
            None
        }
        Output::Json => Some(text::json(&report)?),
    };
    Ok(Finished { conclusion, json })
}
