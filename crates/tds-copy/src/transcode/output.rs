//! The batch's bytes while they are written.
//!
//! A row is written at the end and becomes part of the batch when it is whole; what belongs to a
//! row that is given up is cut off again. Lengths of fields are written when their values are.

use crate::transcode::row_bytes::{RowBytes, Spares};

/// The largest piece of memory that PostgreSQL makes (`MaxAllocSize` in its memutils.h). A whole
/// row must fit into one when its tuple is formed, so it bounds the row and not the field.
const MAX_ALLOC: usize = (1 << 30) - 1;

/// Bytes beyond the batch limit for the row that crosses it.
const SLACK: usize = 16 * 1024;

/// The most that is taken before there are rows; a batch without a limit grows.
const MAX_CAPACITY: usize = 1024 * 1024;

/// Bytes of a COPY row that become a tuple for certain. A field's 4 bytes of length cover its
/// header in the tuple (varlena, 4 bytes) and all but 3 bytes of its alignment; the tuple's own
/// headers and its bitmap of NULLs are in front (htup_details.h: 24 + 24 bytes, aligned).
pub(super) fn row_limit(columns: usize) -> usize {
    MAX_ALLOC - 64 - columns.div_ceil(8) - 3 * columns
}

/// Bytes of a buffer for batches of `limit` bytes.
pub(super) fn capacity(limit: usize) -> usize {
    limit.min(MAX_CAPACITY) + SLACK
}

/// A buffer whose bytes are there before they are written, so that a write is a copy and a check.
#[derive(Debug)]
pub(super) struct Output {
    /// As long as the buffer is; what counts ends at `at`.
    bytes: Vec<u8>,
    at: usize,
    /// Where the row in work must have ended.
    limit: usize,
    spares: Spares,
}

impl Output {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity],
            at: 0,
            limit: usize::MAX,
            spares: Spares::default(),
        }
    }

    /// Bytes written.
    #[inline]
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// A row begins that may have `limit` bytes.
    #[inline]
    pub(super) fn begin_row(&mut self, limit: usize) {
        self.limit = self.at + limit;
    }

    /// The row has more bytes than it may.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.at > self.limit
    }

    /// The bytes from `from` to the end of what was written.
    #[inline]
    pub(super) fn written(&self, from: usize) -> &[u8] {
        &self.bytes[from..self.at]
    }

    #[inline]
    pub(super) fn written_mut(&mut self, from: usize) -> &mut [u8] {
        &mut self.bytes[from..self.at]
    }

    /// Room for `count` bytes at the end; [`Self::advance`] keeps what was put there.
    #[inline]
    pub(super) fn room(&mut self, count: usize) -> &mut [u8] {
        if self.bytes.len() - self.at < count {
            self.grow(count);
        }
        &mut self.bytes[self.at..]
    }

    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.at += count;
    }

    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.room(N)[..N].copy_from_slice(&bytes);
        self.at += N;
    }

    #[inline]
    pub(super) fn put_slice(&mut self, bytes: &[u8]) {
        self.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// A field's length where the bytes follow.
    #[inline]
    pub(super) fn put_length(&mut self, length: usize) {
        self.put((length as i32).to_be_bytes());
    }

    #[inline]
    pub(super) fn put_null(&mut self) {
        self.put((-1i32).to_be_bytes());
    }

    /// Leaves four bytes for a length that is not known yet.
    /// Gives where the field's value begins, for `close_field`.
    #[inline]
    pub(super) fn open_field(&mut self) -> usize {
        self.put([0; 4]);
        self.at
    }

    /// Writes the length of the field that began at `start`.
    #[inline]
    pub(super) fn close_field(&mut self, start: usize) {
        let length = (self.at - start) as i32;
        self.bytes[start - 4..start].copy_from_slice(&length.to_be_bytes());
    }

    /// Takes `count` bytes out at `from`.
    pub(super) fn remove(&mut self, from: usize, count: usize) {
        self.bytes.copy_within(from + count..self.at, from);
        self.at -= count;
    }

    /// Hands over the first `upto` bytes; what follows starts another buffer of at least `capacity`.
    pub(super) fn split(&mut self, upto: usize, capacity: usize) -> RowBytes {
        let rest = self.at - upto;
        let mut next = self.spares.take(capacity.max(rest));
        next[..rest].copy_from_slice(&self.bytes[upto..self.at]);
        let whole = std::mem::replace(&mut self.bytes, next);
        self.at = rest;
        self.limit = self.limit.saturating_sub(upto);
        RowBytes::new(whole, upto, self.spares.clone())
    }

    /// Forgets everything after `position`.
    pub(super) fn cut_back(&mut self, position: usize) {
        self.at = self.at.min(position);
    }

    /// By half of the buffer at least, so that a long value is not copied at each piece.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, count: usize) {
        let wanted = (self.at + count).max(self.bytes.len() + self.bytes.len() / 2);
        self.bytes.resize(wanted, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_a_row_moves_with_its_bytes() {
        let mut out = Output::new(4);
        out.put([0; 10]);
        out.begin_row(5);
        out.put([0; 5]);
        assert!(!out.is_over());
        drop(out.split(10, 4));
        assert!(!out.is_over());
        out.put([0]);
        assert!(out.is_over());
        out.begin_row(5);
        assert!(!out.is_over());
    }

    /// PostgreSQL 15 refused one text of 2^30 - 6 bytes.
    #[test]
    fn what_postgresql_refuses_is_beyond_the_limit() {
        let row = |text: usize| 2 + 4 + text;
        assert!(row((1 << 30) - 6) > row_limit(1));
        assert!(row((1 << 30) - 100) <= row_limit(1));
        assert!(row_limit(1600) > (1 << 30) - 8192);
    }
}
