//! What the command line adds to a job file.
//!
//! Plain data: `cli::arguments` makes it, and nothing else decides what an option means.

use std::time::Duration;

/// What the command line adds to a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Discard what an earlier run of the job committed, and start over.
    pub restart: bool,
    /// `schema.table`, compared without regard to case; empty means all tables of the job.
    pub only_tables: Vec<String>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonLevel {
    /// Row counts.
    Counts,
    /// One sum per table first; rows are looked for if the sums differ.
    Checksums,
    /// Sums by bucket at once, so that a difference costs one more read instead of two.
    Rows,
}

/// What the command line adds to a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerifyOptions {
    /// The job's `verify` if it is not given; `none` there means counts here.
    pub level: Option<ComparisonLevel>,
    /// Differences are shown with the values of both sides.
    pub show_values: bool,
    /// Views are compared too, each read in full on both sides.
    pub views: bool,
}

/// What the command line adds to a tuning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TuneOptions {
    /// Length of a sample.
    pub sample: Duration,
}
