//! Compares both sides after a load.

mod checksums;
mod differences;
mod held;
mod printed;
mod reads;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::config::job::{Job, Mode, VerifyLevel};
use crate::error::{Error, Kind, Result};
use crate::mssql::cuts;
use crate::pipeline::connections::Connections;
use crate::pipeline::context::{Counts, Run, TableLoad};
use crate::pipeline::options::RunOptions;
use crate::pipeline::policy::cause;
use crate::pipeline::retry::retry_to_completion;
use crate::pipeline::shutdown::{Ended, drop_on_stop, finish_within_grace};
use crate::pipeline::survey;
use crate::pipeline::verify::checksums::Comparing;
use crate::pipeline::verify::reads::Reads;
use crate::plan::table::TablePlan;
use crate::plan::{kept, query};
use crate::postgres::state::{self, TableRecord};
use crate::postgres::verify::count_rows;
use crate::report::verify::{VerifiedTable, VerifyReport};

const STOPPED: &str = "stopped while comparing";

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Row counts.
    Counts,
    /// One sum per table first; rows are looked for where the sums differ.
    Checksums,
    /// Sums by bucket at once, so that a difference costs one more read instead of two.
    Rows,
}

/// What the command line adds to a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerifyOptions {
    /// The job's `verify` where it is not given; `none` there means counts here.
    pub level: Option<Level>,
    /// Differences are shown with the values of both sides.
    pub show_values: bool,
}

/// Both sides and what to expect of them.
struct Comparison<'a> {
    job: &'a Job,
    reads: Arc<Reads>,
    level: Level,
    show_values: bool,
    /// What the load recorded may stand for the source.
    trust_load: bool,
    /// By the table's full name; read where they are needed.
    records: HashMap<String, TableRecord>,
    /// Rows in `_migrate.rejects`, by the table's full name.
    rejected: HashMap<String, u64>,
    /// What was counted when each table's rows were there, by the table's full name.
    counted: HashMap<String, Counts>,
}

/// Whether the tables of a run are counted while they are finished. In mode `append` a count needs
/// what is recorded as committed, and a user's own table may change behind our back or be UNLOGGED;
/// checksums count by themselves.
pub(super) fn counts_early(job: &Job) -> bool {
    let own = matches!(job.transfer.mode, Mode::Create | Mode::Replace);
    job.verify == VerifyLevel::Counts && own
}

/// Counts both sides of a table at once, until `cancel`. When one side fails, the other is not waited
/// for.
///
/// # Errors
/// What one of them says, or `Stopped`.
pub(super) async fn count(
    run: &Run,
    plan: &TablePlan,
    cancel: &CancellationToken,
) -> Result<Counts> {
    let comparison = Comparison::of(run);
    let stop = cancel.child_token();
    let kept = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(not_counted()),
        kept = comparison.kept_count(plan) => kept?,
    };
    let mut counted = None;
    if let Some(source) = kept {
        let target = count_target_until(run, plan, &stop).await?;
        if source == target {
            return Ok(Counts { source, target });
        }
        counted = Some(target);
    }
    let sql = query::count(plan, run.job.transfer.consistency);
    let source = async {
        let counted = tokio::select! {
            biased;
            () = stop.cancelled() => Err(not_counted()),
            counted = comparison.count_source(plan, &sql) => counted,
        };
        counted.inspect_err(|_| stop.cancel())
    };
    let target = async {
        if let Some(target) = counted {
            return Ok(target);
        }
        let counted = count_target_until(run, plan, &stop).await;
        counted.inspect_err(|_| stop.cancel())
    };
    match tokio::join!(source, target) {
        (Ok(source), Ok(target)) => Ok(Counts { source, target }),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        // The side that was stopped for the other one has nothing to say.
        (Err(one), Err(other)) if one.kind() == Kind::Stopped => Err(other),
        (Err(one), Err(_)) => Err(one),
    }
}

fn not_counted() -> Error {
    Error::new(Kind::Stopped, "stopped while the table was counted")
}

/// Dropped on the way, the connection would go back to the pool with the count still running, and its
/// next user would wait for that.
async fn count_target_until(run: &Run, plan: &TablePlan, stop: &CancellationToken) -> Result<u64> {
    let lease = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(not_counted()),
        lease = run.target.acquire() => lease?,
    };
    let counted = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        counted = count_rows(&lease, &plan.target) => Some(counted),
    };
    match counted {
        Some(counted) => counted.map_err(|error| error.at_table(plan.full_name())),
        None => {
            run.target.cancel_and_close(lease).await;
            Err(not_counted())
        }
    }
}

/// Compares tables of a run; `None` when it was stopped on the way.
pub(super) async fn compare(run: &Run, tables: &[&Arc<TableLoad>]) -> Option<VerifyReport> {
    let mut comparison = Comparison::of(run);
    let counted = tables.iter();
    comparison.counted = counted
        .filter_map(|table| Some((table.plan.full_name(), *table.counts.get()?)))
        .collect();
    let plans = tables.iter().map(|table| table.plan.clone());
    let report = comparison.tables(&plans.collect::<Vec<_>>()).await;
    (!run.cancel.is_cancelled()).then_some(report)
}

fn level_of(level: VerifyLevel) -> Level {
    match level {
        VerifyLevel::None | VerifyLevel::Counts => Level::Counts,
        VerifyLevel::Checksums => Level::Checksums,
    }
}

