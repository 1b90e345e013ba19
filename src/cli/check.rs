//! `migrate check`: settings, connections and permissions.
//!
//! Report files are tried as well. A server that cannot be reached decides the exit code before any
//! other problem.

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished, of_kind};
use crate::cli::{files, text};
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline;
use crate::pipeline::policy::advice;
use crate::report::check::{Finding, Severity};

/// Runs the command and prints its result.
pub(crate) async fn check(job: &Job, request: &Request, console: &Console) -> Result<Finished> {
    let mut report = pipeline::check(job).await?;
    for error in files::probe(&job.report) {
        report.findings.push(Finding {
            severity: Severity::Problem,
            finding: crate::cli::failure::line(&error),
            advice: advice(&error).to_owned(),
        });
    }
    let conclusion = if report.unreachable {
        Conclusion::Unreachable
    } else if report.problems() > 0 {
        report.kind.map_or(Conclusion::Failed, of_kind)
    } else {
        Conclusion::Done
    };
    let json = console.result(request.output, &report, |report| {
        text::check::render(report, request.log_level.is_verbose())
    })?;
    Ok(Finished { conclusion, json })
}
