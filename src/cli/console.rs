//! Prints results to stdout, progress and errors to stderr.
//!
//! Only results go to stdout, so that it can be piped; with `--output json` it is one object on the
//! last line.

use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::arguments::{HTML_BELONGS, Request, usage};
use crate::cli::choices::{Output, ProgressStyle};
use crate::cli::text;
use crate::error::{Error, Kind, Result};

/// How progress is shown, after `auto` was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProgressDisplay {
    Bars,
    Lines,
    Nothing,
}

/// Both streams of the process, and the bars that share stderr with the log.
#[derive(Debug)]
pub struct Console {
    pub(crate) bars: MultiProgress,
    pub(crate) progress: ProgressDisplay,
}

impl Console {
    /// The console that the request asks for. With `auto`, bars if stderr is a terminal.
    pub fn new(request: &Request) -> Self {
        let progress_display = match request.progress {
            ProgressStyle::Bars => ProgressDisplay::Bars,
            ProgressStyle::Lines => ProgressDisplay::Lines,
            ProgressStyle::None => ProgressDisplay::Nothing,
            ProgressStyle::Auto if io::stderr().is_terminal() => ProgressDisplay::Bars,
            ProgressStyle::Auto => ProgressDisplay::Lines,
        };
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            progress: progress_display,
        }
    }

    /// Prints text to stdout; it brings its own line ends.
    pub(crate) fn text(&self, text: &str) -> Result<()> {
        write_stdout(text)
    }

    /// Prints a command's report as text, or returns its JSON for the last line.
    ///
    /// # Errors
    /// `Io` if stdout is closed, `Internal` if the report does not serialise.
    pub(crate) fn result<T: Serialize>(
        &self,
        output: Output,
        report: &T,
        render: impl Fn(&T) -> String,
    ) -> Result<Option<Value>> {
        match output {
            Output::Text => self.text(&render(report)).map(|()| None),
            Output::Json => text::json(report).map(Some),
            Output::Html => Err(usage(HTML_BELONGS)),
        }
    }

    /// Prints to stderr, above the bars.
    pub(crate) fn error(&self, text: &str) -> Result<()> {
        self.bars
            .suspend(|| io::stderr().lock().write_all(text.as_bytes()))
            .map_err(|cause| Error::new(Kind::Io, "cannot write to stderr").because(cause))
    }
}

/// How a command ended, for the last line.
pub(crate) struct Ending {
    /// The word of its [`Conclusion`](crate::cli::exit::Conclusion).
    pub(crate) outcome: &'static str,
    /// The exit code.
    pub(crate) code: u8,
}

/// The one last line for programs: command, outcome and exit code, and the result.
/// `command` is `None` if none was begun. The fields of `result` are added to the line.
pub(crate) fn last_line(command: Option<&str>, ending: Ending, result: Value) -> Result<()> {
    let mut line = json!({ "outcome": ending.outcome, "exit_code": ending.code });
    if let (Value::Object(line), Value::Object(result)) = (&mut line, result) {
        if let Some(command) = command {
            line.insert("command".to_owned(), command.into());
        }
        line.extend(result);
    }
    write_stdout(&format!("{line}\n"))
}

fn write_stdout(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|cause| Error::new(Kind::Io, "cannot write to stdout").because(cause))
}
