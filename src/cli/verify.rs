//! `migrate verify`: compares both sides.

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::{Output, Request};
use crate::cli::console::Console;
use crate::cli::exit::Conclusion;
use crate::cli::{Finished, text};
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, RunOptions};

pub(crate) async fn verify(
    job: &Job,
    options: &RunOptions,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    let report = pipeline::verify(job, options, cancel).await?;
    let conclusion = if report.failures().next().is_some() {
        Conclusion::Failed
    } else if report.differences().next().is_some() {
        Conclusion::Different
    } else {
        Conclusion::Done
    };
    let json = match request.output {
        Output::Text => {
            console.text(&text::verify::render(&report))?;
            None
        }
        Output::Json => Some(text::json(&report)?),
    };
    Ok(Finished { conclusion, json })
}
