//! Runs: who worked on a job, when, and how it ended.

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::{Client, GenericClient, Row, Transaction};

use crate::error::{Error, Kind, Result};
use crate::postgres::fault;
use crate::postgres::state::records::{RunId, from_json, to_json, unreadable};
use crate::report::run::RunOutcome;
use crate::report::status::{DIED, RunState};

/// Which database a run reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceId {
    /// The name that the server states; another one after a failover.
    pub server: String,
    pub database: String,
    /// The database's own (`schema::Database::guid`); `None` if the server did not tell, and in
    /// records that were made before it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
}

/// What the caller knows of the run that begins.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub job: String,
    pub source: SourceId,
    /// Fingerprint of the job's settings that a continued run must share.
    pub fingerprint: String,
    /// `JobLock::backend_pid`.
    pub lock_pid: i32,
    /// The tables that the command line named, in lower case and in order; empty for all.
    pub selection: Vec<String>,
    /// What the command line called the run, if anything: processes of one name that come after its end do not run the
    /// job once more.
    pub run_name: Option<String>,
}

/// A run, as recorded.
#[derive(Debug, Clone)]
pub struct RunRecord {
    pub id: RunId,
    /// `None` while it runs, and after it died until another run begins.
    pub outcome: Option<RunState>,
    pub source: SourceId,
    pub fingerprint: String,
    pub host: String,
    pub pid: i32,
    /// RFC 3339, UTC, by the target's clock.
    pub started_at: String,
    pub ended_at: Option<String>,
    pub report: Option<Value>,
    /// Fingerprint of the planned schema objects, if a run of the whole job made all of them.
    pub objects: Option<String>,
}

/// Fences off a run that has lost its job, for what it does to objects that have no record of their own.
#[derive(Debug, Clone, Copy)]
pub struct RunFence<'a> {
    pub job: &'a str,
    pub run: RunId,
}

impl RunFence<'_> {
    /// Refuses a run that has lost its job to a younger one ([`Kind::JobHeld`]), and lets no other run
    /// begin before the transaction ends: [`register`] closes the record that is locked here.
    pub(in crate::postgres) async fn check(&self, transaction: &Transaction<'_>) -> Result<()> {
        let failed = |error| fault::from_driver(error, "look for other runs of the job");
        transaction
            .execute(
                "SELECT FROM _migrate.runs WHERE run_id = $1 FOR SHARE",
                &[&self.run.0],
            )
            .await
            .map_err(failed)?;
        let row = transaction
            .query_opt(
                "SELECT ended_at IS NOT NULL FROM _migrate.runs WHERE run_id = $1",
                &[&self.run.0],
            )
            .await
            .map_err(failed)?;
        // Closed by another that is about to register.
        if row.is_some_and(|row| row.get(0)) {
            return Err(Error::new(
                Kind::JobHeld,
                format!(
                    "another run has taken over job {}: nothing more is written here",
                    self.job
                ),
            ));
        }
        must_be_latest(transaction, self.job, self.run).await
    }
}

/// What a run read, and by which settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub source: SourceId,
    /// As [`NewRun::fingerprint`].
    pub fingerprint: String,
}

impl RunRecord {
    /// What the run read, and by which settings.
    pub fn origin(&self) -> Origin {
        Origin {
            source: self.source.clone(),
            fingerprint: self.fingerprint.clone(),
        }
    }
}

/// The runs that planned the tables of a job or read rows of their partitions.
const ORIGINS: &str = "\
SELECT DISTINCT coalesce(r.source ->> 'server', '') AS server, \
coalesce(r.source ->> 'database', '') AS database, r.source ->> 'guid' AS guid, r.fingerprint FROM _migrate.runs r WHERE r.job = $1 AND r.run_id IN (\
SELECT run_id FROM _migrate.tables WHERE job = $1 UNION \
SELECT claimed_by FROM _migrate.partitions WHERE job = $1 AND claimed_by IS NOT NULL) ORDER BY 1, 2, 3, 4";

