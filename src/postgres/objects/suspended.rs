//! Constraints that would refuse rows while they are loaded: suspended before the load, restored after it.

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, Transaction};

use crate::error::Result;
use crate::plan::table::TablePlan;
use crate::postgres::objects::existing::{self, Constraint};
use crate::postgres::objects::table::{TableContext, begin, taken};
use crate::postgres::state::{RunFence, SuspendedConstraint, forget_suspended, record_suspended};
use crate::postgres::{ddl, fault};
use tsql::names::{qualified, quote_ident};

/// Drops what would refuse rows in the order in which they come: foreign keys of the plan, and checks that
/// the plan and the target leave NOT VALID. What is dropped is recorded in the same transaction, and is
/// restored when the rows are there; what is not part of the plan, or is defined in another way, stays.
/// For tables that are not the job's own.
///
/// # Errors
/// [`crate::error::Kind::JobHeld`] if a younger run has the job.
pub async fn suspend(client: &mut Client, fence: RunFence<'_>, plan: &TablePlan) -> Result<()> {
    suspend_in_transaction(client, fence, plan)
        .await
        .map_err(|error| error.at_table(plan.full_name()))
}

async fn suspend_in_transaction(
    client: &mut Client,
    fence: RunFence<'_>,
    plan: &TablePlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("suspend constraints of {name}"));
    let mut transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    let Some(oid) = ddl::oid(&transaction, &plan.target).await? else {
        return Ok(());
    };
    for suspended in in_the_way(&mut transaction, plan, oid).await? {
        tracing::info!(
            table = name,
            constraint = suspended.name,
            "a constraint is suspended while rows are loaded"
        );
        record_suspended(&transaction, fence, &suspended).await?;
        let drop = drop_constraint(&name, &suspended.name);
        transaction.batch_execute(&drop).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

async fn in_the_way(
    transaction: &mut Transaction<'_>,
    plan: &TablePlan,
    oid: Oid,
) -> Result<Vec<SuspendedConstraint>> {
    let there = existing::constraints(&*transaction, oid).await?;
    let named = |name: &str| there.iter().find(|known| known.name == name);
    let mut found = Vec::new();
    for key in &plan.objects.foreign_keys {
        let Some(known) = named(&key.name) else {
            continue;
        };
        if ddl::oid(&*transaction, &key.referenced).await?.is_none() {
            continue;
        }
        let wanted = existing::wanted_foreign_key(transaction, &plan.target, key).await?;
        if wanted == known.definition {
            found.push(from_existing(plan, known, Some(&key.referenced_source)));
        }
    }
    for check in plan.objects.checks.iter().filter(|check| !check.valid) {
        // One that is validated is the target's own promise, whatever the source thinks of its rows.
        let Some(known) = named(&check.name).filter(|known| !known.valid) else {
            continue;
        };
        let wanted = existing::wanted_check(transaction, &plan.target, check).await?;
        if wanted == known.definition {
            found.push(from_existing(plan, known, None));
        }
    }
    Ok(found)
}

fn from_existing(
    plan: &TablePlan,
    known: &Constraint,
    refers_to: Option<&str>,
) -> SuspendedConstraint {
    SuspendedConstraint {
        table: (plan.schema.clone(), plan.name.clone()),
        refers_to: refers_to.map(str::to_owned),
        target: plan.target.clone(),
        name: known.name.clone(),
        definition: known.definition.clone(),
        validated: known.valid,
        restore_after_load: true,
    }
}

fn drop_constraint(table: &str, name: &str) -> String {
    format!("ALTER TABLE {table} DROP CONSTRAINT {}", quote_ident(name))
}

/// Makes sure that a suspended constraint is on again as it was, and removes its record.
///
/// # Errors
/// [`crate::error::Kind::TargetExists`] if another constraint has its name; PostgreSQL's own
/// where rows violate what they had been held to.
pub async fn restore(
    client: &mut Client,
    context: &TableContext<'_>,
    suspended: &SuspendedConstraint,
) -> Result<()> {
    let put = async {
        if add(client, context, suspended).await? {
            validate(client, context, suspended).await?;
        }
        Ok(())
    };
    put.await
        .map_err(|error: crate::error::Error| error.at_table(context.table.full_name()))
}

/// Whether it must still be validated.
async fn add(
    client: &mut Client,
    context: &TableContext<'_>,
    suspended: &SuspendedConstraint,
) -> Result<bool> {
    let doing = format!("restore constraint {}", quote_ident(&suspended.name));
    let failed = |error| fault::from_driver(error, &doing);
    let locked = begin(client, context).await?;
    let oid = ddl::oid(&locked.transaction, &suspended.target).await?;
    let mut open = false;
    if let Some(oid) = oid.filter(|_| suspended.restore_after_load) {
        let there = existing::constraints(&locked.transaction, oid).await?;
        let same = |known: &&Constraint| known.definition == suspended.definition;
        let named = there.iter().find(|known| known.name == suspended.name);
        if named.is_some_and(|known| !same(&known)) {
            return Err(taken("constraint", &suspended.name, &suspended.target));
        }
        open = match named.or_else(|| there.iter().find(same)) {
            Some(known) => suspended.validated && !known.valid && known.name == suspended.name,
            None => {
                let at_once = suspended.refers_to.is_some()
                    && !existing::may_be_not_valid(&locked.transaction, oid).await?;
                let make = add_constraint(suspended, at_once);
                let made = locked.transaction.batch_execute(&make).await;
                made.map_err(failed)?;
                suspended.validated && !at_once
            }
        };
    }
    if !open {
        forget_suspended(&locked.transaction, &context.table.job, suspended).await?;
    }
    locked.transaction.commit().await.map_err(failed)?;
    Ok(open)
}

fn add_constraint(suspended: &SuspendedConstraint, at_once: bool) -> String {
    format!(
        "ALTER TABLE {} ADD CONSTRAINT {} {}{}",
        qualified(&suspended.target),
        quote_ident(&suspended.name),
        suspended.definition,
        if at_once { "" } else { " NOT VALID" }
    )
}

/// In a transaction of its own, because adding locks both tables and this takes long.
async fn validate(
    client: &mut Client,
    context: &TableContext<'_>,
    suspended: &SuspendedConstraint,
) -> Result<()> {
    let doing = format!(
        "validate constraint {}, which the rows of the target had been held to",
        quote_ident(&suspended.name)
    );
    let failed = |error| fault::from_driver(error, &doing);
    let locked = begin(client, context).await?;
    let validate = ddl::validate(&suspended.target, &suspended.name);
    let validated = locked.transaction.batch_execute(&validate).await;
    validated.map_err(failed)?;
    forget_suspended(&locked.transaction, &context.table.job, suspended).await?;
    locked.transaction.commit().await.map_err(failed)
}

const AMONG: &str = "\
SELECT k.conrelid AS oid, k.conname::text AS name, k.convalidated AS valid, \
pg_catalog.pg_get_constraintdef(k.oid) AS definition \
FROM pg_catalog.pg_constraint k \
WHERE k.contype = 'f' AND k.conrelid = ANY ($1) AND k.confrelid = ANY ($1) \
AND k.conrelid <> k.confrelid AND k.conparentid = 0";

/// Drops the foreign keys between tables that are about to be dropped themselves, and records them:
/// a table that cannot be replaced after all lacks its own from here on. One of another table
/// stays, and with it the table that it refers to.
///
/// # Errors
/// [`crate::error::Kind::JobHeld`] if a younger run has the job.
pub async fn drop_keys_between(
    client: &mut Client,
    fence: RunFence<'_>,
    tables: &[TablePlan],
) -> Result<()> {
    let failed =
        |error| fault::from_driver(error, "drop foreign keys between the tables to replace");
    let transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    let (mut there, mut plans): (Vec<Oid>, Vec<&TablePlan>) = (Vec::new(), Vec::new());
    for table in tables {
        if let Some(oid) = ddl::oid(&transaction, &table.target).await? {
            there.push(oid);
            plans.push(table);
        }
    }
    for row in transaction.query(AMONG, &[&there]).await.map_err(failed)? {
        let oid: Oid = row.get("oid");
        let own = there.iter().position(|known| *known == oid);
        let Some(plan) = own.map(|at| plans[at]) else {
            continue;
        };
        let definition: &str = row.get("definition");
        let known = Constraint {
            name: row.get("name"),
            valid: row.get("valid"),
            definition: existing::without_not_valid(definition),
        };
        let released = SuspendedConstraint {
            restore_after_load: false,
            ..from_existing(plan, &known, None)
        };
        record_suspended(&transaction, fence, &released).await?;
        let drop = drop_constraint(&qualified(&plan.target), &known.name);
        transaction.batch_execute(&drop).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// Whether a constraint that cannot be restored yet is still off. The record of one that was made again by
/// hand, or whose table is gone, is removed.
///
/// # Errors
/// [`crate::error::Kind::JobHeld`] if a younger run has the job.
pub async fn is_suspended(
    client: &mut Client,
    fence: RunFence<'_>,
    suspended: &SuspendedConstraint,
) -> Result<bool> {
    let failed = |error| fault::from_driver(error, "look for a suspended constraint");
    let transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    if let Some(oid) = ddl::oid(&transaction, &suspended.target).await? {
        let there = existing::constraints(&transaction, oid).await?;
        if !there
            .iter()
            .any(|known| known.definition == suspended.definition)
        {
            return Ok(true);
        }
    }
    forget_suspended(&transaction, fence.job, suspended).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(false)
}

/// The statement that restores a constraint by hand.
pub fn restore_statement(suspended: &SuspendedConstraint) -> String {
    add_constraint(suspended, suspended.validated)
}
