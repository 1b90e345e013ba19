//! The catalog's questions about constraints, comments and sequences, from SQL Server 2012 on. Each may be refused, by a server without the view or for lack of a permission: `sys.objects` has
//! told by then what there is, so what stays unknown is listed as left out.

use crate::mssql::catalog::row::catalog_row;

catalog_row! {
    /// A foreign key.
    pub(super) struct ForeignKeyRow {
        parent_object_id: i64 = "CONVERT(bigint, k.parent_object_id)",
        object_id: i64 = "CONVERT(bigint, k.object_id)",
        name: String = "k.name",
        referenced_schema: String = "s.name",
        referenced_table: String = "t.name",
        delete_referential_action: i64 = "CONVERT(int, k.delete_referential_action)",
        update_referential_action: i64 = "CONVERT(int, k.update_referential_action)",
        is_disabled: bool = "CONVERT(int, k.is_disabled)",
        is_not_trusted: bool = "CONVERT(int, k.is_not_trusted)",
    }
    from "sys.foreign_keys AS k JOIN sys.tables AS t ON t.object_id = k.referenced_object_id \
          JOIN sys.schemas AS s ON s.schema_id = t.schema_id"
}

catalog_row! {
    /// A pair of columns of a foreign key.
    pub(super) struct ForeignKeyColumnRow {
        constraint_object_id: i64 = "CONVERT(bigint, k.constraint_object_id)",
        /// From 1.
        constraint_column_id: i64 = "CONVERT(int, k.constraint_column_id)",
        column: String = "p.name",
        referenced_column: String = "r.name",
    }
    from "sys.foreign_key_columns AS k \
          JOIN sys.columns AS p ON p.object_id = k.parent_object_id \
          AND p.column_id = k.parent_column_id \
          JOIN sys.columns AS r ON r.object_id = k.referenced_object_id \
          AND r.column_id = k.referenced_column_id"
}

catalog_row! {
    /// A check constraint.
    pub(super) struct CheckRow {
        parent_object_id: i64 = "CONVERT(bigint, c.parent_object_id)",
        name: String = "c.name",
        /// NULL if the login may not see definitions.
        definition: Option<String> = "CONVERT(nvarchar(max), c.definition)",
        is_disabled: bool = "CONVERT(int, c.is_disabled)",
        is_not_trusted: bool = "CONVERT(int, c.is_not_trusted)",
    }
    from "sys.check_constraints AS c"
}

catalog_row! {
    /// A default constraint of a column.
    pub(super) struct DefaultRow {
        parent_object_id: i64 = "CONVERT(bigint, d.parent_object_id)",
        parent_column_id: i64 = "CONVERT(int, d.parent_column_id)",
        name: String = "d.name",
        /// NULL if the login may not see definitions.
        definition: Option<String> = "CONVERT(nvarchar(max), d.definition)",
    }
    from "sys.default_constraints AS d"
}

catalog_row! {
    /// A comment of a table or a column. Class 1 is an object or a column of it.
    pub(super) struct CommentRow {
        object_id: i64 = "CONVERT(bigint, e.major_id)",
        /// 0 for the table itself.
        column_id: i64 = "CONVERT(int, e.minor_id)",
        text: Option<String> = "CONVERT(nvarchar(4000), e.value)",
    }
    from "sys.extended_properties AS e JOIN sys.tables AS t ON t.object_id = e.major_id \
          WHERE e.class = 1 AND e.name = N'MS_Description'"
}

catalog_row! {
    /// A table of a system-versioned pair; since 2016.
    pub(super) struct TemporalRow {
        object_id: i64 = "CONVERT(bigint, t.object_id)",
        /// 1 is a history table, 2 a system-versioned one.
        temporal_type: i64 = "CONVERT(int, t.temporal_type)",
        history_schema: Option<String> = "s.name",
        history_table: Option<String> = "h.name",
    }
    from "sys.tables AS t LEFT JOIN sys.tables AS h ON h.object_id = t.history_table_id \
          LEFT JOIN sys.schemas AS s ON s.schema_id = h.schema_id WHERE t.temporal_type <> 0"
}

catalog_row! {
    /// A sparse column, a column set, or a column of a period.
    pub(super) struct SpecialRow {
        object_id: i64 = "CONVERT(bigint, c.object_id)",
        column_id: i64 = "CONVERT(int, c.column_id)",
        is_sparse: bool = "CONVERT(int, c.is_sparse)",
        is_column_set: bool = "CONVERT(int, c.is_column_set)",
        /// Since 2016. 1 is the start of a row's period, 2 its end; higher numbers are columns of
        /// ledger tables.
        generated_always_type: Option<i64> = "CONVERT(int, c.generated_always_type)",
    }
    from "sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id \
          WHERE t.is_ms_shipped = 0 \
          AND (c.is_sparse = 1 OR c.is_column_set = 1 OR c.generated_always_type <> 0)"
}