/// The sources and settings that the recorded rows of a job came from. No run may continue a job that has
/// more than one; runs whose records were deleted are not among them.
pub async fn origins(client: &Client, job: &str) -> Result<Vec<Origin>> {
    let rows = client
        .query(ORIGINS, &[&job])
        .await
        .map_err(|error| fault::from_driver(error, "read which runs recorded the job's tables"))?;
    let origins = rows.iter().map(|row| Origin {
        source: SourceId {
            server: row.get("server"),
            database: row.get("database"),
            guid: row.get("guid"),
        },
        fingerprint: row.get("fingerprint"),
    });
    Ok(origins.collect())
}

/// Begins a run. Only under the job lock: runs that are still open belong to processes that died,
/// and are closed here.
pub async fn start_run(client: &Client, run: &NewRun) -> Result<RunId> {
    register(client, run).await
}

/// The same, also within a transaction.
pub(in crate::postgres) async fn register(
    client: &impl GenericClient,
    run: &NewRun,
) -> Result<RunId> {
    let failed = |error| fault::from_driver(error, "record the start of the run");
    client
        .execute(
            "UPDATE _migrate.runs SET ended_at = pg_catalog.now(), outcome = $2 \
             WHERE job = $1 AND ended_at IS NULL",
            &[&run.job, &DIED],
        )
        .await
        .map_err(failed)?;
    let row = client
        .query_one(
            "INSERT INTO _migrate.runs (job, host, pid, lock_pid, tool_version, source, fingerprint, \
             selection, run_name) VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9) RETURNING run_id",
            &[
                &run.job,
                &host_name(),
                &std::process::id().cast_signed(),
                &run.lock_pid,
                &env!("CARGO_PKG_VERSION"),
                &to_json(&run.source)?,
                &run.fingerprint,
                &run.selection,
                &run.run_name,
            ],
        )
        .await
        .map_err(failed)?;
    Ok(RunId(row.get(0)))
}

/// Refuses a run that has lost its job to a younger one: [`Kind::JobHeld`]. Within a transaction,
/// ask after its first write: what a younger run did before is seen then, and what it does later
/// waits for this transaction's end.
pub(in crate::postgres) async fn must_be_latest(
    client: &impl GenericClient,
    job: &str,
    run: RunId,
) -> Result<()> {
    let row = client
        .query_one(
            "SELECT pg_catalog.max(run_id) FROM _migrate.runs WHERE job = $1",
            &[&job],
        )
        .await
        .map_err(|error| fault::from_driver(error, "look for other runs of the job"))?;
    match row.get::<_, Option<i64>>(0) {
        Some(latest) if latest > run.0 => Err(Error::new(
            Kind::JobHeld,
            format!(
                "run {latest} has taken over job {job} from this run ({}): nothing more is written here",
                run.0
            ),
        )),
        _ => Ok(()),
    }
}

/// The run's job lock was taken again by another server process (`JobLock::retake`).
pub async fn set_lock_pid(client: &Client, run: RunId, lock_pid: i32) -> Result<()> {
    client
        .execute(
            "UPDATE _migrate.runs SET lock_pid = $2 WHERE run_id = $1 AND ended_at IS NULL",
            &[&run.0, &lock_pid],
        )
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "record the server process of the job lock"))
}

/// How a run ended, as it is recorded.
#[derive(Debug, Clone, Copy)]
pub struct RunEnd<'a> {
    pub outcome: RunOutcome,
    /// The report, or the cause of a run that ended without one.
    pub report: &'a Value,
    /// As [`RunRecord::objects`].
    pub objects: Option<&'a str>,
}

