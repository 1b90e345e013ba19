//! The row loop: from ROW and NBCROW tokens to COPY BINARY rows.
//!
//! It stops where the bytes end and goes on at the same column, or within the same long value,
//! when there are more; nothing is parsed twice. Rows that are not complete lie behind
//! `row_start` and never leave with a batch.

use crate::error::{Error, Kind, Result};
use crate::tds::key::key_value;
use crate::tds::token::{NBC_ROW, ROW};
use crate::transcode::batch::Batch;
use crate::transcode::digest::row_hash;
use crate::transcode::fault::Fault;
use crate::transcode::layout::{Column, RowLayout};
use crate::transcode::long::{Long, Progress};
use crate::transcode::out::{Out, row_limit};
use crate::transcode::policy::TextPolicy;
use crate::transcode::value::put_value;
use crate::transcode::wire::{Field, field};

/// Bytes beyond the batch limit for the row that crosses it.
const SLACK: usize = 16 * 1024;

/// The most that is taken before there are rows; a batch without a limit grows.
const MAX_CAPACITY: usize = 1024 * 1024;

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
enum Met {
    RowEnd,
    InputEnd,
    /// A value that does not lie in the input as a whole.
    Long,
}

/// Encodes the rows of one result.
pub(super) struct Encoder {
    layout: RowLayout,
    columns: Vec<Column>,
    /// Of a batch.
    limit: usize,
    /// Of a row.
    row_limit: usize,
    out: Out,
    policy: TextPolicy,
    /// Where the row in work begins in `out`.
    row_start: usize,
    /// The next column of the row in work; `None` between rows.
    next_column: Option<usize>,
    /// NULL bits of the row in work; empty for ROW.
    nulls: Vec<u8>,
    /// The long value in work.
    long: Option<Long>,
    /// Key of the row in work and of the last whole row.
    key: KeyBytes,
    last_key: KeyBytes,
    rows: u64,
    total_rows: u64,
    /// `None` where nobody asked for one.
    checksum: Option<u128>,
    /// `policy.changed` when the last whole row was done, and when the last batch left.
    changed: u64,
    changed_before: u64,
}

/// Wire bytes of a key's columns, one after another.
#[derive(Debug, Default)]
struct KeyBytes {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Encoder {
    pub(super) fn new(layout: RowLayout, columns: Vec<Column>, limit: usize) -> Self {
        Self {
            policy: layout.policy.clone(),
            row_limit: row_limit(layout.columns.len()),
            checksum: layout.checksums.then_some(0),
            layout,
            columns,
            limit,
            out: Out::new(capacity(limit)),
            row_start: 0,
            next_column: None,
            nulls: Vec::new(),
            long: None,
            key: KeyBytes::default(),
            last_key: KeyBytes::default(),
            rows: 0,
            total_rows: 0,
            changed: 0,
            changed_before: 0,
        }
    }

    /// Whole rows encoded since the result began.
    pub(super) fn total_rows(&self) -> u64 {
        self.total_rows
    }

    /// Encoded bytes that were not taken yet.
    pub(super) fn held(&self) -> usize {
        self.out.position()
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
                if self.row_start >= self.limit {
                    return Ok((at, Stopped::Full));
                }
                if let Some(stopped) = self.begin(input, &mut at) {
                    return Ok((at, stopped));
                }
            }
            match self.columns(input, &mut at) {
                Ok(true) if self.out.is_over() => {
                    return Err(self.misplaced(usize::MAX, Fault::TooLong));
                }
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
        self.key.bytes.clear();
        self.key.ends.clear();
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
                if !self.long_value(input, at).map_err(|fault| (place, fault))? {
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
            }
        }
    }

    /// Encodes from the column at `place` on, up to a long value.
    #[inline]
    fn short_values(
        &mut self,
        input: &[u8],
        at: &mut usize,
        place: &mut usize,
    ) -> std::result::Result<Met, Fault> {
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
                        key.bytes.extend_from_slice(bytes);
                        key.ends.push(key.bytes.len());
                    }
                    put_value(column, bytes, out, policy)?;
                }
                Field::Null if column.key => return Err(Fault::NullKey),
                Field::Null if column.planned.is_some() => out.put_null(),
                Field::Null => {}
                Field::More => return Ok(Met::InputEnd),
                Field::Long(pieces) => {
                    self.long = Some(Long::new(column, pieces, out));
                    return Ok(Met::Long);
                }
            }
            *place += 1;
        }
        Ok(Met::RowEnd)
    }

    /// Goes on with the long value; `true` at its end.
    fn long_value(&mut self, input: &[u8], at: &mut usize) -> std::result::Result<bool, Fault> {
        let Some(long) = &mut self.long else {
            return Ok(true);
        };
        match long.feed(input, at, &mut self.out, &mut self.policy)? {
            Progress::More => Ok(false),
            Progress::Whole => {
                self.long = None;
                Ok(true)
            }
        }
    }

    #[inline]
    fn end_row(&mut self) {
        self.next_column = None;
        self.rows += 1;
        self.total_rows += 1;
        self.changed = self.policy.changed;
        if let Some(sum) = &mut self.checksum {
            *sum = sum.wrapping_add(row_hash(self.out.written(self.row_start)));
        }
        self.row_start = self.out.position();
        std::mem::swap(&mut self.key, &mut self.last_key);
    }

    /// Hands over the whole rows; a row in work stays.
    pub(super) fn take_batch(&mut self) -> Result<Option<Batch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let batch = Batch {
            last_key: self.decode_key()?,
            bytes: self.out.split(self.row_start, capacity(self.limit)),
            rows: self.rows,
            checksum: self.checksum.as_mut().map(std::mem::take),
            changed_values: self.changed - self.changed_before,
        };
        if let Some(long) = &mut self.long {
            long.moved(self.row_start);
        }
        self.row_start = 0;
        self.rows = 0;
        self.changed_before = self.changed;
        Ok(Some(batch))
    }

    fn decode_key(&self) -> Result<Option<Vec<crate::plan::key::KeyValue>>> {
        if self.layout.key.is_empty() {
            return Ok(None);
        }
        let key = self.layout.key.iter().map(|planned| {
            let mut keys = self.columns.iter().filter(|column| column.key).enumerate();
            let (place, column) = keys
                .find(|(_, column)| column.planned == Some(*planned))
                .ok_or_else(|| Error::new(Kind::Internal, "a key column is not in the result"))?;
            let from = place
                .checked_sub(1)
                .map_or(0, |before| self.last_key.ends[before]);
            let bytes = &self.last_key.bytes[from..self.last_key.ends[place]];
            let planned = &self.layout.columns[*planned];
            key_value(&column.ty, bytes, planned.page.as_ref())
                .map_err(|error| error.at_column(&planned.name))
        });
        key.collect::<Result<_>>().map(Some)
    }

    #[cold]
    fn misplaced(&self, column: usize, fault: Fault) -> Error {
        let error = fault.error().at_row((self.total_rows + 1).to_string());
        match self.columns.get(column).and_then(|column| column.planned) {
            Some(planned) => error.at_column(&self.layout.columns[planned].name),
            None => error,
        }
    }
}

fn capacity(limit: usize) -> usize {
    limit.min(MAX_CAPACITY) + SLACK
}

#[inline]
fn is_null(nulls: &[u8], place: usize) -> bool {
    nulls
        .get(place / 8)
        .is_some_and(|byte| byte >> (place % 8) & 1 != 0)
}
