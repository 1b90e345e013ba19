//! One process per job: an advisory lock on a connection of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Kind, Result};
use crate::postgres::connect::{Connector, Session};
use crate::postgres::fault;
use crate::postgres::state::{self, RunId};

/// How often the idle connection is asked for a sign of life, and how long that may take.
const HEARTBEAT: Duration = Duration::from_secs(15);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A process that was killed a moment ago may still be known to the server.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// How long the end of this process's own former session is waited for.
const RETAKE_WITHIN: Duration = Duration::from_secs(8);
const UNLOCK_WITHIN: Duration = Duration::from_secs(1);

/// With these the server notices within about a minute that this process is gone, and releases the
/// lock: `tcp_keepalives_*` if the connection is quiet, `tcp_user_timeout` if an answer
/// is on its way. What this server version or system does not know is left out.
const NOTICE: &str = "\
SELECT pg_catalog.set_config(s.name, v.value, false) FROM (VALUES ('tcp_keepalives_idle', '30'), \
('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '60s')) \
AS v(name, value) JOIN pg_catalog.pg_settings s ON s.name = v.name";

/// The holder of a lock of this database and this key (the two halves are how `pg_locks` shows it).
const HOLDER: &str = "\
SELECT l.pid, a.application_name AS application, pg_catalog.host(a.client_addr) AS \"from\", \
pg_catalog.date_trunc('second', a.backend_start)::text AS since \
FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
AND l.classid::bigint = ($1::bigint >> 32) & 4294967295 AND l.objid::bigint = $1::bigint & 4294967295";

const RECORDED: &str = "\
SELECT host, pid FROM _migrate.runs \
WHERE job = $1 AND lock_pid = $2 AND ended_at IS NULL ORDER BY run_id DESC LIMIT 1";

/// Held as long as its connection lives; the server takes it back when this process dies.
pub struct JobLock {
    session: Arc<Session>,
    key: i64,
    backend_pid: i32,
}

impl JobLock {
    /// [`Kind::JobHeld`] names the process that runs the job already.
    pub async fn take(connector: &Connector, job: &str) -> Result<Self> {
        let session = open(connector).await?;
        let key = key_of(job);
        for _ in 1..TRIES {
            if try_lock(&session, key).await? {
                return Self::new(session, key).await;
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        if try_lock(&session, key).await? {
            return Self::new(session, key).await;
        }
        Err(held(&session, key, job).await?)
    }

    /// Takes the lock again after it was lost. Our former session, known by its server process, may
    /// live on when only the network between broke: it is ended. [`Kind::JobHeld`] names any other
    /// holder, and means that the job is no longer ours.
    pub async fn retake(connector: &Connector, job: &str, former_pid: i32) -> Result<Self> {
        let session = open(connector).await?;
        let key = key_of(job);
        let deadline = Instant::now() + RETAKE_WITHIN;
        loop {
            if try_lock(&session, key).await? {
                return Self::new(session, key).await;
            }
            let holder = find_holder(&session, key, job).await?;
            match &holder {
                Some(holder) if holder.backend_pid == former_pid => {
                    terminate(&session, former_pid).await?;
                }
                Some(_) => return Err(held(&session, key, job).await?),
                // Released in between.
                None => {}
            }
            if Instant::now() >= deadline {
                return Err(held(&session, key, job).await?);
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }

    /// Takes the lock on a session that is open, if no other process has it.
    pub async fn take_on(session: &Arc<Session>, job: &str) -> Result<Option<Self>> {
        let key = key_of(job);
        if !try_lock(session, key).await? {
            return Ok(None);
        }
        Self::new(Arc::clone(session), key).await.map(Some)
    }

    async fn new(session: Arc<Session>, key: i64) -> Result<Self> {
        let row = session
            .query_one("SELECT pg_catalog.pg_backend_pid()", &[])
            .await
            .map_err(|error| {
                fault::from_driver(error, "read the server process of the job lock")
            })?;
        Ok(Self {
            session,
            key,
            backend_pid: row.get(0),
        })
    }

    /// The server process that holds the lock; kept with the run, so that others can tell whose it is.
    pub fn backend_pid(&self) -> i32 {
        self.backend_pid
    }

    /// The lock's own connection, for short questions that cannot wait until one of the pool is free.
    pub fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session)
    }

    /// Records it with a run, on the lock's own connection: those of the pool may all be in use, for as
    /// long as their partitions take.
    pub async fn record(&self, run: RunId) -> Result<()> {
        let recorded = state::set_lock_pid(&self.session, run, self.backend_pid);
        let late = |_| {
            Error::new(
                Kind::TargetLost,
                "the job lock could not be recorded in time",
            )
        };
        timeout(ANSWER_WITHIN, recorded).await.map_err(late)?
    }

    /// Resolves when the lock is no longer held, with why. Stop writing then: another process may
    /// take the job. Cancel safe.
    pub async fn lost(&self) -> Error {
        let reason = tokio::select! {
            () = self.session.ended() => "its connection was closed".to_owned(),
            reason = self.heartbeat() => reason,
        };
        Error::new(Kind::TargetLost, format!("lost the job lock: {reason}"))
    }

    async fn heartbeat(&self) -> String {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            match timeout(ANSWER_WITHIN, backend_pid(&self.session)).await {
                Ok(Ok(Some(pid))) if pid != self.backend_pid => {
                    return "another server process answers for it: a pooler lends them out by the transaction".into();
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error.to_string(),
                Err(_) => return format!("no answer from the server within {ANSWER_WITHIN:?}"),
            }
        }
    }

    /// Gives the lock back and closes its connection, in two seconds at most: the server gives the
    /// lock free with the connection anyway.
    pub async fn release(self) -> Result<()> {
        let unlock = "SELECT pg_catalog.pg_advisory_unlock($1)";
        let unlocked = timeout(UNLOCK_WITHIN, self.session.execute(unlock, &[&self.key])).await;
        // Another that still asks a question closes it when it has the answer.
        if let Some(session) = Arc::into_inner(self.session) {
            session.close().await;
        }
        match unlocked {
            Ok(answer) => answer
                .map(drop)
                .map_err(|error| fault::from_driver(error, "release the job lock")),
            Err(_) => Err(Error::new(
                Kind::TargetLost,
                format!("no answer to the release of the job lock within {UNLOCK_WITHIN:?}"),
            )),
        }
    }
}

pub(super) async fn open(connector: &Connector) -> Result<Arc<Session>> {
    let session = connector.connect().await?;
    session
        .simple_query(NOTICE)
        .await
        .map_err(|error| fault::from_driver(error, "set up the connection of the job lock"))?;
    Ok(Arc::new(session))
}

async fn backend_pid(session: &Session) -> Result<Option<i32>, tokio_postgres::Error> {
    let asked = session
        .simple_query("SELECT pg_catalog.pg_backend_pid()")
        .await?;
    Ok(asked.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    }))
}

