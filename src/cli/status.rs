//! `migrate status`: what the target knows of the job, once or until its run has ended.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use crate::cli::arguments::Request;
use crate::cli::choices::Output;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished};
use crate::cli::text;
use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::{self, StatusWatch};
use crate::report::status::StatusReport;

/// The message of a watch that a signal ended.
pub(crate) const STOPPED: &str = "stopped watching; the run is not concerned";

/// Runs the command and prints its result. `every`: again and again while a run goes.
pub(crate) async fn status(
    job: &Job,
    every: Option<Duration>,
    request: &Request,
    console: &Console,
) -> Result<Finished> {
    let report = match every {
        None => pipeline::status(job).await?,
        Some(every) => {
            let watch = StatusWatch::open(job).await?;
            let last = until_end(&watch, job, every, Screen::new(request.output, console)).await;
            watch.close().await;
            last?
        }
    };
    let json = console.result(request.output, &report, text::status::render)?;
    Ok(Finished {
        conclusion: Conclusion::Done,
        json,
    })
}

/// Shows the run as it goes, and gives the report after its end; at once if no run goes.
async fn until_end(
    watch: &StatusWatch,
    job: &Job,
    every: Duration,
    mut screen: Screen<'_>,
) -> Result<StatusReport> {
    loop {
        let report = watch.look_patiently(job).await?;
        if !report.is_running() {
            screen.clear()?;
            return Ok(report);
        }
        screen.show(&report)?;
        tokio::time::sleep(every).await;
    }
}

/// Where a watch is shown.
struct Screen<'a> {
    console: &'a Console,
    style: Style,
    /// Lines of the last look, which the next one takes the place of.
    lines: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// One picture that changes.
    Picture,
    /// Lines of text, for a file or a pipe.
    Lines,
    /// A line of JSON for each look.
    Json,
}

impl<'a> Screen<'a> {
    fn new(output: Output, console: &'a Console) -> Self {
        let style = match output {
            Output::Json => Style::Json,
            Output::Text if io::stdout().is_terminal() => Style::Picture,
            Output::Text | Output::Html => Style::Lines,
        };
        Self {
            console,
            style,
            lines: 0,
        }
    }

    fn show(&mut self, report: &StatusReport) -> Result<()> {
        match self.style {
            Style::Picture => {
                let picture = text::watch::picture(report);
                let shown = format!("{}{}", self.back(), cut(&picture));
                self.lines = picture.lines().count();
                self.console.text(&shown)
            }
            Style::Lines => self.console.text(&text::watch::line(report)),
            Style::Json => self.console.text(&format!("{}\n", text::json(report)?)),
        }
    }

    /// Makes room for the report of the end.
    fn clear(&mut self) -> Result<()> {
        let back = self.back();
        self.lines = 0;
        self.console.text(&back)
    }

    /// To the first line of the last look, and everything from there on erased (ECMA-48, CPL and ED).
    fn back(&self) -> String {
        match self.lines {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}F\u{1b}[J"),
        }
    }
}

/// Without line wrap (DECAWM), so that a line stays one on a narrow terminal.
fn cut(picture: &str) -> String {
    format!("\u{1b}[?7l{picture}\u{1b}[?7h")
}
