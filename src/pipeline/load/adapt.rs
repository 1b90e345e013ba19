//! Measures a run while it loads and sets how many partitions may be in flight.

use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use crate::pipeline::context::Run;
use crate::pipeline::load::concurrency::{
    ConcurrencyController, Decision, INITIAL, MINIMUM, Window,
};
use crate::pipeline::load::queue::WorkQueue;
use crate::report::time::{Activity, TimeSpent};

/// Long enough that a step's new readers have logged in and filled their first batches.
const WINDOW: Duration = Duration::from_millis(500);

/// A window of less says little, as rows arrive in batches of 256 KiB.
const LEAST_BYTES: u64 = 16 << 20;

/// A slow source is judged all the same.
const LONGEST_WINDOW: Duration = Duration::from_secs(5);

/// How many partitions may be in flight when loading begins, and a note of it for the report.
pub fn begin(run: &Run, workers: usize) -> Option<ConcurrencyController> {
    let cap = run.most_in_flight();
    if let Some(pinned) = run.job.transfer.partitions_in_flight {
        // Readers that wait for a connection were asked for.
        run.progress
            .begin_concurrency(cap, pinned.min(workers), true);
        return None;
    }
    // More than this machine has cores for cost a run of seconds a tenth; one of hours is beyond that
    // within moments, where the servers are larger.
    let cores = available_parallelism().map_or(INITIAL, NonZero::get);
    let controller = ConcurrencyController::new(cap, cores.clamp(MINIMUM, INITIAL));
    run.progress
        .begin_concurrency(cap, controller.limit(), false);
    Some(controller)
}

/// Follows what is measured, for as long as it is polled.
pub async fn follow(run: &Run, queue: &WorkQueue, mut controller: ConcurrencyController) {
    let mut machine = Machine::look();
    let mut seen = Seen::now(run);
    let mut least = usize::MAX;
    let mut queued = true;
    loop {
        tokio::time::sleep(WINDOW / 5).await;
        let (in_flight, waiting) = queue.in_flight();
        least = least.min(in_flight);
        queued &= waiting;
        let spent = seen.at.elapsed();
        let bytes = run.progress.totals().bytes.saturating_sub(seen.bytes);
        if spent < WINDOW || (bytes < LEAST_BYTES && spent < LONGEST_WINDOW) {
            continue;
        }
        let now = Machine::look();
        let window = Window {
            spent,
            bytes,
            in_flight: least,
            queued,
            cpu: Machine::busy(machine.as_ref(), now.as_ref()),
        };
        let from = controller.limit();
        if let Some((limit, decision)) = controller.after(window) {
            let decision = words(decision, from, &window, &seen.waited(run));
            tracing::debug!(from, to = limit, decision, "partitions in flight");
            run.progress.change_concurrency(limit, decision);
            queue.set_limit(limit);
        }
        (machine, seen) = (now, Seen::now(run));
        (least, queued) = (usize::MAX, true);
    }
}

/// Counters at the beginning of a window.
struct Seen {
    at: Instant,
    bytes: u64,
    time: TimeSpent,
}

impl Seen {
    fn now(run: &Run) -> Self {
        Self {
            at: Instant::now(),
            bytes: run.progress.totals().bytes,
            time: run.progress.clock().read(),
        }
    }

    /// What the workers waited for since.
    fn waited(&self, run: &Run) -> TimeSpent {
        let now = run.progress.clock().read();
        let since = |activity| now.of(activity) - self.time.of(activity);
        TimeSpent {
            source_pool: since(Activity::SourcePool),
            source_rows: since(Activity::SourceRows),
            target_pool: since(Activity::TargetPool),
            copy: since(Activity::Copy),
            commit: since(Activity::Commit),
        }
    }
}

fn words(decision: Decision, from: usize, window: &Window, waited: &TimeSpent) -> String {
    let rate = window.bytes as f64 / window.spent.as_secs_f64() / f64::from(1 << 20);
    let did = match decision {
        Decision::TryMore => format!("{rate:.0} MiB/s with {from}, trying more"),
        Decision::TryFewer => format!("{rate:.0} MiB/s with {from}, trying whether fewer do"),
        Decision::NoFaster => format!("no faster with {from} ({rate:.0} MiB/s)"),
        Decision::Slower => format!("slower with {from} ({rate:.0} MiB/s)"),
    };
    match bound(window.cpu, waited) {
        Some(bound) => format!("{did}; {bound}"),
        None => did,
    }
}

/// Which of the three the run is held by, where one stands out.
fn bound(cpu: Option<f64>, waited: &TimeSpent) -> Option<String> {
    if let Some(cpu) = cpu.filter(|cpu| *cpu >= 0.95) {
        return Some(format!("this machine's CPU is {:.0} % busy", cpu * 100.0));
    }
    let source = waited.share(Activity::SourceRows) + waited.share(Activity::SourcePool);
    let target = waited.share(Activity::Copy) + waited.share(Activity::Commit);
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    match source - target {
        more if more > 0.2 => Some(format!("waiting for the source {}", percent(source))),
        less if less < -0.2 => Some(format!("waiting for the target {}", percent(target))),
        _ => None,
    }
}

/// CPU time of the machine in ticks, as Linux counts it since its start (proc(5), `/proc/stat`).
struct Machine {
    total: u64,
    idle: u64,
}

impl Machine {
    /// `None` where the system does not tell.
    fn look() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// `cpu  user nice system idle iowait irq softirq steal guest guest_nice`; the last two are in
    /// the first two already.
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks = line.split_whitespace().take(8);
        let ticks = ticks
            .map(str::parse)
            .collect::<Result<Vec<u64>, _>>()
            .ok()?;
        Some(Self {
            total: ticks.iter().sum(),
            idle: ticks.get(3)? + ticks.get(4)?,
        })
    }

    fn busy(before: Option<&Self>, now: Option<&Self>) -> Option<f64> {
        let (before, now) = (before?, now?);
        let total = now
            .total
            .checked_sub(before.total)
            .filter(|ticks| *ticks > 0)?;
        let idle = now.idle.saturating_sub(before.idle);
        Some(1.0 - idle as f64 / total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_busy_but_for_its_idle_ticks() {
        let look = |text: &str| Machine::parse(text);
        let before = look("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n");
        let now = look("cpu  180 0 60 805 55 0 0 0 0 0\n");
        assert_eq!(Machine::busy(before.as_ref(), now.as_ref()), Some(0.9));
        assert_eq!(Machine::busy(before.as_ref(), before.as_ref()), None);
        assert!(look("intr 1 2").is_none());
    }

    #[test]
    fn a_reason_names_what_the_run_waits_for() {
        let waited = TimeSpent {
            source_rows: 8.0,
            copy: 2.0,
            ..TimeSpent::default()
        };
        let window = Window {
            spent: Duration::from_secs(1),
            bytes: 100 << 20,
            in_flight: 6,
            queued: true,
            cpu: Some(0.4),
        };
        assert_eq!(
            words(Decision::NoFaster, 6, &window, &waited),
            "no faster with 6 (100 MiB/s); waiting for the source 80 %"
        );
        let busy = Window {
            cpu: Some(0.99),
            ..window
        };
        assert!(words(Decision::TryFewer, 4, &busy, &waited).ends_with("CPU is 99 % busy"));
    }
}
