//! Decides what is made of indexes, constraints, defaults, computed columns, comments, sequences
//! and views; what is not made is listed with its reason.
//!
//! `columns` runs before a table's strategy is chosen, since what PostgreSQL computes is not read;
//! `table` after it; foreign keys, triggers, views and names when all tables are planned. No
//! decision here asks a server, and none fails a table for an object, unless a name cannot exist on
//! the target.

mod bound;
mod check;
mod collation;
mod comment;
mod computed;
mod context;
mod counter;
mod default;
mod domain;
mod filled;
mod foreign_key;
mod index;
mod locale;
mod modules;
mod naming;
mod scope;
mod sequence;
mod trigger;
mod without;

use crate::config::job::{History, Job};
use crate::error::Result;
use crate::plan::object::TableObjects;
use crate::plan::table::{ColumnPlan, TablePlan};
use tsql::schema::Table;
use tsql::schema::objects::Temporal;

pub(super) use crate::plan::objects::collation::used as collations;
pub(super) use crate::plan::objects::context::{Context, Remarks, Sources};
pub(super) use crate::plan::objects::domain::used as domains;
pub(super) use crate::plan::objects::foreign_key::plan_all as foreign_keys;
pub(super) use crate::plan::objects::index::note_rounding;
pub(super) use crate::plan::objects::modules::{Modules, keep_needed};
pub(super) use crate::plan::objects::naming::name_all;
pub(super) use crate::plan::objects::scope::Names;
pub(super) use crate::plan::objects::sequence::plan_all as sequences;
pub(super) use crate::plan::objects::trigger::plan_all as triggers;
pub(super) use crate::plan::objects::without::leave_out;

/// Completes the columns, and takes out those that PostgreSQL computes.
///
/// # Errors
/// A name of a domain that PostgreSQL cannot have.
pub(super) fn columns(
    table: &Table,
    columns: &mut Vec<ColumnPlan>,
    context: &Context<'_>,
    remarks: &mut Remarks,
) -> Result<Vec<ColumnPlan>> {
    // Defaults come after counters, because a column has one or the other; generated columns are
    // taken out before `filled` looks at what nothing fills.
    domain::fill(table, columns, context, remarks)?;
    collation::fill(table, columns, context);
    counter::fill(columns, context.job.schema.identity, remarks);
    default::fill(table, columns, context, remarks);
    bound::omit(columns, context, remarks);
    comment::fill(columns, context.job);
    let generated = computed::take(columns, context, remarks);
    filled::fill(table, columns, context, remarks);
    Ok(generated)
}

/// Plans what the table gets after its rows, except foreign keys: those need all tables.
pub(super) fn table(
    table: &Table,
    plan: &TablePlan,
    context: &Context<'_>,
    remarks: &mut Remarks,
) -> TableObjects {
    temporal_note(table, context.job, remarks);
    bound::note_partitioning(table, remarks);
    others(table, remarks);
    TableObjects {
        indexes: index::plan_all(table, plan, context, remarks),
        checks: check::plan_all(table, plan, context, remarks),
        foreign_keys: Vec::new(),
        triggers: Vec::new(),
        comment: comment::of_table(table, context.job),
    }
}

/// Says of both halves of a temporal table what they are here.
fn temporal_note(table: &Table, job: &Job, remarks: &mut Remarks) {
    let note = match &table.extras.temporal {
        None => return,
        Some(Temporal::Current { .. }) if job.schema.history == History::Trigger => return,
        Some(Temporal::Current { history }) => format!(
            "system-versioned at the source: a plain table here, which keeps no history of changes (schema.history: trigger does); the history so far is {}",
            history.as_deref().unwrap_or("in another table")
        ),
        Some(Temporal::History) => {
            "history of a system-versioned table: a plain table here".to_owned()
        }
    };
    remarks.notes.push(note);
}

/// What has no counterpart.
fn others(table: &Table, remarks: &mut Remarks) {
    for other in &table.others {
        let reason = match other.kind.as_str() {
            "full-text index" => {
                "PostgreSQL's counterpart is a GIN index over to_tsvector(column), or over the column with pg_trgm"
            }
            _ => continue,
        };
        remarks.omit(format!("{} {}", other.kind, other.name), reason);
    }
}

#[cfg(test)]
mod tests;
