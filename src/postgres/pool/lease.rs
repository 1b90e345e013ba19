//! A connection that is taken from the pool.
//!
//! Every way out of a lease is `Drop`, so a task that is cancelled in the middle gives back or
//! closes its connection like any other. A connection that may be in a transaction is closed, never
//! given back.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use deadpool_postgres::Object;
use tokio_postgres::Client;

use crate::postgres::pool::metrics::Meter;
use crate::postgres::pool::running::{Entry, Running};

/// Goes back to the pool when dropped, unless it is to be closed or was cancelled.
pub struct Lease {
    /// `None` only while dropping.
    object: Option<Object>,
    /// The pool's; told when the lease ends.
    meter: Arc<Meter>,
    /// Its place in the list by which a stop cancels statements.
    entry: Entry,
    since: Instant,
    /// Not known to be outside a transaction: closed instead of given back.
    close_on_drop: bool,
}

impl Lease {
    pub(super) fn new(object: Object, meter: Arc<Meter>, running: &Arc<Running>) -> Self {
        meter.leased();
        Self {
            entry: Running::enter(running, object.cancel_token()),
            object: Some(object),
            meter,
            since: Instant::now(),
            close_on_drop: false,
        }
    }

    /// Closes the connection; the server rolls back what was open on it.
    pub fn discard(mut self) {
        self.close_on_drop();
    }

    /// From now on the connection will be closed rather than given back.
    pub(in crate::postgres) fn close_on_drop(&mut self) {
        self.close_on_drop = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let marked = self.entry.leave();
        if let Some(object) = self.object.take()
            && (marked || self.close_on_drop || object.is_closed())
        {
            drop(Object::take(object));
        }
        self.meter.returned(self.since.elapsed());
    }
}

const HELD: &str = "a lease holds its connection until it is dropped";

impl Deref for Lease {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.object.as_ref().expect(HELD)
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Client {
        self.object.as_mut().expect(HELD)
    }
}
