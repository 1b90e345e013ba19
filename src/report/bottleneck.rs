//! Names, in one sentence, what a run waited for most.
//!
//! The time is the loading side's: each worker is waiting for a source connection, for rows, for a
//! target connection, or is in COPY or COMMIT. So the largest share says which side to work on.
//! This sentence exists because people widened pools for weeks while a disk was the limit.

use serde::Serialize;

use crate::report::health::QUEUEING;
use crate::report::pool::{PoolReport, Side};
use crate::report::time::{Activity, TimeSpent};

/// Below this many worker seconds there is nothing to learn from the shares.
const TOO_SHORT: f64 = 0.5;
/// Shares that differ by less are called even.
const EVEN: f64 = 0.1;
/// Share of the CPUs that the tool may use from which the tool itself is the limit.
pub const TOOL_BUSY: f64 = 0.85;
/// Share of the machine's CPUs from which there is no room on it, whatever uses them.
pub const MACHINE_BUSY: f64 = 0.95;

/// What connections that move rows are held up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    Source,
    /// COPY and COMMIT of PostgreSQL, or the network before it.
    Target,
    /// Both sides alike.
    Both,
    /// The CPUs of this machine, used by the tool itself.
    ToolCpu,
}

/// Judges by the shares of their time, 0.0 to 1.0, that connections waited for each side, and by the
/// share of its CPUs that the tool used, if that is known.
pub fn bound(source: f64, target: f64, tool_cpu: Option<f64>) -> Bound {
    if tool_cpu.is_some_and(|share| share >= TOOL_BUSY) {
        Bound::ToolCpu
    } else if (source - target).abs() < EVEN {
        Bound::Both
    } else if source > target {
        Bound::Source
    } else {
        Bound::Target
    }
}

/// The same in a few words, for a moment of a run; `None` if nothing stands out. `machine` is the busy
/// share of this machine's CPUs, if it is known.
/// `pipeline::load::adapt` gives it as the reason of a change; a run's report has [`sentence`].
pub fn fragment(time: &TimeSpent, machine: Option<f64>) -> Option<String> {
    if let Some(busy) = machine.filter(|busy| *busy >= MACHINE_BUSY) {
        return Some(format!("this machine's CPU is {:.0} % busy", busy * 100.0));
    }
    let source = time.share(Activity::SourceRows) + time.share(Activity::SourcePool);
    let target = time.share(Activity::Copy) + time.share(Activity::Commit);
    match bound(source, target, None) {
        Bound::Source => Some(format!("waiting for the source {:.0} %", source * 100.0)),
        Bound::Target => Some(format!("waiting for the target {:.0} %", target * 100.0)),
        Bound::Both | Bound::ToolCpu => None,
    }
}

/// One sentence without a full stop missing: for reports and logs.
pub fn sentence(time: &TimeSpent, pools: &[PoolReport]) -> String {
    if time.total() < TOO_SHORT {
        return "the run was too short to tell what it waited for.".to_owned();
    }
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let source_pool = time.share(Activity::SourcePool);
    let target_pool = time.share(Activity::TargetPool);
    if source_pool >= QUEUEING && source_pool >= target_pool && queued(pools, Side::Source) {
        return format!(
            "workers queued for source connections {} of the time: raise \
             source.pool.max_connections{} if the server has room, or lower \
             transfer.max_partitions_per_table.",
            percent(source_pool),
            cap(pools, Side::Source),
        );
    }
    if target_pool >= QUEUEING && queued(pools, Side::Target) {
        return format!(
            "workers queued for target connections {} of the time: raise \
             target.pool.max_connections{} if the server has room.",
            percent(target_pool),
            cap(pools, Side::Target),
        );
    }
    busiest_side(time)
}

/// Somebody waited for the pool because it was full, and not for a login.
fn queued(pools: &[PoolReport], side: Side) -> bool {
    pools.iter().any(|pool| pool.side == side && pool.waits > 0)
}

