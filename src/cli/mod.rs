//! The command line: arguments, one file per command, and the only code that prints.
//!
//! `main` parses and calls [`execute`]; each command's file calls one function of `pipeline` and
//! prints what comes back. Nothing here decides about a migration.

pub mod action;
pub mod arguments;
mod check;
pub mod choices;
pub mod console;
mod deadline;
mod display;
mod exit;
mod failure;
mod files;
mod html;
mod init;
pub mod init_options;
mod lineage;
pub mod log;
mod manual;
mod metrics;
mod plan;
mod rejects;
mod run;
mod sampler;
mod schema;
mod status;
mod text;
mod tune;
mod verify;
pub mod version;
pub mod wrong_line;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio_util::sync::CancellationToken;

pub use exit::Signal;

use crate::cli::action::Action;
use crate::cli::arguments::Request;
use crate::cli::choices::Output;
use crate::cli::console::{Console, Ending};
use crate::cli::deadline::finish_in_time;
use crate::cli::exit::{Finished, code};
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::pipeline::drop_on_stop;

/// The message of a read-only command that a signal ended.
const STOPPED: &str = "stopped by a signal";

/// Carries out a request and returns the exit code.
///
/// `stopped_by` says which signal arrived, once `cancel` was cancelled.
pub async fn execute(
    request: Request,
    console: &Console,
    cancel: CancellationToken,
    stopped_by: impl Fn() -> Option<Signal>,
) -> u8 {
    let outcome = carry_out(&request, console, cancel).await;
    let code = code(
        outcome
            .as_ref()
            .map(|finished| finished.conclusion)
            .map_err(Error::kind),
        stopped_by(),
    );
    let printed = match outcome {
        Ok(finished) => match finished.json {
            Some(json) => {
                let outcome = finished.conclusion.word();
                console::last_line(Some(request.action.word()), Ending { outcome, code }, json)
            }
            None => Ok(()),
        },
        Err(error) => {
            let to_stderr = failure::print(&error, console);
            match request.output {
                Output::Text | Output::Html => to_stderr,
                // The line for programs is printed even if stderr is closed.
                Output::Json => {
                    failure::print_json(&error, Some(request.action.word()), code).and(to_stderr)
                }
            }
        }
    };
    match printed {
        Ok(()) => code,
        // The result could not be printed, so the command must not look like a success.
        Err(error) => {
            failure::print_to_stderr(&error);
            code.max(1)
        }
    }
}

/// Prints an error that kept the command from starting; returns the exit code.
pub fn fail_before_start(error: &Error, output: Output) -> u8 {
    failure::print_to_stderr(error);
    finish_with_error(error, output)
}

/// Prints the last line of JSON, if asked for, for an error that was printed already; returns the exit
/// code.
pub fn finish_with_error(error: &Error, output: Output) -> u8 {
    let code = code(Err(error.kind()), None);
    if output == Output::Json
        && let Err(error) = failure::print_json(error, None, code)
    {
        failure::print_to_stderr(&error);
    }
    code
}

/// Prints a panic as an internal error.
pub fn report_panic(panic: &str) {
    failure::print_to_stderr(&Error::new(Kind::Internal, panic));
}

/// The error for programs after a panic that [`report_panic`] has printed.
pub fn panicked() -> Error {
    Error::new(Kind::Internal, "internal error (see stderr)")
}

/// The operating system refused threads or signals.
pub fn no_runtime(cause: std::io::Error) -> Error {
    Error::new(Kind::Internal, "cannot start").because(cause)
}

/// A command as a boxed future, so that the code of all commands is generated with the library and not
/// once more with each program that runs it.
fn carry_out<'a>(
    request: &'a Request,
    console: &'a Console,
    cancel: CancellationToken,
) -> LocalBoxFuture<'a, Result<Finished>> {
    command(request, console, cancel).boxed_local()
}

/// At a signal, short questions are dropped; the other commands get time to close what they opened.
async fn command(
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    let job = || config::load(&request.config, &|name| std::env::var_os(name));
    let stop = cancel.clone();
    match &request.action {
        Action::Run(options, metrics) => {
            let asked = run::Asked { options, metrics };
            run::run(&job()?, asked, request, console, cancel).await
        }
        Action::Check(options) => {
            let (job, asked) = (
                job()?,
                check::Asked {
                    options: *options,
                    cancel,
                },
            );
            finish_in_time(&stop, check::check(&job, asked, request, console)).await
        }
        Action::Plan(options, check) => {
            let asked = plan::Asked {
                options,
                sample: check.sample,
            };
            finish_in_time(&stop, plan::plan(&job()?, asked, request, console, cancel)).await
        }
        Action::Schema(options) => {
            finish_in_time(
                &stop,
                schema::schema(&job()?, options, request, console, cancel),
            )
            .await
        }
        Action::Status(every) => {
            let (job, every) = (job()?, *every);
            let words = every.map_or(STOPPED, |_| status::STOPPED);
            drop_on_stop(
                &cancel,
                words,
                status::status(&job, every, request, console),
            )
            .await
        }
        Action::Verify(options, verification) => {
            let asked = verify::Asked {
                options,
                verification: *verification,
            };
            finish_in_time(
                &stop,
                verify::verify(&job()?, asked, request, console, cancel),
            )
            .await
        }
        Action::Rejects(wanted) => {
            drop_on_stop(
                &cancel,
                STOPPED,
                rejects::rejects(&job()?, wanted, request, console),
            )
            .await
        }
        Action::Tune(options, tuning, page) => {
            let asked = tune::Asked {
                options,
                tuning: *tuning,
                page: page.as_deref(),
            };
            finish_in_time(&stop, tune::tune(&job()?, asked, request, console, cancel)).await
        }
        Action::Init(options) => {
            drop_on_stop(&cancel, STOPPED, init::init(options, request, console)).await
        }
        Action::Completions(shell) => manual::completions(*shell, console),
        Action::Man(folder) => manual::pages(folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_ends_a_command_that_waits_for_a_server() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let waiting = std::future::pending::<Result<()>>();
        let outcome = drop_on_stop(&cancel, STOPPED, waiting).await;
        assert_eq!(outcome.err().map(|error| error.kind()), Some(Kind::Stopped));
    }
}
