//! `migrate schema`: the whole DDL, to be read or given to psql.

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished};
use crate::cli::text;
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, RunOptions};

/// Runs the command and prints its result.
pub(crate) async fn schema(
    job: &Job,
    options: &RunOptions,
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    let report = pipeline::schema(job, options, cancel).await?;
    let json = console.result(request.output, &report, text::schema::render)?;
    Ok(Finished {
        conclusion: Conclusion::Done,
        json,
    })
}