/// Compares all tables of the job, as a command of its own.
///
/// # Errors
/// What kept it from beginning; a table that could not be compared stands in the report.
pub async fn verify(
    job: &Job,
    options: &RunOptions,
    verification: VerifyOptions,
    cancel: CancellationToken,
) -> Result<VerifyReport> {
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
        Ok(comparison.tables(&survey.planned.tables).await)
    };
    let outcome =
        match finish_within_grace(&connections.target, &cancel, Duration::ZERO, compared).await {
            Ended::Whole(outcome) if !cancel.is_cancelled() => outcome,
            // What was stopped stands in its tables as a failure, too.
            _ => Err(Error::new(Kind::Stopped, STOPPED)),
        };
    connections.close().await;
    outcome
}

impl<'a> Comparison<'a> {
    /// Of tables that the run has loaded itself.
    fn of(run: &'a Run) -> Self {
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
        if self.level != Level::Counts || self.job.transfer.mode == Mode::Append {
            let loaded = self.retry_to_completion(|| self.load_records()).await;
            match loaded {
                Ok(records) => self.records = records,
                Err(error) => return self.not_compared(plans, &error, started),
            }
        }
        let rejected = self.retry_to_completion(|| self.count_rejects()).await;
        match rejected {
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
            seconds: started.elapsed().as_secs_f64(),
        }
    }

    async fn retry_to_completion<T, F: Future<Output = Result<T>>>(
        &self,
        work: impl FnMut() -> F,
    ) -> Result<T> {
        retry_to_completion(&self.reads.retry, &self.reads.cancel, work).await
    }

    async fn load_records(&self) -> Result<HashMap<String, TableRecord>> {
        let target = self.reads.target.acquire().await?;
        if !state::is_installed(&target).await? {
            return Ok(HashMap::new());
        }
        let records = state::load(&target, &self.job.name).await?.into_iter();
        Ok(records
            .map(|record| (record.plan.full_name(), record))
            .collect())
    }

    async fn count_rejects(&self) -> Result<HashMap<String, u64>> {
        let target = self.reads.target.acquire().await?;
        if !state::is_installed(&target).await? {
            return Ok(HashMap::new());
        }
        state::count_rejects(&target, &self.job.name).await
    }

    async fn table(&self, plan: &TablePlan) -> VerifiedTable {
        match self.level {
            Level::Counts => self.by_count(plan).await,
            Level::Checksums | Level::Rows => self.by_checksum(plan).await,
        }
    }

    async fn by_count(&self, plan: &TablePlan) -> VerifiedTable {
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

    /// Rows of the source and of the target. The server's own count of the source is believed where it
    /// is what the target has, and settles nothing where it is not.
    async fn both_counts(&self, plan: &TablePlan) -> (Result<u64>, Result<u64>) {
        let kept = match self.retry_to_completion(|| self.kept_count(plan)).await {
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

    /// What the source keeps count of by itself, where that is all rows of the table and the login
    /// may see it: no page of the table is read for it.
    async fn kept_count(&self, plan: &TablePlan) -> Result<Option<u64>> {
        if !plan.counts_all_rows() {
            return Ok(None);
        }
        let sql = kept::kept_count(plan);
        let counted = async {
            let mut source = self.reads.source.acquire().await?;
            cuts::count_if_known(&mut source, &sql).await
        };
        counted
            .await
            .map_err(|error| error.at_table(plan.full_name()))
    }

    async fn by_checksum(&self, plan: &TablePlan) -> VerifiedTable {
        let comparing = Comparing {
            job: self.job,
            reads: &self.reads,
            level: self.level,
            show_values: self.show_values,
            trust_load: self.trust_load,
            rejected: self.rejected_of(plan),
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
            seconds: started.elapsed().as_secs_f64(),
        }
    }

    async fn source_rows(&self, plan: &TablePlan) -> Result<u64> {
        let sql = query::count(plan, self.job.transfer.consistency);
        self.retry_to_completion(|| self.count_source(plan, &sql))
            .await
    }

    async fn count_source(&self, plan: &TablePlan, sql: &str) -> Result<u64> {
        let counted = async { cuts::count(&mut *self.reads.source.acquire().await?, sql).await };
        counted
            .await
            .map_err(|error| error.at_table(plan.full_name()))
    }

    /// Rows of the table; in mode `append` those that the job committed, because the table may
    /// have held others before, as far as there are so many.
    async fn target_rows(&self, plan: &TablePlan) -> Result<u64> {
        let there = self.retry_to_completion(|| self.count_target(plan)).await?;
        let Some(record) = self.record(plan) else {
            return Ok(there);
        };
        let committed = record.partitions.iter().map(|part| part.progress.rows);
        Ok(there.min(committed.sum()))
    }

    async fn count_target(&self, plan: &TablePlan) -> Result<u64> {
        let counted =
            async { count_rows(&*self.reads.target.acquire().await?, &plan.target).await };
        counted
            .await
            .map_err(|error| error.at_table(plan.full_name()))
    }
}

/// A table of which neither side was read.
fn nothing_known(plan: &TablePlan) -> VerifiedTable {
    VerifiedTable {
        table: plan.full_name(),
        target: format!("{}.{}", plan.target.schema, plan.target.table),
        source_rows: None,
        target_rows: None,
        rejected: 0,
        checksums: None,
        cause: None,
    }
}
