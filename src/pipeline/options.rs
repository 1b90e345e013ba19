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
    /// Share the run with other processes; `None` to run the job alone.
    pub join: Option<Join>,
}

/// How a process shares a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Join {
    /// What the run is called by those who start its processes. A process that comes when the run of its
    /// name has ended takes its result, and does not run the job once more.
    pub run_name: Option<String>,
}

impl RunOptions {
    /// The named tables in lower case and in order, as they are recorded with the run.
    pub fn selection(&self) -> Vec<String> {
        let mut names: Vec<_> = self.only_tables.iter().map(|n| n.to_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What the run is called, if it is shared and has a name.
    pub fn run_name(&self) -> Option<String> {
        self.join.as_ref().and_then(|join| join.run_name.clone())
    }
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

/// What the command line adds to a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Samples are taken, and the time that the job's rows take is estimated.
    pub sample: bool,
}

/// What the command line adds to a tuning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TuneOptions {
    /// Length of a sample.
    pub sample: Duration,
}
