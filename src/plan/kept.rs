//! The T-SQL of what the server keeps count of by itself.
//!
//! Counting rows by COUNT reads the table; this costs a look at the catalog.
//! `pipeline::verify::counts` uses it if it agrees and counts if it does not.

use crate::plan::query::name;
use crate::plan::table::TablePlan;

/// The statement that gives what the server itself has counted of the table's rows: of its heap or
/// clustered index, over all partitions. NULL if there is none.
///
/// The number is kept with each change, of transactions that are not committed yet as well, and was
/// known to be wrong only in databases of SQL Server 2000 (Microsoft, "DBCC UPDATEUSAGE"). So it can
/// agree with a target, and never disproves one.
pub fn kept_count(table: &TablePlan) -> String {
    format!(
        "SELECT CONVERT(bigint, SUM(p.row_count)) FROM sys.dm_db_partition_stats AS p \
         WHERE p.index_id IN (0, 1) AND p.object_id = {}",
        object_id(table)
    )
}

/// The table's id, as an expression.
pub(super) fn object_id(table: &TablePlan) -> String {
    format!("OBJECT_ID(N'{}')", name(table).replace('\'', "''"))
}
