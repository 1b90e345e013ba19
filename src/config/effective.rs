//! Every setting in force, where it came from, and no secret.

use serde::Serialize;

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
    /// As it would be written; `***` for a secret.
    pub value: String,
    pub origin: Origin,
}
