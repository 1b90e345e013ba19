//! `migrate status`: what the target knows of the job.

use crate::cli::arguments::{Output, Request};
use crate::cli::console::Console;
use crate::cli::exit::Conclusion;
use crate::cli::{Finished, text};
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline;

pub(crate) async fn status(job: &Job, request: &Request, console: &Console) -> Result<Finished> {
    let report = pipeline::status(job).await?;
    let json = match request.output {
        Output::Text => {
            console.text(&text::status::render(&report))?;
            None
        }
        Output::Json => Some(text::json(&report)?),
    };
    Ok(Finished {
        conclusion: Conclusion::Done,
        json,
    })
}
