//! The log on stderr, above the bars if there are bars.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::arguments::Request;
use crate::cli::choices::{LogFormat, LogLevel};
use crate::cli::console::{Console, ProgressDisplay};

/// Sets up the process's log; called once, by `main`.
///
/// `RUST_LOG` wins over the command line, except that the drivers' own logs of what they send and
/// receive stay shut: they hold values. Drivers are heard from `warn` up: what they log below
/// that may hold statements. tiberius is silent below `trace`: it warns of connections without TLS,
/// which ours has below it, and logs server errors that are handled here.
pub fn start(request: &Request, console: &Console) {
    let filter = EnvFilter::try_from_default_env().map_or_else(
        |_| EnvFilter::new(directives(request.log_level, console.progress)),
        without_values,
    );
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        // If stderr is gone or its disk is full, the log is lost and the run continues: what tells of
        // it otherwise panics.
        .log_internal_errors(false)
        .with_writer(AboveBars(console.bars.clone()));
    match request.log_format {
        LogFormat::Text => log
            .with_ansi(console.progress == ProgressDisplay::Bars)
            .init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// tokio-postgres logs the parameters of statements at `debug`, tiberius tokens at `trace`. A
/// filter that hears nothing below `info` is left as it is.
fn without_values(filter: EnvFilter) -> EnvFilter {
    if filter
        .max_level_hint()
        .is_some_and(|most| most <= LevelFilter::INFO)
    {
        return filter;
    }
    let shut = ["tokio_postgres=info", "tiberius=off"];
    let shut = shut.into_iter().filter_map(|text| text.parse().ok());
    shut.fold(filter, EnvFilter::add_directive)
}

fn directives(level: LogLevel, shown: ProgressDisplay) -> &'static str {
    match level {
        LogLevel::Off => "off",
        LogLevel::Error => "error,tiberius=off",
        LogLevel::Warn => "warn,tiberius=off",
        // Bars say what the lines of `info` would say.
        LogLevel::Info if shown == ProgressDisplay::Bars => "warn,tiberius=off",
        LogLevel::Info => "migrate=info,warn,tiberius=off",
        LogLevel::Debug => "migrate=debug,warn,tiberius=off",
        LogLevel::Trace => "migrate=trace,info,tiberius=warn",
    }
}

/// Writes to stderr while the bars hold still.
#[derive(Debug, Clone)]
struct AboveBars(MultiProgress);

impl Write for AboveBars {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

impl<'w> MakeWriter<'w> for AboveBars {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}
