//! How rows lie on 8 KiB pages, as far as the catalog and samples need it.

use crate::engine::datatype;
use crate::engine::model::index::{Index, IndexForm};
use crate::engine::model::table::Table;
use crate::types::SqlType;

/// What a page holds of rows ("Pages and extents architecture guide": 8,192 bytes less the header).
const PAGE: u64 = 8_096;

/// A row's header and its slot.
const OVERHEAD: u64 = 9;

/// An estimate of the bytes of a row in an index, or in the table itself.
fn row_bytes(table: &Table, index: Option<&Index>) -> u64 {
    let width = |ty: &SqlType| match (datatype::max_length(ty), ty) {
        (-1, _) => 512,
        // Stored at their full length ("Estimate the size of a clustered index").
        (n, SqlType::Char { .. } | SqlType::NChar { .. } | SqlType::Binary { .. }) => {
            u64::try_from(n).unwrap_or(0)
        }
        (n, _) => u64::try_from(n).unwrap_or(0).min(64),
    };
    let width: u64 = match index {
        Some(index) if !index.clustered() && index.form == IndexForm::Rows => {
            let held = table.held(index);
            held.iter().map(|at| width(&table.columns[*at].ty)).sum()
        }
        _ => table.columns.iter().map(|c| width(&c.ty)).sum(),
    };
    width + OVERHEAD
}

/// An estimate of the pages that SQL Server would need for so many rows.
pub(crate) fn pages(table: &Table, index: Option<&Index>, rows: u64) -> u64 {
    match rows {
        0 => 0,
        rows => rows * row_bytes(table, index) / PAGE + 2,
    }
}

/// How many rows of the table share a page.
pub(crate) fn rows_per_page(table: &Table) -> u64 {
    (PAGE / row_bytes(table, None)).max(1)
}

impl Table {
    /// An estimate of the 8 KiB pages that SQL Server would need for an index, or for the heap.
    pub(crate) fn pages(&self, index: Option<&Index>) -> u64 {
        pages(self, index, self.rows_of(index))
    }
}
