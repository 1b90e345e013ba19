//! Which settings the samples recommend, and why.
//!
//! Pure: figures in, sentences and YAML out. Every recommendation says by which figure it was
//! chosen, so that an operator can disagree with it.

use serde::Serialize;

use crate::config::units::show_size;
use crate::report::bottleneck::{self, Bound, MACHINE_BUSY, TOOL_BUSY};
use crate::report::tune::facts::{Sample, Settings, TuneFacts};

/// Throughput within this share of the best counts as the best: fewer connections and smaller
/// commits cost less, and samples of seconds do not tell more apart.
const WITHIN: f64 = 0.03;
/// Throughput at the cap is still growing if it is this much above that of the count before.
const GROWING: f64 = 1.10;

/// What a reader may look for in vain.
const BATCH_SIZE: &str = "the batch size is transfer.commit_every: the batches in which rows are \
     sent within a commit are fixed at about 256 KiB.";

/// What has no more to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Saturates {
    Source,
    Target,
    Both,
    ToolCpu,
    /// More connections still moved more, up to the cap.
    NothingYet,
}

/// The settings to use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recommendation {
    /// Connections of each side, and partitions of a table.
    pub connections: usize,
    /// Bytes.
    pub commit_every: u64,
    /// As measured with these connections.
    pub rows_per_second: f64,
    pub bytes_per_second: f64,
    /// What the connections of the chosen sample waited for most.
    pub bound: Bound,
    /// What has no more to give at these connections; the advice of what to enlarge follows from
    /// it.
    pub saturates: Saturates,
    /// Sentences.
    pub because: Vec<String>,
    /// Lines for the job file.
    pub yaml: String,
}

/// `None` if no sample moved anything.
pub(super) fn recommend(facts: &TuneFacts) -> Option<Recommendation> {
    let chosen = knee(&facts.samples)?;
    let bound = bound(chosen);
    let growth = growth(&facts.samples);
    let saturates = match (growth, bound) {
        (Some(_), _) => Saturates::NothingYet,
        (None, Bound::Source) => Saturates::Source,
        (None, Bound::Target) => Saturates::Target,
        (None, Bound::Both) => Saturates::Both,
        (None, Bound::ToolCpu) => Saturates::ToolCpu,
    };
    let connections = chosen.measured.connections;
    let (commit_every, why_commit) = commit_every(facts);
    let mut because = vec![why_connections(facts, chosen)];
    because.push(why_bound(chosen, bound, growth));
    because.extend(why_caps(&facts.settings, growth.is_some()));
    because.extend(why_machine(chosen));
    because.extend(why_in_flight(&facts.settings, connections));
    because.push(why_commit);
    because.push(BATCH_SIZE.to_owned());
    Some(Recommendation {
        connections,
        commit_every,
        rows_per_second: chosen.rows_per_second,
        bytes_per_second: chosen.bytes_per_second,
        bound,
        saturates,
        because,
        yaml: yaml(&facts.settings, connections, commit_every),
    })
}

/// The sample with the fewest connections that is as good as the best.
/// `None` if no sample moved anything. Throughput is compared in bytes, because rows differ in
/// size.
pub fn knee(samples: &[Sample]) -> Option<&Sample> {
    let enough = best(samples)? * (1.0 - WITHIN);
    let good = samples
        .iter()
        .filter(|sample| sample.bytes_per_second >= enough);
    good.min_by_key(|sample| sample.measured.connections)
}

/// Bytes per second; `None` if nothing moved.
fn best(samples: &[Sample]) -> Option<f64> {
    let rates = samples.iter().map(|sample| sample.bytes_per_second);
    let best = rates.fold(0.0, f64::max);
    (best > 0.0).then_some(best)
}

/// The judge of a run's bottleneck, on the figures of one sample.
fn bound(sample: &Sample) -> Bound {
    let (source, target) = (sample.waiting_for_source, sample.waiting_for_target);
    bottleneck::bound(source, target, sample.tool_cpu_share)
}

