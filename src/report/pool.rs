//! What a connection pool reports of itself.
//!
//! Both pools count the same things, so that a report can compare them. The counters are of one
//! process: a run that continues another begins at 0.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which server a pool connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// SQL Server.
    Source,
    /// PostgreSQL.
    Target,
}

/// Counters of one pool over one run. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolReport {
    pub side: Side,
    /// The hard cap.
    pub max_connections: usize,
    /// Most connections in use at one time.
    pub peak_in_use: usize,
    /// Connections handed out.
    pub acquisitions: u64,
    /// How many of the acquisitions had to wait because the pool was full.
    pub waits: u64,
    /// The longest that a single acquisition waited.
    pub longest_wait: f64,
    /// Over the acquisitions that waited; 0 if none did.
    pub mean_wait: f64,
    /// Acquisitions that failed after `acquire_timeout`.
    pub timeouts: u64,
    /// Connections opened to replace one that broke or was not known to be clean.
    pub reconnects: u64,
}

/// The mean of `count` times in seconds; 0 if there are none.
/// In seconds, as every time in a report.
pub fn mean_seconds(total: Duration, count: u64) -> f64 {
    if count == 0 {
        0.0
    } else {
        total.as_secs_f64() / count as f64
    }
}
