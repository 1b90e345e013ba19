//! How work at the target ends when a signal comes: what has begun gets some time, then its statements
//! are cancelled at the server, which nobody could do any more if the work was dropped first.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::postgres::pool::TargetPool;

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
