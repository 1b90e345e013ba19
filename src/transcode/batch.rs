//! A batch: whole rows as COPY BINARY bytes, ready to be sent.

use bytes::BytesMut;

use crate::plan::key::KeyValue;

/// Whole rows between a reader and its COPY, without the COPY header and trailer.
#[derive(Debug, Default)]
pub struct Batch {
    /// Rows as `COPY ... (FORMAT binary)` wants them.
    pub bytes: BytesMut,
    pub rows: u64,
    /// The last row's key, where the layout has a key.
    pub last_key: Option<Vec<KeyValue>>,
    /// Sum of the rows' hashes (see [`crate::transcode::digest`]), where the layout asks for it.
    pub checksum: Option<u128>,
    /// Characters that `strip` or `replace` changed.
    pub changed_values: u64,
}
