//! Constraints that would refuse rows while they are loaded: suspended before the load, restored after it.
//!
//! The record and the drop are one transaction, so a killed run knows what to restore; the record
//! and the restored constraint likewise. What was validated is validated again, what was not stays
//! NOT VALID.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, Transaction};

use crate::error::Result;
use crate::plan::table::TablePlan;
use crate::postgres::objects::existing::{self, Constraint};
use crate::postgres::objects::key_group::lock;
use crate::postgres::objects::table::{TableContext, begin, taken};
use crate::postgres::objects::twin::{Planned, wanted_all};
use crate::postgres::state::{
    RunFence, SuspendedConstraint, forget_all_suspended, forget_suspended, record_suspended,
};
use crate::postgres::{ddl, fault};
use tsql::names::{TargetName, qualified, quote_ident};

/// Drops what would refuse rows in the order in which they come: foreign keys of the plans, and checks that
/// the plan and the target leave NOT VALID. What is dropped is recorded in the same transaction, and is
/// restored when the rows are there; what is not part of the plan, or is defined in another way, stays.
/// For tables that are not the job's own: one transaction for all of them.
///
/// # Errors
/// [`crate::error::Kind::JobHeld`] if a younger run has the job. Of several tables, an error does not always
/// tell which is at fault.
pub async fn suspend(client: &mut Client, fence: RunFence<'_>, plans: &[&TablePlan]) -> Result<()> {
    let suspended = suspend_in_transaction(client, fence, plans).await;
    match plans {
        [plan] => suspended.map_err(|error| error.at_table(plan.full_name())),
        _ => suspended,
    }
}

async fn suspend_in_transaction(
    client: &mut Client,
    fence: RunFence<'_>,
    plans: &[&TablePlan],
) -> Result<()> {
    let failed = |error| fault::from_driver(error, "suspend constraints of the target's tables");
    let mut transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    let all = in_the_way(&mut transaction, plans).await?;
    for suspended in &all {
        tracing::info!(
            table = qualified(&suspended.target),
            constraint = suspended.name,
            "a constraint is suspended while rows are loaded"
        );
    }
    record_suspended(&transaction, fence, &all).await?;
    let drops = all
        .iter()
        .map(|one| drop_constraint(&qualified(&one.target), &one.name));
    let drops = drops.collect::<Vec<_>>().join(";\n");
    transaction.batch_execute(&drops).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// A constraint that is there and may be the planned one.
struct Candidate<'a> {
    plan: &'a TablePlan,
    known: &'a Constraint,
    planned: Planned<'a>,
    /// The source table that a foreign key refers to.
    refers_to: Option<&'a str>,
}

/// Candidates have the planned name, and only those that PostgreSQL prints alike are the planned
/// ones.
async fn in_the_way(
    transaction: &mut Transaction<'_>,
    plans: &[&TablePlan],
) -> Result<Vec<SuspendedConstraint>> {
    let there = constraints_by_plan(transaction, plans).await?;
    let keys = || plans.iter().flat_map(|plan| &plan.objects.foreign_keys);
    let referenced = ddl::find_all(&*transaction, keys().map(|key| &key.referenced)).await?;
    let referenced = keys().map(|key| &key.referenced).zip(referenced);
    let referenced: BTreeSet<&TargetName> = referenced
        .filter_map(|(name, found)| found.map(|_| name))
        .collect();
    let mut candidates = Vec::new();
    for (plan, there) in plans.iter().zip(&there) {
        let named = |name: &str| there.iter().find(|known| known.name == name);
        let keys = plan.objects.foreign_keys.iter();
        let keys = keys.filter(|key| referenced.contains(&key.referenced));
        candidates.extend(keys.filter_map(|key| {
            Some(Candidate {
                plan,
                known: named(&key.name)?,
                planned: Planned::Key(key),
                refers_to: Some(&key.referenced_source),
            })
        }));
        let checks = plan.objects.checks.iter().filter(|check| !check.valid);
        candidates.extend(checks.filter_map(|check| {
            Some(Candidate {
                plan,
                // One that is validated is the target's own promise, whatever the source thinks of its rows.
                known: named(&check.name).filter(|known| !known.valid)?,
                planned: Planned::Check(check),
                refers_to: None,
            })
        }));
    }
    let planned = candidates.iter().map(|one| (&one.plan.target, one.planned));
    let wanted = wanted_all(transaction, &planned.collect::<Vec<_>>(), 0).await?;
    let same = candidates.iter().zip(wanted);
    let same = same.filter(|(one, wanted)| one.known.definition == *wanted);
    Ok(same
        .map(|(one, _)| from_existing(one.plan, one.known, one.refers_to))
        .collect())
}

