//! Whether the pools did well, by rules that name their evidence and what to do.

use serde::{Serialize, Serializer};

use crate::report::pool::{PoolReport, PoolState, Side};
use crate::report::time::{Activity, TimeSpent};

/// Share of the workers' time in the queue of a pool from which the pool is too small.
pub const QUEUEING: f64 = 0.4;
/// Connections that were lost and replaced, as a part of the cap, from which something cuts them.
const CHURN: f64 = 0.5;
/// Fewer than these say nothing: one connection is lost for any reason.
const FEW: u64 = 3;
/// A run of less cannot have used a large pool.
const LONG_ENOUGH: f64 = 60.0;
/// Below this part of its cap a pool is larger than it has to be.
const UNUSED: f64 = 0.5;

/// What all rules together say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Healthy,
    /// At least one rule warns.
    Warnings,
}

impl Verdict {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Warnings => "warnings",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Something is to be looked at.
    Warning,
    /// Nothing is wrong; something could be set better.
    Hint,
}

/// A rule that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthFinding {
    pub weight: Weight,
    /// `acquire_timeout`, `connect_errors`, `churn`, `queueing` or `unused`.
    pub rule: &'static str,
    pub side: Side,
    /// The numbers, a lower-case fragment.
    pub evidence: String,
    /// What to do, a sentence without a full stop.
    pub recommendation: String,
}

/// How a pool was used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PoolUse {
    pub side: Side,
    /// Share of the time of all of its connections, up to the cap, that they were in use: 0.0 to 1.0.
    pub utilisation: f64,
}

/// The health of both pools.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    pub verdict: Verdict,
    pub pools: Vec<PoolUse>,
    pub findings: Vec<HealthFinding>,
}

/// What the rules look at of a pool, at its end or while it is in use.
#[derive(Debug, Clone, Copy)]
struct Figures {
    side: Side,
    cap: u64,
    /// Unknown while the pool is in use.
    peak: Option<u64>,
    timeouts: u64,
    reconnects: u64,
    connect_errors: u64,
    waits: u64,
    mean_wait: f64,
}

impl Health {
    /// Judges a run of this many seconds by its pools and by where its workers' time went.
    pub fn judge(pools: &[PoolReport], time: &TimeSpent, seconds: f64) -> Self {
        let figures = pools.iter().map(|pool| Figures {
            side: pool.side,
            cap: pool.max_connections as u64,
            peak: (seconds >= LONG_ENOUGH).then_some(pool.peak_in_use as u64),
            timeouts: pool.timeouts,
            reconnects: pool.reconnects,
            connect_errors: pool.connect_errors,
            waits: pool.waits,
            mean_wait: pool.mean_wait,
        });
        let findings: Vec<_> = figures.flat_map(|figures| rules(&figures, time)).collect();
        let uses = pools.iter().map(|pool| {
            let possible = pool.max_connections as f64 * seconds;
            let share = if possible > 0.0 {
                pool.use_seconds / possible
            } else {
                0.0
            };
            PoolUse {
                side: pool.side,
                utilisation: share.min(1.0),
            }
        });
        Self {
            verdict: verdict(&findings),
            pools: uses.collect(),
            findings,
        }
    }
}

/// What is to be said of the pools while they are in use.
pub fn warnings_now(pools: &[PoolState], time: &TimeSpent) -> Vec<HealthFinding> {
    let figures = pools.iter().map(|pool| Figures {
        side: pool.side,
        cap: pool.max_connections,
        peak: None,
        timeouts: pool.timeouts,
        reconnects: pool.reconnects,
        connect_errors: pool.connect_errors,
        waits: pool.waits.count(),
        mean_wait: pool.waits.mean(),
    });
    figures.flat_map(|figures| rules(&figures, time)).collect()
}

fn verdict(findings: &[HealthFinding]) -> Verdict {
    let warned = findings
        .iter()
        .any(|finding| finding.weight == Weight::Warning);
    if warned {
        Verdict::Warnings
    } else {
        Verdict::Healthy
    }
}

/// Every rule that holds for a pool.
fn rules(pool: &Figures, time: &TimeSpent) -> Vec<HealthFinding> {
    let mut found = faults(pool);
    found.extend(sizes(pool, time));
    found
}

impl Figures {
    fn finding(
        &self,
        rule: &'static str,
        evidence: String,
        recommendation: String,
    ) -> HealthFinding {
        HealthFinding {
            weight: Weight::Warning,
            rule,
            side: self.side,
            evidence,
            recommendation,
        }
    }
}

