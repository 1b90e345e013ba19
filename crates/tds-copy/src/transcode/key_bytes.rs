//! The key of a row as wire bytes, which become values once for each batch.
//!
//! Each row of an ordered table leaves its key's bytes here, in a buffer that is reused; only the
//! last row's are turned into values, when a batch is handed over.

use tsql::key::KeyValue;

use crate::error::{Error, Kind, Result};
use crate::tds::key::key_value;
use crate::tds::type_info::TypeInfo;
use crate::transcode::layout::{Column, RowLayout};

/// Wire bytes of a key's columns, one after another in the order of the result.
#[derive(Debug, Default)]
pub(super) struct KeyBytes {
    bytes: Vec<u8>,
    /// Where each value ends in `bytes`.
    ends: Vec<usize>,
}

impl KeyBytes {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds the value of the next key column.
    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
    }

    /// The values in key order; `None` without a key, and if the key cannot be sent back to the
    /// server.
    ///
    /// # Errors
    /// `Protocol`: the bytes of a key are not a valid value of its type.
    pub(super) fn values(
        &self,
        layout: &RowLayout,
        columns: &[Column],
    ) -> Result<Option<Vec<KeyValue>>> {
        if layout.key.is_empty() {
            return Ok(None);
        }
        let key = layout.key.iter().map(|planned| {
            let mut keys = columns.iter().filter(|column| column.key).enumerate();
            let (place, column) = keys
                .find(|(_, column)| column.planned == Some(*planned))
                .ok_or_else(|| Error::new(Kind::Internal, "a key column is not in the result"))?;
            let from = place.checked_sub(1).map_or(0, |before| self.ends[before]);
            let bytes = &self.bytes[from..self.ends[place]];
            let planned = &layout.columns[*planned];
            match key_value(&column.ty, bytes, planned.page.as_ref()) {
                Ok(value) => Ok(Some(value)),
                // Text that its code page does not define has no literal.
                Err(_) if matches!(column.ty, TypeInfo::Char { .. }) => Ok(None),
                Err(error) => Err(error.at_column(&planned.name)),
            }
        });
        key.collect()
    }
}
