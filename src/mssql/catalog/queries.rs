//! The catalog's questions: one statement per view, for all tables at once, from SQL Server 2012 on.

use super::row::{CatalogRow, catalog_row, select_from};

catalog_row! {
    /// The database and what decides about consistency, in one row.
    pub(super) struct DatabaseRow {
        name: String = "d.name",
        server: Option<String> = "CONVERT(nvarchar(128), @@SERVERNAME)",
        version: Option<String> = "CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion'))",
        collation_name: Option<String> = "CONVERT(nvarchar(128), d.collation_name)",
        snapshot_isolation_state: Option<i64> = "CONVERT(int, d.snapshot_isolation_state)",
        /// Not `DATABASEPROPERTYEX(..., 'Updateability')`: that calls a readable replica read-only
        /// too, whose rows change as its primary's do; so do those of a standby between restores.
        is_read_only: bool = "CONVERT(int, d.is_read_only)",
        is_in_standby: bool = "CONVERT(int, d.is_in_standby)",
        /// Set for a database snapshot.
        source_database_id: Option<i64> = "CONVERT(int, d.source_database_id)",
        /// The server's name for itself, Babelfish's too.
        product: Option<String> = "CONVERT(nvarchar(400), @@VERSION)",
        service_broker_guid: Option<String> = "CONVERT(nvarchar(36), d.service_broker_guid)",
    }
    from "sys.databases AS d WHERE d.name = DB_NAME()"
}

/// Columns of `sys.tables` and `sys.columns` that not every version has: `is_memory_optimized` came
/// with 2014, `is_external`, `encryption_type` and `is_masked` with 2016, `graph_type` with 2017,
/// `vector_dimensions` with 2025.
const NEWER: [&str; 6] = [
    "is_external",
    "encryption_type",
    "graph_type",
    "is_masked",
    "is_memory_optimized",
    "vector_dimensions",
];

/// Those of [`NEWER`] that the server has.
pub(super) fn newer_columns() -> String {
    let names = NEWER.map(|name| format!("N'{name}'")).join(", ");
    format!(
        "SELECT c.name FROM sys.all_columns AS c \
         WHERE c.object_id IN (OBJECT_ID(N'sys.tables'), OBJECT_ID(N'sys.columns')) \
         AND c.name IN ({names})"
    )
}

catalog_row! {
    /// A type of the server or of its users.
    pub(super) struct TypeRow {
        user_type_id: i64 = "CONVERT(int, y.user_type_id)",
        system_type_id: i64 = "CONVERT(int, y.system_type_id)",
        name: String = "y.name",
        is_user_defined: bool = "CONVERT(int, y.is_user_defined)",
        is_assembly_type: bool = "CONVERT(int, y.is_assembly_type)",
        schema: Option<String> = "s.name",
    }
    from "sys.types AS y LEFT JOIN sys.schemas AS s ON s.schema_id = y.schema_id"
}

catalog_row! {
    /// A collation that some column has.
    pub(super) struct CollationRow {
        name: Option<String> = "n.name",
        /// 0 for collations of Unicode types only (Microsoft, "COLLATIONPROPERTY").
        code_page: Option<i64> = "CONVERT(int, COLLATIONPROPERTY(n.name, 'CodePage'))",
    }
    from "(SELECT DISTINCT CONVERT(nvarchar(128), c.collation_name) AS name \
          FROM sys.columns AS c WHERE c.collation_name IS NOT NULL) AS n"
}

catalog_row! {
    /// A user table.
    pub(super) struct TableRow {
        object_id: i64 = "CONVERT(bigint, t.object_id)",
        schema: String = "s.name",
        name: String = "t.name",
        is_memory_optimized: bool = "CONVERT(int, t.is_memory_optimized)",
    }
    from "sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id \
          WHERE t.is_ms_shipped = 0"
}

/// External tables have their rows elsewhere and are left to that place.
pub(super) fn tables(newer: &[String]) -> String {
    let external = if newer.iter().any(|name| name == "is_external") {
        " AND t.is_external = 0"
    } else {
        ""
    };
    let from = format!("{}{external} ORDER BY s.name, t.name", TableRow::FROM);
    select_from::<TableRow>(&from, is_known(newer))
}

