//! Defaults of columns, part of CREATE TABLE.
//!
//! Constants and calls are translated; a default that is not certain is left out, with its text.
//! Loaded rows do not depend on it, because COPY gives every column a value.

use crate::plan::objects::context::{Context, Remarks};
use crate::plan::objects::scope;
use crate::plan::table::ColumnPlan;
use tsql::schema::Table;
use tsql::translate;

/// What is said of an object that the login or the server does not show.
pub(super) const HIDDEN: &str =
    "the server does not show its definition to this login (VIEW DEFINITION shows it)";

/// Gives columns the defaults that translate. A default may call functions and sequences, and no
/// column: T-SQL allows none there either, so the scope is empty.
pub(super) fn fill(
    table: &Table,
    columns: &mut [ColumnPlan],
    context: &Context<'_>,
    remarks: &mut Remarks,
) {
    if !context.job.schema.defaults {
        return;
    }
    hidden(table, remarks);
    for plan in columns {
        let Some(default) = &plan.source.extras.default else {
            continue;
        };
        if plan.source.extras.period.is_some() {
            continue; // `filled` gives it one.
        }
        let object = format!("default {} of column {}", default.name, plan.source.name);
        let Some(text) = &default.definition else {
            remarks.omit(object, HIDDEN);
            continue;
        };
        // PostgreSQL allows a column one of the two.
        if plan.identity.is_some() {
            remarks.omit(object, "the column is an identity in PostgreSQL");
            continue;
        }
        let scope = scope::scope(&[], context.names, context.database);
        match translate::default(text, &scope::column(plan), &scope) {
            Ok(translated) => {
                remarks.note_all(&object, &translated.notes);
                plan.clauses.default = Some(translated.sql);
            }
            Err(why) => {
                let why = context.names.fault(text, &why);
                remarks.untranslated(context.job, object, &why, text);
            }
        }
    }
}

/// Those of which the server tells no more than the name.
fn hidden(table: &Table, remarks: &mut Remarks) {
    let described = |name: &str| {
        let mut defaults = table
            .columns
            .iter()
            .filter_map(|c| c.extras.default.as_ref());
        defaults.any(|default| default.name == name)
    };
    for other in table.others.iter().filter(|other| other.kind == "default") {
        if !described(&other.name) {
            remarks.omit(format!("default {}", other.name), HIDDEN);
        }
    }
}
