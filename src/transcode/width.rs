//! Rows that no page of PostgreSQL holds, found before PostgreSQL finds them.
//!
//! PostgreSQL names the line that its buffer has reached, which is not the row's.

use std::sync::Arc;

use crate::plan::page::{PAGE, Row, Storage, full_row};
use crate::plan::table::TablePlan;
use crate::transcode::digest::fields;

/// The columns of a row in the order of the table, as places in the layout.
#[derive(Debug, Clone)]
pub(super) struct Widths(Arc<[(usize, Storage)]>);

impl Widths {
    /// `None` for a table of which every row fits.
    pub(super) fn of(plan: &TablePlan) -> Option<Self> {
        if full_row(plan) <= PAGE {
            return None;
        }
        let mut columns: Vec<_> = plan.columns.iter().enumerate().collect();
        columns.sort_by_key(|(_, column)| column.position);
        let columns = columns.into_iter();
        let widths = columns.map(|(place, column)| (place, Storage::new(&column.target_type)));
        Some(Self(widths.collect()))
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
