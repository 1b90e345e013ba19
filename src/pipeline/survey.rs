//! Reads the source's catalog and plans the tables of the job: what every command that plans begins with.
//!
//! The catalog is read once, over one source connection, and everything after is computed from it.
//! `--table` is applied last, so that names and foreign keys are those of the whole job.

use crate::config::job::Job;
use crate::error::{Error, Kind, Result};
use crate::mssql::catalog;
use crate::mssql::pool::SourcePool;
use crate::pipeline::connections::{Connections, open_target, require_consistency};
use crate::pipeline::options::RunOptions;
use crate::pipeline::retry::retry_before_load;
use crate::plan::build::{self, Planned};
use crate::plan::table::TablePlan;
use crate::postgres::extensions;
use crate::postgres::pool::TargetPool;
use crate::report::Omission;
use tsql::schema::Database;
use tsql::typemap::{TargetTypes, depends_on_target};

/// The source's catalog, and what the job plans from it.
pub struct Survey {
    /// As it was when the catalog was read; cut points and counts are asked for later.
    pub database: Database,
    pub planned: Planned,
}

/// Reads the catalog and plans every selected table, while the target's other connections open: of
/// the time to the first row, opening eight was the longest part. A target that does not allow as
/// many says so before anything is written.
///
/// # Errors
/// All planning problems at once, as one error: nothing was written yet, so nothing is begun.
pub async fn survey(job: &Job, connections: &Connections, options: &RunOptions) -> Result<Survey> {
    let retry = &job.transfer.retry;
    let (survey, ()) = tokio::try_join!(
        retry_before_load(retry, || read_and_plan(job, connections, options)),
        retry_before_load(retry, || {
            let all = job.target.pool.max_connections;
            connections.target.warm_up(all)
        }),
    )?;
    Ok(survey)
}

async fn read_and_plan(
    job: &Job,
    connections: &Connections,
    options: &RunOptions,
) -> Result<Survey> {
    let database = {
        let mut source = connections.source.acquire().await?;
        catalog::load(&mut source).await?
    };
    if database.select_on_all == Some(false) {
        tracing::warn!(
            database = database.name,
            "the login may not SELECT in the whole database: tables that it does not see are not copied"
        );
    }
    let types = target_types(&database, &connections.target).await?;
    plan_from(database, job, options, types)
}

/// What the target's extensions offer, asked only if a type of the source depends on it.
pub async fn target_types(database: &Database, target: &TargetPool) -> Result<TargetTypes> {
    if !needs_target_types(database) {
        return Ok(TargetTypes::default());
    }
    extensions::target_types(&*target.acquire().await?).await
}

/// Reads the catalog, with retries.
///
/// # Errors
/// The last error, once `transfer.retry.at_start` has passed.
pub async fn read_catalog(job: &Job, source: &SourcePool) -> Result<Database> {
    retry_before_load(&job.transfer.retry, || async {
        catalog::load(&mut *source.acquire().await?).await
    })
    .await
}

/// As [`target_types`], for a command that connects to the target only if it must.
pub async fn types_for_plan(database: &Database, job: &Job) -> Result<TargetTypes> {
    if !needs_target_types(database) {
        return Ok(TargetTypes::default());
    }
    let target = open_target(job).await?;
    let types = target_types(database, &target).await;
    target.close().await;
    types
}

/// Whether a type of the source depends on the target's extensions.
pub fn needs_target_types(database: &Database) -> bool {
    let mut columns = database.tables.iter().flat_map(|table| &table.columns);
    columns.any(depends_on_target)
}

