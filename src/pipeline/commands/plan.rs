//! Shows how a run would make and read each table.
//!
//! The plan is made as a run makes it, without its cut points: how many partitions a table gets is
//! known only when its keys were asked for.

use tokio_util::sync::CancellationToken;

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::mssql::pool::SourcePool;
use crate::pipeline::commands::assess::assess;
use crate::pipeline::commands::schema::{functions, views};
use crate::pipeline::connections::{open_source, source_endpoint};
use crate::pipeline::options::RunOptions;
use crate::pipeline::policy::cause;
use crate::pipeline::shutdown::drop_on_stop;
use crate::pipeline::survey::{self, omissions};
use crate::plan::build;
use crate::plan::changes::type_changes;
use crate::postgres::ddl;
use crate::report::planned::{PlanReport, PlannedTable, SkippedTable, UnplannedTable};

const STOPPED: &str = "stopped while planning";

/// Decides how each table would be made and read, and changes nothing. Needs the source, and the target if
/// a type depends on its extensions.
///
/// # Errors
/// The servers cannot be asked, or the job selects nothing. Tables that cannot be planned are in the report.
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
    let database = survey::read_catalog(job, source).await?;
    let types = survey::types_for_plan(&database, job).await?;
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
    let failed: Vec<_> = of_tables.into_iter().map(unplanned).collect();
    let assessment = assess(&survey.planned, &survey.database, &failed);
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
        failed,
        problems: of_job.iter().map(cause).collect(),
        omissions,
        notes: survey.planned.notes.clone(),
        inventory: survey.planned.inventory.clone(),
        others: others(&survey.planned),
        assessment,
        estimate: None,
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

/// Statements of schema objects other than tables.
fn others(planned: &build::Planned) -> Vec<String> {
    let collations = planned.collations.iter().map(ddl::collation);
    let domains = planned.domains.iter().map(ddl::domain);
    let sequences = planned.sequences.iter().map(ddl::sequence);
    let helpers = planned.helpers.iter().map(|one| one.statement.clone());
    let modules = functions(planned).into_iter().chain(views(planned));
    collations
        .chain(domains)
        .chain(sequences)
        .chain(helpers)
        .chain(modules.map(|statement| statement.sql))
        .collect()
}
