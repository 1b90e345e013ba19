//! What a connection pool reports of itself.
//!
//! Both pools count the same things, so that a report can compare them. The counters are of one
//! process: a run that continues another begins at 0.

use std::fmt;
use std::time::Duration;

use crate::report::histogram::Durations;
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

impl Side {
    /// The word in JSON and in labels of metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }
}

/// One pool at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolState {
    pub side: Side,
    /// The hard cap.
    pub max_connections: u64,
    /// Open now, in use or idle.
    pub open: u64,
    pub in_use: u64,
    /// Tasks that wait for a connection now, because all are in use.
    pub waiting: u64,
    /// Connections handed out.
    pub acquisitions: u64,
    /// Acquisitions that failed after `acquire_timeout`.
    pub timeouts: u64,
    pub connects: u64,
    /// Connections opened in place of lost or discarded ones.
    pub reconnects: u64,
    pub connect_errors: u64,
    /// How long acquisitions waited that found every connection in use.
    pub waits: Durations,
    /// How long connections were out of the pool.
    pub uses: Durations,
}

impl PoolState {
    /// Open and not in use.
    pub fn idle(&self) -> u64 {
        self.open.saturating_sub(self.in_use)
    }
}

/// Asks the pools of a run for their states.
pub struct PoolWatch(Box<dyn Fn() -> Vec<PoolState> + Send + Sync>);

impl PoolWatch {
    /// By a function that looks at the pools and does not wait.
    pub fn new(look: impl Fn() -> Vec<PoolState> + Send + Sync + 'static) -> Self {
        Self(Box::new(look))
    }

    /// The states now.
    pub fn look(&self) -> Vec<PoolState> {
        (self.0)()
    }
}

impl fmt::Debug for PoolWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolWatch")
    }
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
    /// Summed over all connections: how long they were out of the pool.
    pub use_seconds: f64,
    /// The same for one acquisition; 0 if there was none.
    pub mean_use: f64,
    /// Acquisitions that failed after `acquire_timeout`.
    pub timeouts: u64,
    /// Connections opened.
    pub connects: u64,
    /// Connections opened to replace one that broke or was not known to be clean.
    pub reconnects: u64,
    /// Connections that could not be opened.
    pub connect_errors: u64,
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