/// What went wrong with connections.
fn faults(pool: &Figures) -> Vec<HealthFinding> {
    let side = pool.side.word();
    let mut found = Vec::new();
    if pool.timeouts > 0 {
        let waits = several(pool.timeouts, "wait");
        found.push(pool.finding(
            "acquire_timeout",
            format!("{waits} for a {side} connection ended without one"),
            format!("raise {side}.pool.acquire_timeout, or {side}.pool.max_connections if the server has room"),
        ));
    }
    if pool.connect_errors > 0 {
        let connections = several(pool.connect_errors, &format!("{side} connection"));
        let advice = "look into that server's log for refused logins and its limit of connections";
        found.push(pool.finding(
            "connect_errors",
            format!("{connections} could not be opened"),
            advice.to_owned(),
        ));
    }
    if pool.reconnects >= FEW && pool.reconnects as f64 >= pool.cap as f64 * CHURN {
        let (lost, cap) = (pool.reconnects, pool.cap);
        let advice =
            "look for a firewall or a proxy that cuts connections, and for restarts of that server";
        found.push(pool.finding(
            "churn",
            format!(
                "{lost} {side} connections were opened in place of lost ones, with a cap of {cap}"
            ),
            advice.to_owned(),
        ));
    }
    found
}

/// Whether the pool has the right size.
fn sizes(pool: &Figures, time: &TimeSpent) -> Vec<HealthFinding> {
    let (side, cap) = (pool.side.word(), pool.cap);
    let mut found = Vec::new();
    let share = time.share(queue_of(pool.side));
    if share >= QUEUEING && pool.waits > 0 {
        let percent = share * 100.0;
        let wait = pool.mean_wait;
        found.push(pool.finding(
            "queueing",
            format!("workers queued for {side} connections {percent:.0} % of their time, {wait:.1} s each time on average"),
            format!("raise {side}.pool.max_connections (now {cap}) if the server has room"),
        ));
    }
    let unused = |peak: &u64| (*peak as f64) < cap as f64 * UNUSED;
    if let Some(peak) = pool.peak.filter(unused) {
        let hint = pool.finding(
            "unused",
            format!("at most {peak} of {cap} {side} connections were in use at a time"),
            format!(
                "{side}.pool.max_connections: {} would have done",
                peak.max(1)
            ),
        );
        found.push(HealthFinding {
            weight: Weight::Hint,
            ..hint
        });
    }
    found
}

/// `1 wait`, `3 waits`.
fn several(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The wait for a pool's connections.
fn queue_of(side: Side) -> Activity {
    match side {
        Side::Source => Activity::SourcePool,
        Side::Target => Activity::TargetPool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(side: Side) -> PoolReport {
        PoolReport {
            side,
            max_connections: 8,
            peak_in_use: 8,
            acquisitions: 100,
            waits: 0,
            longest_wait: 0.0,
            mean_wait: 0.0,
            use_seconds: 400.0,
            mean_use: 4.0,
            timeouts: 0,
            connects: 8,
            reconnects: 0,
            connect_errors: 0,
        }
    }

    fn found(pool: PoolReport, time: TimeSpent) -> Vec<(&'static str, String)> {
        let health = Health::judge(&[pool], &time, 100.0);
        let warned = health
            .findings
            .iter()
            .any(|finding| finding.weight == Weight::Warning);
        assert_eq!(health.verdict == Verdict::Warnings, warned, "{health:?}");
        let findings = health.findings.into_iter();
        findings
            .map(|finding| (finding.rule, finding.evidence))
            .collect()
    }

    #[test]
    fn a_pool_that_did_its_work_is_healthy() {
        let health = Health::judge(&[pool(Side::Source)], &TimeSpent::default(), 100.0);
        assert_eq!(
            (health.verdict, health.findings.len()),
            (Verdict::Healthy, 0)
        );
        assert_eq!(health.pools[0].utilisation, 0.5);
    }

    #[test]
    fn each_rule_tells_its_evidence() {
        let time = TimeSpent::default();
        let late = PoolReport {
            timeouts: 2,
            ..pool(Side::Source)
        };
        assert_eq!(
            found(late, time),
            [(
                "acquire_timeout",
                "2 waits for a source connection ended without one".into()
            )]
        );
        let refused = PoolReport {
            connect_errors: 1,
            ..pool(Side::Target)
        };
        assert_eq!(
            found(refused, time),
            [(
                "connect_errors",
                "1 target connection could not be opened".into()
            )]
        );
        let cut = PoolReport {
            reconnects: 4,
            ..pool(Side::Source)
        };
        assert_eq!(found(cut.clone(), time)[0].0, "churn");
        assert!(
            found(
                PoolReport {
                    reconnects: 2,
                    ..cut
                },
                time
            )
            .is_empty(),
            "two may be chance"
        );
        let small = PoolReport {
            waits: 9,
            mean_wait: 1.5,
            ..pool(Side::Source)
        };
        let queued = TimeSpent {
            source_pool: 60.0,
            copy: 40.0,
            ..time
        };
        let evidence =
            "workers queued for source connections 60 % of their time, 1.5 s each time on average";
        assert_eq!(found(small, queued), [("queueing", evidence.into())]);
        let large = PoolReport {
            peak_in_use: 3,
            ..pool(Side::Target)
        };
        assert_eq!(
            found(large, time),
            [(
                "unused",
                "at most 3 of 8 target connections were in use at a time".into()
            )]
        );
    }
}
