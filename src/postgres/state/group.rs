//! The records of several tables, written by one statement for all of them.

use tokio_postgres::{Client, Transaction};

use crate::error::{Error, Kind, Result};
use crate::plan::table::{Slice, TablePlan};
use crate::postgres::fault;
use crate::postgres::state::records::to_json;
use crate::postgres::state::runs::RunFence;

/// Puts tables in, or in place of those that were planned and not begun.
const SAVE: &str = "\
INSERT INTO _migrate.tables AS t (job, source_schema, source_table, target_schema, target_table, \
fingerprint, plan, state, run_id) \
SELECT $1, s.source_schema, s.source_table, s.target_schema, s.target_table, s.fingerprint, \
s.plan::jsonb, 'planned', $8 FROM ROWS FROM (pg_catalog.unnest($2::text[]), \
pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::text[]), \
pg_catalog.unnest($6::text[]), pg_catalog.unnest($7::text[])) \
AS s(source_schema, source_table, target_schema, target_table, fingerprint, plan) \
ON CONFLICT (job, source_schema, source_table) DO UPDATE SET \
target_schema = EXCLUDED.target_schema, target_table = EXCLUDED.target_table, \
fingerprint = EXCLUDED.fingerprint, plan = EXCLUDED.plan, state = 'planned', error = NULL, \
run_id = EXCLUDED.run_id, planned_at = pg_catalog.now(), updated_at = pg_catalog.now() \
WHERE NOT t.created";

const FORGET_PARTITIONS: &str = "\
DELETE FROM _migrate.partitions WHERE job = $1 AND (source_schema, source_table) IN \
(SELECT * FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS s)";

const SAVE_PARTITIONS: &str = "\
INSERT INTO _migrate.partitions (job, source_schema, source_table, partition, slice) \
SELECT $1, s.schema, s.name, s.number, s.slice::json FROM ROWS FROM (pg_catalog.unnest($2::text[]), \
pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::int[]), pg_catalog.unnest($5::text[])) \
AS s(schema, name, number, slice)";

const REOPEN: &str = "\
UPDATE _migrate.tables t SET error = NULL, updated_at = pg_catalog.now(), \
state = CASE WHEN NOT created THEN 'planned' \
WHEN EXISTS (SELECT 1 FROM _migrate.partitions p WHERE p.job = t.job \
AND p.source_schema = t.source_schema AND p.source_table = t.source_table AND p.state <> 'done') \
THEN 'created' ELSE 'loaded' END \
WHERE job = $1 AND state = 'failed' AND (source_schema, source_table) IN \
(SELECT * FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS s)";

/// A table that is recorded for the first time, or again because nothing was made of it.
#[derive(Debug, Clone, Copy)]
pub struct NewTable<'a> {
    pub plan: &'a TablePlan,
    /// The plan's fingerprint.
    pub fingerprint: &'a str,
    pub slices: &'a [Slice],
}

/// The source names of tables as two arrays, which one statement takes for all of them.
pub(in crate::postgres) struct Keys<'a> {
    pub(in crate::postgres) schemas: Vec<&'a str>,
    pub(in crate::postgres) names: Vec<&'a str>,
}

impl<'a> Keys<'a> {
    /// The names of the planned tables, in their order.
    pub(in crate::postgres) fn for_plans(plans: impl Iterator<Item = &'a TablePlan>) -> Self {
        let (schemas, names) = plans
            .map(|plan| (plan.schema.as_str(), plan.name.as_str()))
            .unzip();
        Self { schemas, names }
    }
}

/// Records several tables with their partitions as [`save_plan`](super::save_plan) records one: all of
/// them or none.
///
/// # Errors
/// [`Kind::Checkpoint`] if loading of any has begun already; [`Kind::JobHeld`] if a younger run has the job.
pub async fn save_plans(
    client: &mut Client,
    fence: RunFence<'_>,
    tables: &[NewTable<'_>],
) -> Result<()> {
    let failed = |error| fault::from_driver(error, "record the plans of several tables");
    let transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    let keys = Keys::for_plans(tables.iter().map(|table| table.plan));
    let targets = tables.iter().map(|table| &table.plan.target);
    let (target_schemas, target_names): (Vec<_>, Vec<_>) = targets
        .map(|target| (target.schema.as_str(), target.table.as_str()))
        .unzip();
    let prints: Vec<_> = tables.iter().map(|table| table.fingerprint).collect();
    let plans = tables.iter().map(|table| to_json(table.plan));
    let plans = plans.collect::<Result<Vec<_>>>()?;
    let saved = transaction
        .execute(
            SAVE,
            &[
                &fence.job,
                &keys.schemas,
                &keys.names,
                &target_schemas,
                &target_names,
                &prints,
                &plans,
                &fence.run.0,
            ],
        )
        .await
        .map_err(failed)?;
    if saved != tables.len() as u64 {
        return Err(Error::new(
            Kind::Checkpoint,
            "the load of one of the tables has begun under another plan",
        ));
    }
    save_partitions(&transaction, fence.job, &keys, tables).await?;
    transaction.commit().await.map_err(failed)
}

async fn save_partitions(
    transaction: &Transaction<'_>,
    job: &str,
    keys: &Keys<'_>,
    tables: &[NewTable<'_>],
) -> Result<()> {
    let failed = |error| fault::from_driver(error, "record the partitions of several tables");
    transaction
        .execute(FORGET_PARTITIONS, &[&job, &keys.schemas, &keys.names])
        .await
        .map_err(failed)?;
    let (mut schemas, mut names, mut numbers, mut slices) = (vec![], vec![], vec![], vec![]);
    for table in tables {
        for (slice, number) in table.slices.iter().zip(1_i32..) {
            schemas.push(table.plan.schema.as_str());
            names.push(table.plan.name.as_str());
            numbers.push(number);
            slices.push(to_json(slice)?);
        }
    }
    transaction
        .execute(
            SAVE_PARTITIONS,
            &[&job, &schemas, &names, &numbers, &slices],
        )
        .await
        .map(drop)
        .map_err(failed)
}

/// Puts those of the tables that failed back into the states that their records prove.
pub async fn reopen_all(client: &Client, job: &str, plans: &[&TablePlan]) -> Result<()> {
    let keys = Keys::for_plans(plans.iter().copied());
    client
        .execute(REOPEN, &[&job, &keys.schemas, &keys.names])
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "continue several tables"))
}
