//! What the source says of itself and of the login, for `check`.

use std::time::Instant;

use crate::config::job::{Encrypt, Source};
use crate::error::{Error, Kind, Result};
use crate::mssql::pool::SourcePool;
use crate::report::server::{ServerFacts, milliseconds, now_s};

/// `CONNECTIONPROPERTY` needs no right of its own, as `sys.dm_exec_connections` does (Microsoft,
/// "CONNECTIONPROPERTY"). Seconds since 1970 are an `int` until 2038.
const FACTS: &str = "\
SELECT CONVERT(nvarchar(128), SERVERPROPERTY('Edition')) AS edition, \
CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation')) AS collation, \
CONVERT(nvarchar(128), ORIGINAL_LOGIN()) AS login, \
CONVERT(nvarchar(40), CONNECTIONPROPERTY('auth_scheme')) AS sign_in, \
DATEDIFF(second, '19700101', SYSUTCDATETIME()) AS clock";

/// A row of its own: some servers do not have these columns.
const ISOLATION: &str = "\
SELECT CONVERT(int, snapshot_isolation_state) AS snapshot, \
CONVERT(int, is_read_committed_snapshot_on) AS versions FROM sys.databases WHERE name = DB_NAME()";

/// Pages of 8 KiB of all files but those of the log (Microsoft, "sys.database_files").
const SIZE: &str = "\
SELECT SUM(CONVERT(bigint, size)) * 8192 AS bytes FROM sys.database_files WHERE type <> 1";

/// Asks on one connection of the pool.
///
/// # Errors
/// What the server answered.
pub async fn ask(pool: &SourcePool, job: &Source) -> Result<ServerFacts> {
    let mut connection = pool.acquire().await?;
    let mut round_trip = None;
    for _ in 0..3 {
        let asked = Instant::now();
        connection.query("SELECT 1 AS one").await?;
        let took = asked.elapsed();
        round_trip = Some(round_trip.map_or(took, |least| took.min(least)));
    }
    let rows = connection.query(FACTS).await?;
    let Some(row) = rows.first() else {
        return Err(Error::new(
            Kind::SourceProtocol,
            "the server gave no row for a question that always has one",
        ));
    };
    let text = |column: &str| {
        row.text(column)
            .map(|text| text.unwrap_or_default().to_owned())
    };
    let clock = row.int("clock")?.unwrap_or_default();
    let mut facts = ServerFacts {
        edition: row.text("edition")?.map(str::to_owned),
        collation: text("collation")?,
        login: text("login")?,
        sign_in: row.text("sign_in")?.map(str::to_owned),
        encryption: encryption(job),
        round_trip_ms: milliseconds(round_trip.unwrap_or_default()),
        clock_ahead_s: clock - now_s(),
        isolation: String::new(),
        database_bytes: None,
        free_bytes: None,
        free_unknown: None,
    };
    let rows = connection.query(ISOLATION).await?;
    if let Some(row) = rows.first() {
        facts.isolation = isolation(row.int("snapshot")?, row.int("versions")?);
    }
    // Not every server with this protocol has the view; then the size is not known.
    match connection.query(SIZE).await {
        Ok(rows) => {
            let bytes = rows.first().map(|row| row.int("bytes")).transpose()?;
            facts.database_bytes = bytes.flatten().and_then(|bytes| u64::try_from(bytes).ok());
        }
        Err(error) => tracing::debug!(%error, "the size of the source's files is not known"),
    }
    Ok(facts)
}

/// `snapshot_isolation_state` 1 is on (Microsoft, "sys.databases").
fn isolation(snapshot: Option<i64>, versions: Option<i64>) -> String {
    let committed = match versions {
        Some(1) => "read committed by versions",
        _ => "read committed",
    };
    let snapshot = match snapshot {
        Some(1) => "snapshot on",
        _ => "snapshot off",
    };
    format!("{committed}, {snapshot}")
}

fn encryption(job: &Source) -> String {
    let verified = if job.trust_server_certificate {
        "any certificate"
    } else {
        "verified"
    };
    match job.encrypt {
        Encrypt::Off => "none".to_owned(),
        Encrypt::LoginOnly => format!("of the login alone, {verified}"),
        Encrypt::Required => format!("TLS, {verified}"),
        Encrypt::Strict => format!("TLS (TDS 8), {verified}"),
    }
}
