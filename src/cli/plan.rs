//! `migrate plan`: statements, strategies and partitions; or a page that assesses the whole database.

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::Request;
use crate::cli::choices::Output;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished, of_kind};
use crate::cli::{html, text};
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, RunOptions};
use crate::report::timestamp::Timestamp;

/// What the command line asks for.
pub(crate) struct Asked<'a> {
    pub(crate) options: &'a RunOptions,
    pub(crate) sample: bool,
}

/// Runs the command and prints its result.
pub(crate) async fn plan(
    job: &Job,
    asked: Asked<'_>,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    let options = asked.options;
    let mut report = pipeline::plan(job, options, cancel.clone()).await?;
    if asked.sample {
        report.estimate = Some(pipeline::estimate(job, cancel).await?);
    }
    let conclusion = report.kind.map_or(Conclusion::Done, of_kind);
    if request.output == Output::Html {
        console.text(&html::assessment(&report, Timestamp::now()))?;
        return Ok(Finished {
            conclusion,
            json: None,
        });
    }
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
