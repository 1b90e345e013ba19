//! The commands with their options, as the command line means them.

use std::path::PathBuf;
use std::time::Duration;

use clap_complete::Shell;

use crate::cli::init_options::InitOptions;
use crate::cli::metrics::options::MetricsOptions;
use crate::pipeline::{CheckOptions, RunOptions, TuneOptions, VerifyOptions};
use crate::postgres::state::RejectQuery;

/// The command, with the options that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Run(RunOptions, MetricsOptions),
    Check(CheckOptions),
    Plan(RunOptions, CheckOptions),
    Schema(RunOptions),
    /// Once, or again and again with this time between two looks.
    Status(Option<Duration>),
    Verify(RunOptions, VerifyOptions),
    Rejects(RejectQuery),
    /// Into a page too, if a file is named.
    Tune(RunOptions, TuneOptions, Option<PathBuf>),
    Init(InitOptions),
    Completions(Shell),
    Man(PathBuf),
}

impl Action {
    /// The name of the command, as typed.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run(..) => "run",
            Self::Check(_) => "check",
            Self::Plan(..) => "plan",
            Self::Schema(_) => "schema",
            Self::Status(_) => "status",
            Self::Verify(..) => "verify",
            Self::Rejects(_) => "rejects",
            Self::Tune(..) => "tune",
            Self::Init(_) => "init",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// The job file, if none was named; `None` if the action needs one.
    pub(super) fn default_config(&self) -> Option<PathBuf> {
        match self {
            Self::Init(_) => Some("job.yaml".into()),
            Self::Completions(_) | Self::Man(_) => Some(PathBuf::new()),
            Self::Run(..)
            | Self::Check(_)
            | Self::Plan(..)
            | Self::Schema(_)
            | Self::Status(_)
            | Self::Verify(..)
            | Self::Rejects(_)
            | Self::Tune(..) => None,
        }
    }
}
