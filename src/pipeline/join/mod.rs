//! `migrate run --join`: several processes on one run. The process that has the job lock leads it, which is the
//! ordinary run; the others are members and load partitions beside it. A leader that goes is replaced by
//! one of them.

mod decide;
mod member;
mod work;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::job::Job;
use crate::error::{Kind, Result};
use crate::pipeline::join::member::{Fate, History, serve};
use crate::pipeline::options::RunOptions;
use crate::pipeline::retry::{Backoff, retry_before_load};
use crate::pipeline::run;
use crate::pipeline::run::session::{Session, TOO_EARLY};
use crate::pipeline::shutdown::drop_on_stop;
use crate::postgres::lock::JobLock;
use crate::postgres::member::Member;
use crate::postgres::state::{self, NewMember, RunId};
use crate::report::joined::JoinedReport;
use crate::report::progress::Progress;
use crate::report::run::{Report, RunOutcome};
use crate::report::timestamp::Timestamp;

/// The result of a process that shared a run.
pub enum Joined {
    /// It led the run to its end.
    Led(Box<Report>),
    /// Another process did.
    Member(JoinedReport),
}

/// Shares the run of a job until it has ended, as its leader or as a member.
///
/// # Errors
/// As [`run::run`], but for [`Kind::JobHeld`]; and another job file than that of the run.
pub async fn join(
    job: &Job,
    options: RunOptions,
    signal: CancellationToken,
    progress: Arc<Progress>,
) -> Result<Joined> {
    let started = Timestamp::now();
    let mut history = History::default();
    let mut backoff = Backoff::new(&job.transfer.retry);
    loop {
        let open = run::open(job, options.clone(), &signal, Arc::clone(&progress));
        let session = match open.await {
            Ok(session) => session,
            Err(error) if history.entered => {
                backoff.after(error, &signal).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        match round(&session, &signal, &mut history, started).await {
            Ok(Some(joined)) => return Ok(joined),
            Ok(None) => {
                tracing::warn!("another process leads the run now: this one continues as a member");
                backoff.progressed();
            }
            Err(error) => {
                session.connections.close().await;
                backoff.after(error, &signal).await?;
            }
        }
    }
}

/// Enters the job once, as a member first. `None` if this process led and lost the job to another.
async fn round(
    session: &Session<'_>,
    signal: &CancellationToken,
    history: &mut History,
    started: Timestamp,
) -> Result<Option<Joined>> {
    let entered = retry_before_load(&session.job.transfer.retry, || enter(session));
    let member = drop_on_stop(signal, TOO_EARLY, entered).await?;
    history.entered = true;
    let fate = serve(session, &member, history).await;
    let fate = match fate {
        Ok(Fate::Ended(id, outcome)) => {
            let report = result(session, id, outcome, history).await;
            member.leave().await;
            session.connections.close().await;
            let mut report = report?;
            report.seconds = Timestamp::now().seconds_since(started);
            return Ok(Some(Joined::Member(report)));
        }
        Ok(Fate::Leads(lock)) => Ok(lock),
        Err(error) => Err(error),
    };
    member.leave().await;
    lead(session, signal, fate?, started).await
}

/// Makes the state tables and enters the members of the job.
async fn enter(session: &Session<'_>) -> Result<Member> {
    {
        let mut target = session.connections.target.acquire().await?;
        state::install(&mut target).await?;
    }
    let new = NewMember {
        job: &session.job.name,
        leads: false,
    };
    Member::enter(&session.connections.connector, new).await
}

/// Leads the run to its end. `None` if another process has taken the job over: what is left is done there.
async fn lead(
    session: &Session<'_>,
    signal: &CancellationToken,
    lock: JobLock,
    started: Timestamp,
) -> Result<Option<Joined>> {
    match run::lead(session, signal, lock, started).await {
        Ok(report) if was_overtaken(&report) => Ok(None),
        Ok(report) => Ok(Some(Joined::Led(Box::new(report)))),
        Err(error) if error.kind() == Kind::JobHeld => Ok(None),
        Err(error) => Err(error),
    }
}

fn was_overtaken(report: &Report) -> bool {
    let of_tables = report.facts.tables.iter().flat_map(|table| &table.cause);
    let mut causes = report.facts.ended_by.iter().chain(of_tables);
    causes.any(|cause| cause.kind == Kind::JobHeld.as_str())
}

/// The result of a run that another process led.
async fn result(
    session: &Session<'_>,
    id: RunId,
    outcome: RunOutcome,
    history: &History,
) -> Result<JoinedReport> {
    let job = &session.job.name;
    let last = session.on_target(|target| async move { state::last_run(&target, job).await });
    let last = last.await?.filter(|last| last.id == id);
    Ok(JoinedReport {
        job: job.clone(),
        run_id: id.0.to_string(),
        outcome,
        partitions: history.partitions,
        rows: history.rows,
        seconds: 0.0,
        report: last.and_then(|last| last.report),
    })
}
