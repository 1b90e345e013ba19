//! A member of a run: it looks at the job every half second, loads partitions while the run is led, and
//! ends with the run or when no process leads it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::config::fingerprint::fingerprint as job_fingerprint;
use crate::error::{Error, Kind, Result};
use crate::mssql::catalog;
use crate::mssql::large_rows::LargeRows;
use crate::pipeline::context::Run;
use crate::pipeline::join::decide::{Step, decide};
use crate::pipeline::join::work::MemberWork;
use crate::pipeline::load::adapt;
use crate::pipeline::lock_session::LockSession;
use crate::pipeline::publish;
use crate::pipeline::retry::retry_before_load;
use crate::pipeline::run::resume::is_same_source;
use crate::pipeline::run::session::{Session, begin_step};
use crate::pipeline::shutdown::StopClock;
use crate::postgres::lock::JobLock;
use crate::postgres::member::Member;
use crate::postgres::state::{self, CurrentRun, RunId, TableKey};
use crate::report::run::RunOutcome;
use tsql::schema::Database;

/// Time between two looks at the job.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a run without a leader is left as it is: the leader may be taking its lock again. That decides who
/// leads, not what is right: a leader that was overtaken can commit nothing.
const LEADER_GONE_FOR: Duration = Duration::from_secs(2);

/// What a member says that a signal ended.
const STOPPED: &str = "stopped: other processes of the run continue, and so does the same command";

/// How a member's part ends.
pub enum Fate {
    /// No process led, and this one has the job lock now.
    Leads(JobLock),
    /// The run has ended.
    Ended(RunId, RunOutcome),
}

/// What outlives a member: a process may enter again.
#[derive(Default)]
pub struct History {
    /// It has entered the job: a server that cannot be reached now was reached before.
    pub entered: bool,
    /// The run that it has worked for.
    pub joined: Option<RunId>,
    /// The source, once it was asked who it is.
    source: OnceLock<Database>,
    /// Partitions that were loaded to their end.
    pub partitions: usize,
    /// Rows that were moved.
    pub rows: u64,
}

/// Serves until the run ends or this process is to lead.
///
/// # Errors
/// What keeps this process from sharing the run: another job file, a lost session, a signal.
pub async fn serve(session: &Session<'_>, member: &Member, history: &mut History) -> Result<Fate> {
    let mut serving = Serving {
        session,
        member,
        history,
        working: None,
        leaderless: None,
        said: false,
    };
    let outage = Arc::clone(&session.outage);
    let fate = tokio::select! {
        fate = serving.until_over() => fate,
        error = outage.found() => Err(error),
        () = session.cancel.cancelled() => Err(Error::new(Kind::Stopped, STOPPED)),
    };
    let stopped = serving.stop().await;
    // What it held is free with its session anyway.
    if let Err(error) = stopped {
        tracing::debug!(%error, "partitions were not given back");
    }
    fate
}

struct Serving<'a> {
    session: &'a Session<'a>,
    member: &'a Member,
    history: &'a mut History,
    working: Option<Working>,
    /// Since when no process leads.
    leaderless: Option<Instant>,
    /// It was logged that the process waits.
    said: bool,
}

/// The part of a run that this process does.
struct Working {
    run: Arc<Run>,
    work: Arc<MemberWork>,
    task: AbortOnDropHandle<()>,
}

