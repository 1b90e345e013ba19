//! How long something took, counted by bounds, so that quantiles can be told later.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds in seconds, inclusive; one more bucket takes what is longer. From a look into a pool
/// that has room to an hour, as a partition can hold its connection that long.
pub const BOUNDS: [f64; 12] = [
    0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0,
];

/// Durations that were observed, by bucket. Shared by reference; adding takes no lock.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound, and the last for what is longer.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Durations {
    /// Observed durations up to each of [`BOUNDS`] and, last, longer ones; not cumulative.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// Seconds over all of them.
    pub seconds: f64,
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Relaxed);
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Relaxed);
    }

    /// What was observed by now.
    pub fn read(&self) -> Durations {
        Durations {
            buckets: std::array::from_fn(|bucket| self.buckets[bucket].load(Relaxed)),
            seconds: Duration::from_nanos(self.nanos.load(Relaxed)).as_secs_f64(),
        }
    }
}

impl Durations {
    /// How many durations were observed.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Seconds on average; 0 if there are none.
    pub fn mean(&self) -> f64 {
        match self.count() {
            0 => 0.0,
            count => self.seconds / count as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for millis in [0, 1, 2, 25, 26, 4_000_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let read = histogram.read();
        assert_eq!(read.buckets[..4], [2, 1, 1, 1]);
        assert_eq!(read.buckets[BOUNDS.len()], 1, "longer than an hour");
        assert_eq!(read.count(), 6);
        assert!((read.seconds - 4000.054).abs() < 1e-6, "{}", read.seconds);
    }
}
