//! Rows per second over the last seconds, and the time left.
//!
//! For people who watch: no decision and no report depends on it.

use std::collections::VecDeque;
use std::time::Duration;

/// Long enough to smooth over commits, short enough to follow a change.
const WINDOW: Duration = Duration::from_secs(15);

/// Samples of a counter, newest last.
#[derive(Debug, Default)]
pub struct Rate {
    samples: VecDeque<(Duration, u64)>,
}

impl Rate {
    /// Nothing counted yet.
    pub fn starting(at: Duration) -> Self {
        let mut rate = Self::default();
        rate.sample(at, 0);
        rate
    }

    /// `at` is the time since the start; the counter may fall when work is taken back.
    pub fn sample(&mut self, at: Duration, count: u64) {
        self.samples.push_back((at, count));
        while self.samples.len() > 2
            && self
                .samples
                .get(1)
                .is_some_and(|(second, _)| at.saturating_sub(*second) >= WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Mean over the samples of the last 15 seconds; 0 before the second sample.
    pub fn per_second(&self) -> f64 {
        match (self.samples.front(), self.samples.back()) {
            (Some((from, low)), Some((to, high))) if to > from => {
                high.saturating_sub(*low) as f64 / (*to - *from).as_secs_f64()
            }
            _ => 0.0,
        }
    }

    /// `None` while nothing moves.
    pub fn time_for(&self, more: u64) -> Option<Duration> {
        let rate = self.per_second();
        (rate > 0.0)
            .then(|| Duration::try_from_secs_f64(more as f64 / rate).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_seconds_count() {
        let mut rate = Rate::default();
        for second in 0..60 {
            let rows = if second < 30 {
                second * 1000
            } else {
                30_000 + (second - 30) * 10
            };
            rate.sample(Duration::from_secs(second), rows);
        }
        assert!(
            (rate.per_second() - 10.0).abs() < 0.1,
            "{}",
            rate.per_second()
        );
        assert_eq!(rate.time_for(100), Some(Duration::from_secs(10)));
    }

    #[test]
    fn nothing_moving_has_no_end() {
        let mut rate = Rate::default();
        assert_eq!(rate.time_for(5), None);
        rate.sample(Duration::from_secs(1), 7);
        rate.sample(Duration::from_secs(2), 3);
        assert_eq!(rate.per_second(), 0.0);
        assert_eq!(rate.time_for(5), None);
    }
}
