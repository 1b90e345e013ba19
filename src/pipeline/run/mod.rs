//! A run from its first connection to its report, in numbered steps.

mod drift;
mod end;
mod job_lock;
mod prepare;
mod resume;
mod schema_objects;
mod summary;
mod table_loads;
mod views;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::config::fingerprint::fingerprint as job_fingerprint;
use crate::config::job::{Job, VerifyLevel};
use crate::error::{Error, Kind, Result};
use crate::mssql::large_rows::LargeRows;
use crate::pipeline::connections::{self, Connections};
use crate::pipeline::context::{Run, TableLoad, Unready};
use crate::pipeline::load::workers::LateTables;
use crate::pipeline::load::{finish as finishing, workers};
use crate::pipeline::options::RunOptions;
use crate::pipeline::policy::cause;
use crate::pipeline::retry::{retry_before_load, stopped_error_if_stopping};
use crate::pipeline::run::end::{end, end_with};
use crate::pipeline::run::job_lock::{JobLockGuard, LockInfo};
use crate::pipeline::run::prepare::Cuts;
use crate::pipeline::run::resume::{JobState, PreviousRun};
use crate::pipeline::run::schema_objects::{Completed, Failures};
use crate::pipeline::run::summary::Ending;
use crate::pipeline::run::table_loads::{load_for_plan, loads_from_state};
use crate::pipeline::shutdown::{
    Ended, StopClock, cancel_on_stop, drop_on_stop, finish_within_grace,
};
use crate::pipeline::survey::{self, Survey};
use crate::pipeline::verify;
use crate::plan::fingerprint::of_objects;
use crate::plan::table::TablePlan;
use crate::postgres::lock::JobLock;
use crate::postgres::state::{self, NewRun, SourceId};
use crate::report::Endpoint;
use crate::report::progress::{Progress, TablePhase};
use crate::report::run::{Facts, Report, RunOutcome};
use crate::report::timestamp::Timestamp;
use crate::report::verify::VerifyReport;

const STEPS: u32 = 8;

/// Tables whose index is read for cuts at a time, beside those that are being loaded: each holds one
/// of the source's connections for minutes, and one is left to load.
const CUT_AT_A_TIME: usize = 2;

/// What a run says that a signal ended on its way to the load.
const TOO_EARLY: &str = "stopped before the load began";

/// What closing the source and then giving the job lock back may take in all.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Runs the job, or continues it.
///
/// # Errors
/// What kept the run from beginning: a server, the plan, a foreign checkpoint, another process.
/// From the moment tables are made, errors belong to their table and stand in the report.
pub async fn run(
    job: &Job,
    options: RunOptions,
    cancel: CancellationToken,
    progress: Arc<Progress>,
) -> Result<Report> {
    let started = Timestamp::now();
    begin(&progress, 1, "connecting to both servers");
    let connections = drop_on_stop(&cancel, TOO_EARLY, Connections::open_to_write(job)).await?;
    begin(&progress, 2, "reading the catalog and planning");
    // The source's catalog needs no lock, and a first run has the state tables to make meanwhile.
    let ready = async {
        tokio::try_join!(
            retry_before_load(&job.transfer.retry, || take_job(job, &connections)),
            survey::survey(job, &connections, &options)
        )
    };
    match cancel_on_stop(&connections.target, &cancel, TOO_EARLY, ready).await {
        Ok((lock, survey)) => {
            let begun = Begun { survey, started };
            // On the heap: the future of a whole run is too large to be part of another.
            Box::pin(run_holding(
                job,
                &options,
                &cancel,
                &progress,
                &connections,
                lock,
                begun,
            ))
            .await
        }
        Err(error) => {
            connections.close().await;
            Err(error)
        }
    }
}

fn begin(progress: &Progress, number: u32, name: &'static str) {
    tracing::info!(step = number, of = STEPS, "{name}");
    progress.begin(number, STEPS, name);
}

