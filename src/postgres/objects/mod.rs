//! Makes what belongs to tables beside their rows: each object in a transaction of its own, once.
//!
//! Whether an object is made already is looked up at PostgreSQL itself, under its planned name and
//! with its definition, so that a run that was killed between any two of them makes the rest, and
//! objects that were there before the run are taken over.

mod aside;
mod foreign_key;
mod look;
mod oversize;
mod standalone;
mod trigger;

use tokio_postgres::types::Oid;
use tokio_postgres::{Client, Transaction};

use crate::error::{Error, Kind, Result};
use crate::names::{qualified, quote_ident};
use crate::plan::object::{CheckPlan, IndexPlan};
use crate::plan::table::TablePlan;
use crate::postgres::objects::look::Constraint;
use crate::postgres::state::{RunId, TableKey, must_be_latest};
use crate::postgres::{ddl, fault};

pub use crate::postgres::objects::aside::{by_hand, is_off, put_back, release, set_aside};
pub use crate::postgres::objects::foreign_key::{
    add as add_foreign_key, validate as validate_foreign_key,
};
pub(super) use crate::postgres::objects::standalone::drop_view_within;
pub use crate::postgres::objects::standalone::{
    continue_sequence, drop_view, make_collation, make_domain, make_sequence, make_view,
};

pub use crate::postgres::objects::trigger::make as make_trigger;

/// Which table, of which run.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    pub table: &'a TableKey,
    pub run: RunId,
    pub plan: &'a TablePlan,
}

/// Takes the table's record, so that no other process makes the same at the same time.
const BEGIN: &str = "\
UPDATE _migrate.tables SET updated_at = pg_catalog.now() \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 RETURNING made_oid";

/// What is known of the table that an object is made for.
struct Begun<'a> {
    transaction: Transaction<'a>,
    /// Of the target table, as it is now.
    oid: Oid,
}

impl Of<'_> {
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

async fn begin<'a>(client: &'a mut Client, of: &Of<'_>) -> Result<Begun<'a>> {
    let failed = |error| fault::of(error, "take the table's record");
    let transaction = client.transaction().await.map_err(failed)?;
    let key = of.table;
    let row = transaction
        .query_opt(BEGIN, &[&key.job, &key.schema, &key.name])
        .await
        .map_err(failed)?
        .ok_or_else(|| Error::new(Kind::Checkpoint, "the table is not recorded"))?;
    must_be_latest(&transaction, &key.job, of.run).await?;
    let made: Option<Oid> = row.get(0);
    let name = qualified(&of.plan.target);
    let there = ddl::oid(&transaction, &of.plan.target).await?;
    let gone = || {
        Error::new(
            Kind::Checkpoint,
            format!("{name} is not the table that was loaded: it was dropped or replaced"),
        )
    };
    let oid = there
        .filter(|oid| made.is_none_or(|made| made == *oid))
        .ok_or_else(gone)?;
    Ok(Begun { transaction, oid })
}

/// Makes an index or a unique constraint.
///
/// # Errors
/// [`Kind::TargetExists`] where another thing has its name; PostgreSQL's own where rows or their
/// size do not allow it.
pub async fn make_index(client: &mut Client, of: &Of<'_>, index: &IndexPlan) -> Result<()> {
    let made = match index_in_transaction(client, of, index).await {
        Ok(()) => Ok(()),
        Err(Unmade::Entry { error, at }) => {
            Err(error.and(&oversize::describe(client, of, index, &at).await?))
        }
        Err(Unmade::Other(error)) => Err(error),
    };
    made.map_err(|error| error.at_table(of.table.full_name()))
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
    of: &Of<'_>,
    index: &IndexPlan,
) -> Result<(), Unmade> {
    let mut begun = begin(client, of).await?;
    let doing = format!("make index {}", quote_ident(&index.name));
    let failed = |error| fault::of(error, &doing);
    let version = look::version(&begun.transaction).await?;
    let target = &of.plan.target;
    let named = look::relation(&begun.transaction, &target.schema, &index.name).await?;
    let there = look::indexes(&begun.transaction, begun.oid).await?;
    if named.is_some() || there.iter().any(|known| !of.knows(&known.name)) {
        let wanted = look::wanted_index(&mut begun.transaction, target, index, version).await?;
        let same = |known: &&look::Index| known.definition == wanted;
        match named {
            Some(oid) if there.iter().filter(same).any(|known| known.oid == oid) => return Ok(()),
            Some(_) => return Err(taken("index", &index.name, target).into()),
            None if there.iter().any(|known| same(&known)) => return Ok(()),
            None => {}
        }
    }
    let make = ddl::index(target, &index.name, index, version);
    if let Err(error) = begun.transaction.batch_execute(&make).await {
        let at = oversize::row_of(&error);
        let error = failed(error);
        return Err(match at {
            Some(at) => Unmade::Entry { error, at },
            None => Unmade::Other(error),
        });
    }
    Ok(begun.transaction.commit().await.map_err(failed)?)
}

/// Makes a check and holds the rows to it, unless the source does not vouch for them.
///
/// # Errors
/// [`Kind::TargetExists`] where another constraint has its name; PostgreSQL's own where a row
/// violates it.
pub async fn make_check(client: &mut Client, of: &Of<'_>, check: &CheckPlan) -> Result<()> {
    check_in_transaction(client, of, check)
        .await
        .map_err(|error| error.at_table(of.table.full_name()))
}

async fn check_in_transaction(client: &mut Client, of: &Of<'_>, check: &CheckPlan) -> Result<()> {
    let mut begun = begin(client, of).await?;
    let doing = format!("make check {}", quote_ident(&check.name));
    let failed = |error| fault::of(error, &doing);
    let target = &of.plan.target;
    let there = look::constraints(&begun.transaction, begun.oid).await?;
    let named = there.iter().find(|known| known.name == check.name);
    let mut found = None;
    if named.is_some() || there.iter().any(|known| !of.knows(&known.name)) {
        let wanted = look::wanted_check(&mut begun.transaction, target, check).await?;
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
        begun
            .transaction
            .batch_execute(&make)
            .await
            .map_err(failed)?;
    }
    if check.valid && found.is_none_or(|known| !known.valid) {
        let validate = ddl::validate(target, name);
        begun
            .transaction
            .batch_execute(&validate)
            .await
            .map_err(failed)?;
    }
    begun.transaction.commit().await.map_err(failed)
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
