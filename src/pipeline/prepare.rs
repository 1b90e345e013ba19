//! From an open connection to tables that are ready to be loaded: catalog, plan, state, DDL.

use std::collections::{HashMap, HashSet};

use futures::stream::{self, StreamExt};

use crate::config::fingerprint::fingerprint as job_fingerprint;
use crate::config::job::{Job, Mode};
use crate::error::{Error, Kind, Result};
use crate::mssql::{bounds, catalog};
use crate::pipeline::RunOptions;
use crate::pipeline::context::Run;
use crate::pipeline::retry::retrying;
use crate::pipeline::shores::{Shores, require_consistency};
use crate::plan::build::{self, Planned};
use crate::plan::fingerprint::{fingerprint, may_continue, of_objects};
use crate::plan::object::ViewPlan;
use crate::plan::query;
use crate::plan::slices::slices;
use crate::plan::table::{Strategy, TablePlan};
use crate::postgres::extensions;
use crate::postgres::pool::TargetPool;
use crate::postgres::state::{
    self, Holder, Leftovers, RunRecord, TableKey, TableRecord, TableState,
};
use crate::postgres::{ddl, objects};
use crate::schema::Database;
use crate::typemap::{TargetTypes, depends_on_target};

/// What the source has, and what the job makes of it.
pub struct Survey {
    pub database: Database,
    pub planned: Planned,
}

