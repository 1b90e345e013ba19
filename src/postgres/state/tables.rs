//! Tables and partitions of a job: recorded, read back, removed.

use std::collections::BTreeMap;

use tokio_postgres::types::{Oid, ToSql};
use tokio_postgres::{Client, Row, Transaction};

use crate::error::{Error, Kind, Result};
use crate::plan::table::{Slice, TablePlan, TargetName};
use crate::postgres::fault;
use crate::postgres::state::records::{
    PartitionProgress, PartitionRecord, PartitionState, RunId, TableKey, TableRecord, TableStage,
    counted, from_json, not_as_recorded, to_json, unreadable,
};
use crate::postgres::state::runs::{RunFence, must_be_latest};
use crate::postgres::state::schema::version;
use tsql::names;

/// Puts a table in, or in place of one that was planned and not begun.
const SAVE: &str = "\
INSERT INTO _migrate.tables AS t (job, source_schema, source_table, target_schema, target_table, \
fingerprint, plan, state, run_id) VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, 'planned', $8) \
ON CONFLICT (job, source_schema, source_table) DO UPDATE SET \
target_schema = EXCLUDED.target_schema, target_table = EXCLUDED.target_table, \
fingerprint = EXCLUDED.fingerprint, plan = EXCLUDED.plan, state = 'planned', error = NULL, \
run_id = EXCLUDED.run_id, planned_at = pg_catalog.now(), updated_at = pg_catalog.now() \
WHERE NOT t.created";

/// All tables of a job with the sums of what is committed.
const TABLES: &str = "\
SELECT t.source_schema, t.source_table, t.plan::text, t.fingerprint, t.state, t.created, t.error, \
coalesce(p.rows, 0)::bigint AS rows, coalesce(p.bytes, 0)::bigint AS bytes \
FROM _migrate.tables t LEFT JOIN (SELECT source_schema, source_table, sum(rows) AS rows, \
sum(bytes) AS bytes FROM _migrate.partitions WHERE job = $1 \
AND ($2::text IS NULL OR source_schema = $2 AND source_table = $3::text) GROUP BY 1, 2) p \
USING (source_schema, source_table) WHERE t.job = $1 \
AND ($2::text IS NULL OR t.source_schema = $2 AND t.source_table = $3::text) ORDER BY 1, 2";

const PARTITIONS: &str = "\
SELECT source_schema, source_table, partition, slice::text, state, seconds, rows, bytes, \
last_key::text, checksum::text, changed_values, \
changed_columns::text, hashed_rows \
FROM _migrate.partitions WHERE job = $1 \
AND ($2::text IS NULL OR source_schema = $2 AND source_table = $3::text) ORDER BY 1, 2, 3";

/// The same of a state of version 1, for commands that only read: they do not upgrade it.
const PARTITIONS_1: &str = "\
SELECT source_schema, source_table, partition, slice::text, state, seconds, rows, bytes, \
last_key::text, checksum::text, changed_values, NULL::text AS changed_columns, rows AS hashed_rows \
FROM _migrate.partitions WHERE job = $1 \
AND ($2::text IS NULL OR source_schema = $2 AND source_table = $3::text) ORDER BY 1, 2, 3";

const LOADED: &str = "\
UPDATE _migrate.tables t SET updated_at = pg_catalog.now(), \
state = CASE state WHEN 'done' THEN 'done' ELSE 'loaded' END \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 \
AND state IN ('created', 'loaded', 'done') \
AND NOT EXISTS (SELECT 1 FROM _migrate.partitions p WHERE p.job = t.job \
AND p.source_schema = t.source_schema AND p.source_table = t.source_table AND p.state <> 'done')";

const FAILED: &str = "\
UPDATE _migrate.tables t SET state = 'failed', error = $4, updated_at = pg_catalog.now() \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 AND state <> 'done' \
AND NOT EXISTS (SELECT 1 FROM _migrate.runs r WHERE r.job = t.job AND r.run_id > $5)";

