//! `migrate rejects`: lists the rows that PostgreSQL could not hold.

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished};
use crate::cli::text;
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline;
use crate::postgres::state::RejectQuery;

/// Runs the command and prints its result.
pub(crate) async fn rejects(
    job: &Job,
    wanted: &RejectQuery,
    request: &Request,
    console: &Console,
) -> Result<Finished> {
    let report = pipeline::rejects(job, wanted).await?;
    let json = console.result(request.output, &report, text::rejects::render)?;
    Ok(Finished {
        conclusion: Conclusion::Done,
        json,
    })
}
