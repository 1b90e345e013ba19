//! What earlier runs of the job left, and whether this run may continue it.

use std::collections::{HashMap, HashSet};

use crate::config::fingerprint::fingerprint as job_fingerprint;
use crate::config::job::{Job, Mode};
use crate::error::{Error, Kind, Result};
use crate::pipeline::context::Run;
use crate::pipeline::retry::retry_before_load;
use crate::pipeline::run::session::Session;
use crate::pipeline::survey::Survey;
use crate::plan::fingerprint::{is_same_shape, may_continue, of_objects};
use crate::plan::table::TablePlan;
use crate::plan::view::ViewPlan;
use crate::postgres::pool::Lease;
use crate::postgres::start_over::{self, Discarded};
use crate::postgres::state::{
    self, LeftoverTables, NewRun, Origin, RunId, RunRecord, SourceId, TableRecord, TableStage,
};
use crate::report::run::RunOutcome;
use crate::report::status::RunState;
use tsql::schema::Database;

/// What the state tables say of the job.
#[derive(Default)]
pub struct JobState {
    /// By the table's full name.
    pub records: HashMap<String, TableRecord>,
    /// An earlier run left something to continue.
    pub resumed: bool,
    /// The last run was of the whole job, made all that is planned now and ended with nothing left to
    /// do: schema objects that an operator changed since are left as they are.
    pub objects_complete: bool,
    /// Full names of the tables that a crash of the target emptied, which are loaded again.
    pub emptied: HashSet<String>,
}

/// What earlier runs left, read before this run was registered.
pub struct PreviousRun {
    /// Its job file and source; this run's own record must not be compared with itself.
    last: Option<RunRecord>,
    /// Nothing of it is continued: `--restart` was given, or the job was finished.
    starts_over: bool,
}

/// Reads the state and refuses what this run must not continue, before the run is registered: a
/// job that is refused must leave nothing that the next one is compared with.
///
/// # Errors
/// [`Kind::Checkpoint`] for records of another source, job file or table shape; [`Kind::Usage`] if
/// the job cannot start over; what the target says.
pub async fn check_previous(session: &Session<'_>, survey: &mut Survey) -> Result<PreviousRun> {
    let job = session.job;
    let (records, last, origins) = session
        .on_target(|target| async move {
            let records = state::load(&target, &job.name).await?;
            let last = state::last_run(&target, &job.name).await?;
            let origins = state::origins(&target, &job.name).await?;
            Ok((records, last, origins))
        })
        .await?;
    let starts_over =
        session.options.restart || was_finished(session, &records, survey, last.as_ref());
    if starts_over {
        may_start_over(session, &records)?;
    } else {
        let plans = records.iter().map(|record| &record.plan);
        let former: Vec<_> = plans.collect();
        survey.planned.keep_names(&former, job.schema.names);
        let records = by_table_name(records);
        refuse_foreign(job, survey, &records, last.as_ref(), &origins)?;
    }
    Ok(PreviousRun { last, starts_over })
}

