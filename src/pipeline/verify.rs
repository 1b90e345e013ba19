//! Compares both sides after a load.

use std::collections::HashMap;
use std::time::Instant;

use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::config::job::{Job, Mode};
use crate::error::{Error, Kind, Result};
use crate::mssql::bounds;
use crate::mssql::pool::SourcePool;
use crate::pipeline::RunOptions;
use crate::pipeline::context::Run;
use crate::pipeline::prepare;
use crate::pipeline::retry::retrying;
use crate::pipeline::shores::Shores;
use crate::pipeline::summary::cause;
use crate::plan::query;
use crate::plan::table::TablePlan;
use crate::postgres::pool::TargetPool;
use crate::postgres::state::{self, TableRecord};
use crate::postgres::verify::count_rows;
use crate::report::verify::{VerifiedTable, VerifyReport};

/// Both sides and what to expect of them.
struct Comparison<'a> {
    job: &'a Job,
    source: &'a SourcePool,
    target: &'a TargetPool,
    cancel: &'a CancellationToken,
    /// Read in mode `append` only, where a table holds rows of others too.
    records: Vec<TableRecord>,
    /// Rows in `_migrate.rejects`, by the table's full name.
    rejected: HashMap<String, u64>,
}

/// Compares the tables of a run; `None` when it was stopped on the way.
pub(super) async fn compare(run: &Run, plans: &[TablePlan]) -> Option<VerifyReport> {
    let (source, target) = (&run.source, &run.target);
    let comparison = Comparison {
        job: &run.job,
        source,
        target,
        cancel: &run.cancel,
        records: Vec::new(),
        rejected: HashMap::new(),
    };
    let report = comparison.tables(plans).await;
    (!run.cancel.is_cancelled()).then_some(report)
}

/// Compares all tables of the job, as a command of its own.
///
/// # Errors
/// What kept it from beginning; a table that could not be counted stands in the report.
pub async fn verify(
    job: &Job,
    options: &RunOptions,
    cancel: CancellationToken,
) -> Result<VerifyReport> {
    let shores = Shores::open(job).await?;
    let compared = async {
        let survey = prepare::survey(job, &shores, options).await?;
        let (source, target) = (&shores.source, &shores.target);
        let comparison = Comparison {
            job,
            source,
            target,
            cancel: &cancel,
            records: Vec::new(),
            rejected: HashMap::new(),
        };
        Ok(comparison.tables(&survey.planned.tables).await)
    };
    let outcome = tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::new(Kind::Stopped, "stopped while comparing")),
        outcome = compared => outcome,
    };
    shores.close().await;
    outcome
}

impl Comparison<'_> {
    async fn tables(mut self, plans: &[TablePlan]) -> VerifyReport {
        let started = Instant::now();
        if self.job.transfer.mode == Mode::Append {
            let retry = &self.job.transfer.retry;
            match retrying(retry, self.cancel, || self.load_records()).await {
                Ok(records) => self.records = records,
                Err(error) => return self.not_compared(plans, &error, started),
            }
        }
        let retry = &self.job.transfer.retry;
        match retrying(retry, self.cancel, || self.count_rejects()).await {
            Ok(rejected) => self.rejected = rejected,
            Err(error) => return self.not_compared(plans, &error, started),
        }
        let mut tables = stream::iter(plans)
            .map(|plan| self.table(plan))
            .buffer_unordered(prepare::width(self.job))
            .collect::<Vec<_>>()
            .await;
        tables.sort_by(|one, other| one.table.cmp(&other.table));
        VerifyReport {
            job: self.job.name.clone(),
            tables,
            seconds: started.elapsed().as_secs_f64(),
        }
    }

    async fn load_records(&self) -> Result<Vec<TableRecord>> {
        let target = self.target.acquire().await?;
        if !state::is_installed(&target).await? {
            return Ok(Vec::new());
        }
        state::load(&target, &self.job.name).await
    }

    async fn count_rejects(&self) -> Result<HashMap<String, u64>> {
        let target = self.target.acquire().await?;
        if !state::is_installed(&target).await? {
            return Ok(HashMap::new());
        }
        state::count_rejects(&target, &self.job.name).await
    }

    async fn table(&self, plan: &TablePlan) -> VerifiedTable {
        let (source, target) = tokio::join!(self.source_rows(plan), self.target_rows(plan));
        let failure = source.as_ref().err().or(target.as_ref().err());
        VerifiedTable {
            table: plan.full_name(),
            target: format!("{}.{}", plan.target.schema, plan.target.table),
            cause: failure.map(cause),
            source_rows: source.ok(),
            target_rows: target.ok(),
            rejected: self.rejected.get(&plan.full_name()).copied().unwrap_or(0),
        }
    }

    /// Without its records an append cannot tell its own rows from others, so nothing is equal.
    fn not_compared(&self, plans: &[TablePlan], error: &Error, started: Instant) -> VerifyReport {
        let table = |plan: &TablePlan| VerifiedTable {
            table: plan.full_name(),
            target: format!("{}.{}", plan.target.schema, plan.target.table),
            cause: Some(cause(error)),
            source_rows: None,
            target_rows: None,
            rejected: 0,
        };
        VerifyReport {
            job: self.job.name.clone(),
            tables: plans.iter().map(table).collect(),
            seconds: started.elapsed().as_secs_f64(),
        }
    }

    async fn source_rows(&self, plan: &TablePlan) -> Result<u64> {
        let sql = query::count(plan, self.job.transfer.consistency);
        let retry = &self.job.transfer.retry;
        retrying(retry, self.cancel, || self.count_source(plan, &sql)).await
    }

    async fn count_source(&self, plan: &TablePlan, sql: &str) -> Result<u64> {
        let counted = async { bounds::count(&mut *self.source.acquire().await?, sql).await };
        counted
            .await
            .map_err(|error| error.at_table(plan.full_name()))
    }

    /// Rows of the table; in mode `append` those that the job committed, because the table may
    /// have held others before.
    async fn target_rows(&self, plan: &TablePlan) -> Result<u64> {
        let recorded = self
            .records
            .iter()
            .find(|record| record.plan.full_name() == plan.full_name());
        if let Some(record) = recorded {
            return Ok(record
                .partitions
                .iter()
                .map(|part| part.progress.rows)
                .sum());
        }
        let retry = &self.job.transfer.retry;
        retrying(retry, self.cancel, || self.count_target(plan)).await
    }

    async fn count_target(&self, plan: &TablePlan) -> Result<u64> {
        let counted = async { count_rows(&*self.target.acquire().await?, &plan.target).await };
        counted
            .await
            .map_err(|error| error.at_table(plan.full_name()))
    }
}
