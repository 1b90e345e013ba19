//! The row loop: from ROW and NBCROW tokens to COPY BINARY rows.
//!
//! It stops where the bytes end and continues at the same column, or within the same long value,
//! when there are more; nothing is parsed twice. Rows that are not complete lie after
//! `row_start` and never leave with a batch.

use crate::error::{Error, Result};
use crate::tds::token::{NBC_ROW, ROW};
use crate::transcode::batch::Batch;
use crate::transcode::column_policy::TextPolicy;
use crate::transcode::digest::{self, row_hash};
use crate::transcode::fault::{Fault, Reason};
use crate::transcode::field::{Field, field, is_null};
use crate::transcode::key_bytes::KeyBytes;
use crate::transcode::layout::{Column, RowLayout, TextSource};
use crate::transcode::output::{Output, capacity, row_limit};
use crate::transcode::reject::{self, Faulty, Kept, Reject};
use crate::transcode::streamed::{Progress, Streamed};
use crate::transcode::value::put_value;

/// Why the row loop stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The bytes end.
    More,
    /// A token follows that is no row.
    Token,
    /// The batch has reached its limit.
    Full,
}

/// What the loop over a row's columns came to.
enum Met<'a> {
    RowEnd,
    InputEnd,
    /// A value that does not lie in the input as a whole.
    Long,
    /// A value that could not be encoded.
    Faulty(Fault, &'a [u8]),
}

/// Encodes the rows of one result.
pub(super) struct Encoder {
    layout: RowLayout,
    columns: Vec<Column>,
    /// Target size of a batch in bytes.
    limit: usize,
    /// Where a row's end in `out` makes the batch full: `limit` less what rejected rows hold.
    full_at: usize,
    /// Largest row that PostgreSQL accepts, in bytes.
    row_limit: usize,
    out: Output,
    policy: TextPolicy,
    /// Where the row in work begins in `out`.
    row_start: usize,
    /// The next column of the row in work; `None` between rows.
    next_column: Option<usize>,
    /// NULL bits of the row in work; empty for ROW.
    nulls: Vec<u8>,
    /// The long value in work.
    long: Option<Streamed>,
    /// Key of the row in work and of the last whole row.
    key: KeyBytes,
    last_key: KeyBytes,
    rows: u64,
    total_rows: u64,
    /// `None` if none was asked for.
    checksum: Option<u128>,
    /// Values of the row in work that were left out of it: the row is rejected at its end.
    faulty: Vec<Faulty>,
    rejects: Vec<Reject>,
    /// Bytes that `rejects` hold.
    rejected_bytes: usize,
}

impl Encoder {
    pub(super) fn new(layout: RowLayout, columns: Vec<Column>, limit: usize) -> Self {
        Self {
            policy: TextPolicy::new(layout.columns.len()).with_canonical_json(layout.checksums),
            row_limit: row_limit(layout.columns.len()),
            checksum: layout.checksums.then_some(0),
            layout,
            columns,
            limit,
            full_at: limit,
            out: Output::new(capacity(limit)),
            row_start: 0,
            next_column: None,
            nulls: Vec::new(),
            long: None,
            key: KeyBytes::default(),
            last_key: KeyBytes::default(),
            rows: 0,
            total_rows: 0,
            faulty: Vec::new(),
            rejects: Vec::new(),
            rejected_bytes: 0,
        }
    }

    /// Whole rows encoded since the result began.
    pub(super) fn total_rows(&self) -> u64 {
        self.total_rows
    }

    /// Bytes that were not taken yet: encoded, and kept of what cannot be encoded.
    pub(super) fn held(&self) -> usize {
        let long = self.long.as_ref().map_or(0, Streamed::held);
        self.out.position() + self.rejected_bytes + long
    }

    /// A row was begun and is not whole.
    pub(super) fn in_row(&self) -> bool {
        self.next_column.is_some()
    }

    /// Encodes as many rows as `input` holds; tells how many of its bytes are done with.
    pub(super) fn read(&mut self, input: &[u8]) -> Result<(usize, Stopped)> {
        let mut at = 0;
        loop {
            if self.next_column.is_none() {
                if self.row_start >= self.full_at {
                    return Ok((at, Stopped::Full));
                }
                if let Some(stopped) = self.begin(input, &mut at) {
                    return Ok((at, stopped));
                }
            }
            match self.columns(input, &mut at) {
                Ok(true) if self.out.is_over() || !self.faulty.is_empty() => {
                    self.reject_row(Fault::TooLong)?;
                }
                Ok(true) if self.layout.widths.is_some() => self.end_wide_row()?,
                Ok(true) => self.end_row(),
                Ok(false) => return Ok((at, Stopped::More)),
                Err((column, fault)) => return Err(self.misplaced(column, fault)),
            }
        }
    }