/// By what the last count was better than the one before it, if that tells of more to come.
/// `None` if fewer than two counts were tried, or the last one is not the best and 10 % better.
fn growth(samples: &[Sample]) -> Option<f64> {
    let [.., before, last] = samples else {
        return None;
    };
    if before.bytes_per_second <= 0.0 {
        return None;
    }
    let grew = last.bytes_per_second / before.bytes_per_second;
    let is_best = best(samples)? <= last.bytes_per_second;
    (is_best && grew >= GROWING).then_some(grew)
}

fn mib(bytes_per_second: f64) -> f64 {
    bytes_per_second / f64::from(1 << 20)
}

fn percent(share: f64) -> f64 {
    share * 100.0
}

fn connections(count: usize) -> String {
    match count {
        1 => "1 connection".to_owned(),
        count => format!("{count} connections"),
    }
}

fn why_connections(facts: &TuneFacts, chosen: &Sample) -> String {
    let most = best(&facts.samples).unwrap_or_default();
    let count = chosen.measured.connections;
    let rate = mib(chosen.bytes_per_second);
    let last = facts
        .samples
        .last()
        .map_or(count, |last| last.measured.connections);
    let reached = percent(chosen.bytes_per_second / most);
    if count == last {
        format!(
            "{} moved the most, {rate:.1} MiB/s, and that is as many as were tried.",
            connections(count)
        )
    } else {
        format!(
            "{} moved {rate:.1} MiB/s, {reached:.0} % of the best sample: up to {last} brought no more than that.",
            connections(count)
        )
    }
}

/// Which side limits, and whether more connections are of any use.
fn why_bound(chosen: &Sample, bound: Bound, growth: Option<f64>) -> String {
    let (source, target) = (
        percent(chosen.waiting_for_source),
        percent(chosen.waiting_for_target),
    );
    let where_to = match bound {
        Bound::Source => format!(
            "source-bound: connections waited {source:.0} % of their time for rows of SQL Server or the network"
        ),
        Bound::Target => format!(
            "target-bound: connections were {target:.0} % of their time in COPY and COMMIT of PostgreSQL"
        ),
        Bound::Both => format!(
            "both sides are even: connections waited {source:.0} % of their time for SQL Server and {target:.0} % for PostgreSQL"
        ),
        Bound::ToolCpu => format!(
            "bound by this machine's CPU: the tool itself used {:.0} % of the CPUs that it may use",
            percent(chosen.tool_cpu_share.unwrap_or_default())
        ),
    };
    match (growth, bound) {
        (Some(grew), _) => format!(
            "{where_to}; but nothing saturates yet: the last step of connections still moved {grew:.2} times as much."
        ),
        (None, Bound::ToolCpu) => {
            format!("{where_to}; more connections will not help, more CPUs will.")
        }
        (None, Bound::Source) => {
            format!("{where_to}; more target connections will not help.")
        }
        (None, Bound::Target) => {
            format!("{where_to}; more source connections will not help.")
        }
        (None, Bound::Both) => format!("{where_to}; more connections will not help."),
    }
}

/// What the caps kept from being seen.
fn why_caps(settings: &Settings, growing: bool) -> Option<String> {
    let cap = settings.cap();
    if !growing && cap > 1 {
        return None;
    }
    let (source, target) = (settings.source_connections, settings.target_connections);
    let which = match source.cmp(&target) {
        std::cmp::Ordering::Less => format!("source.pool.max_connections ({source})"),
        std::cmp::Ordering::Greater => format!("target.pool.max_connections ({target})"),
        std::cmp::Ordering::Equal => {
            format!("source.pool.max_connections and target.pool.max_connections ({source} each)")
        }
    };
    Some(if growing {
        format!("raise {which} as far as the servers have room, and tune again.")
    } else {
        format!(
            "with one connection it does not show whether more would help: raise {which} and tune again."
        )
    })
}

/// Only if this machine is full and the tool is not the one that fills it.
fn why_machine(chosen: &Sample) -> Option<String> {
    let busy = chosen
        .measured
        .machine_busy
        .filter(|busy| *busy >= MACHINE_BUSY)?;
    let tool = chosen.tool_cpu_share.filter(|share| *share < TOOL_BUSY)?;
    Some(format!(
        "this machine's CPUs were {:.0} % busy while the tool used {:.0} % of those that it may use: \
         what else runs here, a server perhaps, is part of the limit.",
        percent(busy),
        percent(tool),
    ))
}

