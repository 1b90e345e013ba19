//! Result sets on the wire: COLMETADATA and ROW / NBCROW tokens (MS-TDS 2.2.7.4, 2.2.7.19, 2.2.7.13).

pub(crate) mod bytes;
mod cell;
pub(crate) mod kind;
mod metadata;
mod skip;
mod variant;

#[cfg(test)]
mod tests;

use crate::wire::encode::kind::{Cell, NBCROW, ROW};

use crate::types::{Column, Value};

pub(crate) use crate::wire::encode::metadata::DEFAULT_COLLATION;

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
