//! What earlier runs of the job left, and whether this one may go on with it.

use std::collections::{HashMap, HashSet};

use crate::config::fingerprint::fingerprint as job_fingerprint;
use crate::config::job::{Job, Mode};
use crate::error::{Error, Kind, Result};
use crate::pipeline::connections::Connections;
use crate::pipeline::context::Run;
use crate::pipeline::options::RunOptions;
use crate::pipeline::retry::retry_before_load;
use crate::pipeline::survey::Survey;
use crate::plan::fingerprint::{fingerprint, may_continue, of_objects};
use crate::plan::object::ViewPlan;
use crate::plan::table::TablePlan;
use crate::postgres::objects;
use crate::postgres::pool::Lease;
use crate::postgres::start_over::{self, Discarded};
use crate::postgres::state::{
    self, LeftoverTables, NewRun, Origin, RunFence, RunId, RunRecord, SourceId, TableRecord,
    TableStage,
};
use crate::schema::Database;

/// What the state tables say of the job.
pub struct JobState {
    pub records: HashMap<String, TableRecord>,
    /// Whether an earlier run left something to go on with.
    pub resumed: bool,
    /// The last run made all that is planned now, of the whole job, and ended with nothing left to
    /// do: what an operator changed since is theirs.
    pub settled: bool,
    /// Full names of the tables that a crash of the target emptied, which are loaded again.
    pub emptied: HashSet<String>,
}

/// What earlier runs left, seen before this one was registered.
pub struct PreviousRun {
    /// Of which job file and source; this run's own record must not be compared with itself.
    last: Option<RunRecord>,
    /// The job starts over, because it was told to or because it was finished.
    anew: bool,
}

/// Reads the state and refuses what this run must not continue, before the run is registered: a
/// job that is refused must leave nothing that the next one is measured by.
pub async fn check_previous(
    job: &Job,
    connections: &Connections,
    options: &RunOptions,
    survey: &mut Survey,
) -> Result<PreviousRun> {
    let read = || async {
        let target = connections.target.acquire().await?;
        let records = state::load(&target, &job.name).await?;
        let last = state::last_run(&target, &job.name).await?;
        let origins = state::origins(&target, &job.name).await?;
        Ok((records, last, origins))
    };
    let (records, last, origins) = retry_before_load(&job.transfer.retry, read).await?;
    let anew = options.restart || begins_anew(job, options, &records, survey, last.as_ref());
    if !anew {
        let plans = records.iter().map(|record| &record.plan);
        let former: Vec<_> = plans.collect();
        survey.planned.keep_names(&former, job.schema.names);
    }
    if anew {
        may_start_over(job, &records, options)?;
    } else {
        refuse(job, survey, (last.as_ref(), &origins), records)?;
    }
    Ok(PreviousRun { last, anew })
}

/// Registers the run and, where the job starts over, wipes what earlier ones left, both or neither:
/// a run of another source that is registered beside records that were not wiped would make them
/// look like its own.
pub async fn register(
    target: &mut Lease,
    job: &Job,
    run: &NewRun,
    (former, survey): (&PreviousRun, &Survey),
) -> Result<RunId> {
    if !former.anew {
        return state::start_run(target, run).await;
    }
    let views: &[ViewPlan] = match job.transfer.mode {
        Mode::Create => &survey.planned.views,
        Mode::Replace | Mode::Truncate | Mode::Append => &[],
    };
    let tables = match job.transfer.mode {
        Mode::Create => LeftoverTables::Drop,
        Mode::Replace | Mode::Truncate => LeftoverTables::Keep,
        Mode::Append => LeftoverTables::KeepRows,
    };
    let (id, dropped) = start_over::start_over(target, run, Discarded { views, tables }).await?;
    let dropped = dropped
        .iter()
        .map(|table| format!("{}.{}", table.schema, table.table))
        .collect::<Vec<_>>()
        .join(", ");
    let mode = job.transfer.mode.word();
    tracing::warn!(dropped, mode, "the job starts over");
    Ok(id)
}

/// Refuses records of another source, job or table shape, going by the runs that recorded the tables.
fn refuse(
    job: &Job,
    survey: &Survey,
    (last, origins): (Option<&RunRecord>, &[Origin]),
    records: Vec<TableRecord>,
) -> Result<HashMap<String, TableRecord>> {
    if !records.is_empty() {
        for origin in with_guids(origins) {
            refuse_stranger(job, &survey.database, &origin)?;
        }
        // Where somebody deleted the runs that recorded them.
        if let Some(last) = last.filter(|_| origins.is_empty()) {
            refuse_stranger(job, &survey.database, &last.origin())?;
        }
    }
    let records = by_table_name(records);
    refuse_changed(&records, survey)?;
    Ok(records)
}