catalog_row! {
    /// A column of a user table.
    pub(super) struct ColumnRow {
        object_id: i64 = "CONVERT(bigint, c.object_id)",
        column_id: i64 = "CONVERT(int, c.column_id)",
        name: String = "c.name",
        system_type_id: i64 = "CONVERT(int, c.system_type_id)",
        user_type_id: i64 = "CONVERT(int, c.user_type_id)",
        /// Bytes; -1 is `max`.
        max_length: i64 = "CONVERT(int, c.max_length)",
        precision: i64 = "CONVERT(int, c.precision)",
        scale: i64 = "CONVERT(int, c.scale)",
        is_nullable: bool = "CONVERT(int, c.is_nullable)",
        is_computed: bool = "CONVERT(int, c.is_computed)",
        collation_name: Option<String> = "CONVERT(nvarchar(128), c.collation_name)",
        /// Set under Always Encrypted.
        encryption_type: Option<i64> = "CONVERT(int, c.encryption_type)",
        /// Set for the columns that make a table a node or an edge, see `graph.rs`.
        graph_type: Option<i64> = "CONVERT(int, c.graph_type)",
        is_masked: bool = "CONVERT(int, c.is_masked)",
        vector_dimensions: Option<i64> = "CONVERT(int, c.vector_dimensions)",
    }
    from "sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id \
          WHERE t.is_ms_shipped = 0"
}

/// Columns of [`NEWER`] that the server lacks are NULL in the answer.
pub(super) fn columns(newer: &[String]) -> String {
    select_from::<ColumnRow>(ColumnRow::FROM, is_known(newer))
}

/// Whether the server has a column, given those of [`NEWER`] that it has.
fn is_known(newer: &[String]) -> impl Fn(&str) -> bool {
    |column| !NEWER.contains(&column) || newer.iter().any(|name| name == column)
}

catalog_row! {
    /// A column with IDENTITY. Its three numbers are `sql_variant` of the column's type. Views and
    /// internal tables have identity columns too, without any of the three.
    pub(super) struct IdentityRow {
        object_id: i64 = "CONVERT(bigint, i.object_id)",
        column_id: i64 = "CONVERT(int, i.column_id)",
        seed_value: Option<String> = "CONVERT(nvarchar(60), i.seed_value)",
        increment_value: Option<String> = "CONVERT(nvarchar(60), i.increment_value)",
        last_value: Option<String> = "CONVERT(nvarchar(60), i.last_value)",
    }
    from "sys.identity_columns AS i JOIN sys.tables AS t ON t.object_id = i.object_id \
          WHERE t.is_ms_shipped = 0"
}

/// The last value of one table's identity; a table has one identity at most.
pub(super) fn last_value(schema: &str, table: &str) -> String {
    let quoted = |name: &str| format!("N'{}'", name.replace('\'', "''"));
    format!(
        "SELECT CONVERT(nvarchar(60), i.last_value) FROM sys.identity_columns AS i \
         JOIN sys.tables AS t ON t.object_id = i.object_id \
         JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE s.name = {} AND t.name = {}",
        quoted(schema),
        quoted(table)
    )
}

/// The rowversion that was given out last in the database.
pub(super) const LAST_ROWVERSION: &str = "SELECT CONVERT(bigint, @@DBTS)";

catalog_row! {
    /// A computed column.
    pub(super) struct ComputedRow {
        object_id: i64 = "CONVERT(bigint, c.object_id)",
        column_id: i64 = "CONVERT(int, c.column_id)",
        /// NULL if the login may not see definitions.
        definition: Option<String> = "CONVERT(nvarchar(max), c.definition)",
        is_persisted: bool = "CONVERT(int, c.is_persisted)",
    }
    from "sys.computed_columns AS c"
}

