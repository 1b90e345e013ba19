//! `migrate tune`: samples of the real job, and the settings that they recommend.

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished};
use crate::cli::text;
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, RunOptions, TuneOptions};

/// What the command line asks for.
pub(crate) struct Asked<'a> {
    pub(crate) options: &'a RunOptions,
    pub(crate) tuning: TuneOptions,
}

/// Runs the command and prints its result.
pub(crate) async fn tune(
    job: &Job,
    asked: Asked<'_>,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    let report = pipeline::tune(job, asked.options, asked.tuning, cancel).await?;
    let json = console.result(request.output, &report, text::tune::render)?;
    Ok(Finished {
        conclusion: Conclusion::Done,
        json,
    })
}
