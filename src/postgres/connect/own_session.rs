//! Finds out whether each connection is a session of its own, before anything relies on it.
//!
//! A pooler in transaction or statement mode lends each transaction whichever server connection is
//! free: settings are lost or given to other clients, and the job lock stays with a server connection
//! when its process is gone. Such a pooler cannot be recognised by its name or by one connection alone:
//! with a single client, or one server connection, everything looks right. So what the job lock relies
//! on is tried once with a lock of no other use: a connection takes it, a second one sees it held by the
//! first one's server process and not by its own, and it is released when the first connection closes.
//! Statements use the simple protocol, as prepared ones fail in these modes. The one thing that is set is
//! `idle_session_timeout`, and only if the role has one: it would end a connection while the other is
//! asked.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::{sleep, timeout};
use tokio_postgres::SimpleQueryMessage;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Kind, Result};
use crate::postgres::connect::{Connector, Session};
use crate::postgres::fault;

/// How long a server process may take to end after its connection; milliseconds on an idle machine.
const GONE_WITHIN: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Rounds, the n-th of n milliseconds. Each may or may not reach the server connection that holds the lock; its end
/// releases it otherwise.
const UNLOCK_TRIES: u32 = 9;

/// Since version 14; the query leaves it out before that, and if it is not set.
const LIFT_IDLE_TIMEOUT: &str = "\
SELECT pg_catalog.set_config(s.name, '0', false) FROM pg_catalog.pg_settings s \
WHERE s.name = 'idle_session_timeout' AND s.setting <> '0'";

impl Connector {
    /// Refuses a pooler that does not keep sessions apart. Opens and closes two connections.
    ///
    /// # Errors
    /// [`Kind::TargetPooler`]; what keeps a connection from being opened.
    pub async fn must_keep_sessions(&self) -> Result<()> {
        let limit = self.patience() + GONE_WITHIN;
        match timeout(limit, self.look_for_pooler()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(self.pooled()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::new(
                Kind::TargetRefused,
                format!(
                    "PostgreSQL at {} does not answer two connections at a time within {limit:?}: a pooler there must have target.pool.max_connections server connections for this job and one more (PgBouncer: default_pool_size)",
                    self.address()
                ),
            )),
        }
    }

    /// What was observed, so that an operator of a pooler can recognise it.
    fn pooled(&self) -> Error {
        Error::new(
            Kind::TargetPooler,
            format!(
                "what answers at {} is a pooler in transaction or statement mode: a lock that one connection took was not its own, or stayed when the connection was closed",
                self.address()
            ),
        )
    }

    /// A bare connection whose idle time-out, if the role has one, is lifted.
    async fn connect_to_probe(&self) -> Result<Session> {
        let session = self.connect_bare().await?;
        ask(&session, LIFT_IDLE_TIMEOUT).await?;
        Ok(session)
    }

    /// Whether sessions are kept apart.
    async fn look_for_pooler(&self) -> Result<bool> {
        let (first, second) = tokio::try_join!(self.connect_to_probe(), self.connect_to_probe())?;
        let key = some_key();
        let Some(holder) = take(&first, key).await? else {
            unlock(&[&first, &second], key).await;
            return Ok(false);
        };
        // The second first: it gets the server connection that was let go of just now.
        let (other, seen) = look(&second, key).await?;
        let (own, own_seen) = look(&first, key).await?;
        if other == holder || own != holder || [seen, own_seen] != [Some(holder); 2] {
            unlock(&[&second, &first], key).await;
            return Ok(false);
        }
        first.close().await;
        let kept = is_released(&second, key, other).await?;
        if !kept {
            // In place of the first, which is closed.
            match self.connect_to_probe().await {
                Ok(third) => unlock(&[&second, &third], key).await,
                Err(_) => unlock(&[&second], key).await,
            }
        }
        second.close().await;
        Ok(kept)
    }
}

/// Whether the lock is released, while the connection that looks keeps its server process `own`.
async fn is_released(session: &Session, key: i64, own: i32) -> Result<bool> {
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let (now, holder) = look(session, key).await?;
        if now != own || holder == Some(own) {
            return Ok(false);
        }
        if holder.is_none() {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

/// A key that no other process uses: two commands may probe at the same moment.
fn some_key() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_nanos();
    let process = std::process::id();
    xxh3_64(format!("migrate probe {process} {now}").as_bytes()).cast_signed()
}

/// The server process that took the lock; `None` if another process holds it.
async fn take(session: &Session, key: i64) -> Result<Option<i32>> {
    let sql =
        format!("SELECT pg_catalog.pg_backend_pid() WHERE pg_catalog.pg_try_advisory_lock({key})");
    Ok(ask(session, &sql).await?.and_then(|[pid, _]| pid))
}

/// The connection's own server process, and that which holds the lock (the two halves of the key are
/// how `pg_locks` shows it).
async fn look(session: &Session, key: i64) -> Result<(i32, Option<i32>)> {
    let (high, low) = ((key >> 32) & 0xffff_ffff, key & 0xffff_ffff);
    let sql = format!(
        "SELECT pg_catalog.pg_backend_pid(), (SELECT l.pid FROM pg_catalog.pg_locks l \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = \
         (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
         AND l.classid::bigint = {high} AND l.objid::bigint = {low} LIMIT 1)"
    );
    match ask(session, &sql).await? {
        Some([Some(own), holder]) => Ok((own, holder)),
        _ => Err(Error::new(
            Kind::TargetQuery,
            "the target does not say which of its processes answers",
        )),
    }
}

/// Best effort: the connection that holds it may be out of reach, and its end releases the lock too. All
/// sessions ask at the same time, and for some milliseconds, so that a pooler must lend them different server
/// connections: one after the other they would get the same one again and again.
async fn unlock(sessions: &[&Session], key: i64) {
    for round in 1..=UNLOCK_TRIES {
        let sql = format!(
            "SELECT pg_catalog.pg_backend_pid() FROM pg_catalog.pg_sleep(0.00{round}) \
             WHERE pg_catalog.pg_advisory_unlock({key})"
        );
        let asked = sessions.iter().map(|session| ask(session, &sql));
        for answer in futures::future::join_all(asked).await {
            match answer {
                Ok(None) => {}
                Ok(Some(_)) => return,
                Err(error) => {
                    tracing::debug!(%error, "the lock of a test was not given back");
                    return;
                }
            }
        }
    }
}

/// Up to two numbers of the first row.
/// `None` if the statement gave no row; a NULL or a missing column is `None` inside.
async fn ask(session: &Session, sql: &str) -> Result<Option<[Option<i32>; 2]>> {
    let asked = session.simple_query(sql).await;
    let rows = asked.map_err(|error| {
        fault::from_driver(error, "find out whether the target keeps sessions apart")
    })?;
    let row = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let number = |index: usize| {
        let row = row.filter(|row| index < row.len())?;
        row.get(index)?.parse().ok()
    };
    Ok(row.map(|_| [number(0), number(1)]))
}
