//! Rows of control queries: small results, fully read, without the driver's types.
//!
//! Catalog, cut points and counts are read this way; rows of tables never. A column of an
//! unexpected type is an error that names it, because a changed query is a mistake of this tool.

use std::fmt;
use std::sync::Arc;

use tiberius::ColumnData;

use crate::error::{Error, Kind, Result};

/// One row of a control query. A column is named, or counted from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlRow {
    /// Shared by all rows of the answer; empty for a column without a name.
    names: Arc<[String]>,
    cells: Vec<Cell>,
}

/// How a column of a [`ControlRow`] is found: by its name, or by its number from 0.
pub trait ColumnIndex: Copy + fmt::Display {
    /// The column's number; `None` if the row has no such column.
    fn position(self, names: &[String]) -> Option<usize>;
}

impl ColumnIndex for usize {
    fn position(self, _: &[String]) -> Option<usize> {
        Some(self)
    }
}

impl ColumnIndex for &str {
    fn position(self, names: &[String]) -> Option<usize> {
        names.iter().position(|name| name == self)
    }
}

/// The types that control queries may select. Everything else is to be converted in the query:
/// the driver would turn `money` into a float.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Int(i64),
    Text(String),
    /// A type that no control query should select, by name.
    Foreign(&'static str),
}

impl ControlRow {
    /// All rows of one result.
    pub(super) fn from_result(rows: Vec<tiberius::Row>) -> Vec<Self> {
        let columns = rows.first().map(tiberius::Row::columns).unwrap_or_default();
        let names: Arc<[String]> = columns
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        let row = |row: tiberius::Row| Self {
            names: names.clone(),
            cells: row.into_iter().map(Cell::from_data).collect(),
        };
        rows.into_iter().map(row).collect()
    }

    /// `None` if the row has no such column.
    fn cell(&self, column: impl ColumnIndex) -> Option<&Cell> {
        self.cells.get(column.position(&self.names)?)
    }

    #[cfg(test)]
    pub(super) fn sample(cells: &[Option<&str>]) -> Self {
        let cell = |text: &Option<&str>| match text {
            None => Cell::Null,
            Some(text) => text
                .parse()
                .map_or_else(|_| Cell::Text((*text).to_owned()), Cell::Int),
        };
        Self {
            names: Arc::default(),
            cells: cells.iter().map(cell).collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn with_names(self, names: &[&str]) -> Self {
        assert_eq!(names.len(), self.cells.len(), "a name for each cell");
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self { names, ..self }
    }

    /// A row per line, its cells parted by `|`.
    #[cfg(test)]
    pub(super) fn samples(lines: &[&str]) -> Vec<Self> {
        let mut rows = Vec::new();
        for line in lines {
            let cells = line.split('|').map(|cell| (cell != "NULL").then_some(cell));
            rows.push(Self::sample(&cells.collect::<Vec<_>>()));
        }
        rows
    }

    /// A text that may be NULL.
    ///
    /// # Errors
    /// `SourceProtocol` if there is no such column or it is not text; the same for the others.
    pub fn text(&self, column: impl ColumnIndex) -> Result<Option<&str>> {
        match self.cell(column) {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(text)) => Ok(Some(text)),
            other => Err(mismatch(column, "text", other)),
        }
    }

    /// `bit` to `bigint`, that may be NULL.
    pub fn int(&self, column: impl ColumnIndex) -> Result<Option<i64>> {
        match self.cell(column) {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Int(value)) => Ok(Some(*value)),
            other => Err(mismatch(column, "an integer", other)),
        }
    }

    /// A text; NULL is an error.
    pub fn need_text(&self, column: impl ColumnIndex) -> Result<&str> {
        self.text(column)?
            .ok_or_else(|| mismatch(column, "text", Some(&Cell::Null)))
    }

    /// An integer; NULL is an error.
    pub fn need_int(&self, column: impl ColumnIndex) -> Result<i64> {
        self.int(column)?
            .ok_or_else(|| mismatch(column, "an integer", Some(&Cell::Null)))
    }

    /// `bit` or an integer as a flag; NULL is false.
    pub fn flag(&self, column: impl ColumnIndex) -> Result<bool> {
        Ok(self.int(column)?.is_some_and(|value| value != 0))
    }
}

impl Cell {
    /// Types that no control query selects keep only their name, for the error.
    fn from_data(data: ColumnData<'static>) -> Self {
        match data {
            ColumnData::Bit(value) => Self::int(value.map(i64::from)),
            ColumnData::U8(value) => Self::int(value.map(i64::from)),
            ColumnData::I16(value) => Self::int(value.map(i64::from)),
            ColumnData::I32(value) => Self::int(value.map(i64::from)),
            ColumnData::I64(value) => Self::int(value),
            ColumnData::String(value) => {
                value.map_or(Self::Null, |text| Self::Text(text.into_owned()))
            }
            ColumnData::F32(_) | ColumnData::F64(_) => Self::Foreign("a float or money"),
            ColumnData::Numeric(_) => Self::Foreign("a decimal"),
            ColumnData::Guid(_) => Self::Foreign("a uniqueidentifier"),
            ColumnData::Binary(_) => Self::Foreign("binary"),
            ColumnData::Xml(_) => Self::Foreign("xml"),
            _ => Self::Foreign("a date or time"),
        }
    }

    fn int(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }
}

fn mismatch(column: impl ColumnIndex, wanted: &str, found: Option<&Cell>) -> Error {
    let found = match found {
        None => "no such column",
        Some(Cell::Null) => "NULL",
        Some(Cell::Int(_)) => "an integer",
        Some(Cell::Text(_)) => "text",
        Some(Cell::Foreign(name)) => name,
    };
    Error::new(
        Kind::SourceProtocol,
        format!("column {column} of a control query should be {wanted} and is {found}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_type_is_an_error_that_shows_no_value() {
        let row = ControlRow::sample(&[Some("secret"), Some("7"), None]);
        assert_eq!(row.need_int(1).unwrap(), 7);
        assert!(row.flag(1).unwrap() && !row.flag(2).unwrap());
        assert_eq!(row.text(2).unwrap(), None);
        for error in [
            row.int(0).unwrap_err(),
            row.need_text(2).unwrap_err(),
            row.text(1).unwrap_err(),
            row.text(9).unwrap_err(),
        ] {
            assert_eq!(error.kind(), Kind::SourceProtocol);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
