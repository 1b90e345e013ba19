//! What bb8 asks of us: how to open a connection, whether it still works, where errors go.
//!
//! bb8 keeps idle connections and opens new ones; queueing, time-outs and closing are in `pool`.
//! Errors of its background tasks reach the acquisitions through [`FailureSink`].

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::Notify;

use crate::error::{Error, Kind};
use crate::mssql::connect::Connector;
use crate::mssql::connection::Connection;
use crate::mutex::lock;

use super::slots::SlotRequests;
use super::ticket::{Shared, Ticket};

/// Opens and checks connections for bb8.
pub(super) struct Manager {
    connector: Connector,
    shared: Arc<Shared>,
    /// Set if the cap holds for several processes.
    slots: Option<SlotRequests>,
}

/// Why bb8 got no connection.
#[derive(Debug)]
pub(super) enum ConnectFailed {
    /// A new one could not be opened.
    Failed(Error),
    /// An idle one turned out to be dead; bb8 tries another.
    Stale,
}

impl ConnectFailed {
    /// For an acquisition that has no further connection to try.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Stale => Error::new(Kind::SourceLost, "an idle source connection was dead"),
        }
    }
}

/// Why a closed pool gives no connection.
pub(super) fn closed() -> Error {
    Error::new(Kind::Stopped, "the source pool is closed")
}

impl Manager {
    pub(super) fn new(
        connector: Connector,
        shared: Arc<Shared>,
        slots: Option<SlotRequests>,
    ) -> Self {
        Self {
            connector,
            shared,
            slots,
        }
    }

    /// Counts a connection that is thrown away, so that the next one opened is a replacement.
    fn discard(&self) {
        self.shared.counters.to_replace.fetch_add(1, Relaxed);
    }
}

impl bb8::ManageConnection for Manager {
    type Connection = Connection;
    type Error = ConnectFailed;

    async fn connect(&self) -> Result<Connection, ConnectFailed> {
        if self.shared.closing.load(Relaxed) {
            return Err(ConnectFailed::Failed(closed()));
        }
        let slot = match &self.slots {
            Some(slots) => Some(slots.take().await.map_err(ConnectFailed::Failed)?),
            None => None,
        };
        if self.shared.closing.load(Relaxed) {
            return Err(ConnectFailed::Failed(closed()));
        }
        let connected = self
            .connector
            .connect(Ticket::new(&self.shared, slot))
            .await;
        let counters = &self.shared.counters;
        match connected {
            Ok(connection) => {
                counters.connected();
                Ok(connection)
            }
            Err(error) => {
                counters.connect_errors.fetch_add(1, Relaxed);
                Err(ConnectFailed::Failed(error))
            }
        }
    }

    /// Asked only if `source.pool.test_on_checkout` is set.
    async fn is_valid(&self, connection: &mut Connection) -> Result<(), ConnectFailed> {
        if self.shared.closing.load(Relaxed) {
            return Ok(());
        }
        connection.check_alive().await.map_err(|cause| {
            tracing::debug!(%cause, "an idle source connection was dead and is replaced");
            ConnectFailed::Stale
        })
    }

    /// Asked when a connection comes back; a broken one is closed, and so is one in a transaction.
    fn has_broken(&self, connection: &mut Connection) -> bool {
        let broken = !connection.is_clean();
        if broken {
            self.discard();
        }
        broken
    }
}

/// Takes the connect errors of bb8's background tasks to the acquisitions that wait for them; left
/// alone, bb8 lets these wait until their time-out.
#[derive(Clone, Debug, Default)]
pub(super) struct FailureSink(Arc<Failures>);

#[derive(Debug, Default)]
struct Failures {
    /// Each is taken by one acquisition; at most one per connect that failed.
    queue: Mutex<VecDeque<(Instant, Error)>>,
    arrived: Notify,
}

impl FailureSink {
    /// The next connect error that happened after `started`. Cancel safe.
    pub(super) async fn next_since(&self, started: Instant) -> Error {
        loop {
            let arrived = self.0.arrived.notified();
            if let Some(error) = self.take_since(started) {
                return error;
            }
            arrived.await;
        }
    }

    fn take_since(&self, started: Instant) -> Option<Error> {
        let mut queue = lock(&self.0.queue);
        while let Some((at, error)) = queue.pop_front() {
            if at >= started {
                return Some(error);
            }
            // Its acquisition is gone; a later one makes its own attempt.
        }
        None
    }
}

impl bb8::ErrorSink<ConnectFailed> for FailureSink {
    /// A stale connection is not told: bb8 tries the next one itself.
    fn sink(&self, error: ConnectFailed) {
        if let ConnectFailed::Failed(error) = error {
            let mut queue = lock(&self.0.queue);
            queue.push_back((Instant::now(), error));
            drop(queue);
            self.0.arrived.notify_waiters();
        }
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<ConnectFailed>> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bb8::ErrorSink;

    use super::*;

    #[tokio::test]
    async fn an_error_reaches_the_one_who_waits_and_not_a_later_one() {
        let sink = FailureSink::default();
        let started = Instant::now();
        let waiter = tokio::spawn({
            let sink = sink.clone();
            async move { sink.next_since(started).await }
        });
        tokio::task::yield_now().await;
        sink.sink(ConnectFailed::Stale);
        sink.sink(ConnectFailed::Failed(Error::new(
            Kind::SourceLogin,
            "refused",
        )));
        assert_eq!(waiter.await.unwrap().kind(), Kind::SourceLogin);

        sink.sink(ConnectFailed::Failed(Error::new(
            Kind::SourceLogin,
            "refused",
        )));
        tokio::time::sleep(Duration::from_millis(2)).await;
        let late = sink.next_since(Instant::now());
        assert!(
            tokio::time::timeout(Duration::from_millis(20), late)
                .await
                .is_err()
        );
    }
}