const CAUSE: &str = "\
UPDATE _migrate.tables SET error = $4, updated_at = pg_catalog.now() \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 AND state = 'done'";

const REOPEN: &str = "\
UPDATE _migrate.tables t SET error = NULL, updated_at = pg_catalog.now(), \
state = CASE WHEN state <> 'failed' THEN state WHEN NOT created THEN 'planned' \
WHEN EXISTS (SELECT 1 FROM _migrate.partitions p WHERE p.job = t.job \
AND p.source_schema = t.source_schema AND p.source_table = t.source_table AND p.state <> 'done') \
THEN 'created' ELSE 'loaded' END \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 RETURNING state";

/// Everything known of a job's tables, by source schema and name.
pub async fn load(client: &Client, job: &str) -> Result<Vec<TableRecord>> {
    read(client, job, None).await
}

/// Everything known of one of them.
pub async fn load_one(client: &Client, key: &TableKey) -> Result<Option<TableRecord>> {
    let name = (key.schema.as_str(), key.name.as_str());
    let found = read(client, &key.job, Some(name)).await?;
    Ok(found.into_iter().next())
}

async fn read(client: &Client, job: &str, only: Option<(&str, &str)>) -> Result<Vec<TableRecord>> {
    let failed = |error| fault::from_driver(error, "read the state of the job");
    let (schema, name) = only.unzip();
    let asked: [&(dyn ToSql + Sync); 3] = [&job, &schema, &name];
    let tables = client.query(TABLES, &asked).await.map_err(failed)?;
    let mut partitions: BTreeMap<(String, String), Vec<PartitionRecord>> = BTreeMap::new();
    let sql = match version(client).await? {
        1 => PARTITIONS_1,
        _ => PARTITIONS,
    };
    for row in client.query(sql, &asked).await.map_err(failed)? {
        let table = (row.get("source_schema"), row.get("source_table"));
        partitions.entry(table).or_default().push(partition(&row)?);
    }
    tables
        .iter()
        .map(|row| {
            let key = (row.get("source_schema"), row.get("source_table"));
            let mut record = table(row)?;
            record.partitions = partitions.remove(&key).unwrap_or_default();
            Ok(record)
        })
        .collect()
}

fn table(row: &Row) -> Result<TableRecord> {
    Ok(TableRecord {
        plan: from_json(row.get("plan"), "a table's plan")?,
        fingerprint: row.get("fingerprint"),
        state: TableStage::parse(row.get("state"))?,
        created: row.get("created"),
        error: row.get("error"),
        rows: counted(row.get("rows"))?,
        bytes: counted(row.get("bytes"))?,
        partitions: Vec::new(),
    })
}

fn partition(row: &Row) -> Result<PartitionRecord> {
    let number: i32 = row.get("partition");
    Ok(PartitionRecord {
        number: u32::try_from(number).map_err(|error| unreadable("a partition").because(error))?,
        slice: from_json(row.get("slice"), "a partition's range")?,
        state: PartitionState::parse(row.get("state"))?,
        seconds: row.get("seconds"),
        progress: progress(row)?,
    })
}

/// Reads what is committed of a partition from its columns `rows` to `hashed_rows`.
pub(super) fn progress(row: &Row) -> Result<PartitionProgress> {
    let key: Option<&str> = row.get("last_key");
    let checksum: &str = row.get("checksum");
    let changed: Option<&str> = row.get("changed_columns");
    Ok(PartitionProgress {
        rows: counted(row.get("rows"))?,
        bytes: counted(row.get("bytes"))?,
        last_key: key.map(|text| from_json(text, "a last key")).transpose()?,
        checksum: checksum
            .parse()
            .map_err(|error| unreadable("a checksum").because(error))?,
        changed_values: counted(row.get("changed_values"))?,
        changed_columns: changed
            .map(|text| from_json(text, "the changed columns"))
            .transpose()?
            .unwrap_or_default(),
        hashed_rows: counted(row.get("hashed_rows"))?,
    })
}

