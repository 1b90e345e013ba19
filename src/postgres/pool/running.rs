//! Which leases are in use, so that a stop can cancel what runs on them.
//!
//! The lock is held while a request to cancel is made ready and never while one is sent. A lease
//! that leaves the list after it was marked is closed, because the request may still be under way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_postgres::CancelToken;

use crate::mutex::lock;

/// The leases in use, by number.
#[derive(Default)]
pub(super) struct Running(Mutex<Leases>);

#[derive(Default)]
struct Leases {
    next: u64,
    tokens: HashMap<u64, (CancelToken, Arc<AtomicBool>)>,
}

impl Running {
    /// A poisoned lock is safe to use, because each step leaves the map consistent.
    fn leases(&self) -> MutexGuard<'_, Leases> {
        lock(&self.0)
    }

    pub(super) fn enter(running: &Arc<Self>, token: CancelToken) -> Entry {
        let marked = Arc::new(AtomicBool::new(false));
        let mut leases = running.leases();
        let number = leases.next;
        leases.next += 1;
        leases.tokens.insert(number, (token, marked.clone()));
        drop(leases);
        Entry {
            running: running.clone(),
            number,
            marked,
        }
    }

    /// Marks all leases in use and gives what cancels their statements.
    pub(super) fn mark_for_close(&self) -> Vec<CancelToken> {
        let leases = self.leases();
        let marked = leases.tokens.values().map(|(token, marked)| {
            marked.store(true, Relaxed);
            token.clone()
        });
        marked.collect()
    }
}

/// Dropped with the lease.
pub(super) struct Entry {
    running: Arc<Running>,
    number: u64,
    marked: Arc<AtomicBool>,
}

impl Entry {
    /// Takes the lease off the list. Whether a request to cancel is on its way to it: none can be
    /// sent after this.
    pub(super) fn leave(&self) -> bool {
        self.running.leases().tokens.remove(&self.number);
        self.marked.load(Relaxed)
    }
}
