//! What the processes of a run do now, as each notes it on the session of its lock.
//!
//! For people who watch. A row that is not renewed is what a process left that died; no right and no
//! decision depends on it, and the age is told by the server's clock alone.

use serde_json::Value;
use tokio_postgres::Client;

use crate::error::{Error, Kind, Result};
use crate::postgres::fault;
use crate::postgres::state::runs::host_name;
use crate::postgres::state::schema::version;

/// Takes out what processes have left that died an hour ago or more.
const NOTE: &str = "\
WITH old AS (DELETE FROM _migrate.live WHERE job = $1 AND at < pg_catalog.clock_timestamp() - interval '1 hour') \
INSERT INTO _migrate.live (job, host, pid, state) VALUES ($1, $2, $3, $4::text::jsonb) \
ON CONFLICT (job, host, pid) DO UPDATE SET at = pg_catalog.clock_timestamp(), state = excluded.state";

const RETRACT: &str = "DELETE FROM _migrate.live WHERE job = $1 AND host = $2 AND pid = $3";

/// A process renews its row every two seconds; one that is this old is no longer what it does.
const RECENT: &str = "\
SELECT host, pid, state::text AS state FROM _migrate.live \
WHERE job = $1 AND at > pg_catalog.clock_timestamp() - interval '15 seconds' ORDER BY host, pid";

/// What a process noted last.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveRecord {
    pub host: String,
    pub pid: i32,
    /// As [`crate::report::live::LiveState`].
    pub state: Value,
}

/// Notes what this process does.
pub async fn note_live(session: &Client, job: &str, state: &Value) -> Result<()> {
    let pid = std::process::id().cast_signed();
    session
        .execute(NOTE, &[&job, &host_name(), &pid, &state.to_string()])
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "note what the process does"))
}

/// This process does nothing more.
pub async fn retract_live(session: &Client, job: &str) -> Result<()> {
    let pid = std::process::id().cast_signed();
    session
        .execute(RETRACT, &[&job, &host_name(), &pid])
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "take back what the process noted"))
}

/// What the processes of a job noted in the last seconds; none in a state of an older version.
pub async fn recent_live(client: &Client, job: &str) -> Result<Vec<LiveRecord>> {
    if version(client).await? < 4 {
        return Ok(Vec::new());
    }
    let rows = client
        .query(RECENT, &[&job])
        .await
        .map_err(|error| fault::from_driver(error, "read what the processes do"))?;
    let record = |row: &tokio_postgres::Row| {
        let state = serde_json::from_str(row.get("state")).map_err(|cause| {
            Error::new(Kind::Checkpoint, "what a process noted is not JSON").because(cause)
        })?;
        Ok(LiveRecord {
            host: row.get("host"),
            pid: row.get("pid"),
            state,
        })
    };
    rows.iter().map(record).collect()
}
