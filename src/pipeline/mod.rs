//! Runs a job: the only code that spawns work of a run. The signal listener and the tasks that drive
//! PostgreSQL connections live with their owners.
//!
//! `run` has the steps of a run in order, `load` the workers, `commands` what moves no rows,
//! `verify` and `tune` the two commands that read much. Below them are the parts that all share:
//! `connections`, `context`, `retry`, `policy`, `shutdown`, `outage` and `survey`. This is the only
//! place that knows both `mssql` and `postgres`.

mod commands;
mod connections;
mod context;
mod disk;
#[cfg(test)]
mod fixtures;
mod hooks;
mod join;
mod load;
mod lock_session;
mod machine;
mod options;
mod outage;
pub mod policy;
mod publish;
mod retry;
mod run;
mod shutdown;
mod small;
mod source_slots;
mod survey;
mod tune;
mod verify;

pub use commands::check::check;
pub use commands::plan::plan;
pub use commands::rejects::rejects;
pub use commands::schema::schema;
pub use commands::status::{StatusWatch, status};
pub use hooks::{HookContext, after_run};
pub use join::{Joined, join};
pub use options::{CheckOptions, ComparisonLevel, Join, RunOptions, TuneOptions, VerifyOptions};
pub use run::run;
pub(crate) use shutdown::drop_on_stop;
pub use tune::{estimate, tune};
pub use verify::verify;
