//! Decides how many partitions are in flight by how fast the run is: more while that helps, fewer if it
//! does not.

use std::time::Duration;

/// The most in flight before anything is measured. A source of few cores is not overrun by that, and one
/// of many is at its cap within seconds.
pub const INITIAL: usize = 4;

/// The fewest in flight. One alone leaves both servers idle between its batches and its commits: runs that
/// came down to it for their last tables were slower by a tenth.
pub const MINIMUM: usize = 2;

/// Ratio of speeds from which more partitions count as faster: windows of the same number differ by about
/// half as much.
const FASTER: f64 = 1.05;

/// Ratio of speeds from which fewer partitions count as enough.
const ENOUGH: f64 = 0.98;

/// Windows to rest after a try that brought nothing, and the most; doubled with every one that follows.
const REST: u32 = 6;
const LONGEST_REST: u32 = 96;

/// Busy share of this machine's CPUs from which more partitions are not tried.
const CPU_USED_UP: f64 = 0.97;

/// What a window of the run measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub spent: Duration,
    /// COPY bytes that were sent.
    pub bytes: u64,
    /// Partitions in flight all the time; fewer than the limit if there was nothing to take.
    pub in_flight: usize,
    /// Partitions wait that a higher limit would take.
    pub queued: bool,
    /// Busy share of this machine's CPUs, 0.0 to 1.0; `None` if the system does not tell.
    pub cpu: Option<f64>,
}

/// A decision, for the log and the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The last step up paid, or none was tried yet.
    TryMore,
    /// Fewer might do as well.
    TryFewer,
    /// More were no faster.
    NoFaster,
    /// Fewer were slower.
    Slower,
}

/// Climbs towards the number of partitions that is fastest, from [`MINIMUM`], or a smaller cap, to the cap.
#[derive(Debug)]
pub struct ConcurrencyController {
    cap: usize,
    limit: usize,
    /// The limit and the bytes per second before the step that is being tried.
    before: Option<(usize, f64)>,
    /// Windows until the next try.
    rest: u32,
    next_rest: u32,
    /// The next try is of fewer.
    down: bool,
    /// A step was just made: the window after it is half the old limit.
    settling: bool,
}

impl ConcurrencyController {
    /// Begins at `start`, or at `cap` if that is less.
    pub fn new(cap: usize, start: usize) -> Self {
        Self {
            cap: cap.max(1),
            limit: start.clamp(1, cap.max(1)),
            before: None,
            rest: 0,
            next_rest: REST,
            down: false,
            settling: true,
        }
    }

    /// How many partitions may be in flight now.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Takes a window into account; gives the new limit and why, `None` if it stays.
    pub fn observe(&mut self, window: Window) -> Option<(usize, Decision)> {
        if window.in_flight < self.limit && !window.queued {
            // Too little to load at a time to learn anything.
            self.before = None;
            return None;
        }
        if std::mem::take(&mut self.settling) {
            return None;
        }
        let speed = window.bytes as f64 / window.spent.as_secs_f64().max(f64::EPSILON);
        match self.before.take() {
            Some((from, before)) => self.judge(from, speed / before.max(1.0), window),
            None if self.rest > 0 => {
                self.rest -= 1;
                None
            }
            None => self.attempt(speed, window),
        }
        .inspect(|_| self.settling = true)
    }

    /// What a step brought: `ratio` of the speed after it to the one before.
    fn judge(&mut self, from: usize, ratio: f64, window: Window) -> Option<(usize, Decision)> {
        let up = self.limit > from;
        let paid = ratio >= if up { FASTER } else { ENOUGH };
        if paid {
            self.next_rest = REST;
            // Another step in the same direction, from what was just measured.
            let speed = window.bytes as f64 / window.spent.as_secs_f64().max(f64::EPSILON);
            return self.attempt(speed, window);
        }
        self.rest = self.next_rest;
        self.next_rest = (self.next_rest * 2).min(LONGEST_REST);
        self.down = up;
        let decision = if up {
            Decision::NoFaster
        } else {
            Decision::Slower
        };
        self.limit = from;
        Some((from, decision))
    }

