//! Whether a table's rows fit into a page of PostgreSQL.
//!
//! SQL Server moves long values off a row that grows beyond 8,060 bytes; PostgreSQL moves only
//! values of types that it can store outside, so a table of many fixed columns can have rows that
//! do not fit.

use tsql::page::{self, PAGE};

use crate::plan::table::TablePlan;

/// Bytes of a row without NULLs, its longer values moved out.
pub(super) fn full_row(plan: &TablePlan) -> usize {
    let mut columns: Vec<_> = plan.all_columns().collect();
    columns.sort_by_key(|column| column.position);
    page::full_row(columns.iter().map(|column| &column.target_type))
}

/// A note for the plan if a row may be too large.
pub(super) fn note(plan: &TablePlan) -> Option<String> {
    let size = full_row(plan);
    (size > PAGE).then(|| {
        format!(
            "a row without NULLs takes {size} bytes of a page of PostgreSQL, which holds {PAGE}: such a row fails the table, or goes to _migrate.rejects with values.out_of_range: reject (columns.exclude leaves columns out, types: text lets a value be moved out of its row)"
        )
    })
}
