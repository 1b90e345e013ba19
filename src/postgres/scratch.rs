//! The table that samples are written to: made, emptied, and dropped so that nothing stays.
//!
//! `migrate tune` makes one table for each job, under the job's lock, and drops it at its end. A
//! table is dropped only if its comment says that it is one of these, so a user's own table is
//! never touched.

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, GenericClient, Transaction};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Kind, Result};
use crate::plan::object::ColumnClauses;
use crate::plan::table::{ColumnPlan, TablePlan, TargetName};
use crate::postgres::ddl::{create_table, quote_literal};
use crate::postgres::fault;
use crate::postgres::state::SCHEMA_LOCK;
use tsql::names::{qualified, quote_ident};

/// The schema of the job's state; made for a scratch table if it does not exist.
const SCHEMA: &str = "_migrate";

/// By this comment a schema is known to be made for scratch tables only; a run that makes its state
/// there writes another.
const SCHEMA_MARK: &str = "Scratch space of `migrate tune`; may be dropped.";

/// A table of this name: its oid, and whether the comment in `$3` says that it is ours.
const FIND: &str = "\
SELECT c.oid, coalesce(pg_catalog.obj_description(c.oid, 'pg_class') = $3, false) AS ours \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = $1 AND c.relname = $2";

/// Whether the schema is there; made for scratch tables; without anything in it.
const FIND_SCHEMA: &str = "\
SELECT coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace') = $2, false) AS ours, \
NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d \
WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid) AS empty \
FROM pg_catalog.pg_namespace n WHERE n.nspname = $1";

/// A transaction that was cut off may still hold the table for a moment.
const PATIENCE: &str = "SET LOCAL lock_timeout = '10s'";

/// A scratch table that is there. To be dropped by [`Scratch::remove`].
#[derive(Debug)]
pub struct Scratch {
    name: TargetName,
    /// The comment by which the table is known as the job's.
    mark: String,
    oid: Oid,
}

impl Scratch {
    /// Makes the table with the plan's columns, and drops what a killed process of the job left.
    /// The caller holds the job's lock. Gives the plan under which the table is written.
    ///
    /// # Errors
    /// `TargetExists` if a table of this name is not the job's scratch table.
    pub async fn make(
        client: &mut Client,
        job: &str,
        plan: &TablePlan,
        unlogged: bool,
    ) -> Result<(Self, TablePlan)> {
        let failed = |error| fault::from_driver(error, "make the scratch table");
        let plan = scratch_plan(plan, job);
        let name = plan.target.clone();
        let mark = mark(job);
        let transaction = client.transaction().await.map_err(failed)?;
        begin(&transaction).await?;
        make_schema(&transaction).await?;
        drop_leftover(&transaction, &name, &mark).await?;
        let table = qualified(&name);
        let statements = format!(
            "{}; COMMENT ON TABLE {table} IS {}",
            create_table(&plan, unlogged),
            quote_literal(&mark)
        );
        transaction
            .batch_execute(&statements)
            .await
            .map_err(failed)?;
        let made = find(&transaction, &name, &mark).await?;
        let (oid, _) =
            made.ok_or_else(|| Error::new(Kind::Internal, "the scratch table is not there"))?;
        transaction.commit().await.map_err(failed)?;
        Ok((Self { name, mark, oid }, plan))
    }

    /// The statement that drops it by hand.
    pub fn drop_statement(&self) -> String {
        drop_statement(&self.name)
    }

    /// Gives its space back between two samples.
    ///
    /// # Errors
    /// A reader holds the table, or the connection broke.
    pub async fn empty(&self, client: &Client) -> Result<()> {
        let table = qualified(&self.name);
        client
            .batch_execute(&format!("TRUNCATE {table}"))
            .await
            .map_err(|error| fault::from_driver(error, "empty the scratch table"))
    }

