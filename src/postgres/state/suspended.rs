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
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
ON CONFLICT (job, target_schema, target_table, name) DO UPDATE SET \
refers_to = EXCLUDED.refers_to, definition = EXCLUDED.definition, \
validated = EXCLUDED.validated, comes_back = EXCLUDED.comes_back, run_id = EXCLUDED.run_id, \
set_aside_at = pg_catalog.now()";

const FORGET: &str = "\
DELETE FROM _migrate.set_aside \
WHERE job = $1 AND target_schema = $2 AND target_table = $3 AND name = $4";

const ALL: &str = "\
SELECT source_schema, source_table, refers_to, target_schema, target_table, name, definition, \
validated, comes_back FROM _migrate.set_aside WHERE job = $1 ORDER BY 4, 5, 6";

/// In the transaction that drops the constraint.
pub(in crate::postgres) async fn record_suspended(
    transaction: &Transaction<'_>,
    fence: RunFence<'_>,
    suspended: &SuspendedConstraint,
) -> Result<()> {
    let (schema, name) = &suspended.table;
    let target = &suspended.target;
    transaction
        .execute(
            KEEP,
            &[
                &fence.job,
                &schema,
                &name,
                &suspended.refers_to,
                &target.schema,
                &target.table,
                &suspended.name,
                &suspended.definition,
                &suspended.validated,
                &suspended.restore_after_load,
                &fence.run.0,
            ],
        )
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "record a suspended constraint"))
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