/// Registers the run. If the job starts over, wipes what earlier runs left, both or neither: a run of
/// another source that is registered beside records that were not wiped would make them look like its
/// own.
///
/// # Errors
/// What the target says; [`Kind::Usage`] if rows of an append are there.
pub async fn register(
    target: &mut Lease,
    job: &Job,
    run: &NewRun,
    previous: &PreviousRun,
    survey: &Survey,
) -> Result<RunId> {
    if !previous.starts_over {
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

/// Refuses records of another source, job file or table shape, by the runs that recorded the tables.
fn refuse_foreign(
    job: &Job,
    survey: &Survey,
    records: &HashMap<String, TableRecord>,
    last: Option<&RunRecord>,
    origins: &[Origin],
) -> Result<()> {
    if !records.is_empty() {
        for origin in with_guids(origins) {
            refuse_other_source(job, &survey.database, &origin)?;
        }
        // If the runs that recorded the tables were deleted.
        if let Some(last) = last.filter(|_| origins.is_empty()) {
            refuse_other_source(job, &survey.database, &last.origin())?;
        }
    }
    refuse_changed(records, survey)
}

/// Reads the state. Only for a run that is registered: what a process that lost the job wrote until
/// then is seen here, and it can write nothing more.
///
/// # Errors
/// As [`check_previous`].
pub async fn load_state(run: &Run, survey: &Survey, previous: &PreviousRun) -> Result<JobState> {
    let job = &run.job;
    let read = || async {
        let target = run.target.acquire().await?;
        let records = state::load(&target, &job.name).await?;
        let origins = state::origins(&target, &job.name).await?;
        Ok((records, origins))
    };
    let (records, origins) = retry_before_load(&job.transfer.retry, read).await?;
    let records = by_table_name(records);
    let last = previous.last.as_ref();
    refuse_foreign(job, survey, &records, last, &origins)?;
    let resumed = records
        .values()
        .any(|record| record.rows > 0 || record.created);
    let objects_complete = objects_complete(&records, survey, last);
    Ok(JobState {
        records,
        resumed,
        objects_complete,
        emptied: HashSet::new(),
    })
}

/// Whether the last run made all objects that are planned now, and every table is done since.
fn objects_complete(
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
                && is_same_shape(&record.fingerprint, &record.plan, plan)
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
/// killed after its last table is not finished: it continues with comparing.
fn was_finished(
    session: &Session<'_>,
    records: &[TableRecord],
    survey: &Survey,
    last: Option<&RunRecord>,
) -> bool {
    // One of several equal commands must not undo what the others have just finished. Under a new name it is
    // the first of its run.
    let may_begin = session
        .options
        .join
        .as_ref()
        .is_none_or(|join| join.run_name.is_some());
    let ended = last.and_then(|run| run.outcome).is_some_and(|outcome| {
        !matches!(
            outcome,
            RunState::Died | RunState::Ended(RunOutcome::Stopped)
        )
    });
    may_begin
        && ended
        && session.options.only_tables.is_empty()
        && matches!(session.job.transfer.mode, Mode::Replace | Mode::Truncate)
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

fn may_start_over(session: &Session<'_>, records: &[TableRecord]) -> Result<()> {
    if !session.options.only_tables.is_empty() {
        return Err(Error::new(
            Kind::Usage,
            "--restart starts the whole job over and cannot be limited by --table",
        ));
    }
    let appended = records.iter().map(|record| record.rows).sum::<u64>();
    if session.job.transfer.mode == Mode::Append && appended > 0 {
        return Err(state::rows_would_come_twice(appended));
    }
    Ok(())
}

/// A checkpoint of another source or of a changed job must not be continued.
fn refuse_other_source(job: &Job, database: &Database, ran: &Origin) -> Result<()> {
    let recorded = &ran.source;
    if !is_same_source(recorded, database) {
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
        )
        .advise(
            "undo the change, give the changed job a name of its own (job:), or start over with --restart.",
        ));
    }
    Ok(())
}

/// Whether what was recorded is this database.
pub fn is_same_source(recorded: &SourceId, database: &Database) -> bool {
    recorded.database == database.name
        && match (&recorded.guid, &database.guid) {
            (Some(recorded), Some(guid)) => recorded.eq_ignore_ascii_case(guid),
            // Records without it, and servers that do not tell it, are known by the server's name.
            _ => recorded.server == database.server,
        }
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
    Error::new(Kind::Checkpoint, message).advise(
        "let the job read that database again, give this job a name of its own (job:), or start over with \
         --restart.",
    )
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
            && (!is_same_shape(&record.fingerprint, &record.plan, plan)
                || !may_continue(&record.plan.strategy, &plan.strategy))
        {
            return Err(Error::new(
                Kind::Checkpoint,
                "the table's columns or keys are not those that its checkpoint was made for",
            )
            .at_table(plan.full_name())
            .advise("undo the change to the table, or start over with --restart."));
        }
    }
    Ok(())
}
