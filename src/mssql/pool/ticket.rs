//! What the pool shares with its connections: the counters, and a ticket that each open one holds.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::mutex::lock;

use super::metrics::Counters;
use super::slots::{Slot, SlotInUse};

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
pub(in crate::mssql) struct Ticket {
    shared: Arc<Shared>,
    /// Held if the cap is that of several processes.
    slot: Option<Mutex<SlotInUse>>,
}

impl Ticket {
    pub(super) fn new(shared: &Arc<Shared>, slot: Option<Slot>) -> Arc<Self> {
        shared.counters.open.up();
        Arc::new(Self {
            shared: shared.clone(),
            slot: slot.map(|slot| Mutex::new(SlotInUse::new(slot))),
        })
    }

    /// The connection's socket is open.
    pub(in crate::mssql) fn occupy(&self, stream: &TcpStream) -> io::Result<()> {
        match &self.slot {
            Some(slot) => lock(slot).occupy(stream),
            None => Ok(()),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.counters.open.down();
        self.shared.changed.notify_waiters();
    }
}
