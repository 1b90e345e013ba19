//! Comments, from the extended property that the source's tools show as description.
//!
//! `MS_Description` of tables and columns. What a column was at the source, if its type alone does
//! not say it, is added to its comment, for those who read the target's schema later.

use crate::config::job::Job;
use crate::plan::table::ColumnPlan;
use tsql::schema::Table;
use tsql::typemap;

/// `None` if it has none or the job wants none.
pub(super) fn of_table(table: &Table, job: &Job) -> Option<String> {
    let comment = table.extras.comment.as_deref();
    comment.filter(|_| job.schema.comments).map(held)
}

/// Each column's comment, with a note on its source type if there is one.
pub(super) fn fill(columns: &mut [ColumnPlan], job: &Job) {
    if !job.schema.comments {
        return;
    }
    for plan in columns {
        let own = plan.source.extras.comment.as_deref().map(held);
        let base = typemap::source_note(&plan.source, &plan.target_type);
        plan.clauses.comment = match (own, base) {
            (Some(own), Some(base)) => Some(format!("{own} ({base})")),
            (own, base) => own.or(base),
        };
    }
}

/// PostgreSQL's text holds no U+0000.
fn held(comment: &str) -> String {
    comment.replace('\0', "")
}
