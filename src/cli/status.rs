//! `migrate status`: what the target knows of the job.

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished};
use crate::cli::text;
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline;

/// Runs the command and prints its result.
pub(crate) async fn status(job: &Job, request: &Request, console: &Console) -> Result<Finished> {
    let report = pipeline::status(job).await?;
    let json = console.result(request.output, &report, text::status::render)?;
    Ok(Finished {
        conclusion: Conclusion::Done,
        json,
    })
}
