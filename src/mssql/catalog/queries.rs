//! The catalog's questions: one statement per view, for all tables at once, from SQL Server 2012 on.

/// Name, server, version, collation and what decides about consistency, in one row.
///
/// `is_read_only` and not `DATABASEPROPERTYEX(..., 'Updateability')`: that calls a readable replica
/// read-only too, whose rows change as its primary's do; so do those of a standby between restores.
pub(super) const DATABASE: &str = "\
SELECT d.name, CONVERT(nvarchar(128), @@SERVERNAME), \
CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')), \
CONVERT(nvarchar(128), d.collation_name), \
CONVERT(int, d.snapshot_isolation_state), \
CONVERT(int, d.is_read_only), CONVERT(int, d.is_in_standby), CONVERT(int, d.source_database_id), \
CONVERT(nvarchar(400), @@VERSION), CONVERT(nvarchar(36), d.service_broker_guid) \
FROM sys.databases AS d WHERE d.name = DB_NAME()";

/// Columns of the catalog views that not every version has: `is_external`, `encryption_type` and
/// `is_masked` came with 2016, `is_memory_optimized` with 2014, `graph_type` with 2017, `vector_dimensions` with 2025.
pub(super) const NEWER_COLUMNS: &str = "\
SELECT c.name FROM sys.all_columns AS c \
WHERE c.object_id IN (OBJECT_ID(N'sys.tables'), OBJECT_ID(N'sys.columns')) \
AND c.name IN (N'is_external', N'encryption_type', N'graph_type', N'is_masked', N'is_memory_optimized', N'vector_dimensions')";

pub(super) const TYPES: &str = "\
SELECT CONVERT(int, y.user_type_id), CONVERT(int, y.system_type_id), y.name, \
CONVERT(int, y.is_user_defined), CONVERT(int, y.is_assembly_type), s.name \
FROM sys.types AS y LEFT JOIN sys.schemas AS s ON s.schema_id = y.schema_id";

pub(super) const COLLATIONS: &str = "\
SELECT n.name, CONVERT(int, COLLATIONPROPERTY(n.name, 'CodePage')) FROM \
(SELECT DISTINCT CONVERT(nvarchar(128), c.collation_name) AS name FROM sys.columns AS c \
WHERE c.collation_name IS NOT NULL) AS n";

/// User tables. External tables have their rows elsewhere and are left to that place.
pub(super) fn tables(newer: &[String]) -> String {
    let external = if newer.iter().any(|name| name == "is_external") {
        " AND t.is_external = 0"
    } else {
        ""
    };
    let memory = if newer.iter().any(|name| name == "is_memory_optimized") {
        "CONVERT(int, t.is_memory_optimized)"
    } else {
        "CONVERT(int, 0)"
    };
    format!(
        "SELECT CONVERT(bigint, t.object_id), s.name, t.name, {memory} FROM sys.tables AS t \
         JOIN sys.schemas AS s ON s.schema_id = t.schema_id \
         WHERE t.is_ms_shipped = 0{external} ORDER BY s.name, t.name"
    )
}

pub(super) fn columns(newer: &[String]) -> String {
    let or_null = |name: &str| {
        if newer.iter().any(|newer| newer == name) {
            format!("CONVERT(int, c.{name})")
        } else {
            "CONVERT(int, NULL)".to_owned()
        }
    };
    format!(
        "SELECT CONVERT(bigint, c.object_id), CONVERT(int, c.column_id), c.name, \
         CONVERT(int, c.system_type_id), CONVERT(int, c.user_type_id), \
         CONVERT(int, c.max_length), CONVERT(int, c.precision), CONVERT(int, c.scale), \
         CONVERT(int, c.is_nullable), CONVERT(int, c.is_computed), \
         CONVERT(nvarchar(128), c.collation_name), {}, {}, {}, {} \
         FROM sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id \
         WHERE t.is_ms_shipped = 0",
        or_null("encryption_type"),
        or_null("graph_type"),
        or_null("is_masked"),
        or_null("vector_dimensions"),
    )
}

