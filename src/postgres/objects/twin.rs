//! How PostgreSQL would describe objects that are planned: they are made on empty twins of their tables within
//! a savepoint, which is always rolled back.
//!
//! LIKE copies columns and NOT NULL, and no rows, indexes or constraints. The savepoint's catalog
//! rows are never visible to others; the work is that of a few empty objects.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_postgres::Transaction;
use tokio_postgres::types::Oid;

use crate::error::Result;
use crate::plan::object::{CheckPlan, ForeignKeyPlan, IndexPlan};
use crate::postgres::objects::existing;
use crate::postgres::{ddl, fault};
use tsql::names::{TargetName, qualified};

/// Names of tables and objects that live within the savepoint. A number follows that is the process's own:
/// a name that another session has taken and not committed would be waited for.
const TWIN: &str = "migrate twin table ";
const TWIN_OBJECT: &str = "migrate twin object ";

static NUMBER: AtomicU64 = AtomicU64::new(0);

const OIDS: &str = "\
SELECT pg_catalog.to_regclass(name)::oid AS oid FROM pg_catalog.unnest($1::text[]) AS t(name)";

/// An object that is planned for a table.
#[derive(Debug, Clone, Copy)]
pub(super) enum Planned<'a> {
    Index(&'a IndexPlan),
    Check(&'a CheckPlan),
    Key(&'a ForeignKeyPlan),
}

impl Planned<'_> {
    /// The object under another name, for the twin.
    fn statement(self, twin: &TargetName, name: &str, version: i32) -> String {
        match self {
            Self::Index(plan) => ddl::index(twin, name, plan, version),
            Self::Check(plan) => ddl::check_constraint(twin, name, plan),
            Self::Key(plan) => {
                let named = ForeignKeyPlan {
                    name: name.to_owned(),
                    ..plan.clone()
                };
                ddl::foreign_key(twin, &named)
            }
        }
    }
}

/// How PostgreSQL of this version would describe the object.
/// `version` is `server_version_num`. Empty if PostgreSQL shows nothing for it.
pub(super) async fn wanted(
    transaction: &mut Transaction<'_>,
    table: &TargetName,
    planned: Planned<'_>,
    version: i32,
) -> Result<String> {
    let mut all = wanted_all(transaction, &[(table, planned)], version).await?;
    Ok(all.pop().unwrap_or_default())
}

/// The same for several objects, in their order, with four round trips for all of them.
pub(super) async fn wanted_all(
    transaction: &mut Transaction<'_>,
    planned: &[(&TargetName, Planned<'_>)],
    version: i32,
) -> Result<Vec<String>> {
    if planned.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error| fault::from_driver(error, "compare objects with those that are there");
    // Twins and objects take one number for each object.
    let count = u64::try_from(planned.len()).unwrap_or(u64::MAX);
    let first = NUMBER.fetch_add(count, Ordering::Relaxed);
    let (twins, statements) = twins(planned, version, first);
    let savepoint = transaction.transaction().await.map_err(failed)?;
    let statements = statements.join(";\n");
    savepoint.batch_execute(&statements).await.map_err(failed)?;
    let rows = savepoint.query(OIDS, &[&twins]).await.map_err(failed)?;
    let oids: Vec<Oid> = rows.iter().filter_map(|row| row.get("oid")).collect();
    let indexes = existing::indexes_of(&savepoint, &oids).await?.into_iter();
    let indexes = indexes.map(|(_, index)| (index.name, index.definition));
    let constraints = existing::constraints_of(&savepoint, &oids).await?;
    let constraints = constraints.into_iter();
    let constraints = constraints.map(|(_, made)| (made.name, made.definition));
    let mut made: BTreeMap<String, String> = indexes.chain(constraints).collect();
    savepoint.rollback().await.map_err(failed)?;
    let definitions = (first..).take(planned.len());
    let definitions = definitions.map(|number| made.remove(&object_name(number)));
    Ok(definitions.map(Option::unwrap_or_default).collect())
}

/// The quoted names of the twins, one for each table, and the statements that make them with their objects.
fn twins(
    planned: &[(&TargetName, Planned<'_>)],
    version: i32,
    first: u64,
) -> (Vec<String>, Vec<String>) {
    let mut twins: BTreeMap<&TargetName, TargetName> = BTreeMap::new();
    let mut statements = Vec::new();
    for ((table, object), number) in planned.iter().zip(first..) {
        let twin = twins.entry(table).or_insert_with(|| {
            let twin = TargetName {
                schema: table.schema.clone(),
                table: format!("{TWIN}{number}"),
            };
            let like = qualified(table);
            statements.push(format!("CREATE TABLE {} (LIKE {like})", qualified(&twin)));
            twin
        });
        let statement = object.statement(twin, &object_name(number), version);
        statements.push(statement);
    }
    (twins.values().map(qualified).collect(), statements)
}

fn object_name(number: u64) -> String {
    format!("{TWIN_OBJECT}{number}")
}
