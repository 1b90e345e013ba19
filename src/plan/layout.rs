//! The layout of a table's rows: what its readers are told of each column.
//!
//! It joins the two crates: the plan knows columns by name and place, `tds_copy` wants types,
//! places and policies. Made once for each table and shared by its readers.

use tds_copy::transcode::{ResultColumn, RowLayout};
use tsql::page::PAGE;

use crate::config::job::Job;
use crate::error::Result;
use crate::plan::page::full_row;
use crate::plan::table::{ColumnPlan, TablePlan};

/// The layout of a table's rows, with the policies that the job has now for each column: they may
/// not be those with which the plan was recorded.
///
/// # Errors
/// A pair of types that cannot be encoded or a code page that is not known, at its column.
pub fn row_layout(plan: &TablePlan, job: &Job) -> Result<RowLayout> {
    let overrides = job.table_override(&plan.full_name());
    let values = |place: usize| {
        let name = &plan.columns[place].source.name;
        let own = overrides.and_then(|table| table.values.get(name));
        own.map_or(job.values, |own| own.over(job.values))
    };
    let layout = RowLayout::by_column(&columns(&plan.columns), &plan.key_positions(), values)?
        .with_identity(&plan.identity_positions());
    // Checking each row's size costs time, so only tables in which a row can be too large are
    // checked.
    if full_row(plan) <= PAGE {
        return Ok(layout);
    }
    let mut places: Vec<_> = (0..plan.columns.len()).collect();
    places.sort_by_key(|place| plan.columns[*place].position);
    Ok(layout.with_page_limit(&places))
}

/// Planned columns as a layout takes them.
pub fn columns(planned: &[ColumnPlan]) -> Vec<ResultColumn> {
    let column = |planned: &ColumnPlan| ResultColumn {
        name: planned.source.name.clone(),
        source: planned.source.ty.clone(),
        code_page: planned.source.code_page,
        target_name: planned.target_name.clone(),
        target: planned.target_type.clone(),
    };
    planned.iter().map(column).collect()
}