/// The constraints of each table; none of one that is not there.
async fn constraints_by_plan(
    transaction: &Transaction<'_>,
    plans: &[&TablePlan],
) -> Result<Vec<Vec<Constraint>>> {
    let found = ddl::find_all(transaction, plans.iter().map(|plan| &plan.target)).await?;
    let oids = found
        .iter()
        .map(|found| found.as_ref().map(|found| found.oid));
    let oids = oids.collect::<Vec<Option<Oid>>>();
    let asked: Vec<Oid> = oids.iter().flatten().copied().collect();
    let mut by_owner: BTreeMap<Oid, Vec<Constraint>> = BTreeMap::new();
    for (owner, known) in existing::constraints_of(transaction, &asked).await? {
        by_owner.entry(owner).or_default().push(known);
    }
    let there = oids
        .iter()
        .map(|oid| oid.and_then(|oid| by_owner.remove(&oid)));
    Ok(there.map(Option::unwrap_or_default).collect())
}

/// The record of one as it is now.
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
/// if rows violate what they had been held to.
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

/// Restores those of the suspended foreign keys that are on again or of which nothing is there, each with the
/// plan of its table: all of them or none. Forgets those that the new table has its own of. They are held to the rows at once, so it is for small tables. Gives
/// their positions; [`restore`] does the others.
///
/// # Errors
/// The first that keeps it from all of them. [`crate::error::Kind::JobHeld`] if a younger run has the job.
pub async fn restore_all(
    client: &mut Client,
    fence: RunFence<'_>,
    suspended: &[(&TablePlan, &SuspendedConstraint)],
) -> Result<BTreeSet<usize>> {
    let failed = |error| fault::from_driver(error, "restore several constraints");
    let transaction = client.transaction().await.map_err(failed)?;
    let plans: Vec<&TablePlan> = suspended.iter().map(|(plan, _)| *plan).collect();
    let oids = lock(&transaction, fence, &plans).await?;
    let asked: Vec<Oid> = oids.iter().flatten().copied().collect();
    let there = existing::constraints_of(&transaction, &asked).await?;
    let (mut chosen, mut adds) = (BTreeSet::new(), Vec::new());
    for (at, (plan, one)) in suspended.iter().enumerate() {
        if !one.restore_after_load {
            chosen.insert(at);
            continue;
        }
        let Some(oid) = oids[at].filter(|_| is_key_of(one, plan)) else {
            continue;
        };
        let own = there.iter().filter(|(owner, _)| *owner == oid);
        let like = own
            .map(|(_, known)| known)
            .find(|known| known.name == one.name || known.definition == one.definition);
        match like {
            None => adds.push(add_constraint(one, one.validated)),
            Some(known) if is_on(one, known) => {}
            Some(_) => continue,
        }
        chosen.insert(at);
    }
    let adds = adds.join(";\n");
    transaction.batch_execute(&adds).await.map_err(failed)?;
    let restored = chosen.iter().map(|at| suspended[*at].1);
    forget_all_suspended(&transaction, fence.job, restored).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(chosen)
}

fn is_key_of(suspended: &SuspendedConstraint, plan: &TablePlan) -> bool {
    suspended.refers_to.is_some() && plan.target == suspended.target
}

/// Whether a constraint that is there is the suspended one, as it was.
fn is_on(suspended: &SuspendedConstraint, known: &Constraint) -> bool {
    known.name == suspended.name
        && known.definition == suspended.definition
        && (known.valid || !suspended.validated)
}

/// The definition is PostgreSQL's own text, without NOT VALID.
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

/// Foreign keys from one of the tables to another of them, not to itself.
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
    let found = ddl::find_all(&transaction, tables.iter().map(|table| &table.target)).await?;
    for (table, found) in tables.iter().zip(found) {
        if let Some(found) = found {
            there.push(found.oid);
            plans.push(table);
        }
    }
    let by_oid: BTreeMap<Oid, &TablePlan> = there.iter().copied().zip(plans).collect();
    let (mut all, mut drops) = (Vec::new(), Vec::new());
    for row in transaction.query(AMONG, &[&there]).await.map_err(failed)? {
        let oid: Oid = row.get("oid");
        let Some(plan) = by_oid.get(&oid) else {
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
        all.push(released);
        drops.push(drop_constraint(&qualified(&plan.target), &known.name));
    }
    record_suspended(&transaction, fence, &all).await?;
    let drops = drops.join(";\n");
    transaction.batch_execute(&drops).await.map_err(failed)?;
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
