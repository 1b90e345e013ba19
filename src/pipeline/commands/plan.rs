//! The commands that show what a run would do: plan and schema.

use tokio_util::sync::CancellationToken;

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::mssql::catalog;
use crate::mssql::pool::SourcePool;
use crate::pipeline::commands::schema::parts as ddl_parts;
use crate::pipeline::connections::{open_source, open_target, source_endpoint};
use crate::pipeline::options::RunOptions;
use crate::pipeline::policy::cause;
use crate::pipeline::retry::retry_before_load;
use crate::pipeline::shutdown::drop_on_stop;
use crate::pipeline::survey::{self, omissions};
use crate::plan::build;
use crate::plan::changes::type_changes;
use crate::postgres::ddl;
use crate::report::planned::{PlanReport, PlannedTable, SkippedTable, UnplannedTable};
use crate::report::schema::SchemaReport;
use crate::schema::Database;
use crate::typemap::TargetTypes;

const STOPPED: &str = "stopped while planning";

/// Decides how each table would be made and read, and changes nothing. Needs the source, and the
/// target where a type depends on its extensions.
pub async fn plan(
    job: &Job,
    options: &RunOptions,
    cancel: CancellationToken,
) -> Result<PlanReport> {
    let source = drop_on_stop(&cancel, STOPPED, open_source(job)).await?;
    let planned = plan_tables(job, options, &source);
    let planned = drop_on_stop(&cancel, STOPPED, planned).await;
    source.close().await;
    planned
}

async fn plan_tables(job: &Job, options: &RunOptions, source: &SourcePool) -> Result<PlanReport> {
    let database = read_catalog(job, source).await?;
    let types = planned_types(&database, job).await?;
    let (survey, errors) = survey::attempt(database, job, options, types)?;
    let kind = errors.first().map(Error::kind);
    let (of_tables, of_job): (Vec<Error>, Vec<Error>) = errors
        .into_iter()
        .partition(|error| error.place().table.is_some());
    let unplanned = |error: Error| UnplannedTable {
        table: error.place().table.clone().unwrap_or_default(),
        cause: cause(&error),
    };
    let omissions = omissions(&survey.planned);
    let unlogged = job.transfer.unlogged_load;
    Ok(PlanReport {
        job: job.name.clone(),
        source: source_endpoint(job, &survey.database),
        skipped: survey
            .planned
            .skipped
            .iter()
            .map(|table| SkippedTable {
                table: table.clone(),
                reason: "left out by tables.include or tables.exclude".to_owned(),
            })
            .collect(),
        failed: of_tables.into_iter().map(unplanned).collect(),
        problems: of_job.iter().map(cause).collect(),
        omissions,
        notes: survey.planned.notes.clone(),
        inventory: survey.planned.inventory.clone(),
        others: others(&survey.planned),
        kind,
        tables: survey
            .planned
            .tables
            .into_iter()
            .map(|plan| PlannedTable {
                ddl: ddl::statements(&plan, unlogged),
                changes: type_changes(&plan),
                plan,
            })
            .collect(),
    })
}

async fn read_catalog(job: &Job, source: &SourcePool) -> Result<Database> {
    retry_before_load(&job.transfer.retry, || async {
        catalog::load(&mut *source.acquire().await?).await
    })
    .await
}

/// What the target's extensions offer, where a type of the source depends on it.
async fn planned_types(database: &Database, job: &Job) -> Result<TargetTypes> {
    if !survey::needs_target_types(database) {
        return Ok(TargetTypes::default());
    }
    let target = open_target(job).await?;
    let types = survey::target_types(database, &target).await;
    target.close().await;
    types
}

/// Statements of what stands beside tables.
fn others(planned: &build::Planned) -> Vec<String> {
    let collations = planned.collations.iter().map(ddl::collation);
    let domains = planned.domains.iter().map(ddl::domain);
    let sequences = planned.sequences.iter().map(ddl::sequence);
    let views = planned.views.iter().map(ddl::view);
    collations
        .chain(domains)
        .chain(sequences)
        .chain(views)
        .collect()
}

/// The whole DDL that a run would send, and changes nothing. Needs the target only where a
/// type depends on its extensions.
pub async fn schema(
    job: &Job,
    options: &RunOptions,
    cancel: CancellationToken,
) -> Result<SchemaReport> {
    let source = drop_on_stop(&cancel, STOPPED, open_source(job)).await?;
    let planned = plan_schema(job, options, &source);
    let planned = drop_on_stop(&cancel, STOPPED, planned).await;
    source.close().await;
    planned
}

async fn plan_schema(job: &Job, options: &RunOptions, source: &SourcePool) -> Result<SchemaReport> {
    let database = read_catalog(job, source).await?;
    let types = planned_types(&database, job).await?;
    let survey = survey::plan_from(database, job, options, types)?;
    Ok(SchemaReport {
        job: job.name.clone(),
        source: source_endpoint(job, &survey.database),
        // What a run makes UNLOGGED it makes LOGGED at its end.
        parts: ddl_parts(&survey.planned, false),
        omissions: omissions(&survey.planned),
    })
}
