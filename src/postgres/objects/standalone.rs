//! Objects that belong to no table: collations, domains, sequences. Existing ones of the same definition
//! are kept.
//!
//! Each function answers [`Kind::JobHeld`] if a younger run has the job.

use tokio_postgres::Client;

use crate::error::{Error, Kind, Result};
use crate::plan::object::{CollationPlan, DomainPlan, SequencePlan};
use crate::postgres::objects::existing;
use crate::postgres::state::RunFence;
use crate::postgres::{ddl, fault};
use tsql::names::{qualified, quote_ident};

/// All that CREATE SEQUENCE says of a sequence.
const SEQUENCE: &str = "\
SELECT s.seqtypid::pg_catalog.regtype::text AS type, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, \
s.seqcache, s.seqcycle FROM pg_catalog.pg_sequence s WHERE s.seqrelid = $1";

/// The locale's column has had three names: `collcollate`, `colliculocale` (15) and `colllocale`
/// (17).
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

/// Another object has the name.
pub(super) fn other(kind: &str, name: &str) -> Error {
    Error::new(
        Kind::TargetExists,
        format!(
            "{name} is there already and is not the {kind} that the source has: drop or rename it"
        ),
    )
}
