//! The one writer's gate: whoever changes data holds it until the statement or transaction ends.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often one who waits is asked whether it still does.
const STEP: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(crate) struct Gate {
    /// The session that writes.
    holder: Mutex<Option<u64>>,
    freed: Condvar,
}

impl Gate {
    /// Waits for the gate, at most `limit` (`None`: for ever), while `waits` says so now and then.
    /// Whether it was taken.
    pub(crate) fn enter(
        &self,
        session: u64,
        limit: Option<Duration>,
        waits: &dyn Fn() -> bool,
    ) -> bool {
        let end = limit.map(|l| Instant::now() + l);
        loop {
            let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
            if holder.is_none_or(|h| h == session) {
                *holder = Some(session);
                return true;
            }
            let wait = match end {
                None => STEP,
                Some(end) => end.saturating_duration_since(Instant::now()).min(STEP),
            };
            if wait.is_zero() {
                return false;
            }
            // Free or not is looked at above, so what woke this up does not matter.
            let (holder, _) = self
                .freed
                .wait_timeout(holder, wait)
                .unwrap_or_else(PoisonError::into_inner);
            drop(holder);
            if !waits() {
                return false;
            }
        }
    }

    pub(crate) fn leave(&self, session: u64) {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if *holder == Some(session) {
            *holder = None;
            self.freed.notify_all();
        }
    }
}
