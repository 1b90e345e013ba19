//! Words that options of every command take.

use clap::ValueEnum;

/// How a command prints its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
    Html,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// How much is logged. `Off` to `Trace` as in `tracing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// Asked for with -v or more.
    pub(crate) fn is_verbose(self) -> bool {
        matches!(self, Self::Debug | Self::Trace)
    }
}

/// How progress is shown on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    Auto,
    Bars,
    Lines,
    None,
}

/// How closely `verify` compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Row counts
    Counts,
    /// A checksum over all rows of each side; if they differ, looks for the rows that do
    Checksums,
    /// Looks for rows that differ at once: one read less if there are any
    Rows,
}