/// Which server the connected workers waited for.
/// Judges by waiting for rows, COPY and COMMIT alone; waiting for pools was looked at before.
fn busiest_side(time: &TimeSpent) -> String {
    let working = time.source_rows + time.copy + time.commit;
    if working <= 0.0 {
        return "the run spent its time queueing for connections on both sides.".to_owned();
    }
    let reading = time.source_rows / working;
    let committing = time.commit / working;
    let loading = time.copy / working + committing;
    let bound = bound(reading, loading, None);
    if bound == Bound::Both {
        return format!(
            "both sides are even: {:.0} % waiting for source rows, {:.0} % loading; more \
             connections help only if both servers have room.",
            reading * 100.0,
            loading * 100.0,
        );
    }
    if bound == Bound::Source {
        return format!(
            "SQL Server or the network is the bottleneck: connected workers waited for source \
             rows {:.0} % of the time; more target connections will not help.",
            reading * 100.0,
        );
    }
    if committing > 0.5 {
        return format!(
            "PostgreSQL's commits are the bottleneck ({:.0} % of the time): its log disk is slow, \
             or transfer.commit_every is too small.",
            committing * 100.0,
        );
    }
    format!(
        "PostgreSQL is the bottleneck: connected workers were loading {:.0} % of the time; more \
         source connections will not help.",
        loading * 100.0,
    )
}

/// The cap in force in parentheses, so that the advice names a number to start from.
fn cap(pools: &[PoolReport], side: Side) -> String {
    pools
        .iter()
        .find(|pool| pool.side == side)
        .map(|pool| format!(" (now {})", pool.max_connections))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(values: [f64; 5]) -> TimeSpent {
        let [source_pool, source_rows, target_pool, copy, commit] = values;
        TimeSpent {
            source_pool,
            source_rows,
            target_pool,
            copy,
            commit,
        }
    }

    fn pool(side: Side, max_connections: usize) -> PoolReport {
        PoolReport {
            side,
            max_connections,
            peak_in_use: max_connections,
            acquisitions: 10,
            waits: 5,
            longest_wait: 1.0,
            mean_wait: 0.5,
            use_seconds: 5.0,
            mean_use: 0.5,
            timeouts: 0,
            connects: 1,
            reconnects: 0,
            connect_errors: 0,
        }
    }

    #[test]
    fn each_kind_of_wait_is_named() {
        for (values, words) in [
            ([0.1, 0.1, 0.0, 0.1, 0.0], "too short"),
            (
                [60.0, 20.0, 0.0, 15.0, 5.0],
                "source.pool.max_connections (now 3)",
            ),
            (
                [0.0, 20.0, 60.0, 15.0, 5.0],
                "target.pool.max_connections (now 8)",
            ),
            (
                [0.0, 80.0, 0.0, 15.0, 5.0],
                "SQL Server or the network is the bottleneck",
            ),
            ([0.0, 15.0, 0.0, 80.0, 5.0], "PostgreSQL is the bottleneck"),
            (
                [0.0, 15.0, 0.0, 5.0, 80.0],
                "commits are the bottleneck (80 %",
            ),
            ([0.0, 50.0, 0.0, 45.0, 5.0], "both sides are even"),
            (
                [30.0, 0.0, 30.0, 0.0, 0.0],
                "queued for source connections 50 %",
            ),
        ] {
            let sentence = sentence(
                &spent(values),
                &[pool(Side::Source, 3), pool(Side::Target, 8)],
            );
            assert!(sentence.contains(words), "{values:?}: {sentence}");
        }
    }

    #[test]
    fn queueing_is_judged_against_the_whole_and_work_against_work() {
        let sentence = sentence(&spent([30.0, 5.0, 0.0, 60.0, 5.0]), &[]);
        assert!(sentence.contains("loading 93 %"), "{sentence}");
    }
}
