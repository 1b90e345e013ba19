//! `migrate check`: settings, connections, permissions, and what a run would meet.
//!
//! Report files are tried as well. A server that cannot be reached decides the exit code before any
//! other problem.

use tokio_util::sync::CancellationToken;

use crate::cli::arguments::Request;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished, of_kind};
use crate::cli::{STOPPED, files, text};
use crate::config::job::Job;
use crate::error::{Kind, Result};
use crate::pipeline::policy::advice;
use crate::pipeline::{self, CheckOptions, drop_on_stop};
use crate::report::check::{CheckReport, Finding, Severity};

/// What the command line asks for, and its end by a signal.
pub(crate) struct Asked {
    pub(crate) options: CheckOptions,
    pub(crate) cancel: CancellationToken,
}

/// Runs the command and prints its result.
pub(crate) async fn check(
    job: &Job,
    asked: Asked,
    request: &Request,
    console: &Console,
) -> Result<Finished> {
    let mut report = drop_on_stop(&asked.cancel, STOPPED, pipeline::check(job)).await?;
    for error in files::probe(&job.report) {
        report.findings.push(Finding {
            severity: Severity::Problem,
            finding: crate::cli::failure::line(&error),
            advice: advice(&error).to_owned(),
        });
    }
    if asked.options.sample {
        sample(job, &mut report, asked.cancel).await?;
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

/// Takes samples, unless a run would not begin either. That none could be taken is a warning: the job may
/// be fine.
async fn sample(job: &Job, report: &mut CheckReport, cancel: CancellationToken) -> Result<()> {
    let (finding, advice) = if report.problems() > 0 {
        let advice = "solve the problems first.";
        (
            "no sample was taken: there are problems".to_owned(),
            advice.to_owned(),
        )
    } else {
        match pipeline::estimate(job, cancel).await {
            Ok(estimate) => {
                report.estimate = Some(estimate);
                return Ok(());
            }
            Err(error) if error.kind() == Kind::Stopped => return Err(error),
            Err(error) => {
                let line = crate::cli::failure::line(&error);
                (
                    format!("no sample was taken: {line}"),
                    advice(&error).to_owned(),
                )
            }
        }
    };
    report.findings.push(Finding {
        severity: Severity::Warning,
        finding,
        advice,
    });
    Ok(())
}