/// Plans every selected table of a catalog that was read.
///
/// # Errors
/// `SourceConsistency`, every planning problem as one error, `JobFile` if no table is selected, or
/// `Usage` for a `--table` that names none.
pub fn plan_from(
    database: Database,
    job: &Job,
    options: &RunOptions,
    target: TargetTypes,
) -> Result<Survey> {
    require_consistency(job, &database)?;
    let mut planned = build::build(&database, job, target).map_err(all_as_one)?;
    if planned.tables.is_empty() {
        return Err(nothing_selected(&database));
    }
    limit(&mut planned, &mut Vec::new(), options)?;
    Ok(Survey { database, planned })
}

/// As [`plan_from`], with the tables that can be planned beside the problems of the others.
///
/// # Errors
/// Those of [`plan_from`] that are no table's own.
pub fn attempt(
    database: Database,
    job: &Job,
    options: &RunOptions,
    target: TargetTypes,
) -> Result<(Survey, Vec<Error>)> {
    require_consistency(job, &database)?;
    let (mut planned, mut problems) = build::attempt(&database, job, target);
    if planned.tables.is_empty() && problems.is_empty() {
        return Err(nothing_selected(&database));
    }
    limit(&mut planned, &mut problems, options)?;
    Ok((Survey { database, planned }, problems))
}

fn nothing_selected(database: &Database) -> Error {
    Error::new(
        Kind::JobFile,
        format!(
            "no table of database {} is selected by tables.include and tables.exclude",
            database.name
        ),
    )
}

/// Keeps the tables that `--table` names, and the problems that are theirs or of no table.
fn limit(planned: &mut Planned, problems: &mut Vec<Error>, options: &RunOptions) -> Result<()> {
    if options.only_tables.is_empty() {
        return Ok(());
    }
    let named = |plan: &TablePlan, name: &String| plan.full_name().eq_ignore_ascii_case(name);
    let wanted = |error: &Error| {
        let table = error.place().table.as_ref();
        table.is_none_or(|table| {
            let mut names = options.only_tables.iter();
            names.any(|name| name.eq_ignore_ascii_case(table))
        })
    };
    problems.retain(wanted);
    for name in &options.only_tables {
        let failed = problems.iter().any(|error| {
            let table = error.place().table.as_ref();
            table.is_some_and(|table| table.eq_ignore_ascii_case(name))
        });
        if !failed && !planned.tables.iter().any(|plan| named(plan, name)) {
            return Err(Error::new(
                Kind::Usage,
                format!("--table {name}: the job selects no such table"),
            ));
        }
    }
    planned
        .tables
        .retain(|plan| options.only_tables.iter().any(|name| named(plan, name)));
    // Views read other tables than these; a run without --table makes them.
    planned.views.clear();
    planned
        .functions
        .retain(|function| function.after_views.is_none());
    Ok(())
}

/// All errors as one, each on a line of its own.
/// The kind is that of the first, which decides the exit code.
pub fn all_as_one(mut errors: Vec<Error>) -> Error {
    if errors.len() == 1 {
        return errors.remove(0);
    }
    let kind = errors.first().map_or(Kind::Internal, Error::kind);
    let lines = errors
        .iter()
        .map(|error| format!("\n  - {error}"))
        .collect::<String>();
    Error::new(kind, format!("{} problems:{lines}", errors.len()))
}

/// How many tables are prepared at a time; each takes one connection of either side.
pub fn width(job: &Job) -> usize {
    let (target, source) = (&job.target.pool, &job.source.pool);
    target.max_connections.min(source.max_connections).max(1)
}

/// What is left out of all tables, then of sequences and views, as reports show it.
pub fn omissions(planned: &Planned) -> Vec<Omission> {
    let of_tables = planned.tables.iter().flat_map(|plan| {
        let omissions = plan.omissions.iter();
        omissions.map(|omission| (plan.full_name(), omission))
    });
    let others = planned.omissions.iter();
    of_tables
        .chain(others.map(|(owner, omission)| (owner.clone(), omission)))
        .map(|(table, omission)| Omission {
            table,
            object: omission.object.clone(),
            reason: omission.reason.clone(),
            text: omission.text.clone(),
        })
        .collect()
}