/// Reads the catalog and plans every selected table.
///
/// # Errors
/// All planning problems at once, as one error: nothing was written yet, so nothing is begun.
pub async fn survey(job: &Job, shores: &Shores, options: &RunOptions) -> Result<Survey> {
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
        Kind::Naming,
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

/// What the state tables say of the job.
pub struct Recorded {
    pub records: HashMap<String, TableRecord>,
    /// Whether an earlier run left something to go on with.
    pub resumed: bool,
    /// The last run made all that is planned now, of the whole job, and ended with nothing left to
    /// do: what an operator changed since is theirs.
    pub settled: bool,
}

/// What earlier runs left, seen before this one was registered.
pub struct Former {
    /// Of which job file and source; this run's own record must not be compared with itself.
    last: Option<RunRecord>,
    /// The job starts over, because it was told to or because it was finished.
    anew: bool,
}

/// Reads the state and refuses what this run must not continue, before the run is registered: a
/// job that is refused must leave nothing that the next one is measured by.
pub async fn look_back(
    job: &Job,
    shores: &Shores,
    options: &RunOptions,
    survey: &mut Survey,
) -> Result<Former> {
    let target = shores.target.acquire().await?;
    let records = state::load(&target, &job.name).await?;
    let last = state::last_run(&target, &job.name).await?;
    let anew = options.restart || begins_anew(job, options, &records, survey, last.as_ref());
    if !anew {
        let plans = records.iter().map(|record| &record.plan);
        let former: Vec<_> = plans.collect();
        survey.planned.keep_names(&former, job.schema.names);
    }
    if anew {
        may_start_over(job, &records, options)?;
    } else {
        refuse(job, survey, last.as_ref(), records)?;
    }
    Ok(Former { last, anew })
}

/// Refuses records of another source, job or table shape.
fn refuse(
    job: &Job,
    survey: &Survey,
    last: Option<&RunRecord>,
    records: Vec<TableRecord>,
) -> Result<HashMap<String, TableRecord>> {
    if !records.is_empty() {
        refuse_strangers(job, &survey.database, last)?;
    }
    let records = by_name(records);
    refuse_changed(&records, survey)?;
    Ok(records)
}

/// Reads the state, and clears it where the job starts over or begins anew. Only of a run that is
/// registered: what a process that lost the job wrote until then is seen here, and it can write
/// nothing more.
pub async fn recall(
    run: &Run,
    options: &RunOptions,
    survey: &Survey,
    former: &Former,
) -> Result<Recorded> {
    let job = &run.job;
    let mut target = run.target.acquire().await?;
    let mut records = state::load(&target, &job.name).await?;
    if former.anew {
        may_start_over(job, &records, options)?;
        if job.transfer.mode == Mode::Create {
            drop_views(&mut target, run.holder(), &survey.planned.views).await?;
        }
        start_over(job, &mut target).await?;
        records = state::load(&target, &job.name).await?;
    }
    let records = refuse(job, survey, former.last.as_ref(), records)?;
    let resumed = records
        .values()
        .any(|record| record.rows > 0 || record.created);
    let settled = settled(&records, survey, former.last.as_ref());
    Ok(Recorded {
        records,
        resumed,
        settled,
    })
}

fn settled(
    records: &HashMap<String, TableRecord>,
    survey: &Survey,
    last: Option<&RunRecord>,
) -> bool {
    let made = last.and_then(|run| run.objects.as_deref());
    let same = made.is_some_and(|made| made == of_objects(&survey.planned));
    let done = |plan: &TablePlan| {
        let record = records.get(&plan.full_name());
        record.is_some_and(|record| {
            record.state == TableState::Done
                && record.error.is_none()
                && record.fingerprint == fingerprint(plan)
        })
    };
    same && survey.planned.tables.iter().all(done)
}

/// By the table's full name.
pub fn by_name(records: Vec<TableRecord>) -> HashMap<String, TableRecord> {
    records
        .into_iter()
        .map(|record| (record.plan.full_name(), record))
        .collect()
}

/// A finished job of mode replace or truncate loads again when it is run again. One that was
/// killed behind its last table is not finished: it goes on with comparing.
fn begins_anew(
    job: &Job,
    options: &RunOptions,
    records: &[TableRecord],
    survey: &Survey,
    last: Option<&RunRecord>,
) -> bool {
    let ended = last
        .and_then(|run| run.outcome.as_deref())
        .is_some_and(|outcome| !matches!(outcome, "died" | "stopped"));
    ended
        && options.only_tables.is_empty()
        && matches!(job.transfer.mode, Mode::Replace | Mode::Truncate)
        && is_finished(records, survey)
}

/// Every table that the job selects today was finished by an earlier run.
fn is_finished(records: &[TableRecord], survey: &Survey) -> bool {
    let done = records
        .iter()
        .filter(|record| record.state == TableState::Done && record.error.is_none())
        .map(|record| record.plan.full_name())
        .collect::<HashSet<_>>();
    survey
        .planned
        .tables
        .iter()
        .all(|plan| done.contains(&plan.full_name()))
}

/// Views keep the tables that they read from being dropped.
pub async fn drop_views(
    target: &mut crate::postgres::pool::Lease,
    by: Holder<'_>,
    views: &[ViewPlan],
) -> Result<()> {
    for view in views.iter().rev() {
        objects::drop_view(target, by, view).await?;
    }
    Ok(())
}

fn may_start_over(job: &Job, records: &[TableRecord], options: &RunOptions) -> Result<()> {
    if !options.only_tables.is_empty() {
        return Err(Error::new(
            Kind::Usage,
            "--restart starts the whole job over and cannot be limited by --table",
        ));
    }
    let appended = records.iter().map(|record| record.rows).sum::<u64>();
    if job.transfer.mode == Mode::Append && appended > 0 {
        return Err(Error::new(
            Kind::Usage,
            format!(
                "mode append cannot start over: {appended} rows of the earlier run are in the target and would \
                 come twice; remove them and the job's rows in _migrate, or run without --restart"
            ),
        ));
    }
    Ok(())
}

async fn start_over(job: &Job, target: &mut crate::postgres::pool::Lease) -> Result<()> {
    let leftovers = if job.transfer.mode == Mode::Create {
        Leftovers::Drop
    } else {
        Leftovers::Keep
    };
    let dropped = state::restart(target, &job.name, leftovers).await?;
    let dropped = dropped
        .iter()
        .map(|table| format!("{}.{}", table.schema, table.table))
        .collect::<Vec<_>>()
        .join(", ");
    tracing::warn!(
        dropped,
        mode = job.transfer.mode.word(),
        "the job starts over"
    );
    Ok(())
}

/// A checkpoint of another source or of a changed job must not be continued.
fn refuse_strangers(job: &Job, database: &Database, last: Option<&RunRecord>) -> Result<()> {
    let Some(last) = last else { return Ok(()) };
    if last.source_server != database.server || last.source_database != database.name {
        return Err(Error::new(
            Kind::Checkpoint,
            format!(
                "the recorded run read database {} of server {}, this job reads {} of {}",
                last.source_database, last.source_server, database.name, database.server
            ),
        ));
    }
    if last.fingerprint != job_fingerprint(job) {
        return Err(Error::new(
            Kind::Checkpoint,
            "the job file was changed since the recorded run in a way that changes rows, names or types",
        ));
    }
    Ok(())
}

/// A table that changed its shape, or lost the key its partitions run on.
fn refuse_changed(records: &HashMap<String, TableRecord>, survey: &Survey) -> Result<()> {
    for plan in &survey.planned.tables {
        let Some(record) = records.get(&plan.full_name()) else {
            continue;
        };
        let unfinished = record.state != TableState::Done;
        if unfinished
            && (record.fingerprint != fingerprint(plan)
                || !may_continue(&record.plan.strategy, &plan.strategy))
        {
            return Err(Error::new(
                Kind::Checkpoint,
                "the table's columns or keys are not those that its checkpoint was made for",
            )
            .at_table(plan.full_name()));
        }
    }
    Ok(())
}

/// How many tables are prepared at a time; each takes one connection of either side.
pub fn width(job: &Job) -> usize {
    let (target, source) = (&job.target.pool, &job.source.pool);
    target.max_connections.min(source.max_connections).max(1)
}

/// Refuses, before anything is written, tables that the job's mode does not allow to touch.
pub async fn refuse_existing(run: &Run, plans: &[TablePlan], recorded: &Recorded) -> Result<()> {
    let fresh = plans.iter().filter(|plan| {
        recorded
            .records
            .get(&plan.full_name())
            .is_none_or(|record| !record.created)
    });
    let problems = stream::iter(fresh)
        .map(|plan| async move {
            let retry = &run.job.transfer.retry;
            let checked = retrying(retry, &run.cancel, || check_target(run, plan)).await;
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

/// Finds the cut points of a new table and records its plan with its partitions.
async fn record_plan(run: &Run, plan: &TablePlan) -> Result<()> {
    let cuts = match &plan.strategy {
        Strategy::Keyset { key, .. } if plan.wanted_partitions > 1 => {
            let sql = query::cut_points(
                plan,
                key,
                plan.wanted_partitions,
                run.job.transfer.consistency,
            );
            let columns = key.iter().map(|key| key.column.clone()).collect::<Vec<_>>();
            let mut source = run.source.acquire().await?;
            bounds::cut_points(&mut source, &sql, &columns).await?
        }
        _ => Vec::new(),
    };
    let slices = slices(plan, cuts);
    let mut target = run.target.acquire().await?;
    state::save_plan(
        &mut target,
        &run.job.name,
        run.id,
        (plan, &fingerprint(plan)),
        &slices,
    )
    .await
}

/// A table that could not be made ready, with the reason.
pub type Unready = (TablePlan, Error);

/// Records and makes every table that is not recorded yet, several at a time.
pub async fn make_ready(
    run: &Run,
    plans: &[TablePlan],
    recorded: &Recorded,
) -> Vec<std::result::Result<(), Unready>> {
    run.progress.expect_tables(plans.len());
    stream::iter(plans)
        .map(|plan| async move {
            let known = recorded.records.get(&plan.full_name());
            let retry = &run.job.transfer.retry;
            let outcome = retrying(retry, &run.cancel, || make_one(run, plan, known)).await;
            run.progress.one_table_more();
            outcome.map_err(|error| (plan.clone(), error.at_table(plan.full_name())))
        })
        .buffer_unordered(width(&run.job))
        .collect()
        .await
}

async fn make_one(run: &Run, plan: &TablePlan, known: Option<&TableRecord>) -> Result<()> {
    if known.is_some_and(|record| record.state == TableState::Done) {
        return Ok(());
    }
    if known.is_none() {
        record_plan(run, plan).await?;
    }
    let key = TableKey::of(&run.job.name, plan);
    let plan = known.map_or(plan, |record| &record.plan);
    let mut target = run.target.acquire().await?;
    state::reopen(&target, &key).await?;
    let making = ddl::Making {
        mode: run.job.transfer.mode,
        unlogged: run.job.transfer.unlogged_load,
    };
    ddl::make(&mut target, &key, run.id, plan, &making).await
}
