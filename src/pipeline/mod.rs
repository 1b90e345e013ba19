//! Runs a job: the only code that spawns work of a run. The signal listener and the tasks that drive
//! PostgreSQL connections live with their owners.

mod commands;
mod connections;
mod context;
#[cfg(test)]
mod fixtures;
mod load;
mod options;
pub mod policy;
mod retry;
mod run;
mod shutdown;
mod survey;
mod tune;
mod verify;

pub use commands::check::{check, status};
pub use commands::plan::{plan, schema};
pub use commands::rejects::rejects;
pub use options::RunOptions;
pub use run::run;
pub(crate) use shutdown::drop_on_stop;
pub use tune::{TuneOptions, tune};
pub use verify::{Level, VerifyOptions, verify};
