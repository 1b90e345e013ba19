//! The slots of a cap that holds for all processes of a job: advisory locks of one session.

use std::time::Duration;

use tokio::time::timeout;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Kind, Result};
use crate::postgres::connect::{Connector, Session};
use crate::postgres::fault;
use crate::postgres::lock;
use std::sync::Arc;

/// An answer that takes longer counts as lost, and with it the session.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The first of these slots that is free. Locks are tried in the order of the array, and no further than to
/// the first success: a scan with LIMIT 1 and no sort ends there.
const TAKE: &str = "\
SELECT number FROM pg_catalog.unnest($2::int[]) AS number \
WHERE pg_catalog.pg_try_advisory_lock($1::int, number) LIMIT 1";

/// Another cap than this process's, that a living process has.
const OTHER_CAP: &str = "\
SELECT objid::bigint FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 \
AND classid::bigint = $1::int AND objid::bigint <> $2::int \
AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) LIMIT 1";

/// A session that holds slots. The server gives them back when it ends.
pub struct SlotSession {
    session: Arc<Session>,
    /// The first half of the slots' keys: the job's.
    class: i32,
}

impl SlotSession {
    /// Opens the session, and agrees with the other processes of the job on the cap.
    ///
    /// # Errors
    /// [`Kind::JobFile`] if a living process of the job has another cap.
    pub async fn open(connector: &Connector, job: &str, cap: i32) -> Result<Self> {
        let session = lock::open(connector).await?;
        let agreed = timeout(ANSWER_WITHIN, agree(&session, job, cap)).await;
        agreed.map_err(late)??;
        Ok(Self {
            session,
            class: class_of("slots", job),
        })
    }

    /// Takes the first of `numbers` that no process has. None of them may be held by this session: it would
    /// get that again.
    pub async fn take(&self, numbers: &[i32]) -> Result<Option<i32>> {
        let taken = async { self.session.query_opt(TAKE, &[&self.class, &numbers]).await };
        let taken = timeout(ANSWER_WITHIN, taken).await.map_err(late)?;
        let taken =
            taken.map_err(|error| fault::from_driver(error, "take a slot of the source"))?;
        Ok(taken.map(|row| row.get(0)))
    }

    /// Gives a slot back.
    pub async fn give_back(&self, number: i32) -> Result<()> {
        let sql = "SELECT pg_catalog.pg_advisory_unlock($1::int, $2::int)";
        let given = async { self.session.execute(sql, &[&self.class, &number]).await };
        let given = timeout(ANSWER_WITHIN, given).await.map_err(late)?;
        given
            .map(drop)
            .map_err(|error| fault::from_driver(error, "give a slot of the source back"))
    }

    /// Resolves when the session is gone. Cancel safe.
    pub async fn ended(&self) {
        self.session.ended().await;
    }

    /// Closes the session.
    pub async fn close(self) {
        if let Some(session) = Arc::into_inner(self.session) {
            session.close().await;
        }
    }
}

/// A lock that any number of processes may share says which caps are in force.
async fn agree(session: &Session, job: &str, cap: i32) -> Result<()> {
    let failed = |error| fault::from_driver(error, "agree on the cap of source connections");
    let class = class_of("cap", job);
    let share = "SELECT pg_catalog.pg_advisory_lock_shared($1::int, $2::int)";
    session
        .execute(share, &[&class, &cap])
        .await
        .map_err(failed)?;
    let other = session
        .query_opt(OTHER_CAP, &[&class, &cap])
        .await
        .map_err(failed)?;
    match other {
        None => Ok(()),
        Some(row) => Err(Error::new(
            Kind::JobFile,
            format!(
                "another process of job {job} has source.pool.max_connections: {} with scope: cluster, and this one {cap}",
                row.get::<_, i64>(0)
            ),
        )
        .advise("give every process of the job the same cap (MAX_MSSQL_CONNECTIONS changes it too).")),
    }
}

fn late(_: tokio::time::error::Elapsed) -> Error {
    Error::new(
        Kind::TargetLost,
        "the session of the source's slots does not answer",
    )
}

/// The first half of keys of one kind and one job: a positive number of 31 bits.
fn class_of(kind: &str, job: &str) -> i32 {
    let hash = xxh3_64(format!("migrate source {kind} {job}").as_bytes());
    (hash & 0x7fff_ffff) as i32
}
