//! From an open connection to tables that are ready to be loaded: catalog, plan, state, DDL.

use std::cmp::Reverse;
use std::collections::HashMap;

use futures::stream::{self, StreamExt};

use crate::config::job::Job;
use crate::error::{Error, Kind, Result};
use crate::mssql::catalog;
use crate::pipeline::RunOptions;
use crate::pipeline::context::{Run, weight};
use crate::pipeline::cutting::Look;
use crate::pipeline::retry::{before_load, retrying, seen_through, unless_stopping};
use crate::pipeline::shores::{Shores, require_consistency};
use crate::plan::build::{self, Planned};
use crate::plan::fingerprint::fingerprint;
use crate::plan::slices::slices;
use crate::plan::table::{Slice, TablePlan};
use crate::postgres::ddl;
use crate::postgres::extensions;
use crate::postgres::pool::TargetPool;
use crate::postgres::scratch;
use crate::postgres::state::{self, TableKey, TableRecord, TableState};
use crate::schema::Database;
use crate::typemap::{TargetTypes, depends_on_target};

/// What the source has, and what the job makes of it.
pub struct Survey {
    pub database: Database,
    pub planned: Planned,
}

/// Reads the catalog and plans every selected table, while the target's other connections open: of
/// the time to the first row, opening eight was the longest part. A target that does not allow as
/// many says so before anything is written.
///
/// # Errors
/// All planning problems at once, as one error: nothing was written yet, so nothing is begun.
pub async fn survey(job: &Job, shores: &Shores, options: &RunOptions) -> Result<Survey> {
    let retry = &job.transfer.retry;
    let (survey, ()) = tokio::try_join!(
        before_load(retry, || read_and_plan(job, shores, options)),
        before_load(retry, || {
            let all = job.target.pool.max_connections;
            shores.target.warm_up(all)
        }),
    )?;
    Ok(survey)
}

async fn read_and_plan(job: &Job, shores: &Shores, options: &RunOptions) -> Result<Survey> {
    let database = {
        let mut source = shores.source.acquire().await?;
        catalog::load(&mut source).await?
    };
    if database.select_on_all == Some(false) {
        tracing::warn!(
            database = database.name,
            "the login may not SELECT in the whole database: tables that it does not see are not copied"
        );
    }
    let types = target_types(&database, &shores.target).await?;
    plan_from(database, job, options, types)
}

/// What the target's extensions offer, asked only where a type of the source depends on it.
pub async fn target_types(database: &Database, target: &TargetPool) -> Result<TargetTypes> {
    if !needs_target_types(database) {
        return Ok(TargetTypes::default());
    }
    extensions::target_types(&*target.acquire().await?).await
}

/// Whether a type of the source depends on the target's extensions.
pub fn needs_target_types(database: &Database) -> bool {
    let mut columns = database.tables.iter().flat_map(|table| &table.columns);
    columns.any(depends_on_target)
}

/// Plans every selected table of a catalog that was read.
pub fn plan_from(
    database: Database,
    job: &Job,
    options: &RunOptions,
    target: TargetTypes,
) -> Result<Survey> {
    require_consistency(job, &database)?;
    let mut planned = build::build(&database, job, target).map_err(together)?;
    if planned.tables.is_empty() {
        return Err(nothing_selected(&database));
    }
    limit(&mut planned, &mut Vec::new(), options)?;
    Ok(Survey { database, planned })
}

/// As [`plan_from`], with the tables that can be planned beside the problems of the others.
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

/// Keeps the tables that `--table` names, and the problems that are theirs or nobody's.
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
    Ok(())
}

/// One error out of many, each on a line of its own.
pub fn together(mut errors: Vec<Error>) -> Error {
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

/// Refuses, before anything is written, tables that the job's mode does not allow to touch.
pub async fn refuse_existing(
    run: &Run,
    plans: &[TablePlan],
    records: &HashMap<String, TableRecord>,
) -> Result<()> {
    let fresh = plans.iter().filter(|plan| {
        records
            .get(&plan.full_name())
            .is_none_or(|record| !record.created)
    });
    let problems = stream::iter(fresh)
        .map(|plan| async move {
            let retry = &run.job.transfer.retry;
            let checked = seen_through(retry, &run.cancel, || check_target(run, plan)).await;
            checked.map_err(|error| error.at_table(plan.full_name()))
        })
        .buffer_unordered(width(&run.job))
        .filter_map(|checked| async move { checked.err() })
        .collect::<Vec<_>>()
        .await;
    if problems.is_empty() {
        Ok(())
    } else {
        Err(together(problems))
    }
}

async fn check_target(run: &Run, plan: &TablePlan) -> Result<()> {
    let target = run.target.acquire().await?;
    ddl::check(&target, plan, run.job.transfer.mode).await
}

/// What tables are not held up for: cuts that an index has to be read for take minutes where it is
/// large, and other tables can be loaded meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cuts {
    /// Tables that need such cuts are left for later.
    Quick,
    Any,
}

