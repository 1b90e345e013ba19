//! Where the tool talks: results to stdout, progress and errors to stderr.

use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::arguments::{Output, ProgressStyle, Request};
use crate::cli::text;
use crate::error::{Error, Kind, Result};

/// How progress is shown, once `auto` was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Bars,
    Lines,
    Nothing,
}

/// Both streams of the process, and the bars that share stderr with the log.
#[derive(Debug)]
pub struct Console {
    pub(crate) bars: MultiProgress,
    pub(crate) shown: Shown,
}

impl Console {
    pub fn new(request: &Request) -> Self {
        let shown = match request.progress {
            ProgressStyle::Bars => Shown::Bars,
            ProgressStyle::Lines => Shown::Lines,
            ProgressStyle::None => Shown::Nothing,
            ProgressStyle::Auto if io::stderr().is_terminal() => Shown::Bars,
            ProgressStyle::Auto => Shown::Lines,
        };
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            shown,
        }
    }

    /// A result for people, with its own line ends.
    pub(crate) fn text(&self, text: &str) -> Result<()> {
        write_stdout(text)
    }

    /// A command's result, for people at once; for programs as what the last line will hold.
    pub(crate) fn result<T: Serialize>(
        &self,
        output: Output,
        report: &T,
        render: impl Fn(&T) -> String,
    ) -> Result<Option<Value>> {
        match output {
            Output::Text => self.text(&render(report)).map(|()| None),
            Output::Json => text::json(report).map(Some),
        }
    }

    /// For people, above the bars.
    pub(crate) fn error(&self, text: &str) -> Result<()> {
        self.bars
            .suspend(|| io::stderr().lock().write_all(text.as_bytes()))
            .map_err(|cause| Error::new(Kind::Io, "cannot write to stderr").because(cause))
    }
}

/// The one last line for programs: command, outcome and exit code, and the result.
pub(crate) fn last_line(
    command: Option<&str>,
    (outcome, code): (&str, u8),
    result: Value,
) -> Result<()> {
    let mut line = json!({ "outcome": outcome, "exit_code": code });
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
