//! Objects that belong to no table: collations, domains, sequences, views. Existing ones of the same
//! definition are kept.
//!
//! Each function answers [`Kind::JobHeld`] if a younger run has the job.

use tokio_postgres::{Client, GenericClient, Transaction};

use crate::error::{Error, Kind, Result};
use crate::plan::object::{CollationPlan, DomainPlan, SequencePlan, ViewPlan};
use crate::postgres::objects::existing;
use crate::postgres::state::RunFence;
use crate::postgres::{ddl, fault};
use tsql::names::{TargetName, qualified, quote_ident};

const SEQUENCE: &str = "\
SELECT s.seqtypid::pg_catalog.regtype::text AS type, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, \
s.seqcache, s.seqcycle FROM pg_catalog.pg_sequence s WHERE s.seqrelid = $1";

const COLLATION: &str = "\
SELECT c.collisdeterministic AS deterministic, coalesce(pg_catalog.to_jsonb(c) ->> 'colllocale', \
pg_catalog.to_jsonb(c) ->> 'colliculocale', pg_catalog.to_jsonb(c) ->> 'collcollate') AS locale \
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace \
WHERE n.nspname = $1 AND c.collname = $2";

/// The base of a domain; NULL of any other type.
const DOMAIN: &str = "\
SELECT CASE t.typtype WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END \
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
WHERE n.nspname = $1 AND t.typname = $2";

/// Makes a collation with its schema. [`Kind::TargetExists`] if another has its name.
pub async fn make_collation(
    client: &mut Client,
    fence: RunFence<'_>,
    plan: &CollationPlan,
) -> Result<()> {
    let name = format!("{}.{}", quote_ident(&plan.schema), quote_ident(&plan.name));
    let failed = |error| fault::from_driver(error, &format!("make collation {name}"));
    let transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    ddl::make_schema(&transaction, &plan.schema).await?;
    let there = transaction
        .query_opt(COLLATION, &[&plan.schema, &plan.name])
        .await
        .map_err(failed)?;
    match there {
        Some(row)
            if !row.get::<_, bool>("deterministic")
                && row.get::<_, Option<&str>>("locale") == Some(&plan.locale) => {}
        Some(_) => return Err(other("collation", &name)),
        None => {
            let make = ddl::collation(plan);
            transaction.batch_execute(&make).await.map_err(failed)?;
        }
    }
    transaction.commit().await.map_err(failed)
}

/// Makes a domain with its schema. One of the same base type is taken over with the constraints that
/// it may have. [`Kind::TargetExists`] if another type has its name.
pub async fn make_domain(
    client: &mut Client,
    fence: RunFence<'_>,
    plan: &DomainPlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("make domain {name}"));
    let transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    ddl::make_schema(&transaction, &plan.target.schema).await?;
    let there = transaction
        .query_opt(DOMAIN, &[&plan.target.schema, &plan.target.table])
        .await
        .map_err(failed)?;
    match there {
        Some(row) if row.get::<_, Option<String>>(0) == Some(ddl::type_text(&plan.ty)) => {}
        Some(_) => return Err(other("domain", &name)),
        None => {
            let make = ddl::domain(plan);
            transaction.batch_execute(&make).await.map_err(failed)?;
        }
    }
    transaction.commit().await.map_err(failed)
}

/// Makes a sequence with its schema. [`Kind::TargetExists`] if another thing has its name.
pub async fn make_sequence(
    client: &mut Client,
    fence: RunFence<'_>,
    plan: &SequencePlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("make sequence {name}"));
    let transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    ddl::make_schema(&transaction, &plan.target.schema).await?;
    match existing::relation(&transaction, &plan.target.schema, &plan.target.table).await? {
        None => {
            let make = ddl::sequence(plan);
            transaction.batch_execute(&make).await.map_err(failed)?;
        }
        Some(oid) => {
            let row = transaction.query_opt(SEQUENCE, &[&oid]).await;
            let same = row.map_err(failed)?.is_some_and(|row| {
                row.get::<_, &str>("type") == plan.ty
                    && row.get::<_, i64>("seqstart") == plan.start
                    && row.get::<_, i64>("seqincrement") == plan.increment
                    && row.get::<_, i64>("seqmin") == plan.minimum
                    && row.get::<_, i64>("seqmax") == plan.maximum
                    && row.get::<_, i64>("seqcache").unsigned_abs() == plan.cache.unwrap_or(1)
                    && row.get::<_, bool>("seqcycle") == plan.cycle
            });
            if !same {
                return Err(other("sequence", &name));
            }
        }
    }
    transaction.commit().await.map_err(failed)
}