    /// Begins a row, where one follows.
    #[inline]
    fn begin(&mut self, input: &[u8], at: &mut usize) -> Option<Stopped> {
        match input.get(*at) {
            None => return Some(Stopped::More),
            Some(&ROW) => {
                self.nulls.clear();
                *at += 1;
            }
            Some(&NBC_ROW) => {
                let bitmap = self.columns.len().div_ceil(8);
                let Some(nulls) = input.get(*at + 1..*at + 1 + bitmap) else {
                    return Some(Stopped::More);
                };
                self.nulls.clear();
                self.nulls.extend_from_slice(nulls);
                *at += 1 + bitmap;
            }
            Some(_) => return Some(Stopped::Token),
        }
        self.key.clear();
        self.next_column = Some(0);
        self.out.begin_row(self.row_limit);
        self.out
            .put((self.layout.columns.len() as i16).to_be_bytes());
        None
    }

    /// Goes through the row's columns as far as the input reaches; `true` at the row's end.
    #[inline]
    fn columns(
        &mut self,
        input: &[u8],
        at: &mut usize,
    ) -> std::result::Result<bool, (usize, Fault)> {
        let mut place = self.next_column.unwrap_or(0);
        loop {
            if self.long.is_some() {
                if !self.long_value(input, at, place)? {
                    return Ok(false);
                }
                place += 1;
            }
            let met = self.short_values(input, at, &mut place);
            match met.map_err(|fault| (place, fault))? {
                Met::RowEnd => return Ok(true),
                Met::InputEnd => {
                    self.next_column = Some(place);
                    return Ok(false);
                }
                Met::Long => self.next_column = Some(place),
                Met::Faulty(fault, value) => {
                    self.leave_out(place, fault, Kept::of(value))?;
                    place += 1;
                }
            }
        }
    }

