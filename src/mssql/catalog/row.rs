//! Rows of the catalog's queries: a struct per query, with a field for each column.
//!
//! Fields are read by name, so a query's columns can be reordered without a mistake that compiles.
//! Every expression is converted to `int`, `bigint` or `nvarchar` by the query itself: control rows
//! hold nothing else.

use crate::error::Result;
use crate::mssql::control::ControlRow;

/// The rows of one query. [`catalog_row!`] writes the implementation.
pub(super) trait CatalogRow: Sized {
    /// Name and T-SQL expression of each column, in the order of the SELECT list.
    const COLUMNS: &'static [(&'static str, &'static str)];
    /// What follows FROM; empty for a query that reads no view.
    const FROM: &'static str;

    /// Reads each field from the column of its name.
    ///
    /// # Errors
    /// `SourceProtocol`, naming the column that is missing or of another type.
    fn read(row: &ControlRow) -> Result<Self>;
}

/// Declares a [`CatalogRow`]: a struct whose fields are columns, each with the expression that gives
/// its value, and the views that the query reads.
macro_rules! catalog_row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $expression:literal,)+
        }
        from $from:literal
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $name {
            $($(#[$field_meta])* $vis $field: $type,)+
        }

        impl $crate::mssql::catalog::row::CatalogRow for $name {
            const COLUMNS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($field), $expression)),+];
            const FROM: &'static str = $from;

            fn read(row: &$crate::mssql::control::ControlRow) -> $crate::error::Result<Self> {
                Ok(Self {
                    $($field: $crate::mssql::catalog::row::Cell::read(row, stringify!($field))?,)+
                })
            }
        }
    };
}
pub(super) use catalog_row;

/// The query of all columns.
pub(super) fn select<R: CatalogRow>() -> String {
    select_from::<R>(R::FROM, |_| true)
}

/// The query with another FROM clause; a column that the server does not know is NULL.
/// `is_known` is asked for each field's name.
pub(super) fn select_from<R: CatalogRow>(from: &str, is_known: impl Fn(&str) -> bool) -> String {
    let column = |(name, expression): &(&str, &str)| {
        let expression = if is_known(name) {
            *expression
        } else {
            "CONVERT(int, NULL)"
        };
        format!("{expression} AS [{name}]")
    };
    let columns: Vec<String> = R::COLUMNS.iter().map(column).collect();
    let from = if from.is_empty() {
        String::new()
    } else {
        format!(" FROM {from}")
    };
    format!("SELECT {}{from}", columns.join(", "))
}

/// Reads every row of an answer.
pub(super) fn read_all<R: CatalogRow>(rows: &[ControlRow]) -> Result<Vec<R>> {
    rows.iter().map(R::read).collect()
}

/// A type that a column can be read as.
pub(super) trait Cell: Sized {
    fn read(row: &ControlRow, column: &str) -> Result<Self>;
}

impl Cell for String {
    fn read(row: &ControlRow, column: &str) -> Result<Self> {
        row.need_text(column).map(str::to_owned)
    }
}

impl Cell for Option<String> {
    fn read(row: &ControlRow, column: &str) -> Result<Self> {
        Ok(row.text(column)?.map(str::to_owned))
    }
}

impl Cell for i64 {
    fn read(row: &ControlRow, column: &str) -> Result<Self> {
        row.need_int(column)
    }
}

impl Cell for Option<i64> {
    fn read(row: &ControlRow, column: &str) -> Result<Self> {
        row.int(column)
    }
}

/// NULL is false.
impl Cell for bool {
    fn read(row: &ControlRow, column: &str) -> Result<Self> {
        row.flag(column)
    }
}

impl Cell for Option<bool> {
    fn read(row: &ControlRow, column: &str) -> Result<Self> {
        Ok(row.int(column)?.map(|value| value != 0))
    }
}

/// Rows for tests: one per line, its cells in the order of the columns and parted by `|`.
#[cfg(test)]
pub(super) fn samples<R: CatalogRow>(lines: &[&str]) -> Vec<R> {
    let names: Vec<&str> = R::COLUMNS.iter().map(|(name, _)| *name).collect();
    let rows = ControlRow::samples(lines);
    let named = rows.into_iter().map(|row| row.with_names(&names));
    named.map(|row| R::read(&row).expect("a row")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    catalog_row! {
        /// A schema.
        struct SchemaRow {
            schema_id: i64 = "CONVERT(int, s.schema_id)",
            name: String = "s.name",
            is_ledger: bool = "CONVERT(int, s.is_ledger)",
        }
        from "sys.schemas AS s"
    }

    #[test]
    fn columns_are_named_once_in_the_query_and_the_struct() {
        assert_eq!(
            select_from::<SchemaRow>(SchemaRow::FROM, |name| name != "is_ledger"),
            "SELECT CONVERT(int, s.schema_id) AS [schema_id], s.name AS [name], \
             CONVERT(int, NULL) AS [is_ledger] FROM sys.schemas AS s"
        );
        let row = &samples::<SchemaRow>(&["1|dbo|NULL"])[0];
        assert_eq!((row.schema_id, row.name.as_str()), (1, "dbo"));
        assert!(!row.is_ledger);
    }

    #[test]
    fn a_column_that_is_not_there_is_an_error_that_names_it() {
        let rows = ControlRow::samples(&["1|dbo"]);
        let row = rows.into_iter().next().expect("a row");
        let error = SchemaRow::read(&row.with_names(&["schema_id", "title"])).unwrap_err();
        assert!(error.to_string().contains("column name"), "{error}");
    }
}
