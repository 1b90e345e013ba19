//! The one pool of SQL Server connections: hard cap, first come first served, closed at the end.
//!
//! The cap holds for the process: every statement to SQL Server runs on a connection from here.
//! Those that wait are served in order of arrival; what comes back dirty is closed and replaced.

mod bb8_manager;
mod metrics;
mod slots;
pub(super) mod ticket;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::config::job::{Consistency, Source};
use crate::error::{Error, Kind, Result};

use super::connect::Connector;
use super::connection::Connection;

use bb8_manager::{ConnectFailed, FailureSink, Manager, closed};
pub use metrics::PoolMetrics;
pub use slots::{Slot, SlotRequests};
use ticket::Shared;

/// bb8's own time-out never ends a wait: ours does, with an error that says more.
const BB8_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a closing pool looks for connections that came in late.
const CLOSE_POLL: Duration = Duration::from_millis(20);

/// How long a connection is kept that is not in use, if other processes may wait for its slot: longer than
/// between two partitions, and no time for who waits.
const IDLE_KEPT: Duration = Duration::from_secs(1);

/// How often idle connections are looked for.
const IDLE_LOOK: Duration = Duration::from_millis(250);

/// What [`SourcePool::close`] may take in all: a stop is to end within seconds, and a connection
/// that is left then is closed with its holder or with the process.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// All SQL Server connections of the process. Clones share the one pool.
#[derive(Clone)]
pub struct SourcePool(Arc<Inner>);

struct Inner {
    /// Holds the idle connections and opens new ones.
    pool: bb8::Pool<Manager>,
    /// One permit per connection that may be in use; tokio's semaphore serves in order of arrival,
    /// which bb8's waiters are not.
    permits: Arc<Semaphore>,
    shared: Arc<Shared>,
    failures: FailureSink,
    max_connections: usize,
    acquire_timeout: Duration,
    /// The cap holds for several processes.
    shares: bool,
}

/// A connection out of the pool. Dropping it gives it back, or closes it if it is not clean.
pub struct Pooled {
    // Dropped in this order: the connection is back, or closed, before the permit lets the next in.
    connection: bb8::PooledConnection<'static, Manager>,
    _in_use: InUse,
    _permit: OwnedSemaphorePermit,
}

/// Counts the time that a connection is out of the pool.
struct InUse {
    shared: Arc<Shared>,
    since: Instant,
}

impl InUse {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.counters.in_use.up();
        Self {
            shared: shared.clone(),
            since: Instant::now(),
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.shared.counters.in_use.down();
        self.shared.counters.used(self.since.elapsed());
        self.shared.changed.notify_waiters();
    }
}

impl Deref for Pooled {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl SourcePool {
    /// Makes the pool and opens `min_connections`, the first of them alone: a wrong password or an
    /// unreachable server is told at once, as itself, and tried once only.
    ///
    /// # Errors
    /// What the first connection failed with; `JobFile` for a cap of 0.
    pub async fn open(source: &Source, consistency: Consistency) -> Result<Self> {
        Self::open_with(source, consistency, None).await
    }

    /// The same, of a cap that holds for several processes: a connection is opened only with a slot in hand,
    /// and idle ones are closed soon.
    pub async fn open_with(
        source: &Source,
        consistency: Consistency,
        slots: Option<SlotRequests>,
    ) -> Result<Self> {
        let options = &source.pool;
        let shares = slots.is_some();
        let cap = u32::try_from(options.max_connections)
            .ok()
            .filter(|cap| *cap > 0)
            .ok_or_else(|| {
                Error::new(
                    Kind::JobFile,
                    "source.pool.max_connections must be at least 1",
                )
            })?;
        let shared = Arc::new(Shared::default());
        let failures = FailureSink::default();
        let connector = Connector::new(source, consistency)?;
        let manager = Manager::new(connector, shared.clone(), slots);
        // No recycling by age: a run needs its connections until its end.
        let pool = bb8::Pool::builder()
            .max_size(cap)
            .min_idle(None)
            .idle_timeout(shares.then_some(IDLE_KEPT))
            .reaper_rate(IDLE_LOOK)
            .max_lifetime(None)
            .retry_connection(false)
            .connection_timeout(BB8_PATIENCE)
            .test_on_check_out(options.test_on_checkout)
            .error_sink(Box::new(failures.clone()))
            .queue_strategy(bb8::QueueStrategy::Lifo)
            .build_unchecked(manager);
        let pool = Self(Arc::new(Inner {
            pool,
            permits: Arc::new(Semaphore::new(options.max_connections)),
            shared,
            failures,
            max_connections: options.max_connections,
            acquire_timeout: options.acquire_timeout,
            shares,
        }));
        let warm = if shares { 1 } else { options.min_connections };
        pool.warm(warm.clamp(1, options.max_connections)).await?;
        Ok(pool)
    }

    /// The first alone, then the others at once.
    async fn warm(&self, connections: usize) -> Result<()> {
        self.add_connection().await?;
        let others = (1..connections).map(|_| self.add_connection());
        futures::future::try_join_all(others).await.map(drop)
    }

    async fn add_connection(&self) -> Result<()> {
        let opened = self.0.pool.dedicated_connection().await;
        let connection = opened.map_err(ConnectFailed::into_error)?;
        // Nobody else has the pool yet, so it has room.
        self.0.pool.add(connection).map_err(|_| {
            Error::new(
                Kind::Internal,
                "the source pool has no room while it is warmed",
            )
        })
    }

