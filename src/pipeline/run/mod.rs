//! A run from its first connection to its report, in numbered steps.

mod completed;
mod data;
mod done_tables;
mod drift;
mod end;
mod foreign_keys;
mod job_lock;
mod load_step;
mod prepare;
pub mod resume;
mod schema_objects;
pub mod session;
mod summary;
pub mod table_loads;
mod views;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::fingerprint::fingerprint as job_fingerprint;
use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::mssql::large_rows::LargeRows;
use crate::pipeline::connections::{self, Connections};
use crate::pipeline::context::Run;
use crate::pipeline::lock_session::LockSession;
use crate::pipeline::options::RunOptions;
use crate::pipeline::policy::cause;
use crate::pipeline::publish;
use crate::pipeline::retry::retry_before_load;
use crate::pipeline::run::data::RunData;
use crate::pipeline::run::job_lock::{JobLockGuard, LockInfo};
use crate::pipeline::run::resume::PreviousRun;
use crate::pipeline::run::session::{STEPS, Session, TOO_EARLY, begin_step};
use crate::pipeline::shutdown::{StopClock, drop_on_stop};
use crate::pipeline::survey::{self, Survey};
use crate::plan::fingerprint::of_objects;
use crate::postgres::lock::JobLock;
use crate::postgres::state::{self, NewRun, RunEnd, SourceId};
use crate::report::progress::Progress;
use crate::report::run::{Facts, Report, RunOutcome};
use crate::report::timestamp::Timestamp;

/// The most time that closing the source and then giving the job lock back may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Runs the job, or continues it.
///
/// # Errors
/// What kept the run from beginning: a server, the plan, a foreign checkpoint, another process.
/// From the moment tables are made, errors belong to their table and are in the report.
pub async fn run(
    job: &Job,
    options: RunOptions,
    signal: CancellationToken,
    progress: Arc<Progress>,
) -> Result<Report> {
    let started = Timestamp::now();
    let session = open(job, options, &signal, progress).await?;
    begin_step(&session.progress, 2, "reading the catalog and planning");
    // The source's catalog needs no lock, and a first run has the state tables to make meanwhile.
    let ready = async {
        tokio::try_join!(
            retry_before_load(&job.transfer.retry, || take_job(&session)),
            survey::survey(job, &session.connections, &session.options)
        )
    };
    match session.cancel_on_stop(ready).await {
        Ok((lock, survey)) => {
            let data = RunData::new(started, survey);
            // On the heap: the future of a whole run is too large to be part of another.
            Box::pin(run_holding(&session, &signal, lock, data)).await
        }
        Err(error) => {
            session.connections.close().await;
            Err(error)
        }
    }
}

/// Connects to both servers.
///
/// # Errors
/// What keeps a connection from being opened, and [`Kind::Stopped`](crate::error::Kind::Stopped).
pub async fn open<'a>(
    job: &'a Job,
    options: RunOptions,
    signal: &CancellationToken,
    progress: Arc<Progress>,
) -> Result<Session<'a>> {
    begin_step(&progress, 1, "connecting to both servers");
    let connections = drop_on_stop(signal, TOO_EARLY, Connections::open_to_write(job)).await?;
    progress.watch_pools(connections.watch());
    Ok(Session {
        job,
        options,
        cancel: signal.child_token(),
        progress,
        connections,
        outage: Arc::default(),
    })
}

/// Runs the job, or continues it, with the job lock that this process took before. The connections are
/// closed at the end.
///
/// # Errors
/// As [`run`].
pub async fn lead(
    session: &Session<'_>,
    signal: &CancellationToken,
    lock: JobLock,
    started: Timestamp,
) -> Result<Report> {
    begin_step(&session.progress, 2, "reading the catalog and planning");
    let survey = survey::survey(session.job, &session.connections, &session.options);
    match session.cancel_on_stop(survey).await {
        Ok(survey) => {
            let data = RunData::new(started, survey);
            Box::pin(run_holding(session, signal, lock, data)).await
        }
        Err(error) => {
            session.connections.source.close().await;
            if let Err(error) = lock.release().await {
                tracing::debug!(%error, "the job lock was not released; the server releases it with its connection");
            }
            session.connections.target.close().await;
            Err(error)
        }
    }
}

/// Makes the state tables and takes the job's lock.
async fn take_job(session: &Session<'_>) -> Result<JobLock> {
    {
        let mut target = session.connections.target.acquire().await?;
        state::install(&mut target).await?;
    }
    JobLock::take(&session.connections.connector, &session.job.name).await
}

