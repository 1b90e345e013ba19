//! Defaults and rules that are bound to columns, and partition schemes: what SQL Server keeps
//! beside a table and PostgreSQL has no like of.
//!
//! The statements of `CREATE DEFAULT` and `CREATE RULE` with `sp_bindefault` and `sp_bindrule`,
//! from before there were constraints. They are listed, never translated.

use crate::plan::objects::context::{Context, Remarks};
use crate::plan::table::ColumnPlan;
use tsql::schema::Table;
use tsql::schema::objects::BoundKind;

/// Lists what is bound to the columns as left out, with its T-SQL if the login sees it.
pub(super) fn omit(columns: &[ColumnPlan], context: &Context<'_>, remarks: &mut Remarks) {
    let schema = &context.job.schema;
    for column in columns {
        let name = &column.source.name;
        for bound in &column.source.extras.bound {
            let (kind, wanted, instead) = match bound.kind {
                BoundKind::Default => (
                    "default",
                    schema.defaults,
                    format!(
                        "set one with ALTER TABLE ... ALTER COLUMN {name} SET DEFAULT, or make it a default constraint at the source"
                    ),
                ),
                BoundKind::Rule => (
                    "rule",
                    schema.checks,
                    "add a CHECK to the table, or make it a check constraint at the source"
                        .to_owned(),
                ),
            };
            if !wanted {
                continue;
            }
            let unseen = "(which this login may not see)";
            let shown = bound.name.as_deref().unwrap_or(unseen);
            remarks.omit_with_text(
                format!("bound {kind} {shown} of column {name}"),
                format!("PostgreSQL binds no {kind}s to columns: {instead}"),
                bound.definition.clone(),
            );
        }
    }
}

/// A table on a partition scheme is created as one table. This is a note and not an omission, because
/// no setting of the job asks for partitioned tables.
pub(super) fn note_partitioning(table: &Table, remarks: &mut Remarks) {
    if let Some(scheme) = &table.extras.partition_scheme {
        remarks.notes.push(format!(
            "partitioned by scheme {scheme} at the source, created as one plain table: to keep it partitioned, create it with PARTITION BY at the target and use transfer.mode append"
        ));
    }
}