/// The job fixes a number that its connections would not all be used with, or that would queue.
fn why_in_flight(settings: &Settings, connections: usize) -> Option<String> {
    let fixed = settings.partitions_in_flight?;
    (fixed != connections).then(|| {
        format!(
            "transfer.partitions_in_flight: the job fixes {fixed}, and a run keeps to that whatever \
             the connections; set it to {connections}, or leave it out."
        )
    })
}

/// The smallest that is as good as the best, and why.
fn commit_every(facts: &TuneFacts) -> (u64, String) {
    let kept = facts.settings.commit_every;
    let Some(best) = best(&facts.commit_samples) else {
        let why =
            "transfer.commit_every stays as it is: no other size was measured (see the note).";
        return (kept, why.to_owned());
    };
    let enough = best * (1.0 - WITHIN);
    let good = facts
        .commit_samples
        .iter()
        .filter(|sample| sample.bytes_per_second >= enough);
    let sizes = good.map(|sample| sample.measured.commit_every);
    let chosen = sizes.min().unwrap_or(kept);
    let why = format!(
        "commits of {} are as fast as any that were tried, to within {:.0} %; it is the most that a crash costs per partition.",
        show_size(chosen),
        percent(WITHIN)
    );
    (chosen, why)
}

/// `min_connections` only if what the job says would be more than the cap, and
/// `partitions_in_flight` only if the job fixes it.
fn yaml(settings: &Settings, connections: usize, commit_every: u64) -> String {
    let warm = if settings.source_min_connections > connections {
        format!("    min_connections: {connections}\n")
    } else {
        String::new()
    };
    let in_flight = match settings.partitions_in_flight {
        Some(_) => format!("  partitions_in_flight: {connections}\n"),
        None => String::new(),
    };
    format!(
        "source:\n  pool:\n    max_connections: {connections}\n{warm}\
         target:\n  pool:\n    max_connections: {connections}\n\
         transfer:\n  max_partitions_per_table: {connections}\n{in_flight}  commit_every: {}\n",
        show_size(commit_every)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tune::Measured;
    use crate::report::tune::tests::{facts, sample};

    fn advised(samples: Vec<Sample>) -> Recommendation {
        recommend(&facts(samples)).expect("a recommendation")
    }

    fn said(advice: &Recommendation) -> String {
        advice.because.join("\n")
    }

    #[test]
    fn the_fewest_connections_within_three_percent_of_the_best() {
        let rates = |rates: [f64; 4]| {
            let samples = [1, 2, 4, 8].into_iter().zip(rates);
            let samples = samples.map(|(count, rate)| sample(count, rate, 0.3));
            advised(samples.collect()).connections
        };
        assert_eq!(rates([50.0, 98.0, 100.0, 99.0]), 2);
        assert_eq!(rates([50.0, 96.9, 100.0, 99.0]), 4);
        assert_eq!(rates([50.0, 90.0, 140.0, 200.0]), 8);
        // More readers than the source can serve made it slower.
        assert_eq!(rates([100.0, 99.0, 90.0, 70.0]), 1);
    }

    #[test]
    fn the_side_that_is_waited_for_saturates() {
        for (source, bound, saturates, words) in [
            (
                0.9,
                Bound::Source,
                Saturates::Source,
                "source-bound: connections waited 90 %",
            ),
            (
                0.2,
                Bound::Target,
                Saturates::Target,
                "target-bound: connections were 80 %",
            ),
            (0.52, Bound::Both, Saturates::Both, "both sides are even"),
        ] {
            let samples = vec![
                sample(1, 90.0, source),
                sample(2, 100.0, source),
                sample(4, 101.0, source),
            ];
            let advice = advised(samples);
            assert_eq!((advice.bound, advice.saturates), (bound, saturates));
            assert!(said(&advice).contains(words), "{}", said(&advice));
            assert!(!said(&advice).contains("tune again"), "{}", said(&advice));
        }
    }

    #[test]
    fn the_tools_own_cpu_is_a_limit_before_either_side() {
        let full = |connections, rate| {
            let sample = sample(connections, rate, 0.9);
            // 9 of 10 s on each of 4 CPUs.
            Sample::new(
                Measured {
                    tool_cpu: Some(36.0),
                    ..sample.measured
                },
                4,
            )
        };
        let advice = advised(vec![full(1, 99.0), full(2, 100.0)]);
        assert_eq!(advice.saturates, Saturates::ToolCpu);
        assert!(
            said(&advice).contains("used 90 % of the CPUs"),
            "{}",
            said(&advice)
        );
    }

    #[test]
    fn what_still_grows_at_the_cap_saturates_nothing_yet() {
        let advice = advised(vec![sample(1, 50.0, 0.9), sample(8, 110.0, 0.9)]);
        assert_eq!(advice.bound, Bound::Source);
        assert_eq!(advice.saturates, Saturates::NothingYet);
        let said = said(&advice);
        assert!(said.contains("2.20 times as much"), "{said}");
        assert!(
            said.contains("raise source.pool.max_connections (8)"),
            "{said}"
        );
    }

    #[test]
    fn one_connection_alone_tells_nothing_of_more() {
        let mut one = facts(vec![sample(1, 50.0, 0.9)]);
        one.settings.target_connections = 1;
        let advice = recommend(&one).expect("a recommendation");
        assert_eq!(advice.saturates, Saturates::Source);
        assert!(
            said(&advice).contains("raise target.pool.max_connections (1) and tune again"),
            "{}",
            said(&advice)
        );
    }

    #[test]
    fn a_full_machine_is_told_when_it_is_not_the_tool() {
        let busy = sample(1, 50.0, 0.9);
        let busy = Sample::new(
            Measured {
                machine_busy: Some(0.99),
                ..busy.measured
            },
            4,
        );
        let advice = advised(vec![busy]);
        assert!(
            said(&advice).contains("99 % busy while the tool used 5 %"),
            "{}",
            said(&advice)
        );
    }

    #[test]
    fn commits_are_as_small_as_costs_nothing() {
        let with = |size: u64, rate| {
            let measured = Measured {
                commit_every: size << 20,
                ..sample(2, rate, 0.3).measured
            };
            Sample::new(measured, 4)
        };
        let mut facts = facts(vec![sample(1, 90.0, 0.3), sample(2, 100.0, 0.3)]);
        facts.commit_samples = vec![with(4, 80.0), with(16, 98.0), with(64, 100.0)];
        let advice = recommend(&facts).expect("a recommendation");
        assert_eq!(advice.commit_every, 16 << 20);
        facts.commit_samples.clear();
        let advice = recommend(&facts).expect("a recommendation");
        assert_eq!(advice.commit_every, 64 << 20, "as the job has it");
    }

    #[test]
    fn the_lines_can_be_pasted() {
        let settings = facts(Vec::new()).settings;
        assert_eq!(
            yaml(&settings, 2, 16 << 20),
            "source:\n  pool:\n    max_connections: 2\ntarget:\n  pool:\n    max_connections: 2\n\
             transfer:\n  max_partitions_per_table: 2\n  commit_every: 16MiB\n"
        );
        // The job warms two up, which would be more than the cap.
        assert!(yaml(&settings, 1, 1 << 20).contains("    min_connections: 1\n"));
        assert!(!yaml(&settings, 1, 1 << 20).contains("partitions_in_flight"));
    }

    #[test]
    fn a_number_that_the_job_fixes_is_in_the_lines() {
        let advised = |fixed| {
            let mut facts = facts(vec![sample(1, 90.0, 0.3), sample(2, 100.0, 0.3)]);
            facts.settings.partitions_in_flight = Some(fixed);
            recommend(&facts).expect("a recommendation")
        };
        let line = "  max_partitions_per_table: 2\n  partitions_in_flight: 2\n";
        for (fixed, told) in [(1, true), (2, false), (3, true)] {
            let advice = advised(fixed);
            assert!(advice.yaml.contains(line), "{}", advice.yaml);
            let words = format!("the job fixes {fixed},");
            assert_eq!(said(&advice).contains(&words), told, "{}", said(&advice));
        }
    }
}