    /// Encodes from the column at `place` on, up to a long value.
    #[inline]
    fn short_values<'a>(
        &mut self,
        input: &'a [u8],
        at: &mut usize,
        place: &mut usize,
    ) -> std::result::Result<Met<'a>, Fault> {
        let Self {
            columns,
            out,
            policy,
            nulls,
            key,
            ..
        } = self;
        while let Some(column) = columns.get(*place) {
            let found = if is_null(nulls, *place) {
                Field::Null
            } else {
                field(column.wire, input, at)?
            };
            match found {
                Field::Value(bytes) => {
                    if column.key {
                        key.push(bytes);
                    }
                    if let Err(fault) = put_value(column, bytes, out, policy) {
                        return Ok(Met::Faulty(fault, bytes));
                    }
                }
                Field::Null if column.key => return Err(Fault::NullKey),
                Field::Null if column.planned.is_some() => out.put_null(),
                Field::Null => {}
                Field::More => return Ok(Met::InputEnd),
                Field::Long(pieces) => {
                    policy.column = column.policy;
                    self.long = Some(Streamed::new(column, pieces, out));
                    return Ok(Met::Long);
                }
            }
            *place += 1;
        }
        Ok(Met::RowEnd)
    }

    /// Goes on with the long value; `true` at its end.
    fn long_value(
        &mut self,
        input: &[u8],
        at: &mut usize,
        place: usize,
    ) -> std::result::Result<bool, (usize, Fault)> {
        while let Some(long) = &mut self.long {
            match long.feed(input, at, &mut self.out, &mut self.policy) {
                Ok(Progress::More) => return Ok(false),
                Ok(Progress::Whole) => {
                    let kept = self.long.take().and_then(Streamed::kept);
                    if let (Some(kept), Some(faulty)) = (kept, self.faulty.last_mut()) {
                        faulty.kept = kept;
                    }
                }
                Err(fault) => {
                    long.leave_out();
                    self.leave_out(place, fault, Kept::Length(0))?;
                }
            }
        }
        Ok(true)
    }

    /// Puts NULL in place of a faulty value whose policy costs the row and not the table.
    #[cold]
    fn leave_out(
        &mut self,
        place: usize,
        fault: Fault,
        kept: Kept,
    ) -> std::result::Result<(), (usize, Fault)> {
        let column = &self.columns[place];
        let reason = fault.reason().filter(|_| column.policy.rejects(fault));
        let (Some(reason), Some(planned)) = (reason, column.planned) else {
            return Err((place, fault));
        };
        let before = digest::fields(self.out.written(self.row_start)).take(planned);
        let start = before
            .map(|field| 4 + field.map_or(0, <[u8]>::len))
            .sum::<usize>();
        self.out.cut_back(self.row_start + 2 + start);
        self.out.put_null();
        self.faulty.push(Faulty {
            planned,
            reason,
            utf16: matches!(column.text, Some(TextSource::Utf16)),
            kept,
        });
        Ok(())
    }

    /// A row of a table whose rows may be too large for a page.
    fn end_wide_row(&mut self) -> Result<()> {
        let row = self.out.written(self.row_start);
        let excess = self.layout.widths.as_ref().and_then(|it| it.excess(row));
        match excess {
            Some(bytes) => self.reject_row(Fault::TooWide(bytes)),
            None => {
                self.end_row();
                Ok(())
            }
        }
    }

    /// Takes the row in work out of the batch and keeps it as rejected. A row that is too large as
    /// a whole (`fault`) is the fault of its longest value.
    #[cold]
    fn reject_row(&mut self, fault: Fault) -> Result<()> {
        if self.faulty.is_empty() {
            let (planned, length) = reject::longest(self.out.written(self.row_start));
            let mut columns = self.columns.iter();
            let place = columns.position(|column| column.planned == Some(planned));
            let place = place.unwrap_or(usize::MAX);
            let rejects = |column: &Column| column.policy.rejects(fault);
            if !self.columns.get(place).is_some_and(rejects) {
                return Err(self.misplaced(place, fault));
            }
            self.faulty.push(Faulty {
                planned,
                reason: Reason::OutOfRange,
                utf16: false,
                kept: match fault {
                    Fault::TooWide(_) => Kept::Encoded,
                    _ => Kept::Length(length as u64),
                },
            });
        }
        let row = self.out.written(self.row_start);
        let reject = reject::describe(&self.layout, row, &self.faulty)?;
        self.faulty.clear();
        self.out.cut_back(self.row_start);
        self.policy.forget_row();
        self.next_column = None;
        self.total_rows += 1;
        self.rejected_bytes += reject.size();
        self.full_at = self.limit.saturating_sub(self.rejected_bytes);
        self.rejects.push(reject);
        std::mem::swap(&mut self.key, &mut self.last_key);
        Ok(())
    }

    #[inline]
    fn end_row(&mut self) {
        self.next_column = None;
        self.rows += 1;
        self.total_rows += 1;
        self.policy.keep_row();
        if let Some(sum) = &mut self.checksum {
            *sum = sum.wrapping_add(row_hash(self.out.written(self.row_start)));
        }
        self.row_start = self.out.position();
        std::mem::swap(&mut self.key, &mut self.last_key);
    }

    /// Hands over the whole rows and the rejected ones; a row in work stays.
    pub(super) fn take_batch(&mut self) -> Result<Option<Batch>> {
        if self.rows == 0 && self.rejects.is_empty() {
            return Ok(None);
        }
        let batch = Batch {
            last_key: self.last_key.values(&self.layout, &self.columns)?,
            bytes: self.out.split(self.row_start, capacity(self.limit)),
            rows: self.rows,
            checksum: self.checksum.as_mut().map(std::mem::take),
            changed: self.policy.take_batch(),
            rejects: std::mem::take(&mut self.rejects),
        };
        if let Some(long) = &mut self.long {
            long.moved(self.row_start);
        }
        self.row_start = 0;
        self.rows = 0;
        self.rejected_bytes = 0;
        self.full_at = self.limit;
        Ok(Some(batch))
    }

    #[cold]
    fn misplaced(&self, column: usize, fault: Fault) -> Error {
        let error = fault.error().at_row(self.total_rows + 1);
        match self.columns.get(column).and_then(|column| column.planned) {
            Some(planned) => error.at_column(&self.layout.columns[planned].name),
            None => error,
        }
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
