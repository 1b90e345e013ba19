//! What the job asks to be done around a run: a command, or a file of SQL for the target.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use tokio_util::sync::CancellationToken;

use crate::child::Group;
use crate::config::job::Job;
use crate::error::{Error, Kind, Result};
use crate::pipeline::connections::open_target;
use crate::postgres::pool::TargetPool;
use crate::postgres::script;

/// When a hook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The run is registered and nothing of it is made or loaded.
    BeforeLoad,
    /// Every table is done, with foreign keys and views, and nothing is compared.
    AfterTables,
    /// The report is written.
    AfterRun,
}

impl Moment {
    /// The key of the job file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BeforeLoad => "before_load",
            Self::AfterTables => "after_tables",
            Self::AfterRun => "after_run",
        }
    }
}

/// What a hook is told of its run, by variables of its environment.
#[derive(Debug, Default)]
pub struct HookContext {
    pub run_id: Option<String>,
    /// How the run ended, once it has.
    pub outcome: Option<&'static str>,
}

/// Files of SQL are read before anything is loaded: a wrong path would be found after hours.
///
/// # Errors
/// `Hook`.
pub fn check(job: &Job) -> Result<()> {
    for moment in [Moment::BeforeLoad, Moment::AfterTables, Moment::AfterRun] {
        if let Some(text) = text(job, moment).filter(|text| is_sql(text)) {
            read(moment, text)?;
        }
    }
    Ok(())
}

/// Calls the job's hook of this moment, if there is one. `target` is for SQL.
///
/// # Errors
/// `Hook`, if it fails or takes longer than `hooks.timeout`; `Stopped`, with the command ended.
pub async fn call(
    job: &Job,
    moment: Moment,
    target: &TargetPool,
    context: &HookContext,
    cancel: &CancellationToken,
) -> Result<()> {
    let Some(text) = text(job, moment) else {
        return Ok(());
    };
    let name = moment.word();
    tracing::info!(hook = name, "calling a hook");
    if is_sql(text) {
        sql(job, moment, target, cancel).await
    } else {
        command(job, moment, context, cancel).await
    }
}

/// Calls the hook that follows the report. SQL gets a connection of its own: those of the run are closed.
///
/// # Errors
/// As `call`, and those of opening a connection.
pub async fn after_run(job: &Job, context: &HookContext, cancel: &CancellationToken) -> Result<()> {
    let moment = Moment::AfterRun;
    match text(job, moment) {
        None => Ok(()),
        Some(path) if is_sql(path) => {
            let target = open_target(job).await?;
            let done = call(job, moment, &target, context, cancel).await;
            target.close().await;
            done
        }
        Some(_) => {
            tracing::info!(hook = moment.word(), "calling a hook");
            command(job, moment, context, cancel).await
        }
    }
}

fn text(job: &Job, moment: Moment) -> Option<&str> {
    let hooks = &job.hooks;
    let hook = match moment {
        Moment::BeforeLoad => &hooks.before_load,
        Moment::AfterTables => &hooks.after_tables,
        Moment::AfterRun => &hooks.after_run,
    };
    hook.as_deref()
}

/// One word that ends with `.sql` is a file.
fn is_sql(text: &str) -> bool {
    text.ends_with(".sql") && !text.contains(char::is_whitespace)
}

fn read(moment: Moment, path: &str) -> Result<String> {
    std::fs::read_to_string(Path::new(path))
        .map_err(|cause| failed(moment, format!("cannot read {path}")).because(cause))
}

fn failed(moment: Moment, what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Hook, format!("hooks.{}: {what}", moment.word()))
}

async fn sql(
    job: &Job,
    moment: Moment,
    target: &TargetPool,
    cancel: &CancellationToken,
) -> Result<()> {
    let path = text(job, moment).unwrap_or_default();
    let text = read(moment, path)?;
    let lease = target.acquire().await?;
    let done = tokio::select! {
        done = script::execute(&lease, &text) => Some(done),
        () = tokio::time::sleep(job.hooks.timeout) => None,
        () = cancel.cancelled() => None,
    };
    let Some(done) = done else {
        target.cancel_and_close(lease).await;
        return Err(if cancel.is_cancelled() {
            stopped()
        } else {
            too_long(job, moment)
        });
    };
    // A script may leave a transaction or settings behind.
    lease.discard();
    done.map_err(|error| failed(moment, format!("{path} failed")).because(error))
}

fn stopped() -> Error {
    Error::new(Kind::Stopped, "stopped while a hook ran")
}

fn too_long(job: &Job, moment: Moment) -> Error {
    let limit = job.hooks.timeout.as_secs();
    failed(
        moment,
        format!("it took longer than hooks.timeout ({limit} s) and was ended"),
    )
}

async fn command(
    job: &Job,
    moment: Moment,
    context: &HookContext,
    cancel: &CancellationToken,
) -> Result<()> {
    let mut child = start(job, moment, context)?;
    // What is dropped without an end of its own is ended.
    tokio::select! {
        ended = child.ended() => {
            let status = ended.map_err(|cause| failed(moment, "it was lost").because(cause))?;
            judge(moment, status)
        }
        () = cancel.cancelled() => Err(stopped()),
        () = tokio::time::sleep(job.hooks.timeout) => Err(too_long(job, moment)),
    }
}

/// By `sh -c`, in a process group of its own, with what it prints on standard error: standard output is for
/// the result.
fn start(job: &Job, moment: Moment, context: &HookContext) -> Result<Group> {
    let stderr = || {
        let opened = OpenOptions::new().append(true).open("/dev/stderr");
        opened.map_or_else(|_| Stdio::null(), Stdio::from)
    };
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(text(job, moment).unwrap_or_default())
        .env("MIGRATE_HOOK", moment.word())
        .env("MIGRATE_JOB", &job.name)
        .stdin(Stdio::null())
        .stdout(stderr())
        .stderr(stderr());
    if let Some(run) = &context.run_id {
        command.env("MIGRATE_RUN", run);
    }
    if let Some(outcome) = context.outcome {
        command.env("MIGRATE_OUTCOME", outcome);
    }
    Group::start(&mut command)
        .map_err(|cause| failed(moment, "sh cannot be started").because(cause))
}

fn judge(moment: Moment, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(failed(moment, format!("it ended with {status}")))
}
