//! The catalog's questions about what is defined in T-SQL: views, functions, procedures, triggers,
//! and synonyms for them.

use crate::mssql::catalog::queries::{IndexColumnRow, IndexRow};
use crate::mssql::catalog::row::{catalog_row, select_from};

catalog_row! {
    /// A view.
    pub(super) struct ViewRow {
        object_id: i64 = "CONVERT(bigint, v.object_id)",
        schema: String = "s.name",
        name: String = "v.name",
        definition: Option<String> = "CONVERT(nvarchar(max), m.definition)",
        /// NULL with the definition.
        uses_quoted_identifier: Option<bool> = "CONVERT(int, m.uses_quoted_identifier)",
        is_indexed: bool = "CONVERT(int, CASE WHEN i.object_id IS NULL THEN 0 ELSE 1 END)",
    }
    from "sys.views AS v JOIN sys.schemas AS s ON s.schema_id = v.schema_id \
          LEFT JOIN sys.sql_modules AS m ON m.object_id = v.object_id \
          LEFT JOIN sys.indexes AS i ON i.object_id = v.object_id AND i.index_id = 1 \
          WHERE v.is_ms_shipped = 0 ORDER BY s.name, v.name"
}

catalog_row! {
    /// A table, view, function or synonym that a view or function reads or calls; once for each column
    /// that it reads of it.
    pub(super) struct ReadRow {
        reader_id: i64 = "CONVERT(bigint, d.referencing_id)",
        kind: String = "CONVERT(nvarchar(2), o.type)",
        schema: String = "s.name",
        name: String = "o.name",
    }
    from "sys.sql_expression_dependencies AS d \
          JOIN sys.objects AS o ON o.object_id = d.referenced_id \
          JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
          JOIN sys.objects AS r ON r.object_id = d.referencing_id \
          WHERE o.type IN ('U', 'V', 'SN', 'FN', 'IF', 'TF') \
          AND r.type IN ('V', 'IF', 'FN')"
}

catalog_row! {
    /// A column of a view or of an inline table function.
    pub(super) struct RecordedRow {
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
        collation_name: Option<String> = "CONVERT(nvarchar(128), c.collation_name)",
    }
    from "sys.columns AS c JOIN sys.objects AS o ON o.object_id = c.object_id \
          WHERE o.is_ms_shipped = 0 AND o.type IN ('V', 'IF')"
}

catalog_row! {
    /// A synonym.
    pub(super) struct SynonymRow {
        schema: String = "s.name",
        name: String = "y.name",
        base: Option<String> = "CONVERT(nvarchar(1035), y.base_object_name)",
    }
    from "sys.synonyms AS y JOIN sys.schemas AS s ON s.schema_id = y.schema_id \
          ORDER BY s.name, y.name"
}

catalog_row! {
    /// A procedure, function or trigger in T-SQL.
    pub(super) struct ModuleRow {
        object_id: i64 = "CONVERT(bigint, o.object_id)",
        schema: String = "s.name",
        name: String = "o.name",
        /// `sys.objects.type` is `char(2)`, with a blank after one letter.
        kind: String = "CONVERT(nvarchar(2), o.type)",
        parent_schema: Option<String> = "q.name",
        parent: Option<String> = "p.name",
        is_instead_of: bool = "CONVERT(int, t.is_instead_of_trigger)",
        /// NULL if it is encrypted or the login may not see definitions.
        definition: Option<String> = "CONVERT(nvarchar(max), m.definition)",
        uses_quoted_identifier: Option<bool> = "CONVERT(int, m.uses_quoted_identifier)",
        null_on_null_input: bool = "CONVERT(int, m.null_on_null_input)",
    }
    from "sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
          LEFT JOIN sys.objects AS p ON p.object_id = o.parent_object_id \
          LEFT JOIN sys.schemas AS q ON q.schema_id = p.schema_id \
          LEFT JOIN sys.sql_modules AS m ON m.object_id = o.object_id \
          LEFT JOIN sys.triggers AS t ON t.object_id = o.object_id \
          WHERE o.is_ms_shipped = 0 AND o.type IN ('P', 'FN', 'IF', 'TF', 'TR') \
          ORDER BY s.name, o.name"
}

catalog_row! {
    /// A parameter of a function; number 0 is what a scalar function returns.
    pub(super) struct ParameterRow {
        object_id: i64 = "CONVERT(bigint, p.object_id)",
        parameter_id: i64 = "CONVERT(int, p.parameter_id)",
        name: Option<String> = "p.name",
        system_type_id: i64 = "CONVERT(int, p.system_type_id)",
        user_type_id: i64 = "CONVERT(int, p.user_type_id)",
        /// Bytes; -1 is `max`.
        max_length: i64 = "CONVERT(int, p.max_length)",
        precision: i64 = "CONVERT(int, p.precision)",
        scale: i64 = "CONVERT(int, p.scale)",
    }
    from "sys.parameters AS p JOIN sys.objects AS o ON o.object_id = p.object_id \
          WHERE o.is_ms_shipped = 0 AND o.type IN ('FN', 'IF')"
}

/// The indexes of views.
pub(super) fn indexes() -> String {
    let from = "sys.indexes AS i JOIN sys.views AS v ON v.object_id = i.object_id \
                WHERE v.is_ms_shipped = 0 AND i.index_id > 0 AND i.is_hypothetical = 0";
    select_from::<IndexRow>(from, |_| true)
}

/// The columns of these indexes.
pub(super) fn index_columns() -> String {
    let from = "sys.index_columns AS k JOIN sys.views AS v ON v.object_id = k.object_id \
                WHERE v.is_ms_shipped = 0";
    select_from::<IndexColumnRow>(from, |_| true)
}
