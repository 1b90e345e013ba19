//! Every setting in force, where it came from, and no secret.

use serde::Serialize;

use crate::config::job::Job;

/// What stands for a secret.
pub(crate) const MASK: &str = "***";

/// Who gave a setting its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nobody: it is the default.
    Default,
    /// The job file.
    File,
    /// An environment variable that overrides the file, by its name.
    Environment(&'static str),
}

/// One line of `migrate check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Key path in the job file, as `source.pool.max_connections`.
    pub key: String,
    /// As it would be written, empty where there is none; `***` for a secret.
    pub value: String,
    pub origin: Origin,
}

/// All settings in the order in which they were read, each recorded by the code that read it.
pub fn effective(job: &Job) -> Vec<Setting> {
    job.settings.clone()
}
