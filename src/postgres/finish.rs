//! Completes a loaded table: keys, identity, statistics.
//!
//! One transaction completes a table and records it as done, so a table that is recorded as done
//! has its key, and a killed run does the whole step again. Indexes and checks are made before, in
//! `objects`.

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, Transaction};

use crate::error::{Error, Kind, Result};
use crate::plan::table::TablePlan;
use crate::postgres::counter::set as set_identity;
use crate::postgres::ddl;
use crate::postgres::fault;
use crate::postgres::state::{REPLACED, RunId, TableKey, must_be_latest, not_as_recorded};
use tsql::names::{TargetName, qualified};

/// Locks the table's record, and counts its partitions that are not done and the rows of all.
const BEGIN: &str = "\
SELECT state, made_oid, (SELECT count(*) FROM _migrate.partitions p WHERE p.job = t.job \
AND p.source_schema = t.source_schema AND p.source_table = t.source_table AND p.state <> 'done') AS missing, \
(SELECT coalesce(sum(rows), 0)::bigint FROM _migrate.partitions p WHERE p.job = t.job \
AND p.source_schema = t.source_schema AND p.source_table = t.source_table) AS rows \
FROM _migrate.tables t WHERE job = $1 AND source_schema = $2 AND source_table = $3 FOR UPDATE";

/// The table's totals are those of its partitions.
const DONE: &str = "\
UPDATE _migrate.tables t SET state = 'done', error = NULL, updated_at = pg_catalog.now(), \
(rows, bytes) = (SELECT coalesce(sum(p.rows), 0), coalesce(sum(p.bytes), 0) \
FROM _migrate.partitions p WHERE p.job = t.job AND p.source_schema = t.source_schema \
AND p.source_table = t.source_table) \
WHERE job = $1 AND source_schema = $2 AND source_table = $3";

/// Sets both for the session, not for the transaction. `setting` is in kB.
const MAINTENANCE: &str = "\
SELECT pg_catalog.set_config(s.name, CASE s.name WHEN 'maintenance_work_mem' \
THEN greatest(s.setting::bigint, $1) || 'kB' ELSE $2::text END, false) FROM pg_catalog.pg_settings s \
WHERE s.name IN ('maintenance_work_mem', 'max_parallel_maintenance_workers')";

/// Sets the session up to make indexes: it uses the larger of `memory` (bytes) and the server's own setting
/// (kB), and up to `workers` parallel workers, if the server has them free.
pub async fn set_maintenance(client: &Client, memory: u64, workers: usize) -> Result<()> {
    let memory = i64::try_from(memory / 1024).unwrap_or(i64::MAX);
    client
        .execute(MAINTENANCE, &[&memory, &workers.to_string()])
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "set up the session to make indexes"))
}

/// Vacuums a table outside of any transaction.
///
/// # Errors
/// PostgreSQL's own: the rows are there, and the table is done all the same.
pub async fn vacuum(client: &Client, table: &TargetName) -> Result<()> {
    let vacuum = format!("VACUUM {}", qualified(table));
    client
        .batch_execute(&vacuum)
        .await
        .map_err(|error| fault::from_driver(error, &format!("vacuum table {}", qualified(table))))
}

/// Makes the table durable and adds its primary key, before everything else that it gets. Does nothing if
/// that is done, or if the table is not the job's own.
///
/// # Errors
/// `TargetEmptied` if a crash emptied an UNLOGGED table, `Checkpoint` if the table is another one
/// now, `JobHeld` if a younger run has the job.
pub async fn make_durable(
    client: &mut Client,
    table: &TableKey,
    run: RunId,
    plan: &TablePlan,
) -> Result<()> {
    make_durable_in_transaction(client, table, run, plan)
        .await
        .map_err(|error| error.at_table(table.full_name()))
}

async fn make_durable_in_transaction(
    client: &mut Client,
    table: &TableKey,
    run: RunId,
    plan: &TablePlan,
) -> Result<()> {
    match durable_transaction(client, table, run, plan).await? {
        Some(transaction) => commit(transaction, plan).await,
        None => Ok(()),
    }
}

/// Gives the open transaction in which the table is durable and has its primary key, if it is the job's
/// own; `None` if it is finished.
async fn durable_transaction<'a>(
    client: &'a mut Client,
    table: &TableKey,
    run: RunId,
    plan: &TablePlan,
) -> Result<Option<Transaction<'a>>> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("finish table {name}"));
    let transaction = client.transaction().await.map_err(failed)?;
    let Some(loaded) = begin(&transaction, table).await? else {
        return Ok(None);
    };
    must_be_latest(&transaction, &table.job, run).await?;
    if loaded.made.is_some() {
        must_be_same(&transaction, plan, loaded.made).await?;
        set_logged(&transaction, &name, loaded.rows).await?;
        add_primary_key(&transaction, plan).await?;
    }
    Ok(Some(transaction))
}

