//! Measures a run while it loads, and sets how many partitions may be in flight.

use std::time::{Duration, Instant};

use crate::pipeline::context::Run;
use crate::pipeline::load::concurrency::{
    ConcurrencyController, Decision, INITIAL, MINIMUM, Window,
};
use crate::pipeline::load::queue::WorkQueue;
use crate::pipeline::machine::{self, Counters};
use crate::report::bottleneck;
use crate::report::time::TimeSpent;

/// Length of a window: the new readers of a step have logged in and filled their first batches by then.
const WINDOW: Duration = Duration::from_millis(500);

/// A window with fewer bytes says little, as rows arrive in batches of 256 KiB, and is made longer.
const MIN_BYTES: u64 = 16 << 20;

/// A window that has been made this long is judged anyway, for slow sources.
const LONGEST_WINDOW: Duration = Duration::from_secs(5);

/// Sets how many partitions may be in flight when loading begins, and notes it for the report. Gives
/// what follows the measured speed, unless the job fixes the number.
pub fn begin(run: &Run, workers: usize) -> Option<ConcurrencyController> {
    let cap = run.concurrency_cap();
    if let Some(pinned) = run.job.transfer.partitions_in_flight {
        // Readers that wait for a connection were asked for.
        run.progress
            .begin_concurrency(cap, pinned.min(workers), true);
        return None;
    }
    // More than this machine has cores for cost a run of seconds a tenth. A run of hours is past that
    // within moments if the servers are larger.
    let cores = machine::cores().unwrap_or(INITIAL);
    let controller = ConcurrencyController::new(cap, cores.clamp(MINIMUM, INITIAL));
    run.progress
        .begin_concurrency(cap, controller.limit(), false);
    Some(controller)
}

/// Measures one window after another and sets the limit, for as long as it is polled.
pub async fn follow(run: &Run, queue: &WorkQueue, mut controller: ConcurrencyController) {
    let mut start = Snapshot::now(run);
    let mut least = usize::MAX;
    let mut queued = true;
    loop {
        tokio::time::sleep(WINDOW / 5).await;
        let (in_flight, waiting) = queue.in_flight();
        least = least.min(in_flight);
        queued &= waiting;
        let spent = start.at.elapsed();
        let bytes = run.progress.totals().bytes.saturating_sub(start.bytes);
        if spent < WINDOW || (bytes < MIN_BYTES && spent < LONGEST_WINDOW) {
            continue;
        }
        let end = Snapshot::now(run);
        let window = Window {
            spent,
            bytes,
            in_flight: least,
            queued,
            cpu: end.counters.busy_since(&start.counters),
        };
        let from = controller.limit();
        if let Some((limit, decision)) = controller.observe(window) {
            let reason = reason(decision, from, &window, &end.time.since(&start.time));
            tracing::debug!(from, to = limit, reason, "partitions in flight");
            run.progress.change_concurrency(limit, reason);
            queue.set_limit(limit);
        }
        start = end;
        (least, queued) = (usize::MAX, true);
    }
}

/// Counters at the beginning or the end of a window.
struct Snapshot {
    at: Instant,
    /// COPY bytes that were sent.
    bytes: u64,
    /// What the workers have waited for.
    time: TimeSpent,
    counters: Counters,
}

impl Snapshot {
    fn now(run: &Run) -> Self {
        Self {
            at: Instant::now(),
            bytes: run.progress.totals().bytes,
            time: run.progress.clock().read(),
            counters: Counters::now(),
        }
    }
}

/// Why the limit changes, for the log and the report.
fn reason(decision: Decision, from: usize, window: &Window, waited: &TimeSpent) -> String {
    let rate = window.bytes as f64 / window.spent.as_secs_f64() / f64::from(1 << 20);
    let did = match decision {
        Decision::TryMore => format!("{rate:.0} MiB/s with {from}, trying more"),
        Decision::TryFewer => format!("{rate:.0} MiB/s with {from}, trying whether fewer do"),
        Decision::NoFaster => format!("no faster with {from} ({rate:.0} MiB/s)"),
        Decision::Slower => format!("slower with {from} ({rate:.0} MiB/s)"),
    };
    match bottleneck::fragment(waited, window.cpu) {
        Some(bound) => format!("{did}; {bound}"),
        None => did,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            reason(Decision::NoFaster, 6, &window, &waited),
            "no faster with 6 (100 MiB/s); waiting for the source 80 %"
        );
        let busy = Window {
            cpu: Some(0.99),
            ..window
        };
        assert!(reason(Decision::TryFewer, 4, &busy, &waited).ends_with("CPU is 99 % busy"));
    }
}
