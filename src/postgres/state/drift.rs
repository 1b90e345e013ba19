//! Whether the tables that a job made and filled are still as it left them.

use tokio_postgres::Client;
use tokio_postgres::types::Oid;

use crate::error::Result;
use crate::plan::table::TargetName;
use crate::postgres::fault;
use crate::postgres::state::records::{RunId, TableKey, not_as_recorded};
use crate::postgres::state::runs::must_be_latest;
use tsql::names;

/// What has become of a recorded table in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetDrift {
    /// The table that was recorded, with rows if rows were committed.
    None,
    /// Neither the name nor the table: dropped.
    Missing,
    /// The table, under another name.
    Renamed(String),
    /// Another table than the one that the job made.
    Replaced,
    /// The table, without a row, though rows were committed.
    Emptied,
    /// The job's own table, still UNLOGGED, with fewer rows than were committed: PostgreSQL empties
    /// such tables when it recovers from a crash.
    Crashed,
}

/// One line for each table of the job that was made or taken over. `made_oid` is known of tables
/// that the job itself made.
const TABLES: &str = "\
SELECT t.source_schema, t.source_table, t.target_schema, t.target_table, t.made_oid, \
pg_catalog.to_regclass(pg_catalog.format('%I.%I', t.target_schema, t.target_table))::oid AS oid_now, \
(SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.made_oid) AS name_now, \
(SELECT coalesce(sum(p.rows), 0)::bigint FROM _migrate.partitions p WHERE p.job = t.job \
AND p.source_schema = t.source_schema AND p.source_table = t.source_table) AS committed, \
EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = t.made_oid AND c.relpersistence = 'u') AS unlogged \
FROM _migrate.tables t WHERE t.job = $1 AND t.created ORDER BY 1, 2";

/// Looks at every table of the job that was made or taken over; writes nothing.
pub async fn target_drift(client: &Client, job: &str) -> Result<Vec<(TableKey, TargetDrift)>> {
    let failed = |error| fault::from_driver(error, "look for the tables that were loaded");
    let mut found = Vec::new();
    for row in client.query(TABLES, &[&job]).await.map_err(failed)? {
        let key = TableKey {
            job: job.to_owned(),
            schema: row.get("source_schema"),
            name: row.get("source_table"),
        };
        let target = TargetName {
            schema: row.get("target_schema"),
            table: row.get("target_table"),
        };
        let (made, now): (Option<Oid>, Option<Oid>) = (row.get("made_oid"), row.get("oid_now"));
        let (committed, unlogged): (i64, bool) = (row.get("committed"), row.get("unlogged"));
        let drift = match (made, now, row.get::<_, Option<String>>("name_now")) {
            (_, None, Some(name)) => TargetDrift::Renamed(name),
            (_, None, None) => TargetDrift::Missing,
            (Some(made), Some(now), _) if made != now => TargetDrift::Replaced,
            _ if unlogged && count(client, &target).await? != committed => TargetDrift::Crashed,
            _ if committed > 0 && is_empty(client, &target).await? => TargetDrift::Emptied,
            _ => TargetDrift::None,
        };
        found.push((key, drift));
    }
    Ok(found)
}

async fn is_empty(client: &Client, target: &TargetName) -> Result<bool> {
    let name = names::qualified(target);
    let row = client
        .query_one(&format!("SELECT NOT EXISTS (SELECT 1 FROM {name})"), &[])
        .await
        .map_err(|error| fault::from_driver(error, &format!("look into table {name}")))?;
    Ok(row.get(0))
}

async fn count(client: &Client, target: &TargetName) -> Result<i64> {
    let name = names::qualified(target);
    let row = client
        .query_one(&format!("SELECT pg_catalog.count(*) FROM {name}"), &[])
        .await
        .map_err(|error| fault::from_driver(error, &format!("count table {name}")))?;
    Ok(row.get(0))
}

/// Drops a table that a crash emptied, and forgets it: as [`forget`].
pub async fn drop_crashed(
    client: &mut Client,
    table: &TableKey,
    target: &TargetName,
    run: RunId,
) -> Result<()> {
    forget_with(client, table, run, Some(target)).await
}

/// Forgets a table that is gone, so that it is planned, made and loaded like a new one.
/// [`crate::error::Kind::JobHeld`] if a younger run has the job.
pub async fn forget(client: &mut Client, table: &TableKey, run: RunId) -> Result<()> {
    forget_with(client, table, run, None).await
}

async fn forget_with(
    client: &mut Client,
    table: &TableKey,
    run: RunId,
    drop: Option<&TargetName>,
) -> Result<()> {
    let failed = |error| fault::from_driver(error, "forget a table that is gone");
    let transaction = client.transaction().await.map_err(failed)?;
    let forgotten = transaction
        .execute(
            "DELETE FROM _migrate.tables \
             WHERE job = $1 AND source_schema = $2 AND source_table = $3",
            &[&table.job, &table.schema, &table.name],
        )
        .await
        .map_err(failed)?;
    must_be_latest(&transaction, &table.job, run).await?;
    if forgotten != 1 {
        return Err(not_as_recorded("the table is not recorded"));
    }
    if let Some(target) = drop {
        let drop = format!("DROP TABLE {}", names::qualified(target));
        let dropped = transaction.batch_execute(&drop).await;
        dropped.map_err(|error| fault::from_driver(error, "drop a table that a crash emptied"))?;
    }
    transaction.commit().await.map_err(failed)
}
