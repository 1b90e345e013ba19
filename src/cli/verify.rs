//! `migrate verify`: compares both sides.
//!
//! A table that could not be compared counts more than one that differs.

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished};
use crate::cli::text;
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, RunOptions, VerifyOptions};

/// What the command line asks for.
pub(crate) struct Asked<'a> {
    pub(crate) options: &'a RunOptions,
    pub(crate) verification: VerifyOptions,
}

/// Runs the command and prints its result.
pub(crate) async fn verify(
    job: &Job,
    asked: Asked<'_>,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    let report = pipeline::verify(job, asked.options, asked.verification, cancel).await?;
    let conclusion = if report.failures().next().is_some() {
        Conclusion::Failed
    } else if report.differences().next().is_some() {
        Conclusion::Different
    } else {
        Conclusion::Done
    };
    let json = console.result(request.output, &report, text::verify::render)?;
    Ok(Finished { conclusion, json })
}