/// Runs the job under its lock, then gives the lock back and closes the connections.
async fn run_holding(
    session: &Session<'_>,
    signal: &CancellationToken,
    lock: JobLock,
    data: RunData,
) -> Result<Report> {
    let registered = OnceLock::new();
    let lock_session = Arc::new(LockSession::default());
    lock_session.set(Some(lock.session()));
    let lock_info = LockInfo {
        pid: lock.backend_pid(),
        run: &registered,
        session: Arc::clone(&lock_session),
    };
    let mut guard = JobLockGuard {
        session,
        lock: Some(lock),
        run: &registered,
        lock_session,
    };
    let guarded = run_locked(session, lock_info, data);
    tokio::pin!(guarded);
    let outcome = tokio::select! {
        outcome = &mut guarded => outcome,
        error = guard.hold() => if signal.is_cancelled() {
            tracing::warn!(%error, "the job lock was lost while the run stops");
            guarded.await
        } else {
            // Without the lock another process may begin: stop at once, the next run continues.
            tracing::error!(%error, "the job lock was lost, so the run stops");
            end_early(session, guarded, error).await
        },
        error = session.outage.found() => {
            tracing::error!(%error, "a server stays away, so the run stops");
            end_early(session, guarded, error).await
        }
    };
    // The next run's connections must not add up with these, so the lock goes last. If that takes too
    // long, the server releases it when its connection closes.
    let last = tokio::time::timeout(CLOSE_WITHIN, async {
        session.connections.source.close().await;
        guard.release().await;
    });
    if tokio::join!(last, session.connections.target.close())
        .0
        .is_err()
    {
        tracing::debug!(
            "the job lock was not released in time; the server releases it with its connection"
        );
    }
    outcome
}

/// Stops the run because of `error`, and gives its report.
async fn end_early(
    session: &Session<'_>,
    guarded: impl Future<Output = Result<Report>>,
    error: Error,
) -> Result<Report> {
    session.cancel.cancel();
    match guarded.await {
        Ok(report) => Ok(ended_by(&error, report)),
        Err(later) => {
            tracing::debug!(%later, "no report could be made");
            Err(error)
        }
    }
}

/// A report of what was done until `error` ended the run.
fn ended_by(error: &Error, report: Report) -> Report {
    Report::draw_up(Facts {
        ended_by: Some(cause(error)),
        ..report.facts
    })
}

/// The steps of the run under the job lock.
async fn run_locked(
    session: &Session<'_>,
    lock: LockInfo<'_>,
    mut data: RunData,
) -> Result<Report> {
    let checked = resume::check_previous(session, &mut data.survey);
    let previous = session.cancel_on_stop(checked).await?;
    let target = retry_before_load(&session.job.transfer.retry, || {
        connections::target_endpoint(session.job, &session.connections.target)
    });
    data.target = session.drop_on_stop(target).await?;
    let started = start(session, lock, &previous, &data.survey);
    let run = Arc::new(session.cancel_on_stop(started).await?);
    match load(session, &run, &previous, &mut data).await {
        Ok(()) => conclude(session, &run, data).await,
        Err(error) => {
            end::record_error(&run, &error).await;
            Err(error)
        }
    }
}

/// Registers the run with the target. If the job starts over, nothing of earlier runs is left then.
async fn start(
    session: &Session<'_>,
    lock: LockInfo<'_>,
    previous: &PreviousRun,
    survey: &Survey,
) -> Result<Run> {
    let job = session.job;
    let database = &survey.database;
    let new = NewRun {
        job: job.name.clone(),
        source: SourceId {
            server: database.server.clone(),
            database: database.name.clone(),
            guid: database.guid.clone(),
        },
        fingerprint: job_fingerprint(job),
        lock_pid: lock.pid,
        selection: session.options.selection(),
        run_name: session.options.run_name(),
    };
    let new = &new;
    // Done twice if the answer was lost: the newer run takes the place of the other.
    let registered = session.on_target(|mut target| async move {
        resume::register(&mut target, job, new, previous, survey).await
    });
    let id = registered.await?;
    let _first = lock.run.set(id);
    Ok(Run {
        job: job.clone(),
        id,
        member: None,
        lock_session: lock.session,
        source: session.connections.source.clone(),
        target: session.connections.target.clone(),
        progress: Arc::clone(&session.progress),
        large_rows: LargeRows::default(),
        cancel: session.cancel.clone(),
        outage: Arc::clone(&session.outage),
        batches: AtomicU64::new(0),
        stop_clock: StopClock::new(&session.cancel),
    })
}

/// Reads what earlier runs left, now that no process that lost the job can write any more, and loads.
async fn load(
    session: &Session<'_>,
    run: &Arc<Run>,
    previous: &PreviousRun,
    data: &mut RunData,
) -> Result<()> {
    let state = resume::load_state(run, &data.survey, previous);
    data.state = session.cancel_on_stop(state).await?;
    publish::beside(run, load_step::load(run, data)).await
}

/// Draws up the report and records how the run ended.
async fn conclude(session: &Session<'_>, run: &Run, data: RunData) -> Result<Report> {
    let objects = of_objects(&data.survey.planned);
    let report = summary::draw_up(run, &session.connections, data).await?;
    let whole_job = session.options.only_tables.is_empty();
    let complete = whole_job && report.outcome == RunOutcome::Done;
    let ended = RunEnd {
        outcome: report.outcome,
        report: &serde_json::to_value(&report).unwrap_or_default(),
        objects: complete.then_some(objects.as_str()),
    };
    end::record(run, ended).await;
    begin_step(&run.progress, STEPS, "ended");
    Ok(report)
}
