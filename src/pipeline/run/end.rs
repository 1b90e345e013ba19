//! Records in the target how a run ended.

use std::time::Duration;

use crate::error::Error;
use crate::pipeline::context::Run;
use crate::pipeline::policy::cause;
use crate::postgres::state;
use crate::report::run::RunOutcome;

/// How long after a stop a run tries to record how it ended.
const END_WITHIN: Duration = Duration::from_secs(6);

/// Records that the run ended with an error instead of a report.
pub async fn end_with(run: &Run, error: &Error) {
    let cause = serde_json::json!(cause(error));
    end(run, RunOutcome::of_error(error.kind()), (&cause, None)).await;
}

/// `said`: the report, and what was made beside rows (`RunRecord::objects`).
pub async fn end(run: &Run, outcome: RunOutcome, said: (&serde_json::Value, Option<&str>)) {
    let recorded = async {
        state::end_run(
            &*run.target.acquire().await?,
            run.id,
            outcome.as_str(),
            said,
        )
        .await
    };
    // The next run closes a record that stayed open.
    match run
        .stop_clock
        .in_time(&run.target, END_WITHIN, recorded)
        .await
    {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::warn!(%error, "the run's outcome could not be recorded"),
        None => tracing::warn!("the run's outcome could not be recorded in time"),
    }
}
