//! The command line: arguments, one file per command, and the only code that prints.

pub mod arguments;
mod check;
pub mod console;
mod display;
mod exit;
mod failure;
mod files;
mod html;
pub mod log;
mod plan;
mod rate;
mod run;
mod status;
mod text;
mod verify;

use tokio_util::sync::CancellationToken;

pub use exit::Signal;

use crate::cli::arguments::{Action, Request};
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, code};
use crate::config;
use crate::error::{Error, Kind, Result};

/// What a command hands back once it has printed its result.
struct Finished {
    conclusion: Conclusion,
    /// One line of JSON, where it was asked for.
    json: Option<serde_json::Value>,
}

/// Carries out a request and returns the exit code.
///
/// `stopped_by` says which signal arrived, once `cancel` was cancelled.
pub async fn execute(
    request: Request,
    console: &Console,
    cancel: CancellationToken,
    stopped_by: impl Fn() -> Option<Signal>,
) -> u8 {
    let outcome = command(&request, console, cancel).await;
    let code = code(
        outcome
            .as_ref()
            .map(|finished| finished.conclusion)
            .map_err(Error::kind),
        stopped_by(),
    );
    let said = match outcome {
        Ok(finished) => match finished.json {
            Some(json) => console.json(request.action.word(), code, json),
            None => Ok(()),
        },
        Err(error) => failure::print(&error, request.action.word(), code, &request, console),
    };
    match said {
        Ok(()) => code,
        // The result could not be said, so nobody may take it for a success.
        Err(error) => {
            failure::last_words(&error);
            code.max(1)
        }
    }
}

/// Says why nothing was started; returns the exit code.
pub fn refuse(error: &Error) -> u8 {
    failure::last_words(error);
    code(Err(error.kind()), None)
}

/// Says that the tool itself is broken.
pub fn confess(panic: &str) {
    failure::last_words(&Error::new(Kind::Internal, panic));
}

/// The operating system refused threads or signals.
pub fn no_runtime(cause: std::io::Error) -> Error {
    Error::new(Kind::Internal, "cannot start").because(cause)
}

async fn command(
    request: &Request,
    console: &Console,
    cancel: CancellationToken,
) -> Result<Finished> {
    let job = config::load(&request.config, &|name| std::env::var_os(name))?;
    match &request.action {
        Action::Run(options) => run::run(&job, options, request, console, cancel).await,
        Action::Check => check::check(&job, request, console).await,
        Action::Plan(options) => plan::plan(&job, options, request, console, cancel).await,
        Action::Status => status::status(&job, request, console).await,
        Action::Verify(options) => verify::verify(&job, options, request, console, cancel).await,
    }
}
