//! Indexes, unique constraints and checks: made once, existing ones of the same definition are kept.
//!
//! Each function may be called again after a kill at any point. CREATE INDEX is not CONCURRENTLY,
//! which reads the table twice and cannot be part of a transaction.

use tokio_postgres::Client;

use crate::error::{Error, Result};
use crate::plan::object::{CheckPlan, IndexPlan};
use crate::postgres::objects::existing::{self, Constraint};
use crate::postgres::objects::oversize;
use crate::postgres::objects::table::{TableContext, begin, taken};
use crate::postgres::objects::twin::{Planned, wanted};
use crate::postgres::{ddl, fault};
use tsql::names::quote_ident;

/// Makes an index or a unique constraint.
///
/// # Errors
/// [`TargetExists`](crate::error::Kind::TargetExists) if another object has its name; PostgreSQL's own if rows or their
/// size do not allow it.
pub async fn make_index(
    client: &mut Client,
    context: &TableContext<'_>,
    index: &IndexPlan,
) -> Result<()> {
    let made = match index_in_transaction(client, context, index).await {
        Ok(()) => Ok(()),
        Err(Unmade::Entry { error, at }) => {
            Err(error.and(&oversize::describe(client, context, index, &at).await?))
        }
        Err(Unmade::Other(error)) => Err(error),
    };
    made.map_err(|error| error.at_table(context.table.full_name()))
}

/// Why an index was not made.
enum Unmade {
    /// One row's entry is too large; the place of the row, as `(0,2)`.
    Entry {
        error: Error,
        at: String,
    },
    Other(Error),
}

impl From<Error> for Unmade {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// If an index of the planned name or any unknown index is there, the planned one is made on a twin
/// and compared; on a new table nothing is compared.
async fn index_in_transaction(
    client: &mut Client,
    context: &TableContext<'_>,
    index: &IndexPlan,
) -> Result<(), Unmade> {
    let mut locked = begin(client, context).await?;
    let doing = format!("make index {}", quote_ident(&index.name));
    let failed = |error| fault::from_driver(error, &doing);
    let version = existing::version(&locked.transaction).await?;
    let target = &context.plan.target;
    let named = existing::relation(&locked.transaction, &target.schema, &index.name).await?;
    let there = existing::indexes(&locked.transaction, locked.oid).await?;
    if named.is_some() || there.iter().any(|known| !context.knows(&known.name)) {
        let wanted = wanted(
            &mut locked.transaction,
            target,
            Planned::Index(index),
            version,
        )
        .await?;
        let same = |known: &&existing::Index| known.definition == wanted;
        match named {
            Some(oid) if there.iter().filter(same).any(|known| known.oid == oid) => return Ok(()),
            Some(_) => return Err(taken("index", &index.name, target).into()),
            None if there.iter().any(|known| same(&known)) => return Ok(()),
            None => {}
        }
    }
    let make = ddl::index(target, &index.name, index, version);
    if let Err(error) = locked.transaction.batch_execute(&make).await {
        let at = oversize::row_of(&error);
        let error = failed(error);
        return Err(match at {
            Some(at) => Unmade::Entry { error, at },
            None => Unmade::Other(error),
        });
    }
    Ok(locked.transaction.commit().await.map_err(failed)?)
}

/// Makes a check and holds the rows to it, unless the source does not vouch for them.
///
/// # Errors
/// [`TargetExists`](crate::error::Kind::TargetExists) if another constraint has its name; PostgreSQL's own if a row
/// violates it.
pub async fn make_check(
    client: &mut Client,
    context: &TableContext<'_>,
    check: &CheckPlan,
) -> Result<()> {
    check_in_transaction(client, context, check)
        .await
        .map_err(|error| error.at_table(context.table.full_name()))
}

/// A check that is there under another name is validated, not made twice.
async fn check_in_transaction(
    client: &mut Client,
    context: &TableContext<'_>,
    check: &CheckPlan,
) -> Result<()> {
    let mut locked = begin(client, context).await?;
    let doing = format!("make check {}", quote_ident(&check.name));
    let failed = |error| fault::from_driver(error, &doing);
    let target = &context.plan.target;
    let there = existing::constraints(&locked.transaction, locked.oid).await?;
    let named = there.iter().find(|known| known.name == check.name);
    let mut found = None;
    if named.is_some() || there.iter().any(|known| !context.knows(&known.name)) {
        let wanted = wanted(&mut locked.transaction, target, Planned::Check(check), 0).await?;
        let same = |known: &&Constraint| known.definition == wanted;
        found = there.iter().find(same);
        if let Some(named) = named {
            found = Some(named).filter(same);
            if found.is_none() {
                return Err(taken("constraint", &check.name, target));
            }
        }
    }
    let name = found.map_or(check.name.as_str(), |known| known.name.as_str());
    if found.is_none() {
        let make = ddl::check_constraint(target, name, check);
        locked
            .transaction
            .batch_execute(&make)
            .await
            .map_err(failed)?;
    }
    if check.valid && found.is_none_or(|known| !known.valid) {
        let validate = ddl::validate(target, name);
        locked
            .transaction
            .batch_execute(&validate)
            .await
            .map_err(failed)?;
    }
    locked.transaction.commit().await.map_err(failed)
}
