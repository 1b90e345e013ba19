//! Compares both sides after a load.
//!
//! `compare` is a step of a run and trusts what its load recorded; `verify` is a command of its
//! own, reads both sides, and takes no job lock, so it may run against a standby. A table that
//! cannot be compared is part of the report and stops no other.

mod checksums;
mod counts;
mod differences;
mod held_rows;
mod print;
mod reads;
mod views;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::config::job::{Job, Mode, VerifyLevel, Views};
use crate::error::{Error, Kind, Result};
use crate::pipeline::connections::Connections;
use crate::pipeline::context::{Counts, Run, TableLoad};
use crate::pipeline::options::{ComparisonLevel, RunOptions, VerifyOptions};
use crate::pipeline::policy::cause;
use crate::pipeline::retry::retry_to_completion;
use crate::pipeline::shutdown::{Ended, drop_on_stop, finish_within_grace};
use crate::pipeline::survey;
use crate::pipeline::verify::checksums::Comparing;
use crate::pipeline::verify::counts::{count_source, kept_count};
use crate::pipeline::verify::reads::Reads;
use crate::plan::query;
use crate::plan::table::TablePlan;
use crate::postgres::state::{self, TableRecord};
use crate::postgres::verify::count_rows;
use crate::report::verify::{VerifiedTable, VerifyReport};

pub use crate::pipeline::verify::counts::{count, counts_early};

const STOPPED: &str = "stopped while comparing";

/// Both sides and what to expect of them.
struct Comparison<'a> {
    job: &'a Job,
    reads: Arc<Reads>,
    level: ComparisonLevel,
    show_values: bool,
    /// What the load recorded may be used in place of the source.
    trust_load: bool,
    /// By the table's full name; read if they are needed.
    records: HashMap<String, TableRecord>,
    /// Rows in `_migrate.rejects`, by the table's full name.
    rejected: HashMap<String, u64>,
    /// What was counted while each table was finished, by the table's full name.
    counted: HashMap<String, Counts>,
}

/// Compares tables of a run; `None` when it was stopped on the way.
pub(super) async fn compare(run: &Run, tables: &[&Arc<TableLoad>]) -> Option<VerifyReport> {
    let mut comparison = Comparison::from_run(run);
    let counted = tables.iter();
    comparison.counted = counted
        .filter_map(|table| Some((table.plan.full_name(), *table.counts.get()?)))
        .collect();
    let plans = tables.iter().map(|table| table.plan.clone());
    let report = comparison.tables(&plans.collect::<Vec<_>>()).await;
    (!run.cancel.is_cancelled()).then_some(report)
}

/// A job without verification still counts if `migrate verify` asks for no level.
fn level_of(level: VerifyLevel) -> ComparisonLevel {
    match level {
        VerifyLevel::None | VerifyLevel::Counts => ComparisonLevel::Counts,
        VerifyLevel::Checksums => ComparisonLevel::Checksums,
    }
}

/// Compares all tables of the job, as a command of its own.
///
/// # Errors
/// What kept it from beginning; a table that could not be compared is in the report.
pub async fn verify(
    job: &Job,
    options: &RunOptions,
    verification: VerifyOptions,
    cancel: CancellationToken,
) -> Result<VerifyReport> {
    if verification.views && job.schema.views == Views::None {
        return Err(Error::new(
            Kind::Usage,
            "--views: the job makes no views, because schema.views is none",
        ));
    }
    let connections = drop_on_stop(&cancel, STOPPED, Connections::open(job)).await?;
    let compared = async {
        let survey = survey::survey(job, &connections, options).await?;
        let comparison = Comparison {
            job,
            reads: Reads::new(job, &connections.source, &connections.target, &cancel),
            level: verification.level.unwrap_or(level_of(job.verify)),
            show_values: verification.show_values,
            trust_load: false,
            records: HashMap::new(),
            rejected: HashMap::new(),
            counted: HashMap::new(),
        };
        let mut views = Vec::new();
        if verification.views {
            views = views::compare(&comparison, &survey.planned.views).await;
        }
        let mut report = comparison.tables(&survey.planned.tables).await;
        report.views = views;
        Ok(report)
    };
    let outcome =
        match finish_within_grace(&connections.target, &cancel, Duration::ZERO, compared).await {
            Ended::Whole(outcome) if !cancel.is_cancelled() => outcome,
            // The report would show what was stopped as failures of its tables.
            _ => Err(Error::new(Kind::Stopped, STOPPED)),
        };
    connections.close().await;
    outcome
}

impl<'a> Comparison<'a> {
    /// Compares tables that the run has loaded itself.
    fn from_run(run: &'a Run) -> Self {
        Self {
            job: &run.job,
            reads: Reads::new(&run.job, &run.source, &run.target, &run.cancel),
            level: level_of(run.job.verify),
            show_values: false,
            trust_load: true,
            records: HashMap::new(),
            rejected: HashMap::new(),
            counted: HashMap::new(),
        }
    }

    async fn tables(mut self, plans: &[TablePlan]) -> VerifyReport {
        let started = Instant::now();
        if self.level != ComparisonLevel::Counts || self.job.transfer.mode == Mode::Append {
            match self.load_records().await {
                Ok(records) => self.records = records,
                Err(error) => return self.not_compared(plans, &error, started),
            }
        }
        match self.count_rejects().await {
            Ok(rejected) => self.rejected = rejected,
            Err(error) => return self.not_compared(plans, &error, started),
        }
        let mut tables = stream::iter(plans)
            .map(|plan| self.table(plan))
            .buffer_unordered(survey::width(self.job))
            .collect::<Vec<_>>()
            .await;
        tables.sort_by(|one, other| one.table.cmp(&other.table));
        VerifyReport {
            job: self.job.name.clone(),
            tables,
            views: Vec::new(),
            seconds: started.elapsed().as_secs_f64(),
        }
    }

