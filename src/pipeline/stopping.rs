//! How work at the target ends when a signal comes: what has begun gets some time, then its statements
//! are cancelled at the server, which nobody could do any more if the work was dropped first.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::postgres::pool::TargetPool;

/// What commits and objects that are being made get to come to their end. A signal ends the process
/// within 10 s even where the target has fallen silent: that leaves a second each to cancel what runs, to
/// see it end, to ask what is there and to record the outcome, and two to close the pools.
pub const STOP_GRACE: Duration = Duration::from_secs(4);

/// How long work may take to end when its statements were cancelled: an answer and a rollback.
const ENDS_WITHIN: Duration = Duration::from_secs(1);

/// How work ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended<T> {
    /// By itself, before a stop or soon enough after it.
    Whole(T),
    /// After its statements were cancelled; what it says then, unless it did not end even so.
    Cancelled(Option<T>),
}

/// Does work that knows of a stop only between its statements. `grace` is what they get to end by
/// themselves.
pub async fn until_stopped<T>(
    target: &TargetPool,
    cancel: &CancellationToken,
    grace: Duration,
    work: impl Future<Output = T>,
) -> Ended<T> {
    let over = async {
        cancel.cancelled().await;
        sleep(grace).await;
    };
    tokio::pin!(work);
    tokio::select! {
        biased;
        outcome = &mut work => return Ended::Whole(outcome),
        () = over => {}
    }
    target.cancel_running().await;
    Ended::Cancelled(timeout(ENDS_WITHIN, work).await.ok())
}

/// Does what a stopped run can leave undone, for no longer than `within` after the stop: a target that
/// does not answer must not keep the process. `None` when that was not enough.
pub async fn in_time<T>(
    cancel: &CancellationToken,
    within: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let late = async {
        cancel.cancelled().await;
        sleep(within).await;
    };
    tokio::select! {
        biased;
        outcome = work => Some(outcome),
        () = late => None,
    }
}