    fn attempt(&mut self, speed: f64, window: Window) -> Option<(usize, Decision)> {
        let from = self.limit;
        let full = window.cpu.is_some_and(|cpu| cpu >= CPU_USED_UP);
        let up = !self.down && window.queued && from < self.cap && !full;
        let (to, decision) = if up {
            ((from + (from / 2).max(1)).min(self.cap), Decision::TryMore)
        } else if from > MINIMUM {
            (from - (from / 4).max(1), Decision::TryFewer)
        } else {
            (from, Decision::TryFewer)
        };
        if to == from {
            // The next try is of more.
            self.down = false;
            self.rest = self.next_rest;
            return None;
        }
        self.down = !up;
        self.before = Some((from, speed));
        self.limit = to;
        Some((to, decision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads for `windows` from a server whose speed with n readers is `speed(n)`; gives the
    /// average of the speed in the second half, and the last limit.
    fn run(cap: usize, windows: u32, speed: impl Fn(usize) -> f64) -> (f64, usize) {
        let mut controller = ConcurrencyController::new(cap, INITIAL);
        let mut sum = 0.0;
        for number in 0..windows {
            let now = speed(controller.limit());
            if number >= windows / 2 {
                sum += now;
            }
            // Windows of one limit are not alike.
            let noise = 1.0 + 0.02 * f64::from(number % 3) - 0.02;
            let _changed = controller.observe(Window {
                spent: Duration::from_secs(1),
                bytes: (now * noise * 1e6) as u64,
                in_flight: controller.limit(),
                queued: true,
                cpu: None,
            });
        }
        (sum / f64::from(windows - windows / 2), controller.limit())
    }

    /// Twelve readers were the best of this source; 24 were 20 % slower and 36 were 40 % slower.
    fn seed(readers: usize) -> f64 {
        let readers = readers as f64;
        if readers <= 12.0 {
            readers / 12.0
        } else {
            1.0 / (1.0 + (readers - 12.0) / 60.0)
        }
    }

    #[test]
    fn more_readers_than_the_source_can_serve_cost_next_to_nothing() {
        let (once, _) = run(12, 400, seed);
        for cap in [24, 36] {
            let (more, limit) = run(cap, 400, seed);
            assert!(
                more > once * 0.97,
                "cap {cap}: {more} of {once}, at {limit}"
            );
            assert!((9..=15).contains(&limit), "cap {cap}: {limit}");
        }
    }

    #[test]
    fn a_server_that_gains_from_each_reader_gets_all_of_them_within_seconds() {
        let (speed, limit) = run(16, 24, |readers| readers as f64);
        assert!(limit >= 12 && speed > 13.0, "{limit}, {speed}");
    }

    #[test]
    fn a_server_that_one_reader_keeps_busy_gets_few() {
        let (speed, limit) = run(12, 200, |readers| {
            assert!(readers >= MINIMUM);
            1.0 - 0.01 * readers as f64
        });
        assert!(limit == MINIMUM && speed > 0.97, "{limit}, {speed}");
    }

    #[test]
    fn nothing_is_learned_from_an_empty_queue_and_no_cpu_is_asked_for_more() {
        let window = |in_flight, queued, cpu| Window {
            spent: Duration::from_secs(1),
            bytes: 1_000_000,
            in_flight,
            queued,
            cpu,
        };
        let mut controller = ConcurrencyController::new(8, INITIAL);
        for _ in 0..50 {
            assert_eq!(controller.observe(window(2, false, None)), None);
        }
        let mut controller = ConcurrencyController::new(8, INITIAL);
        assert_eq!(controller.observe(window(4, true, None)), None, "settling");
        let fewer = Some((3, Decision::TryFewer));
        assert_eq!(controller.observe(window(4, true, Some(0.99))), fewer);
        let mut controller = ConcurrencyController::new(8, INITIAL);
        assert_eq!(controller.observe(window(4, true, None)), None, "settling");
        assert_eq!(
            controller.observe(window(4, true, Some(0.5))),
            Some((6, Decision::TryMore))
        );
    }
}
