//! Columns that SQL Server fills by itself and no application names: `rowversion`, the period columns
//! of temporal tables, computed columns that are kept as plain ones, and the ids of graph tables.
//!
//! A NOT NULL of theirs would refuse the application's first INSERT.

use crate::config::job::RowVersion;
use crate::plan::objects::context::{Context, Remarks};
use crate::plan::table::ColumnPlan;
use tsql::schema::objects::Period;
use tsql::schema::{IndexRole, SqlType, Table};
use tsql::typemap::PgType;

/// When a row's period ends that has not ended: SQL Server's last moment, without the digits that
/// PostgreSQL has no place for.
const END_OF_TIME: &str = "9999-12-31 23:59:59.999999";

/// Gives each such column a default, or takes its NOT NULL away, and says so.
pub(super) fn fill(
    table: &Table,
    columns: &mut [ColumnPlan],
    context: &Context<'_>,
    remarks: &mut Remarks,
) {
    for column in columns {
        let source = &column.source;
        let what = if let Some(period) = source.extras.period {
            if let Some(default) = period_default(period, column, context) {
                remarks.notes.push(format!(
                    "column {}: a period column, which SQL Server fills; here its default is {default}",
                    source.name
                ));
                column.clauses.default = Some(default);
                continue;
            }
            "a period column"
        } else if source.ty == SqlType::RowVersion {
            if context.job.schema.rowversion == RowVersion::Counter
                && column.target_type == PgType::Bytea
            {
                continue; // `trigger` says what it becomes.
            }
            "a rowversion (schema.rowversion: counter makes it grow here too)"
        } else if source.extras.pseudo && !source.nullable {
            "an id of a graph table"
        } else if source.computed.is_some() {
            "a computed column that is kept as a plain one"
        } else {
            continue;
        };
        if source.nullable || column.clauses.default.is_some() {
            continue;
        }
        let name = &source.name;
        if in_primary_key(table, name) {
            remarks.notes.push(format!(
                "column {name}: {what}, which PostgreSQL does not fill; it is in the primary key, so every INSERT must give it a value"
            ));
            continue;
        }
        remarks.notes.push(format!(
            "column {name}: {what}, which PostgreSQL does not fill; made without NOT NULL, so that an INSERT that does not name it works"
        ));
        column.clauses.nullable = true;
    }
}

/// Such a column stays NOT NULL whatever happens: a primary key implies it.
fn in_primary_key(table: &Table, name: &str) -> bool {
    let keys = table.indexes.iter();
    let mut keys = keys.filter(|index| index.role == IndexRole::PrimaryKey);
    keys.any(|index| index.key.iter().any(|key| key.column == name))
}

/// A period is in UTC and begins with the transaction (Microsoft, "Temporal tables"), as `now()` is
/// the time of the transaction in PostgreSQL.
fn period_default(period: Period, column: &ColumnPlan, context: &Context<'_>) -> Option<String> {
    let PgType::Timestamp(digits) = column.target_type else {
        return None;
    };
    if !context.job.schema.defaults {
        return None;
    }
    Some(match period {
        Period::Start => "pg_catalog.now() AT TIME ZONE 'UTC'".to_owned(),
        Period::End => format!("timestamp '{}'", end_of_time(digits)),
    })
}

/// With `digits` fractional digits.
/// 0 to 6; more digits than PostgreSQL has are cut.
pub(super) fn end_of_time(digits: u8) -> &'static str {
    match digits {
        0 => &END_OF_TIME[..19],
        digits => &END_OF_TIME[..20 + usize::from(digits.min(6))],
    }
}
