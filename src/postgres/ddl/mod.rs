//! Makes target tables, or takes over those that are there, as `transfer.mode` says.
//!
//! Names and types are the plan's; nothing here decides what a table is. A table is made and
//! recorded as created in one transaction, so a killed run finds either both or neither. The text
//! of statements is in `statement`, `objects` and `routines`, and `migrate plan` and `schema` print
//! the same text.

mod group;
mod objects;
mod routines;
mod shape;
mod statement;
mod types;

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, GenericClient, Transaction};

use crate::config::job::Mode;
use crate::error::{Error, Kind, Result};
use crate::plan::table::{TablePlan, TargetName};
use crate::postgres::ddl::shape::Found;
use crate::postgres::fault;
use crate::postgres::state::{RunId, SCHEMA_LOCK, TableKey, must_be_latest, not_as_recorded};
use tsql::names;

pub use crate::postgres::ddl::group::{check_all, make_all};
pub(super) use crate::postgres::ddl::objects::quote_literal;
pub use crate::postgres::ddl::objects::{
    NULLS_NOT_DISTINCT, check as check_constraint, collation, comments, domain, foreign_key,
    foreign_key_at_once, index, sequence, trigger, trigger_body, validate,
};
pub use crate::postgres::ddl::routines::{function, view, view_statements};
pub(super) use crate::postgres::ddl::shape::find_all;
pub use crate::postgres::ddl::statement::primary_key;
pub use crate::postgres::ddl::statement::{counters, create_schema, create_table, statements};
pub(super) use crate::postgres::ddl::types::type_text;

/// How tables are made; from the job.
#[derive(Debug, Clone, Copy)]
pub struct TableOptions {
    /// `transfer.mode`.
    pub mode: Mode,
    /// Tables that are made here are UNLOGGED until `finish::finish`, whatever the job says by then.
    pub unlogged: bool,
}

/// Locks the table's record, so that no other process makes the table at the same time.
const BEGIN: &str = "\
SELECT created FROM _migrate.tables \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 FOR UPDATE";

/// `made_oid` is NULL for a table that was taken over.
const CREATED: &str = "\
UPDATE _migrate.tables SET state = 'created', created = true, made_oid = $4, error = NULL, \
updated_at = pg_catalog.now() WHERE job = $1 AND source_schema = $2 AND source_table = $3";

/// Says whether [`make`] would refuse, and writes nothing. [`Kind::TargetExists`] and
/// [`Kind::TargetQuery`] name what to do.
///
/// # Errors
/// As [`make`] would answer, as far as that is known without a lock.
pub async fn check(client: &Client, plan: &TablePlan, mode: Mode) -> Result<()> {
    accept(client, plan, mode)
        .await
        .map(drop)
        .map_err(|error| error.at_table(full_name(plan)))
}

/// Makes or takes over the table and records it as created: both or neither. Does nothing if
/// it is recorded as created already. [`Kind::JobHeld`] if a younger run has the job.
pub async fn make(
    client: &mut Client,
    table: &TableKey,
    run: RunId,
    plan: &TablePlan,
    making: &TableOptions,
) -> Result<()> {
    make_in_transaction(client, table, run, plan, making)
        .await
        .map_err(|error| error.at_table(full_name(plan)))
}