/// Reads the state. Only of a run that is registered: what a process that lost the job wrote until
/// then is seen here, and it can write nothing more.
pub async fn load_state(run: &Run, survey: &Survey, former: &PreviousRun) -> Result<JobState> {
    let job = &run.job;
    let read = || async {
        let target = run.target.acquire().await?;
        let records = state::load(&target, &job.name).await?;
        let origins = state::origins(&target, &job.name).await?;
        Ok((records, origins))
    };
    let (records, origins) = retry_before_load(&job.transfer.retry, read).await?;
    let records = refuse(job, survey, (former.last.as_ref(), &origins), records)?;
    let resumed = records
        .values()
        .any(|record| record.rows > 0 || record.created);
    let settled = settled(&records, survey, former.last.as_ref());
    Ok(JobState {
        records,
        resumed,
        settled,
        emptied: HashSet::new(),
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
            record.state == TableStage::Done
                && record.error.is_none()
                && record.fingerprint == fingerprint(plan)
        })
    };
    same && survey.planned.tables.iter().all(done)
}

/// By the table's full name.
pub fn by_table_name(records: Vec<TableRecord>) -> HashMap<String, TableRecord> {
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
        .filter(|record| record.state == TableStage::Done && record.error.is_none())
        .map(|record| record.plan.full_name())
        .collect::<HashSet<_>>();
    survey
        .planned
        .tables
        .iter()
        .all(|plan| done.contains(&plan.full_name()))
}

/// Views keep the tables that they read from being dropped.
pub async fn drop_views(target: &mut Lease, fence: RunFence<'_>, views: &[ViewPlan]) -> Result<()> {
    for view in views.iter().rev() {
        objects::drop_view(target, fence, view).await?;
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
        return Err(state::rows_would_come_twice(appended));
    }
    Ok(())
}

/// A checkpoint of another source or of a changed job must not be continued.
fn refuse_stranger(job: &Job, database: &Database, ran: &Origin) -> Result<()> {
    let recorded = &ran.source;
    let same = recorded.database == database.name
        && match (&recorded.guid, &database.guid) {
            (Some(recorded), Some(guid)) => recorded.eq_ignore_ascii_case(guid),
            // Records without it, and servers that do not tell it, are known by the server's name.
            _ => recorded.server == database.server,
        };
    if !same {
        return Err(another_source(recorded, database));
    }
    if recorded.server != database.server {
        tracing::warn!(
            recorded = recorded.server,
            now = database.server,
            "the same database on another server, as after a failover: the job continues"
        );
    }
    if ran.fingerprint != job_fingerprint(job) {
        return Err(Error::new(
            Kind::Checkpoint,
            "the job file was changed since the recorded run in a way that changes rows, names or types",
        ));
    }
    Ok(())
}

fn another_source(recorded: &SourceId, database: &Database) -> Error {
    let mut message = format!(
        "the recorded run read database {} of server {}, this job reads {} of {}",
        recorded.database, recorded.server, database.name, database.server
    );
    if let (Some(recorded), Some(guid)) = (&recorded.guid, &database.guid)
        && !recorded.eq_ignore_ascii_case(guid)
    {
        message.push_str(&format!(
            ", and it is another database: its service_broker_guid is {guid} and was {recorded} \
             (ALTER DATABASE ... SET NEW_BROKER changes it too)"
        ));
    }
    Error::new(Kind::Checkpoint, message)
}

/// Records without a guid get that of a run that read the same database of the same server: it was
/// allowed to continue them.
fn with_guids(origins: &[Origin]) -> Vec<Origin> {
    let known = |origin: &Origin| {
        let mut others = origins.iter().map(|other| &other.source);
        others
            .find(|other| {
                other.guid.is_some()
                    && other.server == origin.source.server
                    && other.database == origin.source.database
            })
            .and_then(|other| other.guid.clone())
    };
    let mut completed = origins.to_vec();
    for origin in &mut completed {
        if origin.source.guid.is_none() {
            origin.source.guid = known(origin);
        }
    }
    completed
}

/// A table that changed its shape, or lost the key its partitions run on.
fn refuse_changed(records: &HashMap<String, TableRecord>, survey: &Survey) -> Result<()> {
    for plan in &survey.planned.tables {
        let Some(record) = records.get(&plan.full_name()) else {
            continue;
        };
        let unfinished = record.state != TableStage::Done;
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
