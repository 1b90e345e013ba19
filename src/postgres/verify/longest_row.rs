//! How long the rows of a table are at most: what bounds how many are read at a time.
//!
//! tokio-postgres holds a whole row in memory before its reader sees it. So several connections at
//! a time must know beforehand what their longest row may be (`pipeline::verify::reads`).

use tokio_postgres::Client;

use crate::error::Result;
use crate::plan::table::{ColumnPlan, TablePlan};
use crate::postgres::fault;
use tsql::names::{qualified, quote_ident};
use tsql::typemap::PgType;

/// A row of more than some KiB keeps its values in the TOAST table, compressed if that helps:
/// at most 255 to 1, by the form in which LZ4 writes lengths. A TOAST table below this has no row
/// of more than 16 MiB.
const LEAST_TOAST: i64 = (16 << 20) / 255;

/// The bytes of the longest row, about; 0 if no row is long.
///
/// If the table has long values, it is read for their lengths, which does not read the values
/// themselves except those of XML and JSON.
///
/// # Errors
/// The table or the catalog cannot be read.
pub async fn longest_row(client: &Client, plan: &TablePlan) -> Result<u64> {
    let columns = plan.columns.iter().filter_map(length).collect::<Vec<_>>();
    let few = |bytes: Option<i64>| bytes.is_some_and(|bytes| bytes < LEAST_TOAST);
    if columns.is_empty() || few(toast_bytes(client, plan).await?) {
        return Ok(0);
    }
    let name = qualified(&plan.target);
    let sql = format!(
        "SELECT coalesce(pg_catalog.max({}), 0) FROM {name}",
        columns.join(" + ")
    );
    let row = client
        .query_one(&sql, &[])
        .await
        .map_err(|error| fault::from_driver(error, &format!("measure the rows of {name}")))?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or_default())
}

/// `None` if the rows are elsewhere: in partitions, or in what a view reads.
async fn toast_bytes(client: &Client, plan: &TablePlan) -> Result<Option<i64>> {
    let name = qualified(&plan.target);
    let sql = "SELECT coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0) \
        FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1) \
        AND c.relkind = 'r' AND NOT c.relhassubclass";
    let row = client
        .query_opt(sql, &[&name])
        .await
        .map_err(|error| fault::from_driver(error, &format!("size up {name}")))?;
    Ok(row.map(|row| row.get(0)))
}

/// The bytes of a value as they are sent, for types without a bound that could matter. `None` is
/// of the others.
fn length(column: &ColumnPlan) -> Option<String> {
    let name = quote_ident(&column.target_name);
    let bytes = match column.target_type {
        PgType::Text | PgType::VarChar(_) | PgType::Bytea => format!("octet_length({name})"),
        PgType::Xml | PgType::Json | PgType::Jsonb => format!("octet_length({name}::text)"),
        // As they are stored: such values are hardly ever compressed to a part of it.
        PgType::Geography | PgType::Geometry => format!("pg_column_size({name})"),
        PgType::Boolean
        | PgType::SmallInt
        | PgType::Integer
        | PgType::BigInt
        | PgType::Numeric(_)
        | PgType::Real
        | PgType::DoublePrecision
        | PgType::Date
        | PgType::Time(_)
        | PgType::Timestamp(_)
        | PgType::TimestampTz(_)
        | PgType::Char(_)
        | PgType::Uuid
        | PgType::RealArray
        | PgType::Vector(_) => return None,
    };
    Some(format!("coalesce(pg_catalog.{bytes}, 0)::bigint"))
}
