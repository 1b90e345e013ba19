//! The table that an object is made for, locked against other processes.
//!
//! Locking the record and checking the run come before anything else in each transaction. The
//! target table itself is not locked by this.

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, Transaction};

use crate::error::{Error, Kind, Result};
use crate::plan::table::TablePlan;
use crate::postgres::state::{REPLACED, RunId, TableKey, must_be_latest, not_as_recorded};
use crate::postgres::{ddl, fault};
use tsql::names::{TargetName, qualified, quote_ident};

/// The table that an object is made for, and the run that makes it.
#[derive(Debug, Clone, Copy)]
pub struct TableContext<'a> {
    /// The record in `_migrate.tables`.
    pub table: &'a TableKey,
    /// Refused if a younger run of the job exists.
    pub run: RunId,
    /// The table's plan, under the names that objects get.
    pub plan: &'a TablePlan,
}

/// Locks the table's record, so that no other process makes the same at the same time.
const BEGIN: &str = "\
UPDATE _migrate.tables SET updated_at = pg_catalog.now() \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 RETURNING made_oid";

/// A table whose record is locked.
pub(super) struct LockedTable<'a> {
    /// Dropping it rolls back and unlocks the record.
    pub(super) transaction: Transaction<'a>,
    /// The target table's, as it is now.
    pub(super) oid: Oid,
}

impl TableContext<'_> {
    /// Whether the plan gives an object this name. An existing object under another name may be the same,
    /// made by others or under the name of an earlier plan.
    pub(super) fn knows(&self, name: &str) -> bool {
        knows(self.plan, name)
    }
}

/// The same of a plan.
pub(super) fn knows(plan: &TablePlan, name: &str) -> bool {
    let objects = &plan.objects;
    let key = plan.primary_key.iter().map(|key| &key.name);
    key.chain(objects.indexes.iter().map(|index| &index.name))
        .chain(objects.checks.iter().map(|check| &check.name))
        .chain(objects.foreign_keys.iter().map(|key| &key.name))
        .any(|known| known == name)
}

/// Begins a transaction that makes an object of the table.
///
/// # Errors
/// [`Kind::Checkpoint`] if the table is not recorded or is another one now, [`Kind::JobHeld`] if a younger
/// run has the job.
pub(super) async fn begin<'a>(
    client: &'a mut Client,
    context: &TableContext<'_>,
) -> Result<LockedTable<'a>> {
    let failed = |error| fault::from_driver(error, "take the table's record");
    let transaction = client.transaction().await.map_err(failed)?;
    let key = context.table;
    let row = transaction
        .query_opt(BEGIN, &[&key.job, &key.schema, &key.name])
        .await
        .map_err(failed)?
        .ok_or_else(|| not_as_recorded("the table is not recorded"))?;
    must_be_latest(&transaction, &key.job, context.run).await?;
    let made: Option<Oid> = row.get(0);
    let name = qualified(&context.plan.target);
    let there = ddl::oid(&transaction, &context.plan.target).await?;
    let gone = || {
        Error::new(
            Kind::Checkpoint,
            format!("{name} is not the table that was loaded: it was dropped or replaced"),
        )
        .advise(REPLACED)
    };
    let oid = there
        .filter(|oid| made.is_none_or(|made| made == *oid))
        .ok_or_else(gone)?;
    Ok(LockedTable { transaction, oid })
}

/// The error for an object whose name another one has.
pub(super) fn taken(kind: &str, name: &str, table: &TargetName) -> Error {
    Error::new(
        Kind::TargetExists,
        format!(
            "{} is there already and is not the {kind} that {} is to get: drop or rename it",
            quote_ident(name),
            qualified(table)
        ),
    )
}
