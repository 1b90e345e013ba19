//! Rows that no page of PostgreSQL holds, found before PostgreSQL finds them.
//!
//! PostgreSQL names the line that its buffer has reached, which is not the row's.

use std::sync::Arc;

use tsql::page::{PAGE, Row, Storage};
use tsql::typemap::PgType;

use crate::transcode::digest::fields;

/// The columns of a row in the order of the table, as places in the layout.
#[derive(Debug, Clone)]
pub(super) struct Widths(Arc<[(usize, Storage)]>);

impl Widths {
    /// `columns`: place in the layout and type of each column, in the order of the table.
    pub(super) fn new<'a>(columns: impl Iterator<Item = (usize, &'a PgType)>) -> Self {
        Self(
            columns
                .map(|(place, ty)| (place, Storage::new(ty)))
                .collect(),
        )
    }

    /// The fewest bytes that a COPY row takes in a page, where those are too many for certain.
    #[cold]
    pub(super) fn excess(&self, row: &[u8]) -> Option<usize> {
        let fields = fields(row).collect::<Vec<_>>();
        let mut stored = Row::default();
        for (place, storage) in self.0.iter() {
            match fields.get(*place).copied().flatten() {
                Some(field) => stored.add(*storage, storage.least(field.len())),
                None => stored.add_null(),
            }
        }
        Some(stored.size()).filter(|size| *size > PAGE)
    }
}
