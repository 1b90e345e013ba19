//! The one writer's gate: whoever changes data holds it until the statement or transaction ends.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(crate) struct Gate {
    /// The session that writes.
    holder: Mutex<Option<u64>>,
    freed: Condvar,
}

impl Gate {
    /// Waits for the gate, at most `limit` (`None`: for ever). Whether it was taken.
    pub(crate) fn enter(&self, session: u64, limit: Option<Duration>) -> bool {
        let end = limit.map(|l| Instant::now() + l);
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if holder.is_none_or(|h| h == session) {
                *holder = Some(session);
                return true;
            }
            let wait = match end {
                None => Duration::from_secs(3600),
                Some(end) => end.saturating_duration_since(Instant::now()),
            };
            if wait.is_zero() {
                return false;
            }
            holder = self
                .freed
                .wait_timeout(holder, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
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
