//! Retries work after transient faults: exponential backoff with equal jitter. Before the load it is bounded
//! by time, during the load by the number of tries that got no further.
//!
//! Whether a fault is transient is `policy`'s to say. Work that is retried must be repeatable: it
//! reads again what it depends on, and leaves nothing half done at a server when it fails.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::job::Retry;
use crate::error::{Error, Kind, Result};
use crate::pipeline::policy::{Retry as When, policy};

/// Tries in all for [`When::FewAtFirst`].
const FEW: u32 = 3;

/// Longest pause between two tries before the load, when an operator may be watching.
const LONGEST_PAUSE_AT_START: Duration = Duration::from_secs(5);

/// How many tries are left, and how long to wait before the next.
#[derive(Debug)]
pub struct Backoff<'a> {
    settings: &'a Retry,
    /// Tries that failed in a row.
    failed: u32,
}

impl<'a> Backoff<'a> {
    /// No try has failed yet.
    pub fn new(settings: &'a Retry) -> Self {
        Self {
            settings,
            failed: 0,
        }
    }

    /// The last try got further than the one before, so the count starts again: a link that breaks
    /// every few gigabytes must not end a table that is moving.
    pub fn progressed(&mut self) {
        self.failed = 0;
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// `error` itself if it is permanent or no try is left, and [`Kind::Stopped`] when cancelled.
    /// A time-out of a pool does not count as a try and is not waited after: the wait was the
    /// pool's.
    pub async fn after(&mut self, error: Error, cancel: &CancellationToken) -> Result<()> {
        if matches!(
            error.kind(),
            Kind::SourcePoolTimeout | Kind::TargetPoolTimeout
        ) {
            // Nothing failed: others hold the connections, for as long as their partitions take.
            tracing::info!(kind = ?error.kind(), "still waiting for a connection of the pool");
            return if cancel.is_cancelled() {
                Err(stopped())
            } else {
                Ok(())
            };
        }
        self.failed += 1;
        if !policy(error.kind()).retries_once_connected() || self.failed >= self.settings.attempts {
            return Err(error);
        }
        let pause = self.pause(fraction());
        tracing::warn!(
            kind = ?error.kind(),
            place = %error.place(),
            attempt = self.failed + 1,
            of = self.settings.attempts,
            pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            error = %error,
            "a transient fault: trying again"
        );
        tokio::select! {
            () = cancel.cancelled() => Err(stopped()),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }

    /// `initial * 2^(failed - 1)`, at most `max`, times a fraction between a half and one: jitter
    /// keeps workers that failed together from returning together.
    fn pause(&self, fraction: f64) -> Duration {
        let doublings = self.failed.saturating_sub(1).min(20);
        let full = self
            .settings
            .initial_backoff
            .saturating_mul(1 << doublings)
            .min(self.settings.max_backoff);
        full.mul_f64(0.5 + fraction / 2.0)
    }
}

fn stopped() -> Error {
    Error::new(
        Kind::Stopped,
        "stopped before this was done; the same command continues",
    )
}

/// Turns an error into [`Kind::Stopped`] while the run stops: its statement may have been cancelled.
pub fn stopped_error_if_stopping<T>(cancel: &CancellationToken, outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| {
        if cancel.is_cancelled() {
            stopped()
        } else {
            error
        }
    })
}

/// What is known of the servers before the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing yet: what is wrong may be in the job.
    FirstContact,
    /// Both could be connected to.
    Connected,
}

impl Stage {
    /// How long work with a fault of this kind is retried; `None` if the fault is reported at once.
    /// `failed` counts the try that has just failed.
    fn bound(self, kind: Kind, failed: u32, settings: &Retry) -> Option<Duration> {
        let bound = settings.at_start;
        match (policy(kind).retry, self) {
            (When::Never, _) | (When::OnceConnected, Self::FirstContact) => None,
            (When::FewAtFirst, Self::FirstContact) => (failed < FEW).then_some(bound),
            (When::Patiently, _) => Some(bound * Retry::PATIENCE),
            (_, _) => Some(bound),
        }
    }
}

