//! A batch: whole rows as COPY BINARY bytes, ready to be sent.
//!
//! A batch is the unit of memory between a reader and its COPY: two of them wait in the channel at
//! most (`pipeline::load`). It is about 256 KiB, or one longer row.

use crate::transcode::reject::Reject;
use crate::transcode::row_bytes::RowBytes;
use tsql::key::KeyValue;

/// Whole rows between a reader and its COPY, without the COPY header and trailer.
#[derive(Debug, Default)]
pub struct Batch {
    /// Rows as `COPY ... (FORMAT binary)` wants them.
    pub bytes: RowBytes,
    /// How many rows `bytes` hold.
    pub rows: u64,
    /// The key of the last row that was read, a rejected one included, where the layout has a key
    /// and the key can be sent back to the server: text that its code page does not define cannot.
    pub last_key: Option<Vec<KeyValue>>,
    /// Sum of the rows' hashes (see [`crate::transcode::digest`]), where the layout asks for it.
    pub checksum: Option<u128>,
    /// Characters that `strip` or `replace` changed, and times that were truncated to stay in their
    /// day, by the columns' places in the layout; empty where there are none.
    pub changed: Vec<u64>,
    /// Rows that are not among `rows`, because PostgreSQL cannot hold them.
    pub rejects: Vec<Reject>,
}

impl Batch {
    /// Bytes that go to the target: rows and rejected rows.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.rejects.iter().map(Reject::size).sum::<usize>()
    }
}