    /// Drops the table, and the schema if it was made for scratch tables and holds nothing else.
    /// One that another process has made since, which needs the job's lock, is left alone.
    ///
    /// # Errors
    /// What keeps the table from being dropped; the table is then still there.
    pub async fn remove(&self, client: &mut Client) -> Result<()> {
        let table = qualified(&self.name);
        let failed = |error| fault::from_driver(error, &format!("drop the scratch table {table}"));
        let transaction = client.transaction().await.map_err(failed)?;
        begin(&transaction).await?;
        if find(&transaction, &self.name, &self.mark).await? == Some((self.oid, true)) {
            transaction
                .batch_execute(&self.drop_statement())
                .await
                .map_err(failed)?;
        }
        let schema = transaction
            .query_opt(FIND_SCHEMA, &[&SCHEMA, &SCHEMA_MARK])
            .await
            .map_err(failed)?;
        if schema.is_some_and(|row| row.get("ours") && row.get("empty")) {
            let drop = format!("DROP SCHEMA {}", quote_ident(SCHEMA));
            transaction.batch_execute(&drop).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}

/// Drops what a killed process left of its samples of the job, if it did. The caller holds the job's
/// lock, as every process that takes samples does: nothing writes to it then.
///
/// # Errors
/// What keeps the table from being dropped.
pub async fn drop_left_behind(client: &mut Client, job: &str) -> Result<()> {
    let (name, mark) = (name_of(job), mark(job));
    if !matches!(find(client, &name, &mark).await?, Some((_, true))) {
        return Ok(());
    }
    let failed = |error| fault::from_driver(error, "drop the old scratch table");
    let transaction = client.transaction().await.map_err(failed)?;
    begin(&transaction).await?;
    drop_leftover(&transaction, &name, &mark).await?;
    transaction.commit().await.map_err(failed)
}

/// Others make or drop the schema under the same lock.
async fn begin(transaction: &Transaction<'_>) -> Result<()> {
    let begun = async {
        transaction.batch_execute(PATIENCE).await?;
        let lock = "SELECT pg_catalog.pg_advisory_xact_lock($1)";
        transaction.execute(lock, &[&SCHEMA_LOCK]).await
    };
    begun
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "lock schema _migrate"))
}

async fn make_schema(transaction: &Transaction<'_>) -> Result<()> {
    let failed = |error| fault::from_driver(error, "make schema _migrate");
    let there = transaction
        .query_opt(FIND_SCHEMA, &[&SCHEMA, &SCHEMA_MARK])
        .await
        .map_err(failed)?;
    if there.is_some() {
        return Ok(());
    }
    let schema = quote_ident(SCHEMA);
    let statements = format!(
        "CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS {}",
        quote_literal(SCHEMA_MARK)
    );
    transaction.batch_execute(&statements).await.map_err(failed)
}

/// # Errors
/// `TargetExists`: a table of this name without the job's mark.
async fn drop_leftover(transaction: &Transaction<'_>, name: &TargetName, mark: &str) -> Result<()> {
    let table = qualified(name);
    match find(transaction, name, mark).await? {
        None => Ok(()),
        Some((_, true)) => {
            tracing::info!(table, "a scratch table that an earlier run left is dropped");
            transaction
                .batch_execute(&drop_statement(name))
                .await
                .map_err(|error| {
                    fault::from_driver(error, &format!("drop the old scratch table {table}"))
                })
        }
        Some((_, false)) => Err(Error::new(
            Kind::TargetExists,
            format!(
                "{table} is there and is not known as a scratch table of this job: rename it, or drop it yourself"
            ),
        )),
    }
}

/// `None` if there is none; else its oid, and whether it is the job's.
async fn find(
    client: &impl GenericClient,
    name: &TargetName,
    mark: &str,
) -> Result<Option<(Oid, bool)>> {
    let found = client
        .query_opt(FIND, &[&name.schema, &name.table, &mark])
        .await
        .map_err(|error| fault::from_driver(error, "look for the scratch table"))?;
    Ok(found.map(|row| (row.get("oid"), row.get("ours"))))
}

/// A hash, because a job's name may be longer than 63 bytes and hold any character.
fn name_of(job: &str) -> TargetName {
    TargetName {
        schema: SCHEMA.to_owned(),
        table: format!("tune_{:016x}", xxh3_64(job.as_bytes())),
    }
}

fn drop_statement(name: &TargetName) -> String {
    format!("DROP TABLE {}", qualified(name))
}

fn mark(job: &str) -> String {
    format!("Scratch table of `migrate tune` for job {job}; may be dropped.")
}

/// The same columns with what computes them, and nothing that is not there before a run: domains
/// are their bases, and collations, defaults and identities change nothing of rows that are sent
/// whole.
fn scratch_plan(plan: &TablePlan, job: &str) -> TablePlan {
    let mut scratch = plan.clone();
    scratch.target = name_of(job);
    let columns = scratch.columns.iter_mut().chain(&mut scratch.generated);
    columns.for_each(bare);
    scratch
}

fn bare(column: &mut ColumnPlan) {
    column.identity = None;
    column.clauses = ColumnClauses {
        generated: column.clauses.generated.take(),
        ..ColumnClauses::default()
    };
}
