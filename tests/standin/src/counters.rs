//! What the server counts about itself, readable from tests and over the admin port.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A number that goes up and down and remembers its highest value.
#[derive(Debug, Default)]
struct Gauge {
    now: AtomicU64,
    peak: AtomicU64,
}

impl Gauge {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    fn reset_peak(&self) {
        self.peak
            .store(self.now.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

/// All counters of one server.
#[derive(Debug, Default)]
pub struct Counters {
    connections: Gauge,
    sessions: Gauge,
    logins: AtomicU64,
    logins_failed: AtomicU64,
    resets: AtomicU64,
    batches: AtomicU64,
    rpcs: AtomicU64,
    attentions: AtomicU64,
    /// Shared with the faults themselves.
    faults: Arc<AtomicU64>,
    bytes_sent: AtomicU64,
    rows_sent: AtomicU64,
    log_on: AtomicBool,
    log: Mutex<Vec<String>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Accepted TCP connections that are not closed.
    pub connections: u64,
    pub peak_connections: u64,
    /// Those of them that are logged in.
    pub sessions: u64,
    pub peak_sessions: u64,
    pub logins: u64,
    pub logins_failed: u64,
    /// RESETCONNECTION and RESETCONNECTIONSKIPTRAN.
    pub resets: u64,
    pub batches: u64,
    pub rpcs: u64,
    pub attentions: u64,
    /// Faults that took effect.
    pub faults: u64,
    /// Response bytes with packet headers, before TLS.
    pub bytes_sent: u64,
    pub rows_sent: u64,
}

impl Snapshot {
    /// One line of JSON.
    pub fn to_json(&self) -> String {
        let fields = [
            ("connections", self.connections),
            ("peak_connections", self.peak_connections),
            ("sessions", self.sessions),
            ("peak_sessions", self.peak_sessions),
            ("logins", self.logins),
            ("logins_failed", self.logins_failed),
            ("resets", self.resets),
            ("batches", self.batches),
            ("rpcs", self.rpcs),
            ("attentions", self.attentions),
            ("faults", self.faults),
            ("bytes_sent", self.bytes_sent),
            ("rows_sent", self.rows_sent),
        ];
        let mut json = String::from("{");
        for (index, (name, value)) in fields.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(json, "{comma}\"{name}\":{value}").expect("writing to a String cannot fail");
        }
        json.push('}');
        json
    }
}

impl Counters {
    pub fn snapshot(&self) -> Snapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Snapshot {
            connections: load(&self.connections.now),
            peak_connections: load(&self.connections.peak),
            sessions: load(&self.sessions.now),
            peak_sessions: load(&self.sessions.peak),
            logins: load(&self.logins),
            logins_failed: load(&self.logins_failed),
            resets: load(&self.resets),
            batches: load(&self.batches),
            rpcs: load(&self.rpcs),
            attentions: load(&self.attentions),
            faults: load(&self.faults),
            bytes_sent: load(&self.bytes_sent),
            rows_sent: load(&self.rows_sent),
        }
    }

    /// The peaks start again from what is open now.
    pub fn reset_peak(&self) {
        self.connections.reset_peak();
        self.sessions.reset_peak();
    }

    /// Starts (empty) or stops the log of statement texts.
    pub fn log_statements(&self, on: bool) {
        self.lock_log().clear();
        self.log_on.store(on, Ordering::SeqCst);
    }

    /// The texts since [`Counters::log_statements`], in order of arrival.
    pub fn statements(&self) -> Vec<String> {
        self.lock_log().clone()
    }

    fn lock_log(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        // A push cannot leave the list half done, so a poisoned lock is as good as any.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn connected(&self) -> Open<'_> {
        Open::new(&self.connections)
    }

    pub(crate) fn logged_in(&self) -> Open<'_> {
        self.logins.fetch_add(1, Ordering::SeqCst);
        Open::new(&self.sessions)
    }

    pub(crate) fn login_failed(&self) {
        self.logins_failed.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn reset(&self) {
        self.resets.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn batch(&self, text: &str) {
        self.batches.fetch_add(1, Ordering::SeqCst);
        self.statement(text);
    }

    pub(crate) fn rpc(&self) {
        self.rpcs.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn statement(&self, text: &str) {
        if self.log_on.load(Ordering::Relaxed) {
            self.lock_log().push(text.to_owned());
        }
    }

    pub(crate) fn attention(&self) {
        self.attentions.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn faults(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.faults)
    }

    pub(crate) fn sent_bytes(&self, count: u64) {
        self.bytes_sent.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn sent_rows(&self, count: u64) {
        self.rows_sent.fetch_add(count, Ordering::Relaxed);
    }
}

/// Counts one open connection or session until it is dropped.
#[derive(Debug)]
pub(crate) struct Open<'a>(&'a Gauge);

impl<'a> Open<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.enter();
        Self(gauge)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_survives_closing_until_it_is_reset() {
        let counters = Counters::default();
        let first = counters.connected();
        let second = counters.connected();
        drop(second);
        assert_eq!(
            (
                counters.snapshot().connections,
                counters.snapshot().peak_connections
            ),
            (1, 2)
        );
        counters.reset_peak();
        assert_eq!(counters.snapshot().peak_connections, 1);
        drop(first);
        assert_eq!(counters.snapshot().connections, 0);
        assert!(
            counters
                .snapshot()
                .to_json()
                .starts_with("{\"connections\":0,\"peak_connections\":1,")
        );
    }

    #[test]
    fn statements_are_logged_only_on_request() {
        let counters = Counters::default();
        counters.batch("SELECT 1");
        counters.log_statements(true);
        counters.batch("SELECT 2");
        assert_eq!(counters.statements(), ["SELECT 2"]);
        assert_eq!(counters.snapshot().batches, 2);
    }
}
