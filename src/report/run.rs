//! The report of a run.

use serde::{Serialize, Serializer};

use crate::config::job::Consistency;
use crate::error::Kind;
use crate::report::bottleneck;
use crate::report::concurrency::Concurrency;
use crate::report::health::Health;
use crate::report::pool::PoolReport;
use crate::report::table::{Cause, TableOutcome, TableReport};
use crate::report::time::TimeSpent;
use crate::report::timestamp::Timestamp;
use crate::report::verify::VerifyReport;
use crate::report::{Endpoint, Omission};
use tsql::schema::inventory::InventoryKind;

/// What the pipeline knows when a run ends. All that follows from it is computed by
/// [`Report::draw_up`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    pub run_id: String,
    pub job: String,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// The run continued one that had not ended.
    pub resumed: bool,
    /// A signal ended the run before the work was done.
    pub stopped: bool,
    /// What ended the run as a whole before its work was done, if nothing of a table did.
    pub ended_by: Option<Cause>,
    pub source: Endpoint,
    pub target: Endpoint,
    /// As the job file says.
    pub consistency: Consistency,
    pub tables: Vec<TableReport>,
    pub pools: Vec<PoolReport>,
    /// How many partitions were loaded at a time, and why.
    pub in_flight: Concurrency,
    /// Summed over all workers.
    pub time: TimeSpent,
    /// `None` if the job says `verify: none` or the run did not get there.
    pub verification: Option<VerifyReport>,
    pub omissions: Vec<Omission>,
    /// On sequences, views and the source as a whole.
    pub notes: Vec<String>,
    /// What is never made, by kind; no reason for another exit code.
    pub inventory: Vec<InventoryKind>,
}

/// How a run ended. The exit code follows from it, and its word is in the report and in
/// `_migrate.runs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// Everything done and, if asked for, verified.
    Done,
    /// Some table is not done, or could not be compared.
    Failed,
    /// Done, but verification found a difference.
    Different,
    /// Done, with rejected rows.
    Rejected,
    /// Done, with schema objects left out.
    Incomplete,
    /// Stopped by a signal; the same command continues.
    Stopped,
}

impl RunOutcome {
    /// Every outcome, the best first.
    pub const ALL: [Self; 6] = [
        Self::Done,
        Self::Incomplete,
        Self::Rejected,
        Self::Different,
        Self::Failed,
        Self::Stopped,
    ];

    /// The word in JSON and in `_migrate.runs.outcome`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Different => "different",
            Self::Rejected => "rejected",
            Self::Incomplete => "incomplete",
            Self::Stopped => "stopped",
        }
    }

    /// How a run ended that ended with an error instead of a report.
    pub fn of_error(kind: Kind) -> Self {
        if kind == Kind::Stopped {
            Self::Stopped
        } else {
            Self::Failed
        }
    }

    /// The outcome of a word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

impl Serialize for RunOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Sums over the tables of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Totals {
    pub tables_done: usize,
    pub tables_failed: usize,
    pub tables_skipped: usize,
    pub tables_unfinished: usize,
    pub rows: u64,
    pub bytes: u64,
    pub rejected: u64,
    pub changed_values: u64,
    #[serde(default)]
    pub truncated_values: u64,
    /// Rows that this run committed, by its whole duration.
    pub rows_per_second: f64,
}

/// The report of a run: its facts, and what follows from them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub outcome: RunOutcome,
    pub totals: Totals,
    pub seconds: f64,
    /// One sentence naming what the run waited for most.
    pub bottleneck: String,
    /// Whether the pools did well.
    pub health: Health,
    /// What `relaxed` means for this copy; `None` for every other consistency.
    pub warning: Option<&'static str>,
    #[serde(flatten)]
    pub facts: Facts,
}

/// Said in every report of a run under `consistency: relaxed`.
const RELAXED: &str = "read with NOLOCK: rows that changed during the run may be missing, \
                       doubled or from transactions that were rolled back";

impl Report {
    /// Computes totals, outcome and bottleneck from the facts.
    pub fn draw_up(facts: Facts) -> Self {
        let seconds = facts.ended.seconds_since(facts.started);
        Self {
            outcome: outcome(&facts),
            totals: totals(&facts.tables, seconds),
            seconds,
            bottleneck: bottleneck::sentence(&facts.time, &facts.pools),
            health: Health::judge(&facts.pools, &facts.time, seconds),
            warning: (facts.consistency == Consistency::Relaxed).then_some(RELAXED),
            facts,
        }
    }
}

/// The worst that is true of the run. A stop comes first, because what is missing then is missing
/// for no other reason that is known yet.
fn outcome(facts: &Facts) -> RunOutcome {
    let any = |outcome| facts.tables.iter().any(|table| table.outcome == outcome);
    let verification = facts.verification.as_ref();
    if facts.ended_by.is_some() {
        RunOutcome::Failed
    } else if facts.stopped {
        RunOutcome::Stopped
    } else if any(TableOutcome::Failed)
        || any(TableOutcome::Unfinished)
        || verification.is_some_and(|verified| verified.failures().next().is_some())
    {
        RunOutcome::Failed
    } else if verification.is_some_and(|verified| verified.differences().next().is_some()) {
        RunOutcome::Different
    } else if facts.tables.iter().any(|table| table.rejected > 0) {
        RunOutcome::Rejected
    } else if !facts.omissions.is_empty() {
        RunOutcome::Incomplete
    } else {
        RunOutcome::Done
    }
}

