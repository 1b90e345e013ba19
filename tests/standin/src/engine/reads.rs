//! How many rows an execution has read from tables.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows read so far; see [`Reads::into_total`] for where they go.
#[derive(Default)]
pub(crate) struct Reads<'a> {
    rows: Cell<u64>,
    total: Option<&'a AtomicU64>,
}

impl<'a> Reads<'a> {
    /// Adds the rows to `total` when the execution ends, however it ends.
    pub(crate) fn into_total(total: &'a AtomicU64) -> Reads<'a> {
        Reads {
            rows: Cell::new(0),
            total: Some(total),
        }
    }

    /// Counts one more row, and gives the count.
    pub(crate) fn add(&self) -> u64 {
        let rows = self.rows.get() + 1;
        self.rows.set(rows);
        rows
    }
}

impl Drop for Reads<'_> {
    fn drop(&mut self) {
        if let Some(total) = self.total {
            total.fetch_add(self.rows.get(), Ordering::Relaxed);
        }
    }
}
