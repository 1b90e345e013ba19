//! Adds foreign keys of several tables in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, Transaction};

use crate::error::{Error, Kind, Result};
use crate::plan::object::ForeignKeyPlan;
use crate::plan::table::TablePlan;
use crate::postgres::state::{Keys, RunFence, must_be_latest};
use crate::postgres::{ddl, fault};

/// Locks the records of the tables, and gives what the job made.
const BEGIN: &str = "\
UPDATE _migrate.tables SET updated_at = pg_catalog.now() \
WHERE job = $1 AND (source_schema, source_table) IN (SELECT * FROM ROWS FROM (\
pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS s) \
RETURNING source_schema, source_table, made_oid";

/// Every constraint of the tables, by name.
const NAMED: &str = "\
SELECT conrelid AS oid, conname::text AS name FROM pg_catalog.pg_constraint \
WHERE conrelid = ANY ($1)";

/// Foreign keys of the whole database that are NOT VALID.
const OPEN: &str = "\
SELECT n.nspname::text AS schema, c.relname::text AS name, k.conname::text AS key \
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE k.contype = 'f' AND NOT k.convalidated";

/// A foreign key that is to be added.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// Its table.
    pub plan: &'a TablePlan,
    pub key: &'a ForeignKeyPlan,
    /// The rows are held to it at once: there are so few that the locks on both tables do not matter.
    pub at_once: bool,
}

/// Adds those of the keys of which nothing is there yet, as [`add`](super::add_foreign_key) does with each:
/// all of them or none. Gives their positions.
///
/// # Errors
/// The first that keeps it from all of them, such as rows that refer to nothing. It does not always tell
/// which key is at fault. [`Kind::JobHeld`] if a younger run has the job.
pub async fn add_all(
    client: &mut Client,
    fence: RunFence<'_>,
    keys: &[NewKey<'_>],
) -> Result<BTreeSet<usize>> {
    let failed = |error| fault::from_driver(error, "make several foreign keys");
    let transaction = client.transaction().await.map_err(failed)?;
    let plans: Vec<&TablePlan> = keys.iter().map(|key| key.plan).collect();
    let tables = lock(&transaction, fence, &plans).await?;
    let oids: Vec<Oid> = tables.iter().flatten().copied().collect();
    let rows = transaction.query(NAMED, &[&oids]).await.map_err(failed)?;
    let there = rows.iter().map(|row| (row.get("oid"), row.get("name")));
    let there: BTreeSet<(Oid, &str)> = there.collect();
    let is_new = |at: &usize| {
        tables[*at].is_some_and(|oid| !there.contains(&(oid, keys[*at].key.name.as_str())))
    };
    let chosen: BTreeSet<usize> = (0..keys.len()).filter(is_new).collect();
    let statements = chosen.iter().map(|at| statement(&keys[*at]));
    let statements = statements.collect::<Vec<_>>().join(";\n");
    let made = transaction.batch_execute(&statements).await;
    made.map_err(|error| fault::from_ddl(error, "make several foreign keys"))?;
    transaction.commit().await.map_err(failed)?;
    Ok(chosen)
}

fn statement(new: &NewKey<'_>) -> String {
    let table = &new.plan.target;
    if new.at_once {
        ddl::foreign_key_at_once(table, new.key)
    } else {
        ddl::foreign_key(table, new.key)
    }
}

/// Locks the records of the tables. Gives the oid of each; `None` for a partitioned one, whose keys need a
/// look of their own.
pub(super) async fn lock(
    transaction: &Transaction<'_>,
    fence: RunFence<'_>,
    plans: &[&TablePlan],
) -> Result<Vec<Option<Oid>>> {
    let failed = |error| fault::from_driver(error, "lock the records of several tables");
    let names = Keys::for_plans(plans.iter().copied());
    let rows = transaction
        .query(BEGIN, &[&fence.job, &names.schemas, &names.names])
        .await
        .map_err(failed)?;
    must_be_latest(transaction, fence.job, fence.run).await?;
    let made = rows.iter().map(|row| {
        let name = (row.get("source_schema"), row.get("source_table"));
        (name, row.get("made_oid"))
    });
    let made: BTreeMap<(&str, &str), Option<Oid>> = made.collect();
    let found = ddl::find_all(transaction, plans.iter().map(|plan| &plan.target)).await?;
    let mut oids = Vec::new();
    for (plan, found) in plans.iter().zip(found) {
        let name = (plan.schema.as_str(), plan.name.as_str());
        let recorded = made.get(&name).ok_or_else(gone)?;
        let found = found.ok_or_else(gone)?;
        if recorded.is_some_and(|oid| oid != found.oid) {
            return Err(gone());
        }
        oids.push((!found.is_partitioned()).then_some(found.oid));
    }
    Ok(oids)
}

fn gone() -> Error {
    Error::new(
        Kind::Checkpoint,
        "one of the tables is not recorded, or is not the table that was loaded",
    )
}

/// The foreign keys of the target that its rows have not been held to: schema, table and name of each.
/// Asked once for all tables, so that a run without work does not look at each key.
pub async fn unvalidated_keys(client: &Client) -> Result<BTreeSet<(String, String, String)>> {
    let rows = client
        .query(OPEN, &[])
        .await
        .map_err(|error| fault::from_driver(error, "look for foreign keys to validate"))?;
    let name = |row: &tokio_postgres::Row| (row.get("schema"), row.get("name"), row.get("key"));
    Ok(rows.iter().map(name).collect())
}