/// Records how a run ended.
pub async fn end_run(client: &Client, run: RunId, ended: RunEnd<'_>) -> Result<()> {
    client
        .execute(
            "UPDATE _migrate.runs SET ended_at = pg_catalog.now(), outcome = $2, report = $3::text::jsonb, \
             objects = $4 WHERE run_id = $1",
            &[
                &run.0,
                &ended.outcome.as_str(),
                &to_json(ended.report)?,
                &ended.objects,
            ],
        )
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "record the end of the run"))
}

/// `objects` is read through JSON: version 1 of the schema has no such column.
const LAST: &str = "\
SELECT run_id, outcome, source ->> 'server' AS server, source ->> 'database' AS database, \
source ->> 'guid' AS guid, fingerprint, host, pid, \
pg_catalog.to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS started, \
pg_catalog.to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS ended, \
report::text, pg_catalog.to_jsonb(r) ->> 'objects' AS objects \
FROM _migrate.runs r WHERE job = $1 ORDER BY run_id DESC LIMIT 1";

/// The latest run of a job.
///
/// # Errors
/// [`Kind::Checkpoint`] if a record cannot be read.
pub async fn last_run(client: &Client, job: &str) -> Result<Option<RunRecord>> {
    let row = client
        .query_opt(LAST, &[&job])
        .await
        .map_err(|error| fault::from_driver(error, "read the last run"))?;
    row.map(|row| read(&row)).transpose()
}

/// What a process that would share the latest run of a job must know of it.
#[derive(Debug, Clone)]
pub struct CurrentRun {
    pub record: RunRecord,
    /// The server process of the job lock that the run was registered under.
    pub lock_pid: i32,
    /// As [`NewRun::selection`].
    pub selection: Vec<String>,
    /// As [`NewRun::run_name`].
    pub run_name: Option<String>,
}

/// Without the report: it is asked for every half second.
const CURRENT: &str = "\
SELECT run_id, outcome, source ->> 'server' AS server, source ->> 'database' AS database, \
source ->> 'guid' AS guid, fingerprint, host, pid, started_at::text AS started, ended_at::text AS ended, \
NULL::text AS report, objects, lock_pid, selection, run_name \
FROM _migrate.runs WHERE job = $1 ORDER BY run_id DESC LIMIT 1";

/// The latest run of a job, without its report.
///
/// # Errors
/// [`Kind::Checkpoint`] if a record cannot be read.
pub async fn current_run(client: &Client, job: &str) -> Result<Option<CurrentRun>> {
    let row = client
        .query_opt(CURRENT, &[&job])
        .await
        .map_err(|error| fault::from_driver(error, "read the run of the job"))?;
    let current = row.map(|row| {
        Ok(CurrentRun {
            record: read(&row)?,
            lock_pid: row.get("lock_pid"),
            selection: row.get("selection"),
            run_name: row.get("run_name"),
        })
    });
    current.transpose()
}

fn read(row: &Row) -> Result<RunRecord> {
    let outcome =
        |word: &str| RunState::recorded(word).ok_or_else(|| unreadable("a run's outcome"));
    let text = |name: &str| row.get::<_, Option<String>>(name);
    Ok(RunRecord {
        id: RunId(row.get("run_id")),
        outcome: row
            .get::<_, Option<&str>>("outcome")
            .map(outcome)
            .transpose()?,
        source: SourceId {
            server: text("server").unwrap_or_default(),
            database: text("database").unwrap_or_default(),
            guid: text("guid"),
        },
        fingerprint: row.get("fingerprint"),
        host: row.get("host"),
        pid: row.get("pid"),
        started_at: row.get("started"),
        ended_at: text("ended"),
        report: text("report")
            .map(|text| from_json(&text, "a report"))
            .transpose()?,
        objects: text("objects"),
    })
}

/// The kernel's name of this machine, `unknown` if it does not say; only for people to read.
pub(super) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match (name.trim(), std::env::var("HOSTNAME")) {
        ("", Ok(name)) => name,
        ("", Err(_)) => "unknown".into(),
        (name, _) => name.into(),
    }
}
