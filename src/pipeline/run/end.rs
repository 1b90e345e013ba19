//! Records in the target how a run ended.

use std::time::Duration;

use crate::error::Error;
use crate::pipeline::context::Run;
use crate::pipeline::policy::cause;
use crate::postgres::state::{self, RunEnd};
use crate::report::run::RunOutcome;

/// How long after a stop a run tries to record how it ended.
const END_WITHIN: Duration = Duration::from_secs(6);

/// Records that the run ended with an error instead of a report.
pub async fn record_error(run: &Run, error: &Error) {
    let ended = RunEnd {
        outcome: RunOutcome::of_error(error.kind()),
        report: &serde_json::json!(cause(error)),
        objects: None,
    };
    record(run, ended).await;
}

/// Records how the run ended. A failure to do so is logged: the next run closes the record.
pub async fn record(run: &Run, ended: RunEnd<'_>) {
    let recorded = async { state::end_run(&*run.target.acquire().await?, run.id, ended).await };
    let recorded = run
        .stop_clock
        .finish_within(&run.target, END_WITHIN, recorded);
    match recorded.await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::warn!(%error, "the run's outcome could not be recorded"),
        None => tracing::warn!("the run's outcome could not be recorded in time"),
    }
}