/// Runs the job under its lock; gives that back and closes the connections.
async fn run_holding(
    job: &Job,
    options: &RunOptions,
    signal: &CancellationToken,
    progress: &Arc<Progress>,
    connections: &Connections,
    lock: JobLock,
    begun: Begun,
) -> Result<Report> {
    let cancel = signal.child_token();
    let registered = OnceLock::new();
    let held = LockInfo {
        pid: lock.backend_pid(),
        run: &registered,
    };
    let mut lock_guard = JobLockGuard {
        job,
        connections,
        lock: Some(lock),
        run: &registered,
    };
    let guarded = run_locked(job, options, &cancel, progress, connections, held, begun);
    tokio::pin!(guarded);
    let outcome = tokio::select! {
        outcome = &mut guarded => outcome,
        error = lock_guard.keep() => if signal.is_cancelled() {
            tracing::warn!(%error, "the job lock was lost while the run stops");
            guarded.await
        } else {
            // Without the lock another process may begin: stop at once, the next run continues.
            tracing::error!(%error, "the job lock was lost, so the run stops");
            cancel.cancel();
            match guarded.await {
                Ok(report) => Ok(ended_by(&error, report)),
                Err(later) => {
                    tracing::debug!(%later, "no report could be made");
                    Err(error)
                }
            }
        }
    };
    // The next run's connections must not add up with these, so the lock goes last; where that takes
    // too long, it goes with its connection.
    let last = tokio::time::timeout(CLOSE_WITHIN, async {
        connections.source.close().await;
        lock_guard.release().await;
    });
    if tokio::join!(last, connections.target.close()).0.is_err() {
        tracing::debug!(
            "the job lock was not released in time; the server releases it with its connection"
        );
    }
    outcome
}

/// A report of what was done until `error` ended the run.
fn ended_by(error: &Error, report: Report) -> Report {
    Report::draw_up(Facts {
        ended_by: Some(cause(error)),
        ..report.facts
    })
}

/// What a run knows when it holds the job.
struct Begun {
    survey: Survey,
    started: Timestamp,
}

async fn take_job(job: &Job, connections: &Connections) -> Result<JobLock> {
    {
        let mut target = connections.target.acquire().await?;
        state::install(&mut target).await?;
    }
    JobLock::take(&connections.connector, &job.name).await
}

async fn run_locked(
    job: &Job,
    options: &RunOptions,
    cancel: &CancellationToken,
    progress: &Arc<Progress>,
    connections: &Connections,
    held: LockInfo<'_>,
    begun: Begun,
) -> Result<Report> {
    let Begun {
        mut survey,
        started,
    } = begun;
    let former = resume::check_previous(job, connections, options, &mut survey);
    let former = cancel_on_stop(&connections.target, cancel, TOO_EARLY, former).await?;
    let target = retry_before_load(&job.transfer.retry, || {
        connections::target_endpoint(job, &connections.target)
    });
    let target = drop_on_stop(cancel, TOO_EARLY, target).await?;
    let starting = start(job, cancel, progress, connections, held, (&former, &survey));
    let run = Arc::new(cancel_on_stop(&connections.target, cancel, TOO_EARLY, starting).await?);
    // Registered, so that no process that lost the job can write what is read from here.
    let recalling = resume::load_state(&run, &survey, &former);
    let mut recorded = match cancel_on_stop(&connections.target, cancel, TOO_EARLY, recalling).await
    {
        Ok(recorded) => recorded,
        Err(error) => {
            end_with(&run, &error).await;
            return Err(error);
        }
    };
    let loaded = load(&run, &survey, &mut recorded).await;
    conclude(
        &run,
        connections,
        Course {
            survey,
            recorded,
            target,
            started,
            loaded,
            whole: options.only_tables.is_empty(),
        },
    )
    .await
}

/// Registers the run with the target, of a job that starts over with nothing left of earlier ones.
async fn start(
    job: &Job,
    cancel: &CancellationToken,
    progress: &Arc<Progress>,
    connections: &Connections,
    held: LockInfo<'_>,
    (former, survey): (&PreviousRun, &Survey),
) -> Result<Run> {
    let database = &survey.database;
    let new = NewRun {
        job: job.name.clone(),
        source: SourceId {
            server: database.server.clone(),
            database: database.name.clone(),
            guid: database.guid.clone(),
        },
        fingerprint: job_fingerprint(job),
        lock_pid: held.pid,
    };
    // Done twice where the answer was lost: the newer run takes the place of the other.
    let registered = retry_before_load(&job.transfer.retry, || async {
        let mut target = connections.target.acquire().await?;
        resume::register(&mut target, job, &new, (former, survey)).await
    });
    let id = registered.await?;
    let _first = held.run.set(id);
    Ok(Run {
        job: job.clone(),
        id,
        source: connections.source.clone(),
        target: connections.target.clone(),
        progress: Arc::clone(progress),
        large_rows: LargeRows::default(),
        cancel: cancel.clone(),
        stop_clock: StopClock::new(cancel),
    })
}