    /// Takes a connection, waiting in order of arrival while all are in use.
    ///
    /// Cancel safe: a dropped wait leaves the queue and loses no connection.
    ///
    /// # Errors
    /// `SourcePoolTimeout` after `acquire_timeout`; the connect error itself if a new connection
    /// was needed and could not be opened.
    pub async fn acquire(&self) -> Result<Pooled> {
        let started = Instant::now();
        let limit = self.0.acquire_timeout;
        let permit = timeout(limit, self.permit())
            .await
            .map_err(|_| self.timed_out())??;
        let left = limit.saturating_sub(started.elapsed());
        let connection = timeout(left, self.connection(started))
            .await
            .map_err(|_| self.connecting_too_long())??;
        self.0.shared.counters.acquisitions.fetch_add(1, Relaxed);
        Ok(Pooled {
            connection,
            _in_use: InUse::new(&self.0.shared),
            _permit: permit,
        })
    }

    /// # Errors
    /// `Stopped` once the pool is closed.
    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let permits = self.0.permits.clone();
        match permits.clone().try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(tokio::sync::TryAcquireError::Closed) => Err(closed()),
            Err(tokio::sync::TryAcquireError::NoPermits) => {
                let waiting = Waiting::new(&self.0.shared);
                let permit = permits.acquire_owned().await.map_err(|_| closed());
                drop(waiting);
                permit
            }
        }
    }

    /// An idle connection or a new one; the permit in hand makes sure that there may be one.
    async fn connection(
        &self,
        started: Instant,
    ) -> Result<bb8::PooledConnection<'static, Manager>> {
        tokio::select! {
            biased;
            connection = self.0.pool.get_owned() => connection.map_err(|error| match error {
                bb8::RunError::User(failed) => failed.into_error(),
                bb8::RunError::TimedOut => self.timed_out(),
            }),
            error = self.0.failures.next_since(started) => Err(error),
        }
    }

    /// Counts the time-out, and says how full the pool was.
    fn timed_out(&self) -> Error {
        let counters = &self.0.shared.counters;
        counters.timeouts.fetch_add(1, Relaxed);
        Error::new(
            Kind::SourcePoolTimeout,
            format!(
                "no source connection came free within {} s: cap {}, in use {}, waiting {}; raise \
                 source.pool.acquire_timeout, or max_connections if the server has room",
                self.0.acquire_timeout.as_secs_f32(),
                self.0.max_connections,
                counters.in_use.now(),
                counters.waiting.now(),
            ),
        )
    }

    /// There was room for a connection, but it was not open in time.
    fn connecting_too_long(&self) -> Error {
        self.0.shared.counters.timeouts.fetch_add(1, Relaxed);
        Error::new(
            Kind::SourcePoolTimeout,
            format!(
                "a new source connection was not open within what was left of the {} s of \
                 source.pool.acquire_timeout: {}",
                self.0.acquire_timeout.as_secs_f32(),
                if self.0.shares {
                    "other processes have all that source.pool.scope: cluster allows, or the server is slow to log in"
                } else {
                    "the server is slow to log in"
                },
            ),
        )
    }

    /// The counters as they stand.
    pub fn metrics(&self) -> PoolMetrics {
        self.0.shared.counters.snapshot(self.0.max_connections)
    }

    /// Refuses new acquisitions, waits for connections in use to come back, closes every one and
    /// returns when the server has none left, or after two seconds: connections that are still in
    /// use then are closed when they come back.
    pub async fn close(&self) {
        self.0.shared.closing.store(true, Relaxed);
        self.0.permits.close();
        if timeout(CLOSE_WITHIN, self.close_all()).await.is_err() {
            let counters = &self.0.shared.counters;
            tracing::warn!(
                open = counters.open.now(),
                in_use = counters.in_use.now(),
                "source connections still open"
            );
        }
    }

    async fn close_all(&self) {
        loop {
            self.close_idle().await;
            let changed = self.0.shared.changed.notified();
            if self.0.shared.counters.open.now() == 0 {
                return;
            }
            // A connect that was under way when its acquisition was dropped comes in unannounced:
            // look again soon.
            timeout(CLOSE_POLL, changed).await.ok();
        }
    }

    /// Closes the idle connections, all at once: each may wait for its server.
    async fn close_idle(&self) {
        let mut idle = Vec::new();
        // Without a test on checkout, bb8 hands out an idle connection without waiting.
        while self.0.pool.state().idle_connections > 0
            && let Some(Ok(connection)) = self.0.pool.get().now_or_never()
        {
            idle.push(connection);
        }
        let closing = idle.iter_mut().map(|connection| connection.close());
        futures::future::join_all(closing).await;
    }
}

/// A task in the queue for a connection; however it leaves, its wait is counted.
struct Waiting {
    shared: Arc<Shared>,
    since: Instant,
}

impl Waiting {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.counters.waits.fetch_add(1, Relaxed);
        shared.counters.waiting.up();
        Self {
            shared: shared.clone(),
            since: Instant::now(),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.shared.counters.waiting.down();
        self.shared.counters.waited(self.since.elapsed());
    }
}