catalog_row! {
    /// An index of a user table, those of constraints included.
    pub(super) struct IndexRow {
        object_id: i64 = "CONVERT(bigint, i.object_id)",
        index_id: i64 = "CONVERT(int, i.index_id)",
        name: Option<String> = "i.name",
        /// `sys.indexes.type`.
        kind: i64 = "CONVERT(int, i.type)",
        is_unique: bool = "CONVERT(int, i.is_unique)",
        is_primary_key: bool = "CONVERT(int, i.is_primary_key)",
        is_unique_constraint: bool = "CONVERT(int, i.is_unique_constraint)",
        is_disabled: bool = "CONVERT(int, i.is_disabled)",
        has_filter: bool = "CONVERT(int, i.has_filter)",
        filter_definition: Option<String> = "CONVERT(nvarchar(max), i.filter_definition)",
    }
    from "sys.indexes AS i JOIN sys.tables AS t ON t.object_id = i.object_id \
          WHERE t.is_ms_shipped = 0 AND i.index_id > 0 AND i.is_hypothetical = 0"
}

catalog_row! {
    /// A column of an index.
    pub(super) struct IndexColumnRow {
        object_id: i64 = "CONVERT(bigint, k.object_id)",
        index_id: i64 = "CONVERT(int, k.index_id)",
        column_id: i64 = "CONVERT(int, k.column_id)",
        /// From 1; 0 for columns that are not part of the key.
        key_ordinal: Option<i64> = "CONVERT(int, k.key_ordinal)",
        is_descending_key: bool = "CONVERT(int, k.is_descending_key)",
        is_included_column: bool = "CONVERT(int, k.is_included_column)",
        /// Order of the included columns.
        index_column_id: Option<i64> = "CONVERT(int, k.index_column_id)",
    }
    from "sys.index_columns AS k JOIN sys.tables AS t ON t.object_id = k.object_id \
          WHERE t.is_ms_shipped = 0"
}

catalog_row! {
    /// A foreign key, check or default of a table, by name only: all three are in one view.
    pub(super) struct ConstraintRow {
        parent_object_id: i64 = "CONVERT(bigint, o.parent_object_id)",
        /// `sys.objects.type` is `char(2)`, with a blank after one letter.
        kind: String = "CONVERT(nvarchar(2), o.type)",
        name: String = "o.name",
    }
    from "sys.objects AS o JOIN sys.tables AS t ON t.object_id = o.parent_object_id \
          WHERE t.is_ms_shipped = 0 AND o.is_ms_shipped = 0 AND o.type IN ('F', 'C', 'D') \
          ORDER BY o.name"
}

catalog_row! {
    /// Size of a table. This query is exact to the last committed statement, but needs VIEW DATABASE
    /// STATE.
    pub(super) struct EstimateRow {
        object_id: i64 = "CONVERT(bigint, p.object_id)",
        /// Some servers say -1 if they have never counted.
        rows: Option<i64> = "CONVERT(bigint, SUM(p.row_count))",
        /// Pages of 8 KiB.
        pages: Option<i64> = "CONVERT(bigint, SUM(p.used_page_count))",
    }
    from "sys.dm_db_partition_stats AS p WHERE p.index_id IN (0, 1) GROUP BY p.object_id"
}

/// Rows of [`EstimateRow`] for every login that sees the table; [`ESTIMATED_PAGES`] has the pages.
pub(super) const ESTIMATED_ROWS: &str = "\
SELECT CONVERT(bigint, p.object_id) AS [object_id], CONVERT(bigint, SUM(p.rows)) AS [rows], \
CONVERT(bigint, 0) AS [pages] \
FROM sys.partitions AS p WHERE p.index_id IN (0, 1) GROUP BY p.object_id";

pub(super) const ESTIMATED_PAGES: &str = "\
SELECT CONVERT(bigint, p.object_id) AS [object_id], CONVERT(bigint, 0) AS [rows], \
CONVERT(bigint, SUM(a.used_pages)) AS [pages] \
FROM sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = p.partition_id \
WHERE p.index_id IN (0, 1) GROUP BY p.object_id";

/// Memory-optimised tables have their rows in indexes from 2 on, each of which has all of them.
pub(super) const ESTIMATED_IN_MEMORY: &str = "\
SELECT CONVERT(bigint, p.object_id) AS [object_id], CONVERT(bigint, MAX(p.rows)) AS [rows], \
CONVERT(bigint, 0) AS [pages] \
FROM sys.partitions AS p JOIN sys.tables AS t ON t.object_id = p.object_id \
WHERE t.is_memory_optimized = 1 AND p.index_id > 1 GROUP BY p.object_id";
