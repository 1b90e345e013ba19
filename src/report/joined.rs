//! What a process did that shared a run which another process led.

use serde::Serialize;
use serde_json::Value;

use crate::report::run::RunOutcome;

/// The result of a member of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JoinedReport {
    pub job: String,
    /// The run that was shared, or that had ended when the process came.
    pub run_id: String,
    /// How the run ended.
    pub outcome: RunOutcome,
    /// Partitions that this process loaded to their end.
    pub partitions: usize,
    /// Rows that this process moved.
    pub rows: u64,
    pub seconds: f64,
    /// The run's own report, or the cause of a run that ended without one.
    pub report: Option<Value>,
}