    async fn retry<T, F: Future<Output = Result<T>>>(&self, work: impl FnMut() -> F) -> Result<T> {
        retry_to_completion(&self.reads.retry, &self.reads.cancel, work).await
    }

    /// Empty if the target has no state of any job.
    async fn load_records(&self) -> Result<HashMap<String, TableRecord>> {
        let job = &self.job.name;
        let records = self.reads.on_target(|target| async move {
            if !state::is_installed(&target).await? {
                return Ok(Vec::new());
            }
            state::load(&target, job).await
        });
        let records = records.await?.into_iter();
        Ok(records
            .map(|record| (record.plan.full_name(), record))
            .collect())
    }

    async fn count_rejects(&self) -> Result<HashMap<String, u64>> {
        let job = &self.job.name;
        let counted = self.reads.on_target(|target| async move {
            if !state::is_installed(&target).await? {
                return Ok(HashMap::new());
            }
            state::count_rejects(&target, job).await
        });
        counted.await
    }

    async fn table(&self, plan: &TablePlan) -> VerifiedTable {
        match self.level {
            ComparisonLevel::Counts => self.compare_counts(plan).await,
            ComparisonLevel::Checksums | ComparisonLevel::Rows => {
                self.compare_checksums(plan).await
            }
        }
    }

    /// Uses what was counted during the run, if it was.
    async fn compare_counts(&self, plan: &TablePlan) -> VerifiedTable {
        if let Some(counts) = self.counted.get(&plan.full_name()) {
            return VerifiedTable {
                source_rows: Some(counts.source),
                target_rows: Some(counts.target),
                rejected: self.rejected_of(plan),
                ..nothing_known(plan)
            };
        }
        let (source, target) = self.both_counts(plan).await;
        let failure = source.as_ref().err().or(target.as_ref().err());
        VerifiedTable {
            cause: failure.map(cause),
            source_rows: source.ok(),
            target_rows: target.ok(),
            rejected: self.rejected_of(plan),
            ..nothing_known(plan)
        }
    }

    /// Rows of the source and of the target. The server's own count of the source is used if it is what the
    /// target has; otherwise the source is counted.
    async fn both_counts(&self, plan: &TablePlan) -> (Result<u64>, Result<u64>) {
        let kept = match self.retry(|| kept_count(&self.reads.source, plan)).await {
            Ok(Some(kept)) => kept,
            Ok(None) => return tokio::join!(self.source_rows(plan), self.target_rows(plan)),
            Err(error) => return (Err(error), self.target_rows(plan).await),
        };
        let target = self.target_rows(plan).await;
        match &target {
            Ok(there) if there + self.rejected_of(plan) == kept => (Ok(kept), target),
            _ => (self.source_rows(plan).await, target),
        }
    }

    async fn compare_checksums(&self, plan: &TablePlan) -> VerifiedTable {
        let comparing = Comparing {
            job: self.job,
            reads: &self.reads,
            level: self.level,
            show_values: self.show_values,
            trust_load: self.trust_load,
            rejected: self.rejected_of(plan),
            shared: self.job.transfer.mode == Mode::Append,
        };
        match comparing.table(plan, self.record(plan)).await {
            Ok(outcome) => VerifiedTable {
                // The sums are of rows that PostgreSQL can hold.
                source_rows: Some(outcome.source.rows + outcome.met),
                target_rows: Some(outcome.target.rows),
                rejected: comparing.rejected,
                checksums: Some(outcome.checksums),
                ..nothing_known(plan)
            },
            Err(error) => VerifiedTable {
                cause: Some(cause(&error.at_table(plan.full_name()))),
                ..nothing_known(plan)
            },
        }
    }

    fn rejected_of(&self, plan: &TablePlan) -> u64 {
        self.rejected
            .get(&plan.full_name())
            .copied()
            .unwrap_or_default()
    }

    fn record(&self, plan: &TablePlan) -> Option<&TableRecord> {
        self.records.get(&plan.full_name())
    }

    /// Without its records an append cannot tell its own rows from others, and no other mode what
    /// was loaded, so nothing is equal.
    fn not_compared(&self, plans: &[TablePlan], error: &Error, started: Instant) -> VerifyReport {
        let table = |plan: &TablePlan| VerifiedTable {
            cause: Some(cause(error)),
            ..nothing_known(plan)
        };
        VerifyReport {
            job: self.job.name.clone(),
            tables: plans.iter().map(table).collect(),
            views: Vec::new(),
            seconds: started.elapsed().as_secs_f64(),
        }
    }

    async fn source_rows(&self, plan: &TablePlan) -> Result<u64> {
        let sql = query::count(plan, self.job.transfer.consistency);
        self.retry(|| count_source(&self.reads.source, plan, &sql))
            .await
    }

    /// Rows of the table; in mode `append` at most those that the job committed, because the table may have
    /// held others before.
    async fn target_rows(&self, plan: &TablePlan) -> Result<u64> {
        let counted = self.reads.on_target(|target| async move {
            let counted = count_rows(&target, &plan.target).await;
            counted.map_err(|error| error.at_table(plan.full_name()))
        });
        let there = counted.await?;
        let Some(record) = self.record(plan) else {
            return Ok(there);
        };
        let committed = record.partitions.iter().map(|part| part.progress.rows);
        Ok(there.min(committed.sum()))
    }
}

/// A table of which neither side was read.
fn nothing_known(plan: &TablePlan) -> VerifiedTable {
    VerifiedTable {
        table: plan.full_name(),
        target: plan.target.to_string(),
        source_rows: None,
        target_rows: None,
        rejected: 0,
        checksums: None,
        cause: None,
    }
}
