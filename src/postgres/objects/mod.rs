//! Makes what belongs to tables beside their rows: each object in a transaction of its own, once.
//!
//! Whether an object is made already is looked up at PostgreSQL itself, under its planned name and
//! with its definition, so that a run that was killed between any two of them makes the rest, and
//! objects that were there before the run are taken over.

mod existing;
mod foreign_key;
mod oversize;
mod standalone;
mod suspended;
mod trigger;

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, Transaction};

use crate::error::{Error, Kind, Result};
use crate::names::{qualified, quote_ident};
use crate::plan::object::{CheckPlan, IndexPlan};
use crate::plan::table::TablePlan;
use crate::postgres::objects::existing::Constraint;
use crate::postgres::state::{RunId, TableKey, must_be_latest};
use crate::postgres::{ddl, fault};

pub use crate::postgres::objects::foreign_key::{
    add as add_foreign_key, validate as validate_foreign_key,
};
pub(super) use crate::postgres::objects::standalone::drop_view_within;
pub use crate::postgres::objects::standalone::{
    continue_sequence, drop_view, make_collation, make_domain, make_sequence, make_view,
};
pub use crate::postgres::objects::suspended::{
    drop_keys_between, is_suspended, restore, restore_statement, suspend,
};

pub use crate::postgres::objects::trigger::make as make_trigger;

/// Which table, of which run.
#[derive(Debug, Clone, Copy)]
pub struct TableContext<'a> {
    pub table: &'a TableKey,
    pub run: RunId,
    pub plan: &'a TablePlan,
}

/// Takes the table's record, so that no other process makes the same at the same time.
const BEGIN: &str = "\
UPDATE _migrate.tables SET updated_at = pg_catalog.now() \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 RETURNING made_oid";

/// What is known of the table that an object is made for.
struct LockedTable<'a> {
    transaction: Transaction<'a>,
    /// Of the target table, as it is now.
    oid: Oid,
}

impl TableContext<'_> {
    /// Whether the plan gives something this name. What is there under another one may be the same
    /// thing, made by others or under the name of an earlier plan.
    fn knows(&self, name: &str) -> bool {
        let objects = &self.plan.objects;
        let key = self.plan.primary_key.iter().map(|key| &key.name);
        key.chain(objects.indexes.iter().map(|index| &index.name))
            .chain(objects.checks.iter().map(|check| &check.name))
            .chain(objects.foreign_keys.iter().map(|key| &key.name))
            .any(|known| known == name)
    }
}

async fn begin<'a>(client: &'a mut Client, context: &TableContext<'_>) -> Result<LockedTable<'a>> {
    let failed = |error| fault::from_driver(error, "take the table's record");
    let transaction = client.transaction().await.map_err(failed)?;
    let key = context.table;
    let row = transaction
        .query_opt(BEGIN, &[&key.job, &key.schema, &key.name])
        .await
        .map_err(failed)?
        .ok_or_else(|| Error::new(Kind::Checkpoint, "the table is not recorded"))?;
    must_be_latest(&transaction, &key.job, context.run).await?;
    let made: Option<Oid> = row.get(0);
    let name = qualified(&context.plan.target);
    let there = ddl::oid(&transaction, &context.plan.target).await?;
    let gone = || {
        Error::new(
            Kind::Checkpoint,
            format!("{name} is not the table that was loaded: it was dropped or replaced"),
        )
    };
    let oid = there
        .filter(|oid| made.is_none_or(|made| made == *oid))
        .ok_or_else(gone)?;
    Ok(LockedTable { transaction, oid })
}

/// Makes an index or a unique constraint.
///
/// # Errors
/// [`Kind::TargetExists`] where another thing has its name; PostgreSQL's own where rows or their
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
    /// One row's entry is too large; where the row is, as `(0,2)`.
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
        let wanted =
            existing::wanted_index(&mut locked.transaction, target, index, version).await?;
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
/// [`Kind::TargetExists`] where another constraint has its name; PostgreSQL's own where a row
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
        let wanted = existing::wanted_check(&mut locked.transaction, target, check).await?;
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

fn taken(kind: &str, name: &str, table: &crate::names::TargetName) -> Error {
    Error::new(
        Kind::TargetExists,
        format!(
            "{} is there already and is not the {kind} that {} is to get: drop or rename it",
            quote_ident(name),
            qualified(table)
        ),
    )
}
