//! What the pool shares with its connections: the counters, and a ticket that each open one holds.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Notify;

use super::metrics::Counters;

/// Shared by the pool, its bb8 manager and the ticket of every connection.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) counters: Counters,
    /// Set by `SourcePool::close`: no new connection is opened, idle ones are not tested.
    pub(super) closing: AtomicBool,
    /// Notified when a connection was closed or came back; `SourcePool::close` waits for it.
    pub(super) changed: Notify,
}

/// Counts a connection as open, from before its socket opens until after it is closed.
pub(in crate::mssql) struct Ticket(Arc<Shared>);

impl Ticket {
    pub(super) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        shared.counters.open.up();
        Arc::new(Self(shared.clone()))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.counters.open.down();
        self.0.changed.notify_waiters();
    }
}