/// Seed, increment and last value are sql_variant of the column's type. Views and internal tables
/// have identity columns too, without any of the three.
pub(super) const IDENTITIES: &str = "\
SELECT CONVERT(bigint, i.object_id), CONVERT(int, i.column_id), \
CONVERT(nvarchar(60), i.seed_value), CONVERT(nvarchar(60), i.increment_value), \
CONVERT(nvarchar(60), i.last_value) FROM sys.identity_columns AS i \
JOIN sys.tables AS t ON t.object_id = i.object_id WHERE t.is_ms_shipped = 0";

/// The same for one table, which has one identity at most.
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

pub(super) const COMPUTED: &str = "\
SELECT CONVERT(bigint, c.object_id), CONVERT(int, c.column_id), \
CONVERT(nvarchar(max), c.definition), CONVERT(int, c.is_persisted) FROM sys.computed_columns AS c";

pub(super) const INDEXES: &str = "\
SELECT CONVERT(bigint, i.object_id), CONVERT(int, i.index_id), i.name, CONVERT(int, i.type), \
CONVERT(int, i.is_unique), CONVERT(int, i.is_primary_key), CONVERT(int, i.is_unique_constraint), \
CONVERT(int, i.is_disabled), CONVERT(int, i.has_filter), \
CONVERT(nvarchar(max), i.filter_definition) \
FROM sys.indexes AS i JOIN sys.tables AS t ON t.object_id = i.object_id \
WHERE t.is_ms_shipped = 0 AND i.index_id > 0 AND i.is_hypothetical = 0";

pub(super) const INDEX_COLUMNS: &str = "\
SELECT CONVERT(bigint, k.object_id), CONVERT(int, k.index_id), CONVERT(int, k.column_id), \
CONVERT(int, k.key_ordinal), CONVERT(int, k.is_descending_key), \
CONVERT(int, k.is_included_column), CONVERT(int, k.index_column_id) \
FROM sys.index_columns AS k JOIN sys.tables AS t ON t.object_id = k.object_id \
WHERE t.is_ms_shipped = 0";

/// Foreign keys, checks and defaults of tables, all in one view.
pub(super) const OTHERS: &str = "\
SELECT CONVERT(bigint, o.parent_object_id), CONVERT(nvarchar(2), o.type), o.name \
FROM sys.objects AS o JOIN sys.tables AS t ON t.object_id = o.parent_object_id \
WHERE t.is_ms_shipped = 0 AND o.is_ms_shipped = 0 AND o.type IN ('F', 'C', 'D') \
ORDER BY o.name";

/// Exact to the last committed statement, but asks for VIEW DATABASE STATE.
pub(super) const ESTIMATES: &str = "\
SELECT CONVERT(bigint, p.object_id), CONVERT(bigint, SUM(p.row_count)), \
CONVERT(bigint, SUM(p.used_page_count)) FROM sys.dm_db_partition_stats AS p \
WHERE p.index_id IN (0, 1) GROUP BY p.object_id";

/// For everybody who may see the table; the pages come from the next one.
pub(super) const ESTIMATED_ROWS: &str = "\
SELECT CONVERT(bigint, p.object_id), CONVERT(bigint, SUM(p.rows)), CONVERT(bigint, 0) \
FROM sys.partitions AS p WHERE p.index_id IN (0, 1) GROUP BY p.object_id";

pub(super) const ESTIMATED_PAGES: &str = "\
SELECT CONVERT(bigint, p.object_id), CONVERT(bigint, 0), CONVERT(bigint, SUM(a.used_pages)) \
FROM sys.partitions AS p JOIN sys.allocation_units AS a ON a.container_id = p.partition_id \
WHERE p.index_id IN (0, 1) GROUP BY p.object_id";

/// Memory-optimised tables have their rows in indexes from 2 on, each of which has all of them.
pub(super) const ESTIMATED_IN_MEMORY: &str = "\
SELECT CONVERT(bigint, p.object_id), CONVERT(bigint, MAX(p.rows)), CONVERT(bigint, 0) \
FROM sys.partitions AS p JOIN sys.tables AS t ON t.object_id = p.object_id \
WHERE t.is_memory_optimized = 1 AND p.index_id > 1 GROUP BY p.object_id";