/// Records a table's plan and its partitions, numbered from 1, as planned. [`Kind::Checkpoint`]
/// if loading has begun already; [`Kind::JobHeld`] if a younger run has the job.
pub async fn save_plan(
    client: &mut Client,
    fence: RunFence<'_>,
    plan: &TablePlan,
    fingerprint: &str,
    slices: &[Slice],
) -> Result<()> {
    let table = TableKey::for_plan(fence.job, plan);
    let failed = |error| fault::from_driver(error, "record the plan").at_table(table.full_name());
    let transaction = client.transaction().await.map_err(failed)?;
    let checked = fence.check(&transaction).await;
    checked.map_err(|error| error.at_table(table.full_name()))?;
    let TargetName {
        schema,
        table: name,
    } = &plan.target;
    let plan = to_json(plan)?;
    let saved = transaction
        .execute(
            SAVE,
            &[
                &table.job,
                &table.schema,
                &table.name,
                schema,
                name,
                &fingerprint,
                &plan,
                &fence.run.0,
            ],
        )
        .await
        .map_err(failed)?;
    if saved == 0 {
        return Err(
            not_as_recorded("the table's load has begun under another plan")
                .at_table(table.full_name()),
        );
    }
    save_slices(&transaction, &table, slices).await?;
    transaction.commit().await.map_err(failed)
}

async fn save_slices(
    transaction: &Transaction<'_>,
    table: &TableKey,
    slices: &[Slice],
) -> Result<()> {
    let failed =
        |error| fault::from_driver(error, "record the partitions").at_table(table.full_name());
    let slices = slices.iter().map(to_json).collect::<Result<Vec<_>>>()?;
    transaction
        .execute(
            "DELETE FROM _migrate.partitions \
             WHERE job = $1 AND source_schema = $2 AND source_table = $3",
            &[&table.job, &table.schema, &table.name],
        )
        .await
        .map_err(failed)?;
    transaction
        .execute(
            "INSERT INTO _migrate.partitions (job, source_schema, source_table, partition, slice) \
             SELECT $1, $2, $3, s.number, s.slice::json \
             FROM pg_catalog.unnest($4::text[]) WITH ORDINALITY AS s(slice, number)",
            &[&table.job, &table.schema, &table.name, &slices],
        )
        .await
        .map(drop)
        .map_err(failed)
}

/// Records that all partitions are done. [`Kind::Checkpoint`] if they are not. A table that is finished stays
/// so: the answer to its COMMIT may have been lost.
pub async fn set_loaded(client: &Client, table: &TableKey) -> Result<()> {
    let changed = client
        .execute(LOADED, &[&table.job, &table.schema, &table.name])
        .await
        .map_err(|error| fault::from_driver(error, "record that the table is loaded"))?;
    match changed {
        1 => Ok(()),
        _ => Err(
            not_as_recorded("not all partitions of the table are recorded as done")
                .at_table(table.full_name()),
        ),
    }
}

/// Records that the table failed. `error` is kept for `status`: a text without values. [`Kind::JobHeld`] if a
/// younger run has the job.
pub async fn set_failed(client: &Client, table: &TableKey, run: RunId, error: &str) -> Result<()> {
    let changed = client
        .execute(
            FAILED,
            &[&table.job, &table.schema, &table.name, &error, &run.0],
        )
        .await
        .map_err(|error| fault::from_driver(error, "record that the table failed"))?;
    match changed {
        1 => Ok(()),
        _ => {
            must_be_latest(client, &table.job, run)
                .await
                .map_err(|error| error.at_table(table.full_name()))?;
            Err(unknown(table))
        }
    }
}

/// Records what a table lacks whose rows are all there, such as a foreign key that could not be made; `None`
/// when it was made after all.
pub async fn set_cause(client: &Client, table: &TableKey, error: Option<&str>) -> Result<()> {
    client
        .execute(CAUSE, &[&table.job, &table.schema, &table.name, &error])
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "record what the table lacks"))
}