fn totals(tables: &[TableReport], seconds: f64) -> Totals {
    let mut totals = Totals::default();
    let mut resumed = 0;
    for table in tables {
        match table.outcome {
            TableOutcome::Done => totals.tables_done += 1,
            TableOutcome::Failed => totals.tables_failed += 1,
            TableOutcome::Skipped => totals.tables_skipped += 1,
            TableOutcome::Unfinished => totals.tables_unfinished += 1,
        }
        totals.rows += table.rows;
        totals.bytes += table.bytes;
        totals.rejected += table.rejected;
        totals.changed_values += table.changed_values;
        totals.truncated_values += table.truncated_values;
        resumed += table.resumed_rows;
    }
    if seconds > 0.0 {
        totals.rows_per_second = totals.rows.saturating_sub(resumed) as f64 / seconds;
    }
    totals
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::report::verify::VerifiedTable;

    pub(crate) fn facts() -> Facts {
        Facts {
            run_id: "r1".into(),
            job: "demo".into(),
            started: Timestamp::from(UNIX_EPOCH),
            ended: Timestamp::from(UNIX_EPOCH + Duration::from_secs(10)),
            resumed: false,
            stopped: false,
            ended_by: None,
            source: Endpoint::default(),
            target: Endpoint::default(),
            consistency: Consistency::Strict,
            tables: vec![TableReport {
                rows: 1000,
                resumed_rows: 400,
                ..TableReport::new("dbo.A", "public.a", TableOutcome::Done)
            }],
            pools: Vec::new(),
            in_flight: Concurrency::default(),
            time: TimeSpent::default(),
            verification: None,
            omissions: Vec::new(),
            notes: Vec::new(),
            inventory: Vec::new(),
        }
    }

    fn verified(source: u64, target: u64) -> VerifyReport {
        VerifyReport {
            job: "demo".into(),
            tables: vec![VerifiedTable {
                table: "dbo.A".into(),
                target: "public.a".into(),
                source_rows: Some(source),
                target_rows: Some(target),
                rejected: 0,
                checksums: None,
                cause: None,
            }],
            views: Vec::new(),
            seconds: 0.1,
        }
    }

    #[test]
    fn only_rows_of_this_run_make_its_rate() {
        let report = Report::draw_up(facts());
        assert_eq!(report.totals.rows, 1000);
        assert_eq!(report.totals.rows_per_second, 60.0);
    }

    #[test]
    fn the_worst_finding_is_the_outcome() {
        let mut facts = facts();
        assert_eq!(outcome(&facts), RunOutcome::Done);
        facts.omissions.push(Omission {
            table: "dbo.A".into(),
            object: "index IX".into(),
            reason: "not made in this version".into(),
            text: None,
        });
        assert_eq!(outcome(&facts), RunOutcome::Incomplete);
        facts.tables[0].rejected = 1;
        assert_eq!(outcome(&facts), RunOutcome::Rejected);
        facts.verification = Some(verified(5, 4));
        assert_eq!(outcome(&facts), RunOutcome::Different);
        facts
            .tables
            .push(TableReport::new("dbo.B", "public.b", TableOutcome::Failed));
        assert_eq!(outcome(&facts), RunOutcome::Failed);
        facts.stopped = true;
        assert_eq!(outcome(&facts), RunOutcome::Stopped);
    }

    #[test]
    fn a_skipped_table_is_no_failure_but_an_unfinished_one_is() {
        let mut facts = facts();
        facts
            .tables
            .push(TableReport::new("dbo.B", "public.b", TableOutcome::Skipped));
        assert_eq!(outcome(&facts), RunOutcome::Done);
        facts.tables.push(TableReport::new(
            "dbo.C",
            "public.c",
            TableOutcome::Unfinished,
        ));
        assert_eq!(outcome(&facts), RunOutcome::Failed);
    }

    #[test]
    fn equal_counts_pass_and_a_side_that_cannot_be_counted_fails() {
        let mut facts = facts();
        facts.verification = Some(verified(5, 5));
        assert_eq!(outcome(&facts), RunOutcome::Done);
        let mut broken = verified(5, 5);
        broken.tables[0].source_rows = None;
        broken.tables[0].cause = Some(Cause {
            kind: "SourceLost".into(),
            message: "connection closed".into(),
            because: Vec::new(),
            advice: String::new(),
        });
        facts.verification = Some(broken);
        assert_eq!(outcome(&facts), RunOutcome::Failed);
    }

    #[test]
    fn relaxed_is_said() {
        let mut facts = facts();
        assert_eq!(Report::draw_up(facts.clone()).warning, None);
        facts.consistency = Consistency::Relaxed;
        assert!(
            Report::draw_up(facts)
                .warning
                .is_some_and(|text| text.contains("NOLOCK"))
        );
    }
}