/// FROM of [`SpecialRow`] before 2016.
pub(super) const SPARSE: &str = "\
sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id WHERE t.is_ms_shipped = 0 \
AND (c.is_sparse = 1 OR c.is_column_set = 1)";

catalog_row! {
    /// A table with a full-text index, of which a table has one at most.
    pub(super) struct FullTextRow {
        object_id: i64 = "CONVERT(bigint, f.object_id)",
    }
    from "sys.fulltext_indexes AS f"
}

catalog_row! {
    /// A default that was made by itself and bound to a column. A default constraint is an object of
    /// its table, which every login that sees the column sees too; one that is not shown is
    /// therefore a bound one.
    pub(super) struct BoundRow {
        object_id: i64 = "CONVERT(bigint, c.object_id)",
        column_id: i64 = "CONVERT(int, c.column_id)",
        schema: Option<String> = "s.name",
        name: Option<String> = "o.name",
        definition: Option<String> = "CONVERT(nvarchar(max), m.definition)",
    }
    from "sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id \
          LEFT JOIN sys.objects AS o ON o.object_id = c.default_object_id \
          LEFT JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
          LEFT JOIN sys.sql_modules AS m ON m.object_id = c.default_object_id \
          WHERE t.is_ms_shipped = 0 AND c.default_object_id <> 0 \
          AND (o.object_id IS NULL OR o.parent_object_id = 0)"
}

/// FROM of [`BoundRow`] for rules, which are always bound.
pub(super) const BOUND_RULES: &str = "\
sys.columns AS c JOIN sys.tables AS t ON t.object_id = c.object_id \
LEFT JOIN sys.objects AS o ON o.object_id = c.rule_object_id \
LEFT JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
LEFT JOIN sys.sql_modules AS m ON m.object_id = c.rule_object_id \
WHERE t.is_ms_shipped = 0 AND c.rule_object_id <> 0";

catalog_row! {
    /// A table whose rows a partition scheme divides: a heap or a clustered index on one.
    pub(super) struct PartitionedRow {
        object_id: i64 = "CONVERT(bigint, i.object_id)",
        scheme: String = "p.name",
    }
    from "sys.indexes AS i JOIN sys.partition_schemes AS p ON p.data_space_id = i.data_space_id \
          WHERE i.index_id IN (0, 1)"
}

catalog_row! {
    /// The partition function of such a table, with the column that it divides.
    pub(super) struct PartitionFunctionRow {
        object_id: i64 = "CONVERT(bigint, i.object_id)",
        name: String = "f.name",
        column: String = "c.name",
        /// Number of partitions, at most 15,000.
        fanout: i64 = "CONVERT(int, f.fanout)",
        /// Changes with ALTER PARTITION FUNCTION, which gives the partitions other numbers.
        modify_date: String = "CONVERT(nvarchar(30), f.modify_date, 126)",
    }
    from "sys.indexes AS i \
          JOIN sys.partition_schemes AS p ON p.data_space_id = i.data_space_id \
          JOIN sys.partition_functions AS f ON f.function_id = p.function_id \
          JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id \
          AND k.partition_ordinal = 1 \
          JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id \
          WHERE i.index_id IN (0, 1)"
}

catalog_row! {
    /// A sequence. Its numbers are `sql_variant` of its type.
    pub(super) struct SequenceRow {
        schema: String = "s.name",
        name: String = "q.name",
        system_type_id: i64 = "CONVERT(int, q.system_type_id)",
        user_type_id: i64 = "CONVERT(int, q.user_type_id)",
        precision: i64 = "CONVERT(int, q.precision)",
        start_value: String = "CONVERT(nvarchar(60), q.start_value)",
        increment: String = "CONVERT(nvarchar(60), q.increment)",
        minimum_value: String = "CONVERT(nvarchar(60), q.minimum_value)",
        maximum_value: String = "CONVERT(nvarchar(60), q.maximum_value)",
        is_cycling: bool = "CONVERT(int, q.is_cycling)",
        is_cached: bool = "CONVERT(int, q.is_cached)",
        cache_size: Option<i64> = "CONVERT(int, q.cache_size)",
        current_value: Option<String> = "CONVERT(nvarchar(60), q.current_value)",
        /// Whether it was ever used; since 2017.
        is_used: Option<bool> = "CONVERT(int, CASE WHEN q.last_used_value IS NULL THEN 0 ELSE 1 END)",
    }
    from "sys.sequences AS q JOIN sys.schemas AS s ON s.schema_id = q.schema_id \
          ORDER BY s.name, q.name"
}

catalog_row! {
    /// A view or sequence by name alone, which no missing permission hides.
    pub(super) struct NamedRow {
        schema: String = "s.name",
        /// `sys.objects.type` is `char(2)`, with a blank after one letter.
        kind: String = "CONVERT(nvarchar(2), o.type)",
        name: String = "o.name",
    }
    from "sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
          WHERE o.type IN ('V', 'SO') AND o.is_ms_shipped = 0 ORDER BY s.name, o.name"
}
