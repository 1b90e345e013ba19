//! How work ends when a signal comes. What only reads is dropped; what runs at the target gets some time,
//! then its statements are cancelled at the server, which would be impossible if the work was dropped
//! first; and a stopped run says what became of it in time.
//!
//! A signal ends the process within 10 s, even if the target does not answer any more. Of these a run
//! spends [`STOP_GRACE`] and two more on what is in progress, one each on the questions of its report and
//! on its record, and two to give the job lock back and to close both pools.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::error::{Error, Kind, Result};
use crate::postgres::pool::TargetPool;

/// Time that commits and objects that are being made get to complete.
pub const STOP_GRACE: Duration = Duration::from_secs(3);

/// Time that work gets to end after its statements were cancelled: an answer and a rollback.
const ENDS_WITHIN: Duration = Duration::from_secs(1);

/// Time between two requests to cancel, for statements that have begun since.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Drops work that changes nothing on either side when a stop comes; `words` say what was stopped.
///
/// # Errors
/// [`Kind::Stopped`] with `words`, and those of `work`.
pub async fn drop_on_stop<T>(
    cancel: &CancellationToken,
    words: &'static str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let done = cancel.run_until_cancelled(work).await;
    done.unwrap_or_else(|| Err(Error::new(Kind::Stopped, words)))
}

/// How work ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended<T> {
    /// By itself, before a stop or soon enough after it.
    Whole(T),
    /// After its statements were cancelled, with its output; `None` if it did not end even so.
    Cancelled(Option<T>),
}

/// Does work that notices a stop only between its statements. These get `grace` to end by themselves, then
/// they are cancelled at the server.
pub async fn finish_within_grace<T>(
    target: &TargetPool,
    cancel: &CancellationToken,
    grace: Duration,
    work: impl Future<Output = T>,
) -> Ended<T> {
    let over = async {
        cancel.cancelled().await;
        if !grace.is_zero() {
            sleep(grace).await;
        }
    };
    tokio::pin!(work);
    tokio::select! {
        biased;
        outcome = &mut work => return Ended::Whole(outcome),
        () = over => {}
    }
    target.cancel_running().await;
    // Work that waited for a connection gets one as others are given back, and begins a statement.
    let again = async {
        loop {
            sleep(AGAIN_AFTER).await;
            target.cancel_running().await;
        }
    };
    Ended::Cancelled(tokio::select! {
        biased;
        outcome = work => Some(outcome),
        () = sleep(ENDS_WITHIN) => None,
        () = again => None,
    })
}

/// Cancels the statements of `work` at the server as soon as a stop comes: each may wait for a lock for a
/// minute. Work that completes nevertheless counts.
///
/// # Errors
/// [`Kind::Stopped`] with `words` after a stop, else those of `work`.
pub async fn cancel_on_stop<T>(
    target: &TargetPool,
    cancel: &CancellationToken,
    words: &'static str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let error = match finish_within_grace(target, cancel, Duration::ZERO, work).await {
        Ended::Whole(outcome) => return outcome,
        Ended::Cancelled(Some(Ok(done))) => return Ok(done),
        Ended::Cancelled(Some(Err(error))) => Some(error),
        Ended::Cancelled(None) => None,
    };
    tracing::debug!(?error, "not finished; the next run continues");
    Err(Error::new(Kind::Stopped, words))
}

/// Knows when a stop came, for work that may take until some time after it.
pub struct StopClock {
    cancel: CancellationToken,
    stopped: Arc<OnceLock<Instant>>,
    _watch: AbortOnDropHandle<()>,
}

impl StopClock {
    /// Watches `cancel` in a task of its own.
    pub fn new(cancel: &CancellationToken) -> Self {
        let stopped = Arc::new(OnceLock::new());
        let (watched, seen) = (cancel.clone(), Arc::clone(&stopped));
        let watch = async move {
            watched.cancelled().await;
            seen.get_or_init(Instant::now);
        };
        Self {
            cancel: cancel.clone(),
            stopped,
            _watch: AbortOnDropHandle::new(tokio::spawn(watch)),
        }
    }

    /// Does what a stopped run can leave undone, for at most `within` after the stop; `None` if that was
    /// not enough, with its statements cancelled at the server.
    /// `work` is dropped when the time is over; nothing cancels it while the run is not stopped.
    pub async fn finish_within<T>(
        &self,
        target: &TargetPool,
        within: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(work);
        tokio::select! {
            biased;
            outcome = &mut work => return Some(outcome),
            () = self.passed(within) => {}
        }
        target.cancel_running().await;
        None
    }

    /// Resolves `time` after the stop; never without one.
    async fn passed(&self, time: Duration) {
        self.cancel.cancelled().await;
        sleep_until(*self.stopped.get_or_init(Instant::now) + time).await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_is_counted_from_the_stop() {
        let cancel = CancellationToken::new();
        let clock = StopClock::new(&cancel);
        let within = Duration::from_secs(6);
        let began = Instant::now();
        assert!(
            timeout(within * 2, clock.passed(within)).await.is_err(),
            "no stop"
        );
        cancel.cancel();
        sleep(Duration::from_secs(4)).await;
        for _ in 0..2 {
            clock.passed(within).await;
            assert_eq!(began.elapsed().as_secs(), 18);
        }
    }

    #[tokio::test]
    async fn what_only_reads_is_dropped() {
        let cancel = CancellationToken::new();
        let done = drop_on_stop(&cancel, "words", async { Ok(1) });
        assert_eq!(done.await.expect("its end"), 1);
        cancel.cancel();
        let stopped = drop_on_stop(&cancel, "words", pending::<Result<()>>());
        let error = stopped.await.expect_err("a stop");
        assert_eq!(
            (error.kind(), error.to_string()),
            (Kind::Stopped, "words".to_owned())
        );
    }
}