/// The partitions of a new table; `None` where it is left for later.
async fn find_slices(run: &Run, plan: &TablePlan, cuts: Cuts) -> Result<Option<Vec<Slice>>> {
    let found = match plan.strategy.ranges() {
        Some(key) if plan.asks_for_cuts() => {
            let look = Look::whole(run.job.transfer.consistency, plan, key);
            let mut source = run.source.acquire().await?;
            match cuts {
                Cuts::Quick => look.quick_cuts(&mut source).await?,
                Cuts::Any => Some(look.first_cuts(&mut source).await?),
            }
        }
        _ => Some(Vec::new()),
    };
    Ok(found.map(|cuts| slices(plan, cuts)))
}

/// Records the plan of a new table with its partitions.
async fn save_plan(run: &Run, plan: &TablePlan, slices: &[Slice]) -> Result<()> {
    let mut target = run.target.acquire().await?;
    let print = fingerprint(plan);
    state::save_plan(&mut target, &run.job.name, run.id, (plan, &print), slices).await
}

/// A table that could not be made ready, with the reason.
pub type Unready = (TablePlan, Error);

/// What became of the tables that were to be made ready: those that are not mentioned are.
#[derive(Default)]
pub struct Readiness {
    pub unready: Vec<Unready>,
    /// Not tried, see [`Cuts::Quick`]; the largest first.
    pub later: Vec<TablePlan>,
}

/// What a killed `tune` of the job left takes space and is in nobody's way.
async fn drop_samples(run: &Run) {
    let dropped = async {
        let mut target = run.target.acquire().await?;
        scratch::drop_left_behind(&mut target, &run.job.name).await
    };
    if let Err(error) = dropped.await {
        tracing::warn!(%error, "the scratch table of a killed tune is left behind");
    }
}

/// Records and makes every table that is not recorded yet, several at a time. Before the first of a
/// run, what a killed `tune` left is dropped.
pub async fn make_ready(
    run: &Run,
    plans: &[TablePlan],
    records: &HashMap<String, TableRecord>,
    cuts: Cuts,
) -> Readiness {
    if cuts == Cuts::Quick {
        drop_samples(run).await;
    }
    let made = stream::iter(plans)
        .map(|plan| async move {
            let known = records.get(&plan.full_name());
            let outcome = make_one(run, plan, known, cuts).await;
            let outcome = unless_stopping(&run.cancel, outcome);
            if cuts == Cuts::Quick {
                run.progress.one_table_more();
            }
            (plan, outcome)
        })
        .buffer_unordered(width(&run.job))
        .collect::<Vec<_>>()
        .await;
    let mut all = Readiness::default();
    for (plan, outcome) in made {
        match outcome {
            Ok(true) => {}
            Ok(false) => all.later.push(plan.clone()),
            Err(error) => {
                let error = error.at_table(plan.full_name());
                all.unready.push((plan.clone(), error));
            }
        }
    }
    all.later.sort_by_key(|plan| Reverse(weight(plan)));
    all
}

/// Each step is tried again by itself: cuts that were dear to find are not found twice, and what was
/// recorded is not recorded anew when only the answer to a later step was lost.
async fn make_one(
    run: &Run,
    plan: &TablePlan,
    known: Option<&TableRecord>,
    cuts: Cuts,
) -> Result<bool> {
    if known.is_some_and(|record| record.state == TableState::Done) {
        return Ok(true);
    }
    let (retry, cancel) = (&run.job.transfer.retry, &run.cancel);
    if known.is_none() {
        let found = retrying(retry, cancel, || find_slices(run, plan, cuts)).await?;
        let Some(slices) = found else {
            return Ok(false);
        };
        seen_through(retry, cancel, || save_plan(run, plan, &slices)).await?;
    }
    let plan = known.map_or(plan, |record| &record.plan);
    seen_through(retry, cancel, || make(run, plan)).await?;
    Ok(true)
}

async fn make(run: &Run, plan: &TablePlan) -> Result<()> {
    let key = TableKey::of(&run.job.name, plan);
    let mut target = run.target.acquire().await?;
    state::reopen(&target, &key).await?;
    let making = ddl::Making {
        mode: run.job.transfer.mode,
        unlogged: run.job.transfer.unlogged_load,
    };
    ddl::make(&mut target, &key, run.id, plan, &making).await
}