/// Puts a failed table back into the state that its record proves; leaves others as they are.
pub async fn reopen(client: &Client, table: &TableKey) -> Result<TableStage> {
    let row = client
        .query_opt(REOPEN, &[&table.job, &table.schema, &table.name])
        .await
        .map_err(|error| fault::from_driver(error, "continue the table"))?;
    TableStage::parse(row.ok_or_else(|| unknown(table))?.get("state"))
}

fn unknown(table: &TableKey) -> Error {
    not_as_recorded("the table is not recorded, or is done already").at_table(table.full_name())
}

/// What a restart does with tables that the job made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftoverTables {
    /// Drop them, if they are still the very tables that the job made.
    Drop,
    /// They are emptied or replaced later.
    Keep,
    /// They keep what they hold, so nothing of it may be the job's: [`Kind::Usage`] otherwise.
    KeepRows,
}

/// Why a job that added rows to existing tables cannot start over.
pub fn rows_would_come_twice(rows: u64) -> Error {
    Error::new(
        Kind::Usage,
        format!(
            "mode append cannot start over: {rows} rows of the earlier run are in the target and would \
             come twice; remove them and the job's rows in _migrate, or run without --restart"
        ),
    )
}

/// Removes the records of a job's tables and partitions, not of its runs; returns the tables that were
/// dropped. A writer that has begun to commit is waited for, and what it commits is removed too; after
/// that it has no partition to record in.
pub(in crate::postgres) async fn wipe(
    transaction: &Transaction<'_>,
    job: &str,
    leftovers: LeftoverTables,
) -> Result<Vec<TargetName>> {
    let failed = |error| fault::from_driver(error, "start the job over");
    let committed = transaction
        .query(
            "DELETE FROM _migrate.partitions WHERE job = $1 RETURNING rows",
            &[&job],
        )
        .await
        .map_err(failed)?;
    let rows = committed.iter().map(|row| counted(row.get("rows")));
    let rows = rows.sum::<Result<u64>>()?;
    if leftovers == LeftoverTables::KeepRows && rows > 0 {
        return Err(rows_would_come_twice(rows));
    }
    let forgotten = transaction
        .query(
            "DELETE FROM _migrate.tables WHERE job = $1 \
             RETURNING target_schema, target_table, made_oid",
            &[&job],
        )
        .await
        .map_err(failed)?;
    let mut made = Vec::new();
    for row in forgotten
        .iter()
        .filter(|_| leftovers == LeftoverTables::Drop)
    {
        let name = TargetName {
            schema: row.get("target_schema"),
            table: row.get("target_table"),
        };
        if let Some(oid) = row.get::<_, Option<Oid>>("made_oid")
            && is_same(transaction, &name, oid).await?
        {
            made.push(name);
        }
    }
    drop_all(transaction, &made).await?;
    Ok(made)
}

/// Whether a table is the one that was made, and not another in its place.
async fn is_same(transaction: &Transaction<'_>, name: &TargetName, made: Oid) -> Result<bool> {
    let quoted = names::qualified(name);
    let row = transaction
        .query_one("SELECT pg_catalog.to_regclass($1)::oid", &[&quoted])
        .await
        .map_err(|error| fault::from_driver(error, &format!("look for table {quoted}")))?;
    Ok(row.get::<_, Option<Oid>>(0) == Some(made))
}

/// In one statement, because foreign keys between them would keep each from being dropped alone.
async fn drop_all(transaction: &Transaction<'_>, tables: &[TargetName]) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let quoted: Vec<_> = tables.iter().map(names::qualified).collect();
    let drop = format!("DROP TABLE {}", quoted.join(", "));
    let failed = |error| {
        fault::from_driver(
            error,
            &format!("drop the tables of the earlier run ({drop})"),
        )
    };
    transaction.batch_execute(&drop).await.map_err(failed)
}
