//! Check constraints, made after the load.
//!
//! A check is made only if its translation says the same of every row; if it may refuse a row that
//! the source accepts, it is NOT VALID, so that the loaded rows are not tested.

use std::collections::HashSet;

use crate::plan::object::CheckPlan;
use crate::plan::objects::context::{Context, Remarks};
use crate::plan::objects::default::HIDDEN;
use crate::plan::objects::{collation, scope};
use crate::plan::table::TablePlan;
use tsql::schema::Table;
use tsql::schema::objects::Check;
use tsql::translate;

/// The checks of a table that translate, in the catalog's order; the rest are omissions.
pub(super) fn plan_all(
    table: &Table,
    plan: &TablePlan,
    context: &Context<'_>,
    remarks: &mut Remarks,
) -> Vec<CheckPlan> {
    if !context.job.schema.checks {
        return Vec::new();
    }
    let described: HashSet<_> = table
        .extras
        .checks
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    let kind = |kind: &&tsql::schema::OtherObject| kind.kind == "check";
    // The catalog lists every check by name, and its text only to a login with VIEW DEFINITION.
    for other in table.others.iter().filter(kind) {
        if !described.contains(other.name.as_str()) {
            remarks.omit(format!("check {}", other.name), HIDDEN);
        }
    }
    let checks = table.extras.checks.iter();
    checks
        .filter_map(|check| plan_one(check, plan, context, remarks))
        .collect()
}

/// `None` if it is left out, which is then in `remarks`.
fn plan_one(
    check: &Check,
    plan: &TablePlan,
    context: &Context<'_>,
    remarks: &mut Remarks,
) -> Option<CheckPlan> {
    let object = format!("check {}", check.name);
    let Some(text) = &check.definition else {
        remarks.omit(object, HIDDEN);
        return None;
    };
    let visible: Vec<_> = plan.all_columns().map(scope::column).collect();
    let scope = scope::scope(&visible, context.names, context.database);
    let translated = match translate::check(text, &scope) {
        Ok(translated) => translated,
        Err(why) => {
            let why = context.names.fault(text, &why);
            remarks.untranslated(context.job, object, &why, text);
            return None;
        }
    };
    if let Some(why) = collation::obstacle(plan, &translated.sql) {
        remarks.untranslated(context.job, object, why, text);
        return None;
    }
    remarks.note_all(&object, &translated.notes);
    let valid = !check.disabled && !check.not_trusted;
    // Rounding keeps the order of two moments, but may make them equal.
    let doubtful = translated.inexact || translated.rounded;
    if !valid {
        remarks.notes.push(not_valid(&object, check.disabled));
    } else if doubtful {
        remarks.notes.push(format!(
            "{object} may refuse rows that the source accepts: made NOT VALID, so it applies to new rows only"
        ));
    }
    Some(CheckPlan {
        name: check.name.clone(),
        source: check.name.clone(),
        expression: translated.sql,
        valid: valid && !doubtful,
    })
}

/// The note on a constraint that the source does not hold its rows to.
pub(super) fn not_valid(object: &str, disabled: bool) -> String {
    let state = if disabled { "disabled" } else { "not trusted" };
    format!("{object} is {state} at the source: made NOT VALID, so it applies to new rows only")
}
