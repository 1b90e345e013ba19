//! A setting of the job file as `migrate check` shows it: key, value and origin, never a secret.

use serde::Serialize;

/// Shown in place of a secret.
pub(crate) const MASK: &str = "***";

/// Who gave a setting its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Neither file nor environment names the key: it has its default.
    Default,
    /// The job file.
    File,
    /// The connection string of the target.
    Connection,
    /// The service file of libpq.
    Service,
    /// An environment variable that overrides the file, or that libpq knows, by its name.
    Environment(&'static str),
}

/// One line of `migrate check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Key path in the job file, as `source.pool.max_connections`.
    pub key: String,
    /// As it would be written, empty if there is none; `***` for a secret.
    pub value: String,
    pub origin: Origin,
}
