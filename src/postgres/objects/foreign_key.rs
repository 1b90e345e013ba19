//! Foreign keys: added NOT VALID, without reading the rows, then validated.
//!
//! Both steps can be repeated after a kill. Adding and validating are two transactions, because
//! adding locks both tables and validating takes long.

use tokio_postgres::Client;

use crate::error::{Error, Kind, Result};
use crate::plan::object::ForeignKeyPlan;
use crate::postgres::objects::existing::{self, Constraint};
use crate::postgres::objects::table::{TableContext, begin, taken};
use crate::postgres::objects::twin::{Planned, wanted};
use crate::postgres::{ddl, fault};
use tsql::names::quote_ident;

/// `foreign_key_violation` (PostgreSQL documentation, appendix A).
const VIOLATED: &str = "23503";

/// Adds a foreign key unless it is there: as NOT VALID, which locks both tables for a moment, if PostgreSQL
/// has that for the table.
///
/// # Errors
/// [`Kind::TargetExists`] if another constraint has its name; [`Kind::TargetQuery`] if the
/// rows of a partitioned table refer to nothing.
pub async fn add(
    client: &mut Client,
    context: &TableContext<'_>,
    key: &ForeignKeyPlan,
) -> Result<()> {
    add_in_transaction(client, context, key)
        .await
        .map_err(|error| error.at_table(context.table.full_name()))
}

async fn add_in_transaction(
    client: &mut Client,
    context: &TableContext<'_>,
    key: &ForeignKeyPlan,
) -> Result<()> {
    let mut locked = begin(client, context).await?;
    let target = &context.plan.target;
    let doing = format!("make foreign key {}", quote_ident(&key.name));
    let failed = |error| fault::from_driver(error, &doing);
    let there = existing::constraints(&locked.transaction, locked.oid).await?;
    if let Some(named) = there.iter().find(|known| known.name == key.name) {
        let wanted = wanted(&mut locked.transaction, target, Planned::Key(key), 0).await?;
        return if named.definition == wanted {
            Ok(())
        } else {
            Err(taken("foreign key", &key.name, target))
        };
    }
    let make = if existing::may_be_not_valid(&locked.transaction, locked.oid).await? {
        ddl::foreign_key(target, key)
    } else {
        ddl::foreign_key_at_once(target, key)
    };
    let made = locked.transaction.batch_execute(&make).await;
    made.map_err(|error| violated(error, key, &doing))?;
    locked.transaction.commit().await.map_err(failed)
}

/// Holds the rows that are there to a foreign key, unless that was done before.
///
/// # Errors
/// [`Kind::TargetQuery`] if a row refers to nothing.
pub async fn validate(
    client: &mut Client,
    context: &TableContext<'_>,
    key: &ForeignKeyPlan,
) -> Result<()> {
    validate_in_transaction(client, context, key)
        .await
        .map_err(|error| error.at_table(context.table.full_name()))
}

async fn validate_in_transaction(
    client: &mut Client,
    context: &TableContext<'_>,
    key: &ForeignKeyPlan,
) -> Result<()> {
    let locked = begin(client, context).await?;
    let doing = format!("validate foreign key {}", quote_ident(&key.name));
    let failed = |error| fault::from_driver(error, &doing);
    let there = existing::constraints(&locked.transaction, locked.oid).await?;
    let valid = |known: &Constraint| known.name == key.name && known.valid;
    if there.iter().any(valid) {
        return Ok(());
    }
    let validate = ddl::validate(&context.plan.target, &key.name);
    let validated = locked.transaction.batch_execute(&validate).await;
    validated.map_err(|error| violated(error, key, &doing))?;
    locked.transaction.commit().await.map_err(failed)
}

/// Names the source's key and likely reasons; any other error stays as it is.
fn violated(error: tokio_postgres::Error, key: &ForeignKeyPlan, doing: &str) -> Error {
    let refused = error.code().is_some_and(|code| code.code() == VIOLATED);
    let cause = fault::from_driver(error, doing);
    if !refused {
        return cause;
    }
    let reason = if key.loose {
        "; the source compares its text without regard to case, accents or trailing blanks: values that differ in nothing else are equal there and not here (schema.collations: icu helps but for trailing blanks), or those rows were rejected (migrate rejects), or rows changed at the source during the run"
    } else {
        "; rows that were rejected (migrate rejects) or that changed at the source during the run can be the reason"
    };
    Error::new(
        Kind::TargetQuery,
        format!(
            "foreign key {} of the source: rows refer to rows of {} that are not there{reason}",
            key.source, key.referenced_source
        ),
    )
    .because(cause)
}
