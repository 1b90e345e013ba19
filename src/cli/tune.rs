//! `migrate tune`: samples of the real job, and the settings that they recommend.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished};
use crate::cli::{files, html, text};
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, RunOptions, TuneOptions};
use crate::report::timestamp::Timestamp;

/// What the command line asks for.
pub(crate) struct Asked<'a> {
    pub(crate) options: &'a RunOptions,
    pub(crate) tuning: TuneOptions,
    /// Where a page is written.
    pub(crate) page: Option<&'a Path>,
}

/// Runs the command and prints its result.
pub(crate) async fn tune(
    job: &Job,
    asked: Asked<'_>,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    // Before a minute of samples: that the page can be written at the end.
    asked.page.map_or(Ok(()), files::prepare_file)?;
    let report = pipeline::tune(job, asked.options, asked.tuning, cancel).await?;
    if let Some(path) = asked.page {
        files::write_page(path, &html::tuning(&report, Timestamp::now()))?;
    }
    let json = console.result(request.output, &report, text::tune::render)?;
    Ok(Finished {
        conclusion: Conclusion::Done,
        json,
    })
}
