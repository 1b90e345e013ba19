//! Notes every two seconds in the state what this process does, for `migrate status`.
//!
//! It reads the counters that are there anyway and writes on the session of the lock, so no worker and no
//! connection of the pools has to do anything for it. What cannot be noted is not missed by the run.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::error::Result;
use crate::pipeline::context::Run;
use crate::postgres::state;
use crate::report::live::Live;

/// People look about as often.
const EVERY: Duration = Duration::from_secs(2);

/// An answer that takes longer is not waited for; a session that broke is replaced by who holds the lock.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The last note, for which a run that ends does not wait.
const RETRACT_WITHIN: Duration = Duration::from_secs(1);

/// Does the work, and notes meanwhile what the process does.
pub async fn beside<T>(run: &Run, work: impl Future<Output = T>) -> T {
    let done = tokio::select! {
        done = work => done,
        never = follow(run) => match never {},
    };
    if let Some(session) = run.lock_session.get() {
        let retracted = timeout(RETRACT_WITHIN, state::retract_live(&session, &run.job.name)).await;
        if !matches!(retracted, Ok(Ok(()))) {
            tracing::debug!("what the process does was not taken back; it is old in some seconds");
        }
    }
    done
}

async fn follow(run: &Run) -> Infallible {
    let mut live = Live::new(Arc::clone(&run.progress));
    loop {
        match timeout(ANSWER_WITHIN, note(run, &mut live)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "what the process does was not noted"),
            Err(_) => tracing::debug!("no answer to a note of what the process does"),
        }
        sleep(EVERY).await;
    }
}

async fn note(run: &Run, live: &mut Live) -> Result<()> {
    let state = serde_json::to_value(live.state()).unwrap_or_default();
    match run.lock_session.get() {
        Some(session) => state::note_live(&session, &run.job.name, &state).await,
        None => Ok(()),
    }
}
