//! What the source pool counts, so that a run can say where it waited.
//!
//! Atomic and without a lock, because every acquisition counts. Values of one snapshot may be of
//! slightly different moments; a report reads them after the load.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::report::histogram::{Durations, Histogram};
use crate::report::pool::{PoolReport, PoolState, Side, mean_seconds};

/// The pool's counters at one moment. Times are sums over all acquisitions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PoolMetrics {
    /// The cap.
    pub max_connections: u64,
    /// Connections open now, in use or idle.
    pub open: u64,
    /// Most connections open at one time.
    pub peak_open: u64,
    pub in_use: u64,
    /// Most connections in use at one time.
    pub peak_in_use: u64,
    /// Tasks that wait for a connection now.
    pub waiting: u64,
    /// Connections handed out.
    pub acquisitions: u64,
    /// Acquisitions that found the pool full and had to wait.
    pub waits: u64,
    /// Over the acquisitions that waited.
    pub wait_time: Duration,
    /// The longest of them.
    pub longest_wait: Duration,
    /// Time that connections were out of the pool.
    pub use_time: Duration,
    /// Acquisitions that failed after `acquire_timeout`.
    pub timeouts: u64,
    /// Connections opened.
    pub connects: u64,
    /// Connections opened in place of one that was broken, dirty or stale.
    pub reconnects: u64,
    /// Attempts to open one that failed.
    pub connect_errors: u64,
    /// The waits and the uses, by length.
    pub wait_times: Durations,
    pub use_times: Durations,
}

impl PoolMetrics {
    /// The part of it that is shown while a run goes.
    pub fn state(self) -> PoolState {
        PoolState {
            side: Side::Source,
            max_connections: self.max_connections,
            open: self.open,
            in_use: self.in_use,
            waiting: self.waiting,
            acquisitions: self.acquisitions,
            timeouts: self.timeouts,
            connects: self.connects,
            reconnects: self.reconnects,
            connect_errors: self.connect_errors,
            waits: self.wait_times,
            uses: self.use_times,
        }
    }

    /// The part of it that a run's report shows.
    pub fn report(&self) -> PoolReport {
        PoolReport {
            side: Side::Source,
            max_connections: self.max_connections as usize,
            peak_in_use: self.peak_in_use as usize,
            acquisitions: self.acquisitions,
            waits: self.waits,
            longest_wait: self.longest_wait.as_secs_f64(),
            mean_wait: mean_seconds(self.wait_time, self.waits),
            use_seconds: self.use_time.as_secs_f64(),
            mean_use: mean_seconds(self.use_time, self.acquisitions),
            timeouts: self.timeouts,
            connects: self.connects,
            reconnects: self.reconnects,
            connect_errors: self.connect_errors,
        }
    }
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) open: Gauge,
    pub(super) in_use: Gauge,
    pub(super) waiting: Gauge,
    pub(super) acquisitions: AtomicU64,
    pub(super) waits: AtomicU64,
    wait_nanos: AtomicU64,
    longest_wait_nanos: AtomicU64,
    use_nanos: AtomicU64,
    pub(super) timeouts: AtomicU64,
    connects: AtomicU64,
    /// Connections thrown away whose replacement was not opened yet.
    pub(super) to_replace: AtomicU64,
    reconnects: AtomicU64,
    pub(super) connect_errors: AtomicU64,
    wait_times: Histogram,
    use_times: Histogram,
}

/// A number that goes up and down, with its highest value.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    now: AtomicU64,
    peak: AtomicU64,
}

impl Gauge {
    pub(super) fn up(&self) {
        let now = self.now.fetch_add(1, Relaxed) + 1;
        self.peak.fetch_max(now, Relaxed);
    }

    pub(super) fn down(&self) {
        self.now.fetch_sub(1, Relaxed);
    }

    pub(super) fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Counters {
    /// A wait in the queue is over, with a connection or without.
    pub(super) fn waited(&self, time: Duration) {
        self.wait_nanos.fetch_add(nanos(time), Relaxed);
        self.longest_wait_nanos.fetch_max(nanos(time), Relaxed);
        self.wait_times.observe(time);
    }

    /// A connection was opened: in place of one that was thrown away, or an additional one.
    pub(super) fn connected(&self) {
        self.connects.fetch_add(1, Relaxed);
        let replaced = self
            .to_replace
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        if replaced.is_ok() {
            self.reconnects.fetch_add(1, Relaxed);
        }
    }

    /// A connection came back after being out for this long.
    pub(super) fn used(&self, time: Duration) {
        self.use_nanos.fetch_add(nanos(time), Relaxed);
        self.use_times.observe(time);
    }

    pub(super) fn snapshot(&self, max_connections: usize) -> PoolMetrics {
        PoolMetrics {
            max_connections: max_connections as u64,
            open: self.open.now(),
            peak_open: self.open.peak.load(Relaxed),
            in_use: self.in_use.now(),
            peak_in_use: self.in_use.peak.load(Relaxed),
            waiting: self.waiting.now(),
            acquisitions: self.acquisitions.load(Relaxed),
            waits: self.waits.load(Relaxed),
            wait_time: Duration::from_nanos(self.wait_nanos.load(Relaxed)),
            longest_wait: Duration::from_nanos(self.longest_wait_nanos.load(Relaxed)),
            use_time: Duration::from_nanos(self.use_nanos.load(Relaxed)),
            timeouts: self.timeouts.load(Relaxed),
            connects: self.connects.load(Relaxed),
            reconnects: self.reconnects.load(Relaxed),
            connect_errors: self.connect_errors.load(Relaxed),
            wait_times: self.wait_times.read(),
            use_times: self.use_times.read(),
        }
    }
}
