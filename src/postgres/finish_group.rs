//! Completes several small tables in one transaction: keys, indexes, checks, identities, statistics.
//!
//! It does what `finish` and `objects` do for one table, with a few statements for up to 32. What
//! needs a closer look, such as an object that is there already under a planned name, is left to
//! them.

use std::collections::BTreeSet;

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, Transaction};

use crate::error::{Error, Kind, Result};
use crate::plan::table::TablePlan;
use crate::postgres::counter;
use crate::postgres::ddl;
use crate::postgres::fault;
use crate::postgres::objects::missing_objects;
use crate::postgres::state::{Keys, RunFence, must_be_latest};
use tsql::names::qualified;

/// Locks the records of those tables whose rows are all there and that are durable already. A table that the
/// job did not make has no `made_oid`, and gets no primary key.
const BEGIN: &str = "\
SELECT w.number, c.oid, pg_catalog.current_setting('server_version_num')::int AS version, \
t.made_oid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_index i \
WHERE i.indrelid = c.oid AND i.indisprimary) AS needs_key \
FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) \
WITH ORDINALITY AS w(schema, name, number) \
JOIN _migrate.tables t ON t.job = $1 AND t.source_schema = w.schema AND t.source_table = w.name \
JOIN pg_catalog.pg_namespace n ON n.nspname = t.target_schema \
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.target_table \
WHERE t.state IN ('created', 'loaded') AND coalesce(t.made_oid = c.oid, true) \
AND (c.relpersistence = 'p' OR t.made_oid IS NULL) AND c.relkind = 'r' \
AND NOT EXISTS (SELECT 1 FROM _migrate.partitions p WHERE p.job = t.job \
AND p.source_schema = t.source_schema AND p.source_table = t.source_table AND p.state <> 'done') \
ORDER BY t.source_schema, t.source_table FOR UPDATE OF t";

const DONE: &str = "\
UPDATE _migrate.tables t SET state = 'done', error = NULL, updated_at = pg_catalog.now(), \
(rows, bytes) = (SELECT coalesce(sum(p.rows), 0), coalesce(sum(p.bytes), 0) \
FROM _migrate.partitions p WHERE p.job = t.job AND p.source_schema = t.source_schema \
AND p.source_table = t.source_table) \
WHERE t.job = $1 AND (t.source_schema, t.source_table) IN (SELECT * FROM ROWS FROM (\
pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS s)";

/// A table whose record is locked.
struct Locked {
    /// Its position.
    at: usize,
    oid: Oid,
    needs_key: bool,
}

/// Completes those of the tables that can be completed together: all rows are there, no row is beyond an
/// identity, and no other object has the name of a planned one. Makes their keys, indexes and checks, sets
/// their identities, collects statistics and records them as done: all of them or none. Gives their positions;
/// [`finish`](super::finish::finish) and what comes before it complete the others.
///
/// # Errors
/// The first that keeps it from all of them, such as a row that violates a unique index. It does not always
/// tell which table is at fault. [`Kind::JobHeld`] if a younger run has the job.
pub async fn finish_all(
    client: &mut Client,
    fence: RunFence<'_>,
    plans: &[&TablePlan],
) -> Result<BTreeSet<usize>> {
    let failed = |error| fault::from_driver(error, "finish several tables");
    let mut transaction = client.transaction().await.map_err(failed)?;
    let (locked, version) = lock(&transaction, fence, plans).await?;
    let taken: Vec<&TablePlan> = locked.iter().map(|table| plans[table.at]).collect();
    let beyond = counter::beyond_of(&transaction, &taken).await?;
    let counters = counter::set_all(&transaction, &taken).await?;
    let present: Vec<_> = locked
        .iter()
        .map(|table| (plans[table.at], table.oid))
        .collect();
    let missing = missing_objects(&mut transaction, &present, version).await?;
    let mut chosen = BTreeSet::new();
    let mut statements = Vec::new();
    let found = locked.iter().zip(missing).zip(counters).enumerate();
    for (place, ((table, missing), counters)) in found {
        let plan = plans[table.at];
        let Some(missing) = missing.filter(|_| !beyond.contains(&place)) else {
            continue;
        };
        let key = ddl::primary_key(plan).filter(|_| table.needs_key);
        statements.extend(key);
        statements.extend(missing);
        statements.extend(counters);
        statements.push(format!("ANALYZE {}", qualified(&plan.target)));
        chosen.insert(table.at);
    }
    if chosen.is_empty() {
        return Ok(chosen);
    }
    let made = transaction.batch_execute(&statements.join(";\n")).await;
    made.map_err(|error| fault::from_ddl(error, "finish several tables"))?;
    record_done(&transaction, fence, chosen.iter().map(|at| plans[*at])).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(chosen)
}

/// # Errors
/// `Checkpoint` if the record of one of them is gone.
async fn record_done<'a>(
    transaction: &Transaction<'_>,
    fence: RunFence<'_>,
    plans: impl Iterator<Item = &'a TablePlan>,
) -> Result<()> {
    let keys = Keys::for_plans(plans);
    let recorded = transaction
        .execute(DONE, &[&fence.job, &keys.schemas, &keys.names])
        .await
        .map_err(|error| fault::from_driver(error, "record several tables as done"))?;
    if recorded == keys.names.len() as u64 {
        return Ok(());
    }
    Err(Error::new(
        Kind::Checkpoint,
        "not all of the tables are recorded",
    ))
}

/// Locks the records of the tables; leaves out those that need a look of their own. Gives the server's
/// version with them.
async fn lock(
    transaction: &Transaction<'_>,
    fence: RunFence<'_>,
    plans: &[&TablePlan],
) -> Result<(Vec<Locked>, i32)> {
    let keys = Keys::for_plans(plans.iter().copied());
    let rows = transaction
        .query(BEGIN, &[&fence.job, &keys.schemas, &keys.names])
        .await
        .map_err(|error| fault::from_driver(error, "lock the records of several tables"))?;
    must_be_latest(transaction, fence.job, fence.run).await?;
    let version = rows.first().map_or(0, |row| row.get("version"));
    let locked = rows.iter().filter_map(|row| {
        let at = usize::try_from(row.get::<_, i64>("number") - 1).ok()?;
        Some(Locked {
            at,
            oid: row.get("oid"),
            needs_key: row.get("needs_key"),
        })
    });
    Ok((locked.collect(), version))
}