impl Serving<'_> {
    async fn until_over(&mut self) -> Result<Fate> {
        let job = &self.session.job.name;
        let run_name = self.session.options.run_name();
        loop {
            let view = self.member.look(job).await?;
            let step = decide(&view, self.history.joined, run_name.as_deref());
            if step != Step::Lead {
                self.leaderless = None;
            }
            match (step, view.run) {
                (Step::Ended(outcome), Some(run)) => {
                    return Ok(Fate::Ended(run.record.id, outcome));
                }
                (Step::Work, Some(run)) => self.work_for(&run).await?,
                (Step::Lead, run) => {
                    if let Some(lock) = self.try_to_lead(run.as_ref()).await? {
                        return Ok(Fate::Leads(lock));
                    }
                }
                (_, run) => self.wait(run.as_ref()).await?,
            }
            self.tend().await?;
            sleep(LOOK_EVERY).await;
        }
    }

    /// Begins to work for a run, or continues.
    async fn work_for(&mut self, run: &CurrentRun) -> Result<()> {
        let id = run.record.id;
        if self.working.as_ref().is_some_and(|it| it.run.id == id) {
            return Ok(());
        }
        self.stop().await?;
        self.may_share(run).await?;
        begin_step(&self.session.progress, 4, "loading, as a member of a run");
        tracing::info!(
            run = id.0,
            leader = run.record.host,
            leader_pid = run.record.pid,
            "shares the run of another process"
        );
        self.history.joined = Some(id);
        self.working = Some(self.begin(id));
        Ok(())
    }

    fn begin(&self, id: RunId) -> Working {
        let session = self.session;
        let lock_session = LockSession::default();
        lock_session.set(Some(self.member.session()));
        let cancel = session.cancel.child_token();
        let run = Arc::new(Run {
            job: session.job.clone(),
            id,
            member: Some(self.member.id),
            lock_session: Arc::new(lock_session),
            source: session.connections.source.clone(),
            target: session.connections.target.clone(),
            progress: Arc::clone(&session.progress),
            large_rows: LargeRows::default(),
            stop_clock: StopClock::new(&cancel),
            cancel,
            outage: Arc::clone(&session.outage),
            batches: AtomicU64::new(0),
        });
        session.progress.clear_tables();
        let controller = adapt::begin(&run, run.job.target.pool.max_connections);
        let work = MemberWork::new(Arc::clone(&run), run.progress.concurrency().first);
        let (publishing, loading) = (Arc::clone(&run), Arc::clone(&work).load(controller));
        let task = tokio::spawn(async move { publish::beside(&publishing, loading).await });
        Working {
            run,
            work,
            task: AbortOnDropHandle::new(task),
        }
    }

    /// Refuses a run of another job file, selection or source.
    async fn may_share(&self, run: &CurrentRun) -> Result<()> {
        let (job, record) = (self.session.job, &run.record);
        let whose = format!(
            "run {} of process {} on host {}",
            record.id.0, record.pid, record.host
        );
        if record.fingerprint != job_fingerprint(job) {
            return Err(refusal(
                Kind::JobFile,
                &format!(
                    "the job file is not that of {whose}: it differs in what changes rows, names or types \
                     (databases, tables:, types:, schema:, transfer.mode or transfer.consistency)"
                ),
            ));
        }
        let selection = self.session.options.selection();
        if run.selection != selection {
            return Err(refusal(
                Kind::Usage,
                &format!(
                    "--table names {}, and {whose} is of {}",
                    listed(&selection),
                    listed(&run.selection)
                ),
            ));
        }
        let source = self.source().await?;
        if is_same_source(&record.source, source) {
            return Ok(());
        }
        Err(refusal(
            Kind::JobFile,
            &format!(
                "this process reads database {} of server {}, and {whose} reads {} of {}",
                source.name, source.server, record.source.database, record.source.server
            ),
        ))
    }

    async fn source(&self) -> Result<&Database> {
        if let Some(known) = self.history.source.get() {
            return Ok(known);
        }
        let pool = &self.session.connections.source;
        let asked = retry_before_load(&self.session.job.transfer.retry, || async {
            catalog::identity(&mut *pool.acquire().await?).await
        });
        let database = asked.await?;
        Ok(self.history.source.get_or_init(|| database))
    }

    /// Another process holds the job and its run is not known: what was begun for an earlier one ends.
    async fn wait(&mut self, run: Option<&CurrentRun>) -> Result<()> {
        let working = self.working.as_ref().map(|working| working.run.id);
        let lasts =
            run.is_some_and(|run| Some(run.record.id) == working && run.record.ended_at.is_none());
        if !lasts {
            self.stop().await?;
        }
        if !std::mem::replace(&mut self.said, true) {
            begin_step(
                &self.session.progress,
                2,
                "waiting for the process that has the job",
            );
        }
        Ok(())
    }

    /// Takes the job lock if no process leads, at once if there is no run to be continued.
    async fn try_to_lead(&mut self, run: Option<&CurrentRun>) -> Result<Option<JobLock>> {
        let since = *self.leaderless.get_or_insert_with(Instant::now);
        let unfinished = run.is_some_and(|run| run.record.ended_at.is_none());
        if unfinished && since.elapsed() < LEADER_GONE_FOR {
            return Ok(None);
        }
        self.member.try_to_lead(&self.session.job.name).await
    }

    /// Ends the work for a run: commits what can be committed and gives the rest back.
    async fn stop(&mut self) -> Result<()> {
        let Some(Working { run, work, task }) = self.working.take() else {
            return Ok(());
        };
        run.cancel.cancel();
        let ended = task.await;
        self.history.rows += run.progress.totals().moved();
        run.progress.clear_tables();
        self.history.partitions += work.partitions.load(Ordering::Relaxed);
        if let Err(panic) = ended {
            tracing::error!(%panic, "internal error: the task of the workers panicked");
        }
        let session = self.member.session();
        let given = state::give_all_back(&session, &run.job.name, run.claimant());
        self.member.ask(given).await
    }

    /// Tells others what this process does, and its own splitter what they do.
    async fn tend(&self) -> Result<()> {
        let session = self.member.session();
        let Some(Working { run, work, .. }) = &self.working else {
            let note = state::note(&session, self.member.id, "waits for the run", 0);
            return self.member.ask(note).await;
        };
        if work.is_in_doubt() {
            let lost = "the answer about a partition was lost: this process enters the run again";
            return Err(Error::new(Kind::TargetLost, lost));
        }
        let room = work.queue.room().min(run.concurrency_cap());
        let doing = work.doing();
        let active = work.queue.active();
        let mut tables = HashMap::<&TableKey, _>::new();
        tables.extend(active.iter().map(|part| (&part.table.key, &part.table)));
        let keys = tables.keys().copied().collect::<Vec<_>>();
        let job = &run.job.name;
        let (others, unfinished) = self
            .member
            .ask(async {
                state::note(&session, self.member.id, &doing, room).await?;
                let others = state::living_members(&session, job).await?;
                let unfinished = state::unfinished_partitions(&session, job, &keys).await?;
                Ok((others, unfinished))
            })
            .await?;
        let others = others.iter().filter(|other| other.id != self.member.id);
        work.queue
            .set_idle_elsewhere(others.map(|other| other.idle).sum());
        for (key, open) in unfinished {
            if let Some(table) = tables.get(&key) {
                table.set_open(open);
            }
        }
        Ok(())
    }
}

fn refusal(kind: Kind, what: &str) -> Error {
    Error::new(kind, format!("this process cannot share the run: {what}"))
        .advise("start every process of a run with the same job file and the same --table options.")
}

fn listed(selection: &[String]) -> String {
    if selection.is_empty() {
        "all tables of the job".to_owned()
    } else {
        selection.join(", ")
    }
}