/// What loading left behind.
struct Loaded {
    unready: Vec<Unready>,
    tables: Vec<Arc<TableLoad>>,
    verification: Option<VerifyReport>,
    completed: Completed,
}

/// A run so far, for its report.
struct Course {
    survey: Survey,
    recorded: JobState,
    target: Endpoint,
    started: Timestamp,
    loaded: Result<Loaded>,
    /// Not limited by `--table`.
    whole: bool,
}

/// Tables at the beginning of the load.
struct Ready {
    tables: Vec<Arc<TableLoad>>,
    unready: Vec<Unready>,
    /// Made ready while others are loaded.
    later: Vec<TablePlan>,
}

async fn make_ready(run: &Arc<Run>, survey: &Survey, recorded: &mut JobState) -> Result<Ready> {
    let (plans, tampered) = drift::check(run, &survey.planned.tables, recorded).await?;
    prepare::refuse_existing(run, &plans, &recorded.records).await?;
    schema_objects::prepare(run, &survey.planned, recorded).await?;
    run.progress.expect_tables(plans.len());
    let made = prepare::make_ready(run, &plans, &recorded.records, Cuts::Quick).await;
    let mut unready = made.unready;
    record_unready(run, &unready).await;
    // What is recorded of these stays as it is: it is what the table once held.
    unready.extend(tampered);
    let plans = &survey.planned.tables;
    let left_out = unready.iter().map(|(plan, _)| plan).chain(&made.later);
    let (tables, missing) = loads_from_state(run, plans, left_out).await?;
    unready.extend(missing);
    Ok(Ready {
        tables,
        unready,
        later: made.later,
    })
}

async fn load(run: &Arc<Run>, survey: &Survey, recorded: &mut JobState) -> Result<Loaded> {
    begin(&run.progress, 3, "finding cut points and making tables");
    let ready = make_ready(run, survey, recorded);
    let ready = cancel_on_stop(&run.target, &run.cancel, TOO_EARLY, ready).await?;
    let Ready {
        mut tables,
        mut unready,
        later,
    } = ready;
    begin(&run.progress, 4, "loading");
    let open = tables
        .iter()
        .filter(|table| table.progress.state() != TablePhase::Done);
    let open = open.cloned().collect::<Vec<_>>();
    let cut_at_a_time = CUT_AT_A_TIME.min(run.job.source.pool.max_connections - 1);
    let come = stream::iter(&later)
        .map(|plan| make_later(run, plan))
        .buffer_unordered(cut_at_a_time.max(1));
    for more in workers::load_tables(run, &open, come).await? {
        tables.extend(more.tables);
        unready.extend(more.unready);
    }
    unready.extend(left_behind(&later, &tables, &unready));
    let unmade = tables
        .iter()
        .map(|table| (table.plan.full_name(), table.take_unmade()));
    let unmade = unmade.filter(|(_, errors)| !errors.is_empty()).collect();
    let mut completed = complete(run, survey, recorded, unmade).await?;
    if run.job.transfer.vacuum {
        tracing::info!("vacuuming");
        let vacuumed = finishing::vacuum(run, &tables).await;
        completed.omissions.extend(vacuumed.omissions);
        completed.stopped |= vacuumed.stopped;
    }
    let verification = compare(run, &tables).await;
    begin(&run.progress, 7, "recording the outcome");
    for table in &tables {
        if let Some(errors) = completed.failures.remove(&table.plan.full_name()) {
            table.fail(schema_objects::lacks(errors));
        }
    }
    Ok(Loaded {
        unready,
        tables,
        verification,
        completed,
    })
}

