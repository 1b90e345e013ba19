//! What the target says of itself and of the role, for `check`.

use std::time::Instant;

use tokio_postgres::Client;

use crate::config::job::SslMode;
use crate::error::Result;
use crate::postgres::fault;
use crate::report::server::{ServerFacts, milliseconds, now_s};

const FACTS: &str = "\
SELECT d.datcollate AS collation, current_user::text AS role, \
CASE WHEN s.ssl THEN s.version || ', ' || s.cipher END AS encryption, \
extract(epoch FROM pg_catalog.clock_timestamp())::bigint AS clock, \
pg_catalog.current_setting('default_transaction_isolation') AS isolation, \
pg_catalog.pg_database_size(d.oid) AS bytes \
FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = pg_catalog.pg_backend_pid() \
WHERE d.datname = pg_catalog.current_database()";

/// Where a table is made: `default_tablespace`, else the database's own, whose location is empty in the
/// data directory. `pg_settings` has no row for that unless the role may read it (pg_read_all_settings).
const PLACE: &str = "\
SELECT pg_catalog.pg_backend_pid() AS pid, session_user::text AS login, \
coalesce(nullif(pg_catalog.pg_tablespace_location(coalesce(t.oid, d.dattablespace)), ''), \
(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory')) AS directory \
FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_tablespace t \
ON t.spcname = pg_catalog.current_setting('default_tablespace') \
WHERE d.datname = pg_catalog.current_database()";

/// Where a server keeps new tables, and the server process that serves this connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub pid: i32,
    /// Who logged in, which the title of the process names.
    pub login: String,
    /// On the server's machine; `None` if the role may not know it.
    pub directory: Option<String>,
}

/// Asks where new tables are kept.
///
/// # Errors
/// What the server answered.
pub async fn place(client: &Client) -> Result<Place> {
    let row = client
        .query_one(PLACE, &[])
        .await
        .map_err(|error| fault::from_driver(error, "ask the target where it keeps its tables"))?;
    Ok(Place {
        pid: row.get("pid"),
        login: row.get("login"),
        directory: row.get("directory"),
    })
}

/// Asks on a connection.
///
/// # Errors
/// What the server answered.
pub async fn ask(client: &Client, sslmode: SslMode) -> Result<ServerFacts> {
    let failed = |error| fault::from_driver(error, "ask the target for its settings");
    let mut round_trip = None;
    for _ in 0..3 {
        let asked = Instant::now();
        client.simple_query("SELECT 1").await.map_err(failed)?;
        let took = asked.elapsed();
        round_trip = Some(round_trip.map_or(took, |least| took.min(least)));
    }
    let row = client.query_one(FACTS, &[]).await.map_err(failed)?;
    let encryption: Option<String> = row.get("encryption");
    Ok(ServerFacts {
        edition: None,
        collation: row.get("collation"),
        login: row.get("role"),
        sign_in: None,
        encryption: encryption.map_or_else(
            || "none".to_owned(),
            |cipher| format!("{cipher} (sslmode {})", sslmode.word()),
        ),
        round_trip_ms: milliseconds(round_trip.unwrap_or_default()),
        clock_ahead_s: row.get::<_, i64>("clock") - now_s(),
        isolation: row.get("isolation"),
        database_bytes: u64::try_from(row.get::<_, i64>("bytes")).ok(),
        free_bytes: None,
        free_unknown: None,
    })
}
