//! Constraints that would be in the way of rows: set aside before the load, put back behind it.

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, Transaction};

use crate::error::Result;
use crate::names::{qualified, quote_ident};
use crate::plan::table::TablePlan;
use crate::postgres::objects::look::{self, Constraint};
use crate::postgres::objects::{Of, begin, taken};
use crate::postgres::state::{Aside, Holder, forget_aside, keep_aside};
use crate::postgres::{ddl, fault};

/// Drops what would refuse rows in the order in which they come: foreign keys of the plan, and
/// checks that the plan and the target leave NOT VALID. What is dropped is recorded with it, and
/// comes back when the rows are there; what is no part of the plan, or defined in another way,
/// stays. For tables that are not the job's own.
///
/// # Errors
/// [`crate::error::Kind::JobHeld`] where a younger run has the job.
pub async fn set_aside(client: &mut Client, by: Holder<'_>, plan: &TablePlan) -> Result<()> {
    set_aside_in_transaction(client, by, plan)
        .await
        .map_err(|error| error.at_table(plan.full_name()))
}

async fn set_aside_in_transaction(
    client: &mut Client,
    by: Holder<'_>,
    plan: &TablePlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::of(error, &format!("set aside constraints of {name}"));
    let mut transaction = client.transaction().await.map_err(failed)?;
    by.stay(&transaction).await?;
    let Some(oid) = ddl::oid(&transaction, &plan.target).await? else {
        return Ok(());
    };
    for aside in in_the_way(&mut transaction, plan, oid).await? {
        tracing::info!(
            table = name,
            constraint = aside.name,
            "set aside while rows are loaded"
        );
        keep_aside(&transaction, by, &aside).await?;
        let drop = drop_constraint(&name, &aside.name);
        transaction.batch_execute(&drop).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

async fn in_the_way(
    transaction: &mut Transaction<'_>,
    plan: &TablePlan,
    oid: Oid,
) -> Result<Vec<Aside>> {
    let there = look::constraints(&*transaction, oid).await?;
    let named = |name: &str| there.iter().find(|known| known.name == name);
    let mut found = Vec::new();
    for key in &plan.objects.foreign_keys {
        let Some(known) = named(&key.name) else {
            continue;
        };
        if ddl::oid(&*transaction, &key.referenced).await?.is_none() {
            continue;
        }
        let wanted = look::wanted_foreign_key(transaction, &plan.target, key).await?;
        if wanted == known.definition {
            found.push(aside(plan, known, Some(&key.referenced_source)));
        }
    }
    for check in plan.objects.checks.iter().filter(|check| !check.valid) {
        // One that is validated is the target's own promise, whatever the source thinks of its rows.
        let Some(known) = named(&check.name).filter(|known| !known.valid) else {
            continue;
        };
        let wanted = look::wanted_check(transaction, &plan.target, check).await?;
        if wanted == known.definition {
            found.push(aside(plan, known, None));
        }
    }
    Ok(found)
}

fn aside(plan: &TablePlan, known: &Constraint, refers_to: Option<&str>) -> Aside {
    Aside {
        table: (plan.schema.clone(), plan.name.clone()),
        refers_to: refers_to.map(str::to_owned),
        target: plan.target.clone(),
        name: known.name.clone(),
        definition: known.definition.clone(),
        validated: known.valid,
        comes_back: true,
    }
}

fn drop_constraint(table: &str, name: &str) -> String {
    format!("ALTER TABLE {table} DROP CONSTRAINT {}", quote_ident(name))
}

/// Makes sure that what was set aside is on again as it was, and forgets it.
///
/// # Errors
/// [`crate::error::Kind::TargetExists`] where another constraint has its name; PostgreSQL's own
/// where rows violate what they had been held to.
pub async fn put_back(client: &mut Client, of: &Of<'_>, aside: &Aside) -> Result<()> {
    let put = async {
        if add(client, of, aside).await? {
            validate(client, of, aside).await?;
        }
        Ok(())
    };
    put.await
        .map_err(|error: crate::error::Error| error.at_table(of.table.full_name()))
}

/// Whether it must still be validated.
async fn add(client: &mut Client, of: &Of<'_>, aside: &Aside) -> Result<bool> {
    let doing = format!("put back constraint {}", quote_ident(&aside.name));
    let failed = |error| fault::of(error, &doing);
    let begun = begin(client, of).await?;
    let oid = ddl::oid(&begun.transaction, &aside.target).await?;
    let mut open = false;
    if let Some(oid) = oid.filter(|_| aside.comes_back) {
        let there = look::constraints(&begun.transaction, oid).await?;
        let same = |known: &&Constraint| known.definition == aside.definition;
        let named = there.iter().find(|known| known.name == aside.name);
        if named.is_some_and(|known| !same(&known)) {
            return Err(taken("constraint", &aside.name, &aside.target));
        }
        open = match named.or_else(|| there.iter().find(same)) {
            Some(known) => aside.validated && !known.valid && known.name == aside.name,
            None => {
                let at_once = aside.refers_to.is_some()
                    && !look::may_be_not_valid(&begun.transaction, oid).await?;
                let make = add_constraint(aside, at_once);
                let made = begun.transaction.batch_execute(&make).await;
                made.map_err(failed)?;
                aside.validated && !at_once
            }
        };
    }
    if !open {
        forget_aside(&begun.transaction, &of.table.job, aside).await?;
    }
    begun.transaction.commit().await.map_err(failed)?;
    Ok(open)
}

fn add_constraint(aside: &Aside, at_once: bool) -> String {
    format!(
        "ALTER TABLE {} ADD CONSTRAINT {} {}{}",
        qualified(&aside.target),
        quote_ident(&aside.name),
        aside.definition,
        if at_once { "" } else { " NOT VALID" }
    )
}

/// In a transaction of its own, because adding locks both tables and this takes long.
async fn validate(client: &mut Client, of: &Of<'_>, aside: &Aside) -> Result<()> {
    let doing = format!(
        "validate constraint {}, which the rows of the target had been held to",
        quote_ident(&aside.name)
    );
    let failed = |error| fault::of(error, &doing);
    let begun = begin(client, of).await?;
    let validate = ddl::validate(&aside.target, &aside.name);
    let validated = begun.transaction.batch_execute(&validate).await;
    validated.map_err(failed)?;
    forget_aside(&begun.transaction, &of.table.job, aside).await?;
    begun.transaction.commit().await.map_err(failed)
}

const AMONG: &str = "\
SELECT k.conrelid, k.conname::text, k.convalidated, pg_catalog.pg_get_constraintdef(k.oid) \
FROM pg_catalog.pg_constraint k \
WHERE k.contype = 'f' AND k.conrelid = ANY ($1) AND k.confrelid = ANY ($1) \
AND k.conrelid <> k.confrelid AND k.conparentid = 0";

/// Drops the foreign keys between tables that are about to be dropped themselves, and records them:
/// a table that cannot be replaced after all lacks its own from here on. One of another table
/// stays, and with it the table that it refers to.
///
/// # Errors
/// [`crate::error::Kind::JobHeld`] where a younger run has the job.
pub async fn release(client: &mut Client, by: Holder<'_>, tables: &[TablePlan]) -> Result<()> {
    let failed = |error| fault::of(error, "drop foreign keys between the tables to replace");
    let transaction = client.transaction().await.map_err(failed)?;
    by.stay(&transaction).await?;
    let (mut there, mut plans): (Vec<Oid>, Vec<&TablePlan>) = (Vec::new(), Vec::new());
    for table in tables {
        if let Some(oid) = ddl::oid(&transaction, &table.target).await? {
            there.push(oid);
            plans.push(table);
        }
    }
    for row in transaction.query(AMONG, &[&there]).await.map_err(failed)? {
        let oid: Oid = row.get(0);
        let own = there.iter().position(|known| *known == oid);
        let Some(plan) = own.map(|at| plans[at]) else {
            continue;
        };
        let definition: &str = row.get(3);
        let known = Constraint {
            name: row.get(1),
            valid: row.get(2),
            definition: look::without_not_valid(definition),
        };
        let released = Aside {
            comes_back: false,
            ..aside(plan, &known, None)
        };
        keep_aside(&transaction, by, &released).await?;
        let drop = drop_constraint(&qualified(&plan.target), &known.name);
        transaction.batch_execute(&drop).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// Whether a constraint that cannot be put back yet is off. One that somebody made again, or whose
/// table is gone, is forgotten.
///
/// # Errors
/// [`crate::error::Kind::JobHeld`] where a younger run has the job.
pub async fn is_off(client: &mut Client, by: Holder<'_>, aside: &Aside) -> Result<bool> {
    let failed = |error| fault::of(error, "look for a constraint that was set aside");
    let transaction = client.transaction().await.map_err(failed)?;
    by.stay(&transaction).await?;
    if let Some(oid) = ddl::oid(&transaction, &aside.target).await? {
        let there = look::constraints(&transaction, oid).await?;
        if !there
            .iter()
            .any(|known| known.definition == aside.definition)
        {
            return Ok(true);
        }
    }
    forget_aside(&transaction, by.job, aside).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(false)
}

/// What somebody would run to have a constraint back by hand.
pub fn by_hand(aside: &Aside) -> String {
    add_constraint(aside, aside.validated)
}
