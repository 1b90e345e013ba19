//! The catalog's questions about constraints, comments, sequences and views, from SQL Server 2012
//! on. Each may be refused, by a server without the view or for want of a right: `sys.objects` has
//! told by then what there is, so what stays unknown is listed as left out.

pub(super) const FOREIGN_KEYS: &str = "\
SELECT CONVERT(bigint, k.parent_object_id), CONVERT(bigint, k.object_id), k.name, s.name, t.name, \
CONVERT(int, k.delete_referential_action), CONVERT(int, k.update_referential_action), \
CONVERT(int, k.is_disabled), CONVERT(int, k.is_not_trusted) FROM sys.foreign_keys AS k \
JOIN sys.tables AS t ON t.object_id = k.referenced_object_id \
JOIN sys.schemas AS s ON s.schema_id = t.schema_id";

pub(super) const FOREIGN_KEY_COLUMNS: &str = "\
SELECT CONVERT(bigint, k.constraint_object_id), CONVERT(int, k.constraint_column_id), p.name, r.name \
FROM sys.foreign_key_columns AS k \
JOIN sys.columns AS p ON p.object_id = k.parent_object_id AND p.column_id = k.parent_column_id \
JOIN sys.columns AS r ON r.object_id = k.referenced_object_id AND r.column_id = k.referenced_column_id";

/// NULL as definition where the login may not see definitions.
pub(super) const CHECKS: &str = "\
SELECT CONVERT(bigint, c.parent_object_id), c.name, CONVERT(nvarchar(max), c.definition), \
CONVERT(int, c.is_disabled), CONVERT(int, c.is_not_trusted) FROM sys.check_constraints AS c";

pub(super) const DEFAULTS: &str = "\
SELECT CONVERT(bigint, d.parent_object_id), CONVERT(int, d.parent_column_id), d.name, \
CONVERT(nvarchar(max), d.definition) FROM sys.default_constraints AS d";

/// Comments of tables (0 as second) and columns. Class 1 is an object or a column of it.
pub(super) const COMMENTS: &str = "\
SELECT CONVERT(bigint, e.major_id), CONVERT(int, e.minor_id), CONVERT(nvarchar(4000), e.value) \
FROM sys.extended_properties AS e JOIN sys.tables AS t ON t.object_id = e.major_id \
WHERE e.class = 1 AND e.name = N'MS_Description'";

/// Since 2016. `temporal_type`: 1 is a history table, 2 a system-versioned one.
pub(super) const TEMPORAL: &str = "\
SELECT CONVERT(bigint, t.object_id), CONVERT(int, t.temporal_type), s.name, h.name \
FROM sys.tables AS t LEFT JOIN sys.tables AS h ON h.object_id = t.history_table_id \
LEFT JOIN sys.schemas AS s ON s.schema_id = h.schema_id WHERE t.temporal_type <> 0";

/// Sparse columns, column sets and the columns of periods. `generated_always_type` (since 2016): 1 is
/// the start of a row's period, 2 its end; higher numbers are columns of ledger tables.
pub(super) const SPECIAL: &str = "\
SELECT CONVERT(bigint, c.object_id), CONVERT(int, c.column_id), CONVERT(int, c.is_sparse), \
CONVERT(int, c.is_column_set), CONVERT(int, c.generated_always_type) FROM sys.columns AS c \
JOIN sys.tables AS t ON t.object_id = c.object_id WHERE t.is_ms_shipped = 0 \
AND (c.is_sparse = 1 OR c.is_column_set = 1 OR c.generated_always_type <> 0)";

/// The same before 2016.
pub(super) const SPARSE: &str = "\
SELECT CONVERT(bigint, c.object_id), CONVERT(int, c.column_id), CONVERT(int, c.is_sparse), \
CONVERT(int, c.is_column_set), 0 FROM sys.columns AS c \
JOIN sys.tables AS t ON t.object_id = c.object_id WHERE t.is_ms_shipped = 0 \
AND (c.is_sparse = 1 OR c.is_column_set = 1)";

/// Tables with a full-text index, of which a table has one at most.
pub(super) const FULL_TEXT: &str = "\
SELECT CONVERT(bigint, f.object_id) FROM sys.fulltext_indexes AS f";