/// Retries the first connection: a wrong password, certificate or name is reported at once, a fault that
/// passes by itself is retried for `transfer.retry.at_start`. It listens to no stop: the future may be
/// dropped anywhere.
///
/// # Errors
/// The last error, unchanged.
pub async fn retry_first_contact<T, F: Future<Output = Result<T>>>(
    settings: &Retry,
    work: impl FnMut() -> F,
) -> Result<T> {
    within_bound(settings, Stage::FirstContact, work).await
}

/// Retries what follows before the load: catalog, planning, state. `work` may be done twice.
///
/// # Errors
/// The last error, unchanged.
pub async fn retry_before_load<T, F: Future<Output = Result<T>>>(
    settings: &Retry,
    work: impl FnMut() -> F,
) -> Result<T> {
    within_bound(settings, Stage::Connected, work).await
}

// The work is on the heap: the compiler limits how deep it computes the layout of nested futures.
async fn within_bound<T, F: Future<Output = Result<T>>>(
    settings: &Retry,
    stage: Stage,
    mut work: impl FnMut() -> F,
) -> Result<T> {
    let mut backoff = Backoff::new(settings);
    let mut since = None;
    loop {
        let error = match Box::pin(work()).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        backoff.failed += 1;
        let since = *since.get_or_insert_with(Instant::now);
        let pause = backoff.pause(fraction()).min(LONGEST_PAUSE_AT_START);
        let bound = stage.bound(error.kind(), backoff.failed, settings);
        let Some(bound) = bound.filter(|bound| since.elapsed() + pause <= *bound) else {
            return Err(error);
        };
        tracing::warn!(
            kind = ?error.kind(),
            error = %error,
            tried_for_s = since.elapsed().as_secs(),
            at_most_s = bound.as_secs(),
            "a transient fault before the load: trying again"
        );
        tokio::time::sleep(pause).await;
    }
}

/// Does work that may be done twice until it succeeds, fails permanently, or is cancelled. A cancel drops
/// the work wherever it is, so it must leave a transaction open or none begun.
///
/// # Errors
/// The first permanent error, the last transient one, or `Stopped`.
pub async fn retry_cancellable<T, F: Future<Output = Result<T>>>(
    settings: &Retry,
    cancel: &CancellationToken,
    mut work: impl FnMut() -> F,
) -> Result<T> {
    retry_to_completion(settings, cancel, || {
        let tried = work();
        async move {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(stopped()),
                tried = tried => tried,
            }
        }
    })
    .await
}

/// As [`retry_cancellable`], for statements that would continue at the server if they were dropped: a
/// cancel is heard between tries only, and [`TargetPool::cancel_running`] ends the statements.
///
/// [`TargetPool::cancel_running`]: crate::postgres::pool::TargetPool::cancel_running
pub async fn retry_to_completion<T, F: Future<Output = Result<T>>>(
    settings: &Retry,
    cancel: &CancellationToken,
    mut work: impl FnMut() -> F,
) -> Result<T> {
    let mut backoff = Backoff::new(settings);
    loop {
        if cancel.is_cancelled() {
            return Err(stopped());
        }
        match work().await {
            Ok(value) => return Ok(value),
            Err(error) => backoff.after(error, cancel).await?,
        }
    }
}

