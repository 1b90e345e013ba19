//! What the target pool counts, so that a run can say where it waited.
//!
//! One lock for all numbers, held for a moment: acquisitions are few, some for each partition.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::mutex::lock;
use crate::report::histogram::{Durations, Histogram};
use crate::report::pool::{PoolReport, PoolState, Side, mean_seconds};

/// A snapshot of the pool.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PoolMetrics {
    /// The cap.
    pub size: usize,
    /// Connections whose socket is open.
    pub open: usize,
    /// Leases out of the pool now.
    pub in_use: usize,
    /// Most leases at one time.
    pub peak_in_use: usize,
    /// Leases handed out since the warm-up.
    pub acquisitions: u64,
    /// The same with those of the warm-up; it only grows.
    pub handed_out: u64,
    /// Acquisitions that found every connection in use.
    pub waits: u64,
    /// Sum over all waits.
    pub waited: Duration,
    pub longest_wait: Duration,
    /// Sum over all ended leases.
    pub used: Duration,
    /// Waits that ended without a connection.
    pub timeouts: u64,
    /// Connections opened.
    pub connects: u64,
    /// Connections opened in place of lost or discarded ones.
    pub reconnects: u64,
    /// Attempts to open one that failed.
    pub connect_errors: u64,
    /// Tasks that wait for a connection now.
    pub waiting: u64,
    /// The waits and the uses, by length.
    pub wait_times: Durations,
    pub use_times: Durations,
}

impl PoolMetrics {
    /// The part of it that is shown while a run goes.
    pub fn state(self) -> PoolState {
        PoolState {
            side: Side::Target,
            max_connections: self.size as u64,
            open: self.open as u64,
            in_use: self.in_use as u64,
            waiting: self.waiting,
            acquisitions: self.handed_out,
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
            side: Side::Target,
            max_connections: self.size,
            peak_in_use: self.peak_in_use,
            acquisitions: self.acquisitions,
            waits: self.waits,
            longest_wait: self.longest_wait.as_secs_f64(),
            mean_wait: mean_seconds(self.waited, self.waits),
            use_seconds: self.used.as_secs_f64(),
            mean_use: mean_seconds(self.used, self.acquisitions),
            timeouts: self.timeouts,
            connects: self.connects,
            reconnects: self.reconnects,
            connect_errors: self.connect_errors,
        }
    }
}

/// Keeps the numbers; shared by the pool, its leases and its connections.
pub(super) struct Meter {
    numbers: Mutex<Numbers>,
    /// Number of open sockets; closing the pool waits until it is 0.
    open: watch::Sender<usize>,
    waiting: AtomicU64,
    wait_times: Histogram,
    use_times: Histogram,
}

#[derive(Default)]
struct Numbers {
    metrics: PoolMetrics,
    /// Most sockets that were open at one time, up to the cap: what exceeds it was a replacement. Known
    /// when a socket opens, so that the number of replacements never falls.
    most_open: usize,
}

impl Meter {
    pub(super) fn new(cap: usize) -> Self {
        let mut numbers = Numbers::default();
        numbers.metrics.size = cap;
        Self {
            numbers: Mutex::new(numbers),
            open: watch::Sender::new(0),
            waiting: AtomicU64::new(0),
            wait_times: Histogram::default(),
            use_times: Histogram::default(),
        }
    }

    /// Numbers are whole after every step, so a panic elsewhere does not spoil them.
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        lock(&self.numbers)
    }

    pub(super) fn cap(&self) -> usize {
        self.numbers().metrics.size
    }

    pub(super) fn leased(&self) {
        let metrics = &mut self.numbers().metrics;
        metrics.acquisitions += 1;
        metrics.handed_out += 1;
        metrics.in_use += 1;
        metrics.peak_in_use = metrics.peak_in_use.max(metrics.in_use);
    }

    pub(super) fn returned(&self, used: Duration) {
        self.use_times.observe(used);
        let metrics = &mut self.numbers().metrics;
        metrics.in_use -= 1;
        metrics.used += used;
    }

    fn waited(&self, time: Duration) {
        self.wait_times.observe(time);
        let metrics = &mut self.numbers().metrics;
        metrics.waits += 1;
        metrics.waited += time;
        metrics.longest_wait = metrics.longest_wait.max(time);
    }

    pub(super) fn timed_out(&self) {
        self.numbers().metrics.timeouts += 1;
    }

    pub(super) fn connect_failed(&self) {
        self.numbers().metrics.connect_errors += 1;
    }

    /// Removes the leases of the warm-up from the counts.
    pub(super) fn reset_leases(&self) {
        let metrics = &mut self.numbers().metrics;
        metrics.acquisitions = 0;
        metrics.peak_in_use = metrics.in_use;
        metrics.used = Duration::ZERO;
    }

    /// Counts a connection as open until the guard is dropped.
    pub(super) fn opened(meter: &Arc<Self>) -> OpenSocket {
        let mut numbers = meter.numbers();
        meter.open.send_modify(|open| *open += 1);
        numbers.metrics.connects += 1;
        let open = (*meter.open.borrow()).min(numbers.metrics.size);
        numbers.most_open = numbers.most_open.max(open);
        drop(numbers);
        OpenSocket(meter.clone())
    }

    /// Resolves when no socket is open. Cancel safe.
    pub(super) async fn all_shut(&self) {
        let mut open = self.open.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = open.wait_for(|open| *open == 0).await;
    }

    pub(super) fn snapshot(&self) -> PoolMetrics {
        let numbers = self.numbers();
        let mut metrics = numbers.metrics.clone();
        metrics.open = *self.open.borrow();
        metrics.reconnects = metrics.connects.saturating_sub(numbers.most_open as u64);
        metrics.waiting = self.waiting.load(Relaxed);
        metrics.wait_times = self.wait_times.read();
        metrics.use_times = self.use_times.read();
        metrics
    }
}

/// Dropped with the task that owns the socket.
pub(super) struct OpenSocket(Arc<Meter>);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// A task in the queue for a connection; however it leaves, its wait is counted.
pub(super) struct Waiting<'a> {
    meter: &'a Meter,
    since: Instant,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(meter: &'a Meter) -> Self {
        meter.waiting.fetch_add(1, Relaxed);
        Self {
            meter,
            since: Instant::now(),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.meter.waiting.fetch_sub(1, Relaxed);
        self.meter.waited(self.since.elapsed());
    }
}