/// Defaults that were made by themselves and bound. A default constraint is an object of its table,
/// which who sees the column sees too; one that is not shown is therefore a bound one.
pub(super) const BOUND_DEFAULTS: &str = "\
SELECT CONVERT(bigint, c.object_id), CONVERT(int, c.column_id), s.name, o.name, \
CONVERT(nvarchar(max), m.definition) FROM sys.columns AS c \
JOIN sys.tables AS t ON t.object_id = c.object_id \
LEFT JOIN sys.objects AS o ON o.object_id = c.default_object_id \
LEFT JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
LEFT JOIN sys.sql_modules AS m ON m.object_id = c.default_object_id \
WHERE t.is_ms_shipped = 0 AND c.default_object_id <> 0 \
AND (o.object_id IS NULL OR o.parent_object_id = 0)";

pub(super) const BOUND_RULES: &str = "\
SELECT CONVERT(bigint, c.object_id), CONVERT(int, c.column_id), s.name, o.name, \
CONVERT(nvarchar(max), m.definition) FROM sys.columns AS c \
JOIN sys.tables AS t ON t.object_id = c.object_id \
LEFT JOIN sys.objects AS o ON o.object_id = c.rule_object_id \
LEFT JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
LEFT JOIN sys.sql_modules AS m ON m.object_id = c.rule_object_id \
WHERE t.is_ms_shipped = 0 AND c.rule_object_id <> 0";

/// Tables whose rows a partition scheme divides: heaps and clustered indexes on one.
pub(super) const PARTITIONED: &str = "\
SELECT CONVERT(bigint, i.object_id), p.name FROM sys.indexes AS i \
JOIN sys.partition_schemes AS p ON p.data_space_id = i.data_space_id WHERE i.index_id IN (0, 1)";

/// The functions of their schemes, with the column that each divides. `modify_date` changes with
/// ALTER PARTITION FUNCTION, which gives the partitions other numbers.
pub(super) const PARTITION_FUNCTIONS: &str = "\
SELECT CONVERT(bigint, i.object_id), f.name, c.name, CONVERT(int, f.fanout), \
CONVERT(nvarchar(30), f.modify_date, 126) FROM sys.indexes AS i \
JOIN sys.partition_schemes AS p ON p.data_space_id = i.data_space_id \
JOIN sys.partition_functions AS f ON f.function_id = p.function_id \
JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id \
AND k.partition_ordinal = 1 \
JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id \
WHERE i.index_id IN (0, 1)";

/// With what tells whether a sequence was ever used; since 2017.
pub(super) fn sequences(with_last_used: bool) -> String {
    let last_used = match with_last_used {
        true => "CONVERT(int, CASE WHEN q.last_used_value IS NULL THEN 0 ELSE 1 END)",
        false => "CONVERT(int, NULL)",
    };
    format!(
        "SELECT s.name, q.name, CONVERT(int, q.system_type_id), CONVERT(int, q.user_type_id), \
         CONVERT(int, q.precision), CONVERT(nvarchar(60), q.start_value), \
         CONVERT(nvarchar(60), q.increment), CONVERT(nvarchar(60), q.minimum_value), \
         CONVERT(nvarchar(60), q.maximum_value), CONVERT(int, q.is_cycling), \
         CONVERT(int, q.is_cached), CONVERT(int, q.cache_size), \
         CONVERT(nvarchar(60), q.current_value), {last_used} \
         FROM sys.sequences AS q JOIN sys.schemas AS s ON s.schema_id = q.schema_id \
         ORDER BY s.name, q.name"
    )
}

pub(super) const VIEWS: &str = "\
SELECT CONVERT(bigint, v.object_id), s.name, v.name, CONVERT(nvarchar(max), m.definition), \
CONVERT(int, CASE WHEN i.object_id IS NULL THEN 0 ELSE 1 END) FROM sys.views AS v \
JOIN sys.schemas AS s ON s.schema_id = v.schema_id \
LEFT JOIN sys.sql_modules AS m ON m.object_id = v.object_id \
LEFT JOIN sys.indexes AS i ON i.object_id = v.object_id AND i.index_id = 1 \
WHERE v.is_ms_shipped = 0 ORDER BY s.name, v.name";

/// The tables and views that each view reads.
pub(super) const VIEW_READS: &str = "\
SELECT DISTINCT CONVERT(bigint, d.referencing_id), s.name, o.name \
FROM sys.sql_expression_dependencies AS d JOIN sys.objects AS o ON o.object_id = d.referenced_id \
JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
JOIN sys.views AS v ON v.object_id = d.referencing_id WHERE o.type IN ('U', 'V')";

/// Views and sequences, whatever of them the other queries may tell.
pub(super) const NAMED: &str = "\
SELECT s.name, CONVERT(nvarchar(2), o.type), o.name FROM sys.objects AS o \
JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
WHERE o.type IN ('V', 'SO') AND o.is_ms_shipped = 0 ORDER BY s.name, o.name";
