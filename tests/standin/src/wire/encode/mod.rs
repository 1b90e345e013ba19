//! Result sets on the wire: COLMETADATA and ROW / NBCROW tokens (MS-TDS 2.2.7.4, 2.2.7.19, 2.2.7.13).

mod cell;
mod metadata;
mod skip;
mod variant;

#[cfg(test)]
mod tests;

use crate::types::{Collation, Column, SqlType, Value};
use crate::wire::code_page::CodePage;

pub(crate) use crate::wire::encode::metadata::DEFAULT_COLLATION;

/// ROW token.
const ROW: u8 = 0xD1;
/// ROW with a bitmap of NULLs in front.
const NBCROW: u8 = 0xD2;

/// A value that does not fit the type of its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Position in the row, from 0.
    pub column: usize,
    pub reason: &'static str,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "result column {}: {}", self.column + 1, self.reason)
    }
}

impl std::error::Error for Mismatch {}

/// How one column's cells are written, decided once per result set.
#[derive(Debug, Clone)]
struct Cell {
    kind: Kind,
    /// Integers, floats, money, datetime and bit: NOT NULL columns travel without a length byte.
    nullable: bool,
}

/// The wire forms; the numbers are bytes.
#[derive(Debug, Clone)]
enum Kind {
    Bit,
    Int {
        width: u8,
    },
    Decimal {
        width: u8,
        scale: u8,
    },
    SmallMoney,
    Money,
    Real,
    Float,
    Date,
    Time {
        scale: u8,
    },
    SmallDateTime,
    DateTime,
    DateTime2 {
        scale: u8,
    },
    DateTimeOffset {
        scale: u8,
    },
    /// `pad`: `char`, filled with blanks to `max`.
    Ansi {
        page: Option<CodePage>,
        max: u16,
        pad: bool,
    },
    AnsiMax {
        page: Option<CodePage>,
    },
    Text {
        page: Option<CodePage>,
    },
    Wide {
        max: u16,
        pad: bool,
    },
    WideMax,
    NText,
    Binary {
        max: u16,
        pad: bool,
    },
    BinaryMax,
    Image,
    Guid,
    Xml,
    Variant,
}

/// The columns of a result set, ready to encode rows.
#[derive(Debug, Clone)]
pub struct Layout {
    cells: Vec<Cell>,
    metadata: Vec<u8>,
}

impl Layout {
    pub fn new(columns: &[Column]) -> Self {
        let cells = columns.iter().map(Cell::new).collect();
        let mut metadata = Vec::new();
        metadata::write(columns, &mut metadata);
        Self { cells, metadata }
    }

    /// The COLMETADATA token.
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// Appends one ROW token, or an NBCROW token when a value is NULL.
    ///
    /// On an error `out` is as before. A row with too few or too many values is an error too.
    pub fn encode_row(&self, values: &[Value], out: &mut Vec<u8>) -> Result<(), Mismatch> {
        if values.len() != self.cells.len() {
            return Err(Mismatch {
                column: values.len().min(self.cells.len()),
                reason: "row has another width",
            });
        }
        self.encode(values.iter(), out)
    }

    /// The same for a row whose values stand at these positions of `values`, one for each column.
    pub fn encode_picked(
        &self,
        values: &[Value],
        positions: &[usize],
        out: &mut Vec<u8>,
    ) -> Result<(), Mismatch> {
        debug_assert_eq!(positions.len(), self.cells.len());
        self.encode(positions.iter().map(|at| &values[*at]), out)
    }

    fn encode<'v>(
        &self,
        values: impl Iterator<Item = &'v Value> + Clone,
        out: &mut Vec<u8>,
    ) -> Result<(), Mismatch> {
        let start = out.len();
        let has_null = values.clone().any(|value| matches!(value, Value::Null));
        if has_null {
            out.push(NBCROW);
            push_null_bitmap(values.clone(), out);
        } else {
            out.push(ROW);
        }
        for (column, (cell, value)) in self.cells.iter().zip(values).enumerate() {
            if has_null && matches!(value, Value::Null) {
                if cell.nullable {
                    continue;
                }
                out.truncate(start);
                return Err(Mismatch {
                    column,
                    reason: "NULL in a NOT NULL column",
                });
            }
            if let Err(reason) = cell.write(value, out) {
                out.truncate(start);
                return Err(Mismatch { column, reason });
            }
        }
        Ok(())
    }

    /// The length of the row token at the front of `tokens`, `None` when there is no whole one.
    pub fn row_length(&self, tokens: &[u8]) -> Option<usize> {
        skip::row_length(&self.cells, tokens)
    }
}

