//! Reads a table's rows back as COPY BINARY sends them.
//!
//! The counterpart of `copy`: the same format, in the other direction. Rows are given to a callback
//! and never kept here.

use futures::{TryStreamExt, pin_mut};

use crate::error::{Error, Kind, Result};
use crate::plan::table::TablePlan;
use crate::postgres::fault;
use crate::postgres::pool::Lease;
use crate::postgres::verify::block_ranges::BlockRange;
use crate::postgres::verify::columns::selected;
use tds_copy::transcode::digest::{Next, next_row};
use tsql::names::qualified;

/// Signature, flags and length of the extension: PostgreSQL documentation, COPY,
/// "Binary Format", file header.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Calls `each` with every row of a part of the table, its columns in the plan's order. The server
/// sends row by row, so memory is bounded by the driver's read buffer and the longest row.
///
/// Cancel safety: dropped on the way, the connection is closed, because the server would continue
/// to send.
pub async fn read_rows(
    lease: Lease,
    plan: &TablePlan,
    range: &BlockRange,
    mut each: impl FnMut(&[u8]) + Send,
) -> Result<()> {
    let mut open = Open(Some(lease));
    let outcome = stream(&open, plan, range, &mut each).await;
    if outcome.is_ok() {
        open.0 = None;
    }
    outcome.map_err(|error| error.at_table(plan.full_name()))
}

/// A lease on which a COPY may still run.
struct Open(Option<Lease>);

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(lease) = self.0.take() {
            lease.discard();
        }
    }
}

async fn stream(
    open: &Open,
    plan: &TablePlan,
    range: &BlockRange,
    each: &mut (impl FnMut(&[u8]) + Send),
) -> Result<()> {
    let failed = |error| fault::from_driver(error, &format!("read {}", qualified(&plan.target)));
    let lease = open
        .0
        .as_ref()
        .ok_or_else(|| Error::new(Kind::Internal, "no connection to read on"))?;
    let messages = lease
        .copy_out(&statement(plan, range))
        .await
        .map_err(failed)?;
    pin_mut!(messages);
    let mut rows = Rows::new(plan.columns.len());
    while let Some(bytes) = messages.try_next().await.map_err(failed)? {
        rows.take(&bytes, each)?;
    }
    rows.finish()
}

/// The columns as `columns::selected` has them, of the blocks of the range.
fn statement(plan: &TablePlan, range: &BlockRange) -> String {
    let columns = plan.columns.iter().map(selected).collect::<Vec<_>>();
    format!(
        "COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT binary)",
        columns.join(", "),
        qualified(&plan.target),
        range.predicate()
    )
}

/// Finds rows in messages that may end anywhere.
struct Rows {
    /// Columns of a row, which each row must have.
    fields: usize,
    /// Bytes of the header that came.
    header: usize,
    /// A row that is not whole.
    rest: Vec<u8>,
    ended: bool,
}

impl Rows {
    fn new(fields: usize) -> Self {
        Self {
            fields,
            header: 0,
            rest: Vec::new(),
            ended: false,
        }
    }

    /// Takes the bytes of one message; whole rows go to `each`, the rest waits for the next
    /// message.
    fn take(&mut self, bytes: &[u8], each: &mut impl FnMut(&[u8])) -> Result<()> {
        let bytes = self.skip_header(bytes)?;
        if self.rest.is_empty() {
            // PostgreSQL sends a row per message, so this is the usual way.
            let used = self.rows(bytes, each)?;
            self.rest.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        self.rest.extend_from_slice(bytes);
        let rest = std::mem::take(&mut self.rest);
        let used = self.rows(&rest, each)?;
        self.rest.extend_from_slice(&rest[used..]);
        Ok(())
    }

    fn skip_header<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let left = &HEADER[self.header..];
        let (head, rest) = bytes.split_at(left.len().min(bytes.len()));
        if head != &left[..head.len()] {
            return Err(Error::new(
                Kind::Internal,
                "COPY data begin with a header that is not known",
            ));
        }
        self.header += head.len();
        Ok(rest)
    }

    /// Gives the bytes that whole rows took.
    fn rows(&mut self, bytes: &[u8], each: &mut impl FnMut(&[u8])) -> Result<usize> {
        let mut at = 0;
        loop {
            if self.ended {
                return Ok(bytes.len());
            }
            match next_row(&bytes[at..], self.fields)? {
                Next::Row(length) => {
                    each(&bytes[at..at + length]);
                    at += length;
                }
                Next::End => self.ended = true,
                Next::More => return Ok(at),
            }
        }
    }

    /// # Errors
    /// `TargetLost`: the trailer is missing, so rows may be too.
    fn finish(self) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        Err(Error::new(
            Kind::TargetLost,
            "the rows of the target end without COPY's trailer",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of one field (`ab` and NULL), laid out after PostgreSQL's documentation of COPY.
    fn data() -> Vec<u8> {
        let rows: &[&[u8]] = &[
            HEADER,
            &[0, 1, 0, 0, 0, 2, b'a', b'b'],
            &[0, 1, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0xFF, 0xFF],
        ];
        rows.concat()
    }

    #[test]
    fn messages_may_end_anywhere() {
        let data = data();
        for piece in 1..=data.len() {
            let mut rows = Rows::new(1);
            let mut lengths = Vec::new();
            for bytes in data.chunks(piece) {
                rows.take(bytes, &mut |row: &[u8]| lengths.push(row.len()))
                    .unwrap();
            }
            rows.finish().unwrap();
            assert_eq!(lengths, [8, 6], "pieces of {piece}");
        }
    }

    #[test]
    fn an_end_before_the_trailer_is_an_error() {
        let data = data();
        let mut rows = Rows::new(1);
        rows.take(&data[..data.len() - 2], &mut |_: &[u8]| {})
            .unwrap();
        assert_eq!(rows.finish().unwrap_err().kind(), Kind::TargetLost);
        assert!(Rows::new(1).take(b"PGCOPX", &mut |_: &[u8]| {}).is_err());
    }
}
