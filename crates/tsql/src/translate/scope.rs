//! What a clause can name: columns, groups, common table expressions.
//!
//! Plain data that `context` holds and `query` fills. Names are compared as SQL Server's usual
//! collations do, without case; an exact match wins.

use super::value::Value;
use super::{ScopeColumn, ViewColumn};
use crate::schema::SqlType;
use crate::typemap::PgType;

/// A column that the expression can name.
#[derive(Debug, Clone)]
pub(super) struct Visible {
    /// The table's alias or name, if there can be one.
    pub(super) table: Option<String>,
    /// The table's schema, if the query gives the table no alias.
    pub(super) schema: Option<String>,
    pub(super) column: Column,
    /// The alias that qualifies the column in the translation; `None` for a name by itself.
    pub(super) alias: Option<String>,
}

/// A column of a table, or of a query that stands for one.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Name at the source.
    pub(super) source: String,
    /// Unquoted.
    pub(super) target: String,
    pub(super) ty: SqlType,
    pub(super) pg: PgType,
    pub(super) collation: Option<String>,
    pub(super) generated: bool,
}

impl From<&ScopeColumn<'_>> for Column {
    fn from(column: &ScopeColumn<'_>) -> Self {
        Self {
            source: column.source.to_owned(),
            target: column.target.to_owned(),
            ty: column.sql_type.clone(),
            pg: column.pg_type.clone(),
            collation: column.collation.map(str::to_owned),
            generated: column.generated,
        }
    }
}

impl From<Column> for ViewColumn {
    fn from(column: Column) -> Self {
        Self {
            source: column.source,
            sql_type: column.ty,
            collation: column.collation,
            target: column.target,
            pg_type: column.pg,
        }
    }
}

/// An expression of GROUP BY.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The expression as it is translated by itself.
    pub(super) sql: String,
    /// What stands for it in the select list: a value of the group.
    pub(super) value: Value,
    /// What rows are grouped by.
    pub(super) key: String,
}

/// What the clauses of one SELECT can name.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub(super) columns: Vec<Visible>,
    /// Set once the rows are grouped.
    pub(super) groups: Vec<Group>,
    /// An aggregate was met, so that a SELECT without GROUP BY has one row.
    pub(super) aggregated: bool,
    /// A subset of the grouping columns is grouped by in some rows of the result.
    pub(super) grouping_sets: bool,
}

/// A common table expression.
#[derive(Debug, Clone)]
pub(super) struct Cte {
    /// Name at the source.
    pub(super) name: String,
    /// Quoted.
    pub(super) sql: String,
    pub(super) columns: Vec<Column>,
    /// It is being translated: what it is, is not known yet.
    pub(super) open: bool,
}

/// `column`, `table.column` or `schema.table.column`.
pub(super) struct ColumnPath<'p> {
    pub(super) schema: Option<&'p str>,
    pub(super) table: Option<&'p str>,
    pub(super) name: &'p str,
}

impl ColumnPath<'_> {
    /// The columns of a SELECT that it can mean.
    /// Columns of the exact name if there are any, else those that differ in case only. More than
    /// one means that the name is ambiguous.
    pub(super) fn find<'l>(&self, level: &'l Level) -> Vec<&'l Visible> {
        let here: Vec<&Visible> = level.columns.iter().filter(|it| self.is_of(it)).collect();
        let exact: Vec<_> = here
            .iter()
            .copied()
            .filter(|it| it.column.source == self.name)
            .collect();
        if !exact.is_empty() {
            return exact;
        }
        here.into_iter()
            .filter(|it| same(&it.column.source, self.name))
            .collect()
    }

    /// Whether the column's table is the one that the path names.
    pub(super) fn is_of(&self, seen: &Visible) -> bool {
        let agrees = |wanted: Option<&str>, there: &Option<String>| match (wanted, there) {
            (None, _) => true,
            (Some(wanted), Some(there)) => same(wanted, there),
            (Some(_), None) => false,
        };
        agrees(self.table, &seen.table) && agrees(self.schema, &seen.schema)
    }
}

/// Whether two identifiers are one under SQL Server's usual collations.
pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}