/// One bit per column, the first column lowest (MS-TDS 2.2.7.13).
fn push_null_bitmap<'v>(values: impl Iterator<Item = &'v Value>, out: &mut Vec<u8>) {
    let start = out.len();
    for (column, value) in values.enumerate() {
        if column % 8 == 0 {
            out.push(0);
        }
        out[start + column / 8] |= u8::from(matches!(value, Value::Null)) << (column % 8);
    }
}

impl Cell {
    fn new(column: &Column) -> Self {
        let page = || code_page(column.collation.as_deref());
        let kind = match column.ty {
            SqlType::Bit => Kind::Bit,
            SqlType::TinyInt => Kind::Int { width: 1 },
            SqlType::SmallInt => Kind::Int { width: 2 },
            SqlType::Int => Kind::Int { width: 4 },
            SqlType::BigInt => Kind::Int { width: 8 },
            SqlType::Decimal { precision, scale } => Kind::Decimal {
                width: decimal_width(precision),
                scale,
            },
            SqlType::SmallMoney => Kind::SmallMoney,
            SqlType::Money => Kind::Money,
            SqlType::Real => Kind::Real,
            SqlType::Float => Kind::Float,
            SqlType::Date => Kind::Date,
            SqlType::Time { scale } => Kind::Time { scale },
            SqlType::SmallDateTime => Kind::SmallDateTime,
            SqlType::DateTime => Kind::DateTime,
            SqlType::DateTime2 { scale } => Kind::DateTime2 { scale },
            SqlType::DateTimeOffset { scale } => Kind::DateTimeOffset { scale },
            SqlType::Char { length } => Kind::Ansi {
                page: page(),
                max: length,
                pad: true,
            },
            SqlType::VarChar { length: Some(max) } => Kind::Ansi {
                page: page(),
                max,
                pad: false,
            },
            SqlType::VarChar { length: None } => Kind::AnsiMax { page: page() },
            SqlType::Text => Kind::Text { page: page() },
            SqlType::NChar { length } => Kind::Wide {
                max: length * 2,
                pad: true,
            },
            SqlType::NVarChar {
                length: Some(length),
            } => Kind::Wide {
                max: length * 2,
                pad: false,
            },
            SqlType::NVarChar { length: None } => Kind::WideMax,
            SqlType::NText => Kind::NText,
            SqlType::Binary { length } => Kind::Binary {
                max: length,
                pad: true,
            },
            SqlType::RowVersion => Kind::Binary { max: 8, pad: true },
            SqlType::VarBinary { length: Some(max) } => Kind::Binary { max, pad: false },
            SqlType::VarBinary { length: None } => Kind::BinaryMax,
            SqlType::Image => Kind::Image,
            SqlType::UniqueIdentifier => Kind::Guid,
            SqlType::Xml => Kind::Xml,
            SqlType::SqlVariant => Kind::Variant,
            SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry => Kind::BinaryMax,
            // To a client that did not ask for JSONSUPPORT or VECTORSUPPORT.
            SqlType::Json | SqlType::Vector { .. } => Kind::WideMax,
        };
        Self {
            kind,
            nullable: column.nullable,
        }
    }
}

/// Without a collation: that of [`metadata::DEFAULT_COLLATION`], code page 1252.
fn code_page(collation: Option<&Collation>) -> Option<CodePage> {
    CodePage::new(collation.map_or(1252, |collation| collation.code_page))
}

/// Bytes of a decimal's magnitude and sign (MS-TDS 2.2.5.5.1.6).
fn decimal_width(precision: u8) -> u8 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// Bytes of a time of day with this scale (MS-TDS 2.2.5.5.1.8).
fn time_width(scale: u8) -> u8 {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}
