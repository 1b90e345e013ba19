//! `migrate check`: settings, connections and permissions.

use crate::cli::arguments::{Output, Request};
use crate::cli::console::Console;
use crate::cli::exit::Conclusion;
use crate::cli::{Finished, text};
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline;

pub(crate) async fn check(job: &Job, request: &Request, console: &Console) -> Result<Finished> {
    let report = pipeline::check(job).await?;
    let conclusion = if report.unreachable {
        Conclusion::Unreachable
    } else if report.problems() > 0 {
        Conclusion::Failed
    } else {
        Conclusion::Done
    };
    let json = match request.output {
        Output::Text => {
            console.text(&text::check::render(&report))?;
            None
        }
        Output::Json => Some(text::json(&report)?),
    };
    Ok(Finished { conclusion, json })
}
