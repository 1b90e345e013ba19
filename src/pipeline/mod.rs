//! Runs a job: the only code that spawns tasks.

mod adapting;
mod board;
mod context;
mod cutting;
mod finishing;
mod inspect;
mod keeper;
mod lane;
mod objects;
mod pace;
mod partition;
mod planning;
pub mod policy;
mod prepare;
mod presence;
mod reading;
mod recorded;
mod rejects;
mod retry;
mod run;
#[cfg(test)]
mod sample;
mod schema;
mod shores;
mod splitting;
mod stopping;
mod summary;
mod taking_up;
mod tune;
mod verify;
mod waiting;
mod workers;

pub use inspect::{check, status};
pub use planning::{plan, schema};
pub use rejects::rejects;
pub use run::run;
pub(crate) use stopping::unless_stopped;
pub use tune::{TuneOptions, tune};
pub use verify::{Level, VerifyOptions, verify};

/// What the command line adds to a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Forget what an earlier run of the job committed, and start over.
    pub restart: bool,
    /// `schema.table`, exact up to case; empty means all tables of the job.
    pub only_tables: Vec<String>,
}