async fn commit(transaction: Transaction<'_>, plan: &TablePlan) -> Result<()> {
    let failed =
        |error| fault::from_driver(error, &format!("finish table {}", qualified(&plan.target)));
    transaction.commit().await.map_err(failed)
}

/// Makes the table durable, adds its primary key, sets its identity's next value, collects statistics and
/// records it as done: all or nothing. Does nothing if it is done already. [`Kind::Checkpoint`] if
/// partitions are missing, [`Kind::JobHeld`] if a younger run has the job.
pub async fn finish(
    client: &mut Client,
    table: &TableKey,
    run: RunId,
    plan: &TablePlan,
) -> Result<()> {
    finish_in_transaction(client, table, run, plan)
        .await
        .map_err(|error| error.at_table(table.full_name()))
}

async fn finish_in_transaction(
    client: &mut Client,
    table: &TableKey,
    run: RunId,
    plan: &TablePlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("finish table {name}"));
    let Some(transaction) = durable_transaction(client, table, run, plan).await? else {
        return Ok(());
    };
    for column in plan
        .columns
        .iter()
        .filter(|column| column.clauses.counter.is_some())
    {
        set_identity(&transaction, plan, column).await?;
    }
    let analyze = format!("ANALYZE {name}");
    transaction.batch_execute(&analyze).await.map_err(failed)?;
    transaction
        .execute(DONE, &[&table.job, &table.schema, &table.name])
        .await
        .map_err(failed)?;
    commit(transaction, plan).await
}

/// What is recorded of a table whose partitions are all done.
struct Loaded {
    /// The oid of the table that the job made, if it made one.
    made: Option<Oid>,
    rows: i64,
}

/// Locks the record; `None` if the table is finished.
async fn begin(transaction: &Transaction<'_>, table: &TableKey) -> Result<Option<Loaded>> {
    let row = transaction
        .query_opt(BEGIN, &[&table.job, &table.schema, &table.name])
        .await
        .map_err(|error| fault::from_driver(error, "read the state of the table"))?
        .ok_or_else(|| not_as_recorded("the table is not recorded"))?;
    let missing: i64 = row.get("missing");
    match row.get::<_, &str>("state") {
        "done" => Ok(None),
        "created" | "loaded" if missing == 0 => Ok(Some(Loaded {
            made: row.get("made_oid"),
            rows: row.get("rows"),
        })),
        state => Err(not_as_recorded(format!(
            "the table cannot be finished: it is {state}, and {missing} of its partitions are not done"
        ))),
    }
}

/// # Errors
/// `Checkpoint`: the oid under the target's name is not the one that was recorded.
async fn must_be_same(
    transaction: &Transaction<'_>,
    plan: &TablePlan,
    made: Option<Oid>,
) -> Result<()> {
    if ddl::oid(transaction, &plan.target).await? == made {
        return Ok(());
    }
    Err(Error::new(
        Kind::Checkpoint,
        format!(
            "{} is not the table that was loaded: it was dropped or replaced",
            qualified(&plan.target)
        ),
    )
    .advise(REPLACED))
}

/// Makes a table that was made UNLOGGED durable; the table itself tells, as the job may have been
/// changed since. A crash of the server empties UNLOGGED tables while the checkpoints stay, so the
/// rows are counted before they are declared safe.
async fn set_logged(transaction: &Transaction<'_>, name: &str, recorded: i64) -> Result<()> {
    let failed = |error| fault::from_driver(error, &format!("make table {name} logged"));
    let row = transaction
        .query_one(
            "SELECT relpersistence = 'u' FROM pg_catalog.pg_class \
             WHERE oid = pg_catalog.to_regclass($1)",
            &[&name],
        )
        .await
        .map_err(failed)?;
    if !row.get::<_, bool>(0) {
        return Ok(());
    }
    let count = format!("SELECT pg_catalog.count(*) FROM {name}");
    let row = transaction.query_one(&count, &[]).await.map_err(failed)?;
    let there: i64 = row.get(0);
    if there != recorded {
        return Err(Error::new(
            Kind::TargetEmptied,
            format!(
                "{name} holds {there} rows and {recorded} were committed: PostgreSQL crashed and emptied it, as it does with UNLOGGED tables"
            ),
        ));
    }
    let alter = format!("ALTER TABLE {name} SET LOGGED");
    transaction.batch_execute(&alter).await.map_err(failed)
}

/// Does nothing if the table has one, under whatever name.
async fn add_primary_key(transaction: &Transaction<'_>, plan: &TablePlan) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("add the primary key of {name}"));
    let row = transaction
        .query_one(
            "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_index \
             WHERE indrelid = pg_catalog.to_regclass($1) AND indisprimary)",
            &[&name],
        )
        .await
        .map_err(failed)?;
    match ddl::primary_key(plan) {
        Some(statement) if !row.get::<_, bool>(0) => {
            transaction.batch_execute(&statement).await.map_err(failed)
        }
        _ => Ok(()),
    }
}
