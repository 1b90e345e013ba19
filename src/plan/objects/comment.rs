//! Comments, from the extended property that the source's tools show as description.

use crate::config::job::Job;
use crate::plan::table::ColumnPlan;
use tsql::schema::Table;
use tsql::typemap;

pub(super) fn of_table(table: &Table, job: &Job) -> Option<String> {
    let comment = table.extras.comment.as_deref();
    comment.filter(|_| job.schema.comments).map(held)
}

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