/// A number in 0..1 that differs between workers: the clock's nanoseconds are random enough here.
fn fraction() -> f64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    f64::from(now.subsec_nanos() % 1_000_003) / 1_000_003.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(attempts: u32) -> Retry {
        let (initial_backoff, max_backoff) = (Duration::from_secs(1), Duration::from_secs(6));
        Retry {
            attempts,
            initial_backoff,
            max_backoff,
            at_start: Duration::from_secs(30),
        }
    }

    /// Seconds that `retry_first_contact` and `retry_before_load` spend on a fault that stays, and their tries.
    async fn spent(kind: Kind) -> [(u64, u32); 2] {
        let settings = settings(3);
        let mut spent = [(0, 0); 2];
        for (at, stage) in [Stage::FirstContact, Stage::Connected]
            .into_iter()
            .enumerate()
        {
            let (began, mut tries) = (Instant::now(), 0);
            let work = || {
                tries += 1;
                async move { Err::<(), _>(Error::new(kind, "it stays")) }
            };
            let failed = within_bound(&settings, stage, work).await;
            assert_eq!(failed.expect_err("a fault").kind(), kind);
            spent[at] = (began.elapsed().as_secs(), tries);
        }
        spent
    }

    #[tokio::test(start_paused = true)]
    async fn before_the_load_time_bounds_the_tries_and_a_mistake_is_told_at_once() {
        for kind in [Kind::SourceLogin, Kind::TargetDatabase, Kind::SourceQuery] {
            assert_eq!(spent(kind).await, [(0, 1), (0, 1)], "{kind:?}");
        }
        for kind in [
            Kind::SourceUnreachable,
            Kind::SourceTls,
            Kind::SourceDatabaseUnavailable,
            Kind::TargetUnreachable,
            Kind::TargetTls,
        ] {
            let [first, later] = spent(kind).await;
            assert_eq!(first, (0, 1), "{kind:?}");
            assert!((20..=30).contains(&later.0), "{kind:?}: {later:?}");
        }
        for kind in [
            Kind::SourceCut,
            Kind::TargetCut,
            Kind::SourceLost,
            Kind::TargetLost,
        ] {
            for (seconds, _) in spent(kind).await {
                assert!((20..=30).contains(&seconds), "{kind:?}: {seconds}");
            }
        }
        for kind in [Kind::SourceNotReady, Kind::TargetNotReady] {
            for (seconds, _) in spent(kind).await {
                assert!((110..=120).contains(&seconds), "{kind:?}: {seconds}");
            }
        }
        let [first, later] = spent(Kind::SourceTlsCut).await;
        assert_eq!(first.1, FEW);
        assert!(later.1 > FEW, "{later:?}");
    }

    #[test]
    fn pauses_double_up_to_the_limit() {
        let settings = settings(9);
        let mut backoff = Backoff::new(&settings);
        let seconds = (1..=5).map(|failed| {
            backoff.failed = failed;
            backoff.pause(1.0).as_secs()
        });
        assert_eq!(seconds.collect::<Vec<_>>(), [1, 2, 4, 6, 6]);
        assert_eq!(backoff.pause(0.0), Duration::from_secs(3));
    }

    #[tokio::test]
    async fn transient_errors_are_tried_again_until_no_try_is_left() {
        let pause = Duration::from_millis(1);
        let settings = Retry {
            attempts: 3,
            initial_backoff: pause,
            max_backoff: pause,
            at_start: pause,
        };
        let cancel = CancellationToken::new();
        let mut backoff = Backoff::new(&settings);
        let lost = || Error::new(Kind::SourceLost, "gone");
        assert!(backoff.after(lost(), &cancel).await.is_ok());
        assert!(backoff.after(lost(), &cancel).await.is_ok());
        let last = backoff
            .after(lost(), &cancel)
            .await
            .expect_err("the third try was the last");
        assert_eq!(last.kind(), Kind::SourceLost);
    }

    /// Five workers with three connections once failed their tables after five time-outs.
    #[tokio::test]
    async fn waiting_for_a_full_pool_is_not_a_failure() {
        let settings = settings(1);
        let cancel = CancellationToken::new();
        let mut backoff = Backoff::new(&settings);
        for _ in 0..9 {
            let full = Error::new(Kind::SourcePoolTimeout, "3 of 3 in use");
            assert!(backoff.after(full, &cancel).await.is_ok());
        }
    }

    #[tokio::test]
    async fn work_to_completion_is_not_dropped_by_a_stop_and_not_begun_after_it() {
        let settings = settings(3);
        let cancel = CancellationToken::new();
        let done = retry_to_completion(&settings, &cancel, || async {
            cancel.cancel();
            tokio::task::yield_now().await;
            Ok(1)
        });
        assert_eq!(done.await.expect("the end of what had begun"), 1);
        let begun = retry_to_completion(&settings, &cancel, || async { Ok(2) }).await;
        assert_eq!(begun.expect_err("a stop").kind(), Kind::Stopped);
    }

    #[tokio::test]
    async fn permanent_errors_and_a_stop_end_it_at_once() {
        let settings = settings(3);
        let cancel = CancellationToken::new();
        let mut backoff = Backoff::new(&settings);
        let permanent = Error::new(Kind::Value, "does not fit");
        assert!(backoff.after(permanent, &cancel).await.is_err());
        cancel.cancel();
        let transient = Error::new(Kind::SourceLost, "gone");
        let stopped = backoff
            .after(transient, &cancel)
            .await
            .expect_err("cancelled");
        assert_eq!(stopped.kind(), Kind::Stopped);
    }
}