async fn make_in_transaction(
    client: &mut Client,
    table: &TableKey,
    run: RunId,
    plan: &TablePlan,
    making: &TableOptions,
) -> Result<()> {
    let failed = |error| fault::from_driver(error, "make the table");
    let transaction = client.transaction().await.map_err(failed)?;
    let recorded = transaction
        .query_opt(BEGIN, &[&table.job, &table.schema, &table.name])
        .await
        .map_err(failed)?
        .ok_or_else(|| not_as_recorded("the table is not recorded as planned"))?;
    must_be_latest(&transaction, &table.job, run).await?;
    if recorded.get(0) {
        // COPY BINARY carries no types: bytes of one would be stored as a value of another.
        if let Some(found) = shape::find(&transaction, &plan.target).await? {
            shape::must_fit(&transaction, &found, plan).await?;
        }
        return Ok(());
    }
    let found = accept(&transaction, plan, making.mode).await?;
    let made = match making.mode {
        Mode::Create => Some(create(&transaction, plan, making.unlogged).await?),
        Mode::Replace => {
            if found.is_some() {
                to_table(&transaction, "drop", plan, "DROP TABLE").await?;
            }
            Some(create(&transaction, plan, making.unlogged).await?)
        }
        Mode::Truncate => {
            to_table(&transaction, "empty", plan, "TRUNCATE TABLE").await?;
            None
        }
        Mode::Append => None,
    };
    transaction
        .execute(CREATED, &[&table.job, &table.schema, &table.name, &made])
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Refuses to compare a table with columns of other types than the plan's: their bytes may be equal
/// and mean something else.
///
/// # Errors
/// `Checkpoint`, naming the columns. A table that is not there is not an error here.
pub async fn must_be_comparable(client: &Client, plan: &TablePlan) -> Result<()> {
    match shape::find(client, &plan.target).await? {
        Some(found) => shape::must_compare(client, &found, plan).await,
        None => Ok(()),
    }
}

/// Refuses what the mode does not allow; gives what is there.
async fn accept(
    client: &impl GenericClient,
    plan: &TablePlan,
    mode: Mode,
) -> Result<Option<Found>> {
    let found = shape::find(client, &plan.target).await?;
    accept_found(client, plan, mode, found.as_ref()).await?;
    if let Some(found) = found.as_ref().filter(|_| takes_over(mode)) {
        shape::must_fit(client, found, plan).await?;
    }
    Ok(found)
}

/// Whether the rows go into tables that are there.
fn takes_over(mode: Mode) -> bool {
    matches!(mode, Mode::Truncate | Mode::Append)
}

/// The same for a relation that was looked for before, but for its columns.
///
/// # Errors
/// `TargetExists` or `TargetQuery`.
async fn accept_found(
    client: &impl GenericClient,
    plan: &TablePlan,
    mode: Mode,
    found: Option<&Found>,
) -> Result<()> {
    match (mode, found) {
        (Mode::Create | Mode::Replace, None) => Ok(()),
        (Mode::Create, Some(found)) => Err(there(client, plan, found).await?),
        (Mode::Truncate | Mode::Append, None) => Err(missing(plan, mode)),
        (_, Some(found)) => found.must_be_table(&plan.target),
    }
}

/// Says what is there, and which modes would do something with it.
async fn there(client: &impl GenericClient, plan: &TablePlan, found: &Found) -> Result<Error> {
    let name = names::qualified(&plan.target);
    let (state, others) = if found.is_table() {
        let state = if shape::holds_rows(client, &plan.target).await? {
            "a table that holds rows"
        } else {
            "an empty table"
        };
        let modes = "choose transfer.mode replace (drops it), truncate (empties it) or append, ";
        (state, modes)
    } else {
        ("not a table", "")
    };
    Ok(Error::new(
        Kind::TargetExists,
        format!(
            "{name} is there already ({state}), and transfer.mode create touches nothing that is there: {others}rename the target in tables.overrides, or drop it yourself"
        ),
    ))
}

fn missing(plan: &TablePlan, mode: Mode) -> Error {
    let word = if mode == Mode::Truncate {
        "truncate"
    } else {
        "append"
    };
    Error::new(
        Kind::TargetQuery,
        format!(
            "{} is not there, and transfer.mode {word} makes no tables: choose transfer.mode create",
            names::qualified(&plan.target)
        ),
    )
}

/// Gives the oid of the new table, by which a later run knows it again.
async fn create(transaction: &Transaction<'_>, plan: &TablePlan, unlogged: bool) -> Result<Oid> {
    make_schema(transaction, &plan.target.schema).await?;
    let name = names::qualified(&plan.target);
    let failed = |error| fault::from_ddl(error, &format!("create table {name}"));
    for statement in made_with(plan, unlogged) {
        transaction
            .batch_execute(&statement)
            .await
            .map_err(failed)?;
    }
    let row = transaction
        .query_one("SELECT pg_catalog.to_regclass($1)::oid", &[&name])
        .await
        .map_err(failed)?;
    Ok(row.get(0))
}

/// What is made before the rows come.
fn made_with(plan: &TablePlan, unlogged: bool) -> Vec<String> {
    let mut all = vec![create_table(plan, unlogged)];
    all.extend(counters(plan));
    all.extend(comments(plan));
    all
}

/// `CREATE SCHEMA IF NOT EXISTS` alone asks for the right to create even if the schema is
/// there, and fails when two do it at once.
pub(in crate::postgres) async fn make_schema(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<()> {
    let create = create_schema(schema);
    let failed = |error| {
        fault::from_driver(
            error,
            &format!("make schema {}", names::quote_ident(schema)),
        )
    };
    let there = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1)";
    let row = transaction
        .query_one(there, &[&schema])
        .await
        .map_err(failed)?;
    if row.get(0) {
        return Ok(());
    }
    transaction
        .execute(
            "SELECT pg_catalog.pg_advisory_xact_lock($1)",
            &[&SCHEMA_LOCK],
        )
        .await
        .map_err(failed)?;
    transaction.batch_execute(&create).await.map_err(failed)
}

/// Runs `statement` followed by the table's name.
///
/// # Errors
/// PostgreSQL's own; a foreign key of another table keeps a table from being dropped or emptied.
async fn to_table(
    transaction: &Transaction<'_>,
    verb: &str,
    plan: &TablePlan,
    statement: &str,
) -> Result<()> {
    let name = names::qualified(&plan.target);
    transaction
        .batch_execute(&format!("{statement} {name}"))
        .await
        .map_err(|error| fault::from_driver(error, &format!("{verb} table {name}")))
}

/// The table as errors name it.
fn full_name(plan: &TablePlan) -> String {
    format!("{}.{}", plan.schema, plan.name)
}

/// The table's oid, if it exists.
pub(super) async fn oid(client: &impl GenericClient, name: &TargetName) -> Result<Option<Oid>> {
    shape::find(client, name)
        .await
        .map(|found| found.map(|found| found.oid))
}
