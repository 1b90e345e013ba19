//! What this process and this machine did with their CPUs, from `/proc` (proc(5)).
//!
//! A load that is bound by this machine looks like slow servers from inside, so `load::adapt` and
//! `tune` ask how busy its CPUs are. On a system without `/proc` nothing is known, and nothing
//! fails.

use std::fs;
use std::thread;

/// Clock ticks per second in `/proc`: Linux fixes USER_HZ at 100 for programs on every
/// architecture that this tool is built for.
const TICKS: f64 = 100.0;

/// The counters at one moment; each is `None` if the system does not tell.
#[derive(Debug, Clone, Copy)]
pub struct Counters {
    /// User and system time of this process, in ticks.
    process: Option<u64>,
    /// All CPUs of the machine: busy ticks, and ticks in all.
    machine: Option<(u64, u64)>,
}

impl Counters {
    /// Reads them.
    pub fn now() -> Self {
        let read = |path| fs::read_to_string(path).ok();
        Self {
            process: read("/proc/self/stat").and_then(|text| process_ticks(&text)),
            machine: read("/proc/stat").and_then(|text| machine_ticks(&text)),
        }
    }

    /// CPU seconds of this process since `before`.
    /// `None` if the system does not tell.
    pub fn cpu_since(&self, before: &Self) -> Option<f64> {
        let ticks = self.process?.checked_sub(before.process?)?;
        Some(ticks as f64 / TICKS)
    }

    /// How busy the machine was since `before`, 0.0 to 1.0.
    /// `None` if the system does not tell, or no tick has passed.
    pub fn busy_since(&self, before: &Self) -> Option<f64> {
        let (now, then) = (self.machine?, before.machine?);
        let all = now.1.checked_sub(then.1).filter(|all| *all > 0)?;
        let busy = now.0.checked_sub(then.0)?;
        Some((busy as f64 / all as f64).min(1.0))
    }
}

/// CPUs that this process may use; `None` if the system does not tell.
pub fn cores() -> Option<usize> {
    thread::available_parallelism().ok().map(usize::from)
}

/// Fields 14 (utime) and 15 (stime) of `/proc/[pid]/stat`. The second field is the program's name
/// in parentheses, which may hold blanks and parentheses itself.
fn process_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// The line `cpu` of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; what
/// guests had is in user and nice already.
fn machine_ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks = line.split_whitespace().take(8);
    let ticks = ticks.map(|field| field.parse::<u64>().ok());
    let ticks = ticks.collect::<Option<Vec<_>>>()?;
    let all = ticks.iter().sum::<u64>();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some((all - idle, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_as_documented() {
        let stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 12345";
        assert_eq!(process_ticks(stat), Some(300));
        assert_eq!(process_ticks("4711 (short) S 1"), None);
        let stat = "cpu  100 5 45 800 50 0 0 0 30 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(machine_ticks(stat), Some((150, 1000)));
        assert_eq!(machine_ticks("intr 5"), None);
    }

    #[test]
    fn shares_are_of_the_time_between() {
        let at = |process, busy, all| Counters {
            process: Some(process),
            machine: Some((busy, all)),
        };
        let (before, after) = (at(100, 1000, 5000), at(350, 1300, 5400));
        assert_eq!(after.cpu_since(&before), Some(2.5));
        assert_eq!(after.busy_since(&before), Some(0.75));
        assert_eq!(after.busy_since(&after), None);
        let unknown = Counters {
            process: None,
            machine: None,
        };
        assert_eq!(after.cpu_since(&unknown), None);
    }

    /// On the system that tests run on, the counters are there and go up.
    #[test]
    fn work_is_counted() {
        let before = Counters::now();
        let started = std::time::Instant::now();
        let mut sum = 0_u64;
        while started.elapsed().as_millis() < 100 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let spent = Counters::now().cpu_since(&before).expect("a count");
        assert!(spent > 0.0, "{spent}");
    }
}
