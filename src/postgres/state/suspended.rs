//! Records of constraints that are off while rows are loaded, kept until they are on again.

use tokio_postgres::{Client, Row, Transaction};

use crate::error::Result;
use crate::plan::table::TargetName;
use crate::postgres::fault;
use crate::postgres::state::runs::RunFence;

/// A constraint of a target table that the job dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspendedConstraint {
    /// Schema and name of the source table, as `dbo` and `Posts`.
    pub table: (String, String),
    /// The source table that a foreign key refers to, as `dbo.Users`, if it is to be restored.
    pub refers_to: Option<String>,
    pub target: TargetName,
    pub name: String,
    /// As `pg_get_constraintdef` prints it, without NOT VALID.
    pub definition: String,
    /// It was valid: the rows that were there met it.
    pub validated: bool,
    /// False if it belonged to a table that is to be replaced, and is made with the new one.
    pub restore_after_load: bool,
}

impl SuspendedConstraint {
    /// `dbo.Posts`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.table.0, self.table.1)
    }
}

const KEEP: &str = "\
INSERT INTO _migrate.set_aside (job, source_schema, source_table, refers_to, target_schema, \
target_table, name, definition, validated, comes_back, run_id) \
SELECT $1, s.*, $2 FROM ROWS FROM (pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]), \
pg_catalog.unnest($5::text[]), pg_catalog.unnest($6::text[]), pg_catalog.unnest($7::text[]), \
pg_catalog.unnest($8::text[]), pg_catalog.unnest($9::text[]), pg_catalog.unnest($10::bool[]), \
pg_catalog.unnest($11::bool[])) AS s \
ON CONFLICT (job, target_schema, target_table, name) DO UPDATE SET \
refers_to = EXCLUDED.refers_to, definition = EXCLUDED.definition, \
validated = EXCLUDED.validated, comes_back = EXCLUDED.comes_back, run_id = EXCLUDED.run_id, \
set_aside_at = pg_catalog.now()";

const FORGET: &str = "\
DELETE FROM _migrate.set_aside \
WHERE job = $1 AND target_schema = $2 AND target_table = $3 AND name = $4";

const FORGET_ALL: &str = "\
DELETE FROM _migrate.set_aside WHERE job = $1 AND (target_schema, target_table, name) IN (\
SELECT * FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]), \
pg_catalog.unnest($4::text[])) AS s)";

const ALL: &str = "\
SELECT source_schema, source_table, refers_to, target_schema, target_table, name, definition, \
validated, comes_back FROM _migrate.set_aside WHERE job = $1 ORDER BY 4, 5, 6";

/// In the transaction that drops the constraints.
pub(in crate::postgres) async fn record_suspended(
    transaction: &Transaction<'_>,
    fence: RunFence<'_>,
    suspended: &[SuspendedConstraint],
) -> Result<()> {
    fn texts(all: &[SuspendedConstraint], text: fn(&SuspendedConstraint) -> &str) -> Vec<&str> {
        all.iter().map(text).collect()
    }
    let refers_to = suspended.iter().map(|one| one.refers_to.as_deref());
    let flags = suspended
        .iter()
        .map(|one| (one.validated, one.restore_after_load));
    let (validated, restored): (Vec<_>, Vec<_>) = flags.unzip();
    transaction
        .execute(
            KEEP,
            &[
                &fence.job,
                &fence.run.0,
                &texts(suspended, |one| &one.table.0),
                &texts(suspended, |one| &one.table.1),
                &refers_to.collect::<Vec<_>>(),
                &texts(suspended, |one| &one.target.schema),
                &texts(suspended, |one| &one.target.table),
                &texts(suspended, |one| &one.name),
                &texts(suspended, |one| &one.definition),
                &validated,
                &restored,
            ],
        )
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "record suspended constraints"))
}

/// In the transaction that makes sure that the constraint is on again, or is not to come back.
pub(in crate::postgres) async fn forget_suspended(
    transaction: &Transaction<'_>,
    job: &str,
    suspended: &SuspendedConstraint,
) -> Result<()> {
    let target = &suspended.target;
    transaction
        .execute(
            FORGET,
            &[&job, &target.schema, &target.table, &suspended.name],
        )
        .await
        .map(drop)
        .map_err(|error| {
            fault::from_driver(error, "remove the record of a constraint that is on again")
        })
}

/// The same for several constraints.
pub(in crate::postgres) async fn forget_all_suspended<'a>(
    transaction: &Transaction<'_>,
    job: &str,
    suspended: impl Iterator<Item = &'a SuspendedConstraint>,
) -> Result<()> {
    let (mut schemas, mut tables, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for one in suspended {
        schemas.push(one.target.schema.as_str());
        tables.push(one.target.table.as_str());
        names.push(one.name.as_str());
    }
    transaction
        .execute(FORGET_ALL, &[&job, &schemas, &tables, &names])
        .await
        .map(drop)
        .map_err(|error| {
            fault::from_driver(error, "remove the records of constraints that are on again")
        })
}

/// What is off, by target table and name.
pub async fn suspended_constraints(client: &Client, job: &str) -> Result<Vec<SuspendedConstraint>> {
    let rows = client
        .query(ALL, &[&job])
        .await
        .map_err(|error| fault::from_driver(error, "read the suspended constraints"))?;
    Ok(rows.iter().map(read).collect())
}

fn read(row: &Row) -> SuspendedConstraint {
    SuspendedConstraint {
        table: (row.get("source_schema"), row.get("source_table")),
        refers_to: row.get("refers_to"),
        target: TargetName {
            schema: row.get("target_schema"),
            table: row.get("target_table"),
        },
        name: row.get("name"),
        definition: row.get("definition"),
        validated: row.get("validated"),
        restore_after_load: row.get("comes_back"),
    }
}