/// Sets a sequence to the source's last value, unless it has got further itself.
pub async fn continue_sequence(
    client: &mut Client,
    fence: RunFence<'_>,
    plan: &SequencePlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let failed =
        |error| fault::from_driver(error, &format!("set the next value of sequence {name}"));
    if !plan.used {
        return Ok(()); // It was made at its start, and others may have used it since.
    }
    let furthest = if plan.increment < 0 {
        "least"
    } else {
        "greatest"
    };
    // A sequence that cycles has no direction to be further in.
    let condition = if plan.cycle { "NOT is_called" } else { "true" };
    let set = format!(
        "SELECT pg_catalog.setval($1::text::regclass, \
         CASE WHEN is_called THEN {furthest}(last_value, $2) ELSE $2 END, true) \
         FROM {name} WHERE {condition}"
    );
    let transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    transaction
        .execute(&set, &[&name, &plan.last_value])
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Makes a view, unless one of its definition is there. [`Kind::TargetExists`] if another thing
/// has its name.
pub async fn make_view(client: &mut Client, fence: RunFence<'_>, plan: &ViewPlan) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("make view {name}"));
    let mut transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    ddl::make_schema(&transaction, &plan.target.schema).await?;
    match existing::relation(&transaction, &plan.target.schema, &plan.target.table).await? {
        None => {
            let make = ddl::view(plan);
            transaction.batch_execute(&make).await.map_err(failed)?;
        }
        Some(_) => {
            let there = view_text(&transaction, &plan.target).await?;
            if there.is_none() || there != wanted_view(&mut transaction, plan).await? {
                return Err(other("view", &name));
            }
        }
    }
    transaction.commit().await.map_err(failed)
}

/// Drops a view of the plan's own definition, and no other.
pub async fn drop_view(client: &mut Client, fence: RunFence<'_>, plan: &ViewPlan) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::from_driver(error, &format!("drop view {name}"));
    let mut transaction = client.transaction().await.map_err(failed)?;
    fence.check(&transaction).await?;
    drop_view_within(&mut transaction, plan).await?;
    transaction.commit().await.map_err(failed)
}

/// The same within a transaction.
pub(in crate::postgres) async fn drop_view_within(
    transaction: &mut Transaction<'_>,
    plan: &ViewPlan,
) -> Result<()> {
    let name = qualified(&plan.target);
    let there = view_text(transaction, &plan.target).await?;
    if there.is_none() {
        return Ok(());
    }
    match wanted_view(transaction, plan).await {
        Ok(wanted) if wanted == there => {
            let drop = format!("DROP VIEW {name}");
            let dropped = transaction.batch_execute(&drop).await;
            dropped.map_err(|error| fault::from_driver(error, &format!("drop view {name}")))
        }
        // What it reads is not there any more, so it is not that view.
        Err(error) if error.kind() == Kind::TargetLost => Err(error),
        _ => Ok(()),
    }
}

async fn view_text(client: &impl GenericClient, name: &TargetName) -> Result<Option<String>> {
    let sql = "SELECT definition FROM pg_catalog.pg_views WHERE schemaname = $1 AND viewname = $2";
    client
        .query_opt(sql, &[&name.schema, &name.table])
        .await
        .map(|row| row.and_then(|row| row.get(0)))
        .map_err(|error| fault::from_driver(error, "read a view"))
}

/// How PostgreSQL would print the view's query: made under another name and rolled back.
async fn wanted_view(transaction: &mut Transaction<'_>, plan: &ViewPlan) -> Result<Option<String>> {
    let failed = |error| fault::from_driver(error, "compare a view with the one that is there");
    let savepoint = transaction.transaction().await.map_err(failed)?;
    let target = TargetName {
        schema: plan.target.schema.clone(),
        table: "migrate twin view".to_owned(),
    };
    let twin = ViewPlan {
        target: target.clone(),
        ..plan.clone()
    };
    savepoint
        .batch_execute(&ddl::view(&twin))
        .await
        .map_err(failed)?;
    let text = view_text(&savepoint, &target).await?;
    savepoint.rollback().await.map_err(failed)?;
    Ok(text)
}

fn other(kind: &str, name: &str) -> Error {
    Error::new(
        Kind::TargetExists,
        format!(
            "{name} is there already and is not the {kind} that the source has: drop or rename it"
        ),
    )
}