/// Needs no right of its own: both sessions are of the same login. That may act as another role
/// (ALTER ROLE ... SET role), which need not be a member of it.
async fn terminate(session: &Session, pid: i32) -> Result<()> {
    let sql = format!(
        "BEGIN; SET LOCAL ROLE NONE; SELECT pg_catalog.pg_terminate_backend({pid}); COMMIT"
    );
    session
        .batch_execute(&sql)
        .await
        .map_err(|error| fault::from_driver(error, "end the former session of the job lock"))
}

/// The same for every process and version that knows the job by this name.
fn key_of(job: &str) -> i64 {
    xxh3_64(format!("migrate job {job}").as_bytes()).cast_signed()
}

async fn try_lock(session: &Session, key: i64) -> Result<bool> {
    let row = session
        .query_one("SELECT pg_catalog.pg_try_advisory_lock($1)", &[&key])
        .await
        .map_err(|error| fault::from_driver(error, "take the job lock"))?;
    Ok(row.get(0))
}

async fn held(session: &Session, key: i64, job: &str) -> Result<Error> {
    let Some(holder) = find_holder(session, key, job).await? else {
        return Ok(Error::new(
            Kind::JobHeld,
            format!("job {job} was run by another process until just now: try again"),
        ));
    };
    let (pid, who) = (holder.backend_pid, holder.who);
    Ok(Error::new(
        Kind::JobHeld,
        format!(
            "job {job} is run by another process ({who}); if that process is gone for good, SELECT pg_terminate_backend({pid}) on the target ends its connection"
        ),
    ))
}

/// The process that runs the job now, in words; `None` if none does.
pub async fn holder(client: &Client, job: &str) -> Result<Option<String>> {
    Ok(find_holder(client, key_of(job), job)
        .await?
        .map(|holder| holder.who))
}

/// The server process that holds the job lock now; `None` if none does.
pub async fn holder_pid(client: &Client, job: &str) -> Result<Option<i32>> {
    let row = client
        .query_opt(HOLDER, &[&key_of(job)])
        .await
        .map_err(|error| fault::from_driver(error, "find out who holds the job lock"))?;
    Ok(row.map(|row| row.get("pid")))
}

struct LockHolder {
    backend_pid: i32,
    who: String,
}

async fn find_holder(client: &Client, key: i64, job: &str) -> Result<Option<LockHolder>> {
    let ask = |error| fault::from_driver(error, "find out who holds the job lock");
    let Some(row) = client.query_opt(HOLDER, &[&key]).await.map_err(ask)? else {
        return Ok(None);
    };
    let backend_pid: i32 = row.get("pid");
    let mut who = format!("server process {backend_pid}");
    for label in ["application", "from", "since"] {
        if let Some(text) = row
            .get::<_, Option<String>>(label)
            .filter(|text| !text.is_empty())
        {
            who.push_str(&format!(", {label} {text}"));
        }
    }
    if let Some((host, process)) = recorded(client, job, backend_pid).await.map_err(ask)? {
        who.push_str(&format!(", process {process} on host {host}"));
    }
    Ok(Some(LockHolder { backend_pid, who }))
}

async fn recorded(
    client: &Client,
    job: &str,
    pid: i32,
) -> Result<Option<(String, i32)>, tokio_postgres::Error> {
    let known = client
        .query_one(
            "SELECT pg_catalog.to_regclass('_migrate.runs') IS NOT NULL",
            &[],
        )
        .await?;
    if !known.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = client.query_opt(RECORDED, &[&job, &pid]).await?;
    Ok(row.map(|row| (row.get("host"), row.get("pid"))))
}