/// Tables that were to come later, and did not before a stop.
fn left_behind(
    later: &[TablePlan],
    tables: &[Arc<TableLoad>],
    unready: &[Unready],
) -> Vec<Unready> {
    let came = tables.iter().map(|table| table.plan.full_name());
    let came = came.chain(unready.iter().map(|(plan, _)| plan.full_name()));
    let came = came.collect::<HashSet<_>>();
    let left = later
        .iter()
        .filter(|plan| !came.contains(&plan.full_name()));
    left.map(|plan| (plan.clone(), Error::new(Kind::Stopped, TOO_EARLY)))
        .collect()
}

/// Makes a table ready that others were not to wait for. What goes wrong is this table's alone, as
/// the others are being loaded.
async fn make_later(run: &Arc<Run>, plan: &TablePlan) -> LateTables {
    let plans = std::slice::from_ref(plan);
    let made = prepare::make_ready(run, plans, &HashMap::new(), Cuts::Any).await;
    let mut unready = made.unready;
    let mut tables = Vec::new();
    if unready.is_empty() {
        match stopped_error_if_stopping(&run.cancel, load_for_plan(run, plan).await) {
            Ok(taken_up) => tables.push(taken_up),
            Err(error) => unready.push((plan.clone(), error.at_table(plan.full_name()))),
        }
    }
    record_unready(run, &unready).await;
    LateTables { tables, unready }
}

/// Foreign keys, sequences and views, unless an earlier run has ended with them.
async fn complete(
    run: &Run,
    survey: &Survey,
    recorded: &JobState,
    unmade: Failures,
) -> Result<Completed> {
    if recorded.settled {
        return Ok(Completed::default());
    }
    if run.cancel.is_cancelled() {
        return Ok(Completed {
            failures: unmade,
            stopped: true,
            ..Completed::default()
        });
    }
    begin(&run.progress, 5, "making foreign keys and views");
    schema_objects::complete(run, &survey.planned, recorded, unmade).await
}

/// Compares what is done; `None` where the job does not ask for it or a signal came first.
async fn compare(run: &Run, tables: &[Arc<TableLoad>]) -> Option<VerifyReport> {
    if run.job.verify == VerifyLevel::None || run.cancel.is_cancelled() {
        return None;
    }
    let name = match run.job.verify {
        VerifyLevel::Checksums => "comparing checksums",
        VerifyLevel::None | VerifyLevel::Counts => "comparing row counts",
    };
    begin(&run.progress, 6, name);
    let done = tables
        .iter()
        .filter(|table| table.progress.state() == TablePhase::Done);
    let done = done.collect::<Vec<_>>();
    let compared = verify::compare(run, &done);
    match finish_within_grace(&run.target, &run.cancel, Duration::ZERO, compared).await {
        Ended::Whole(report) => report,
        Ended::Cancelled(_) => None,
    }
}

async fn record_unready(run: &Run, unready: &[Unready]) {
    for (plan, error) in unready
        .iter()
        .filter(|(_, error)| error.kind() != Kind::Stopped)
    {
        tracing::error!(kind = ?error.kind(), %error, "a table could not be made ready");
        let key = state::TableKey::for_plan(&run.job.name, plan);
        let recorded = async {
            let lease = run.target.acquire().await?;
            state::set_failed(&lease, &key, run.id, &error.to_string()).await
        };
        if let Err(error) = recorded.await {
            tracing::warn!(%error, "the failure could not be recorded; the report has it");
        }
    }
}

/// Records how the run ended and draws up its report.
async fn conclude(run: &Arc<Run>, connections: &Connections, course: Course) -> Result<Report> {
    let loaded = match course.loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            end_with(run, &error).await;
            return Err(error);
        }
    };
    let ending = Ending {
        survey: &course.survey,
        recorded: &course.recorded,
        unready: &loaded.unready,
        tables: &loaded.tables,
        verification: loaded.verification,
        completed: loaded.completed,
        target: course.target,
        started: course.started,
    };
    let report = summary::draw_up(run, connections, ending).await?;
    let value = serde_json::to_value(&report).unwrap_or_default();
    let complete = course.whole && report.outcome == RunOutcome::Done;
    let objects = complete.then(|| of_objects(&course.survey.planned));
    end(run, report.outcome, (&value, objects.as_deref())).await;
    begin(&run.progress, STEPS, "ended");
    Ok(report)
}
