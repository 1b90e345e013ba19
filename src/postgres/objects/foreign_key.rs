//! Foreign keys: added without a look at the rows, then validated; set aside while rows come.

use tokio_postgres::Client;

use crate::error::{Error, Kind, Result};
use crate::names::{qualified, quote_ident};
use crate::plan::object::ForeignKeyPlan;
use crate::plan::table::TablePlan;
use crate::postgres::objects::look::{self, Constraint};
use crate::postgres::objects::{Of, begin, taken};
use crate::postgres::{ddl, fault};

/// `foreign_key_violation` (PostgreSQL documentation, appendix A).
const VIOLATED: &str = "23503";

/// Adds a foreign key as NOT VALID where it is not there. Locks both tables for a moment.
///
/// # Errors
/// [`Kind::TargetExists`] where another constraint has its name.
pub async fn add(client: &mut Client, of: &Of<'_>, key: &ForeignKeyPlan) -> Result<()> {
    add_in_transaction(client, of, key)
        .await
        .map_err(|error| error.at_table(of.table.full_name()))
}

async fn add_in_transaction(client: &mut Client, of: &Of<'_>, key: &ForeignKeyPlan) -> Result<()> {
    let mut begun = begin(client, of).await?;
    let target = &of.plan.target;
    let doing = format!("make foreign key {}", quote_ident(&key.name));
    let failed = |error| fault::of(error, &doing);
    let there = look::constraints(&begun.transaction, begun.oid).await?;
    if let Some(named) = there.iter().find(|known| known.name == key.name) {
        let wanted = look::wanted_foreign_key(&mut begun.transaction, target, key).await?;
        return match named.definition == wanted {
            true => Ok(()),
            false => Err(taken("foreign key", &key.name, target)),
        };
    }
    let make = ddl::foreign_key(target, key);
    begun
        .transaction
        .batch_execute(&make)
        .await
        .map_err(failed)?;
    begun.transaction.commit().await.map_err(failed)
}

/// Holds the rows that are there to a foreign key, unless that was done before.
///
/// # Errors
/// [`Kind::TargetQuery`] where a row refers to nothing.
pub async fn validate(client: &mut Client, of: &Of<'_>, key: &ForeignKeyPlan) -> Result<()> {
    validate_in_transaction(client, of, key)
        .await
        .map_err(|error| error.at_table(of.table.full_name()))
}

async fn validate_in_transaction(
    client: &mut Client,
    of: &Of<'_>,
    key: &ForeignKeyPlan,
) -> Result<()> {
    let begun = begin(client, of).await?;
    let doing = format!("validate foreign key {}", quote_ident(&key.name));
    let failed = |error| fault::of(error, &doing);
    let there = look::constraints(&begun.transaction, begun.oid).await?;
    let valid = |known: &Constraint| known.name == key.name && known.valid;
    if there.iter().any(valid) {
        return Ok(());
    }
    let validate = ddl::validate(&of.plan.target, &key.name);
    let validated = begun.transaction.batch_execute(&validate).await;
    validated.map_err(|error| violated(error, key, &doing))?;
    begun.transaction.commit().await.map_err(failed)
}

fn violated(error: tokio_postgres::Error, key: &ForeignKeyPlan, doing: &str) -> Error {
    let refused = error.code().is_some_and(|code| code.code() == VIOLATED);
    let cause = fault::of(error, doing);
    if !refused {
        return cause;
    }
    let case = match key.loose {
        true => {
            "; the source compares its text without regard to case or accents: values that differ in nothing else are equal there and not here, unless the job says schema.collations: icu"
        }
        false => "; rows that changed at the source during the run can be the reason",
    };
    Error::new(
        Kind::TargetQuery,
        format!(
            "foreign key {} of the source: rows refer to rows of {} that are not there{case}",
            key.source, key.referenced_source
        ),
    )
    .because(cause)
}

/// Drops what would refuse rows in the order in which they come: foreign keys of the plan, and
/// checks that the plan leaves NOT VALID. They are made again when the rows are there; what is no
/// part of the plan, or defined in another way, stays. For tables that are not the job's own.
pub async fn set_aside(client: &mut Client, plan: &TablePlan) -> Result<()> {
    set_aside_in_transaction(client, plan)
        .await
        .map_err(|error| error.at_table(plan.full_name()))
}

async fn set_aside_in_transaction(client: &mut Client, plan: &TablePlan) -> Result<()> {
    let name = qualified(&plan.target);
    let failed = |error| fault::of(error, &format!("set aside constraints of {name}"));
    let mut transaction = client.transaction().await.map_err(failed)?;
    let Some(oid) = ddl::oid(&transaction, &plan.target).await? else {
        return Ok(());
    };
    let there = look::constraints(&transaction, oid).await?;
    let named = |name: &str| there.iter().find(|known| known.name == name);
    let mut dropped = Vec::new();
    for key in &plan.objects.foreign_keys {
        let Some(known) = named(&key.name) else {
            continue;
        };
        let referenced = ddl::oid(&transaction, &key.referenced).await?;
        if referenced.is_none() {
            continue;
        }
        let wanted = look::wanted_foreign_key(&mut transaction, &plan.target, key).await?;
        if wanted == known.definition {
            dropped.push(&known.name);
        }
    }
    for check in plan.objects.checks.iter().filter(|check| !check.valid) {
        let Some(known) = named(&check.name) else {
            continue;
        };
        let wanted = look::wanted_check(&mut transaction, &plan.target, check).await?;
        if wanted == known.definition {
            dropped.push(&known.name);
        }
    }
    for constraint in dropped {
        tracing::info!(table = name, constraint, "set aside while rows are loaded");
        let drop = format!(
            "ALTER TABLE {name} DROP CONSTRAINT {}",
            quote_ident(constraint)
        );
        transaction.batch_execute(&drop).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

const AMONG: &str = "\
SELECT k.conrelid::pg_catalog.regclass::text, k.conname::text FROM pg_catalog.pg_constraint k \
WHERE k.contype = 'f' AND k.conrelid = ANY ($1) AND k.confrelid = ANY ($1) \
AND k.conrelid <> k.confrelid AND k.conparentid = 0";

/// Drops the foreign keys between tables that are about to be dropped themselves. One of another
/// table stays, and with it the table that it refers to.
pub async fn release(client: &mut Client, tables: &[TablePlan]) -> Result<()> {
    let failed = |error| fault::of(error, "drop foreign keys between the tables to replace");
    let transaction = client.transaction().await.map_err(failed)?;
    let mut there = Vec::new();
    for table in tables {
        there.extend(ddl::oid(&transaction, &table.target).await?);
    }
    for row in transaction.query(AMONG, &[&there]).await.map_err(failed)? {
        // `regclass` prints the name quoted and qualified as needed.
        let (table, name): (&str, &str) = (row.get(0), row.get(1));
        let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {}", quote_ident(name));
        transaction.batch_execute(&drop).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}
