//! Makes several tables in one transaction: few round trips, whatever their number.
//!
//! It decides exactly as [`make`](super::make) does for one table; what differs is that an error
//! rolls back all of them, after which the caller makes them one by one.

use std::collections::BTreeSet;

use tokio_postgres::{Client, Transaction};

use crate::config::job::Mode;
use crate::error::{Error, Kind, Result};
use crate::plan::table::TablePlan;
use crate::postgres::ddl::shape::{self, Found};
use crate::postgres::ddl::{
    TableOptions, accept_found, full_name, made_with, make_schema, takes_over,
};
use crate::postgres::fault;
use crate::postgres::state::{Keys, RunFence, must_be_latest};
use tsql::names::qualified;

/// Locks the records of the tables.
const BEGIN: &str = "\
SELECT t.source_schema, t.source_table, t.created FROM _migrate.tables t \
WHERE t.job = $1 AND (t.source_schema, t.source_table) IN (SELECT * FROM ROWS FROM (\
pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS s) \
ORDER BY t.source_schema, t.source_table FOR UPDATE";

/// `made_oid` stays NULL for a table that the job did not make.
const CREATED: &str = "\
UPDATE _migrate.tables t SET state = 'created', created = true, error = NULL, \
updated_at = pg_catalog.now(), made_oid = CASE WHEN $4 THEN pg_catalog.to_regclass(\
pg_catalog.format('%I.%I', t.target_schema, t.target_table))::oid END \
WHERE t.job = $1 AND (t.source_schema, t.source_table) IN (SELECT * FROM ROWS FROM (\
pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS s)";

/// Says which of the tables [`make`](super::make) would refuse, and writes nothing.
///
/// # Errors
/// The target cannot be asked. What is refused is given back: [`Kind::TargetExists`] and
/// [`Kind::TargetQuery`] name what to do.
/// Nothing is locked: a table may still appear before it is made.
pub async fn check_all(client: &Client, plans: &[&TablePlan], mode: Mode) -> Result<Vec<Error>> {
    let found = shape::find_all(client, plans.iter().map(|plan| &plan.target)).await?;
    let mut refused = Vec::new();
    let mut taken = Vec::new();
    for (&plan, found) in plans.iter().zip(&found) {
        match accept_found(client, plan, mode, found.as_ref()).await {
            Ok(()) => taken.extend(found.as_ref().map(|found| (found, plan))),
            Err(error) if matches!(error.kind(), Kind::TargetExists | Kind::TargetQuery) => {
                refused.push(error.at_table(full_name(plan)));
            }
            Err(error) => return Err(error.at_table(full_name(plan))),
        }
    }
    if takes_over(mode) {
        let fit = shape::fit_all(client, &taken).await?.into_iter();
        let fit = fit
            .zip(&taken)
            .filter_map(|(fit, (_, plan))| Some(fit.err()?.at_table(full_name(plan))));
        refused.extend(fit);
    }
    Ok(refused)
}

/// Makes or takes over several tables as [`make`](super::make) does with one: all of them or none.
///
/// # Errors
/// Any that [`make`](super::make) has with one of them. It does not always tell which table is at fault.
pub async fn make_all(
    client: &mut Client,
    fence: RunFence<'_>,
    plans: &[&TablePlan],
    making: &TableOptions,
) -> Result<()> {
    let failed = |error| fault::from_driver(error, "make several tables");
    let transaction = client.transaction().await.map_err(failed)?;
    let open = not_created(&transaction, fence, plans).await?;
    if open.is_empty() {
        return Ok(());
    }
    let found = shape::find_all(&transaction, open.iter().map(|plan| &plan.target)).await?;
    for (plan, found) in open.iter().zip(&found) {
        accept_found(&transaction, plan, making.mode, found.as_ref()).await?;
    }
    let makes = !takes_over(making.mode);
    if makes {
        let schemas: BTreeSet<_> = open.iter().map(|plan| &plan.target.schema).collect();
        for schema in schemas {
            make_schema(&transaction, schema).await?;
        }
    } else {
        must_fit_all(&transaction, &open, &found).await?;
    }
    let statements = statements(&open, &found, making).join(";\n");
    let made = transaction.batch_execute(&statements).await;
    made.map_err(|error| fault::from_ddl(error, "make several tables"))?;
    let keys = Keys::for_plans(open.iter().copied());
    let recorded = transaction
        .execute(CREATED, &[&fence.job, &keys.schemas, &keys.names, &makes])
        .await
        .map_err(failed)?;
    if recorded != open.len() as u64 {
        return Err(not_planned());
    }
    transaction.commit().await.map_err(failed)
}

/// Locks the records of the tables and gives those that are to be made. Tables that are recorded as created
/// must still take their rows: COPY BINARY carries no types.
async fn not_created<'a>(
    transaction: &Transaction<'_>,
    fence: RunFence<'_>,
    plans: &[&'a TablePlan],
) -> Result<Vec<&'a TablePlan>> {
    let keys = Keys::for_plans(plans.iter().copied());
    let rows = transaction
        .query(BEGIN, &[&fence.job, &keys.schemas, &keys.names])
        .await
        .map_err(|error| fault::from_driver(error, "lock the records of several tables"))?;
    must_be_latest(transaction, fence.job, fence.run).await?;
    if rows.len() != plans.len() {
        return Err(not_planned());
    }
    let created: BTreeSet<(&str, &str)> = rows
        .iter()
        .filter(|row| row.get("created"))
        .map(|row| (row.get("source_schema"), row.get("source_table")))
        .collect();
    let is_created = |plan: &&&TablePlan| created.contains(&(plan.schema.as_str(), &plan.name));
    let (made, open): (Vec<&TablePlan>, Vec<&TablePlan>) =
        plans.iter().partition(|plan| is_created(plan));
    let found = shape::find_all(transaction, made.iter().map(|plan| &plan.target)).await?;
    must_fit_all(transaction, &made, &found).await?;
    Ok(open)
}

/// Refuses tables that are there and do not take the rows of their plans.
async fn must_fit_all(
    transaction: &Transaction<'_>,
    plans: &[&TablePlan],
    found: &[Option<Found>],
) -> Result<()> {
    let there = plans.iter().zip(found);
    let there = there.filter_map(|(plan, found)| Some((found.as_ref()?, *plan)));
    let fit = shape::fit_all(transaction, &there.collect::<Vec<_>>()).await?;
    fit.into_iter().collect()
}

/// One statement for each table and verb, so that each is refused as it would be alone.
fn statements(plans: &[&TablePlan], found: &[Option<Found>], making: &TableOptions) -> Vec<String> {
    let there = plans.iter().zip(found);
    let there = there.filter_map(|(plan, found)| found.as_ref().map(|_| qualified(&plan.target)));
    let mut all: Vec<String> = match making.mode {
        Mode::Replace => there.map(|name| format!("DROP TABLE {name}")).collect(),
        Mode::Truncate => there.map(|name| format!("TRUNCATE TABLE {name}")).collect(),
        Mode::Create | Mode::Append => Vec::new(),
    };
    if matches!(making.mode, Mode::Create | Mode::Replace) {
        all.extend(
            plans
                .iter()
                .flat_map(|plan| made_with(plan, making.unlogged)),
        );
    }
    all
}

/// A record that the run has just written is missing: another process has removed it.
fn not_planned() -> Error {
    Error::new(
        Kind::Checkpoint,
        "not all of the tables are recorded as planned",
    )
}
