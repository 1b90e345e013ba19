//! Which functions, helpers and collations the plan's own expressions use.
//!
//! It looks for quoted, qualified names in the finished SQL, so it can find one that is only in a
//! literal and keep too much, and never drops one that is called.

use std::collections::BTreeSet;

use crate::config::job::Functions;
use crate::plan::build::Planned;
use crate::plan::function::FunctionPlan;
use crate::plan::object::CollationPlan;
use crate::plan::objects::locale;
use crate::plan::objects::scope::Names;
use crate::plan::table::TablePlan;
use tsql::names::qualified;

/// Takes out of the plan the functions that nothing calls, unless the job wants all, and adds the helpers
/// and collations that are used.
pub(in crate::plan) fn keep_needed(planned: &mut Planned, names: &Names, functions: Functions) {
    let mut texts = texts(&planned.tables);
    texts.extend(planned.views.iter().map(|view| view.query.clone()));
    if functions == Functions::Needed {
        planned.functions = called(std::mem::take(&mut planned.functions), &texts);
    }
    texts.extend(planned.functions.iter().map(|one| one.body.clone()));
    let used = |sql: &str| texts.iter().any(|text| text.contains(sql));
    for helper in names.helpers() {
        if used(&qualified(&helper.target)) {
            planned.notes.push(format!(
                "helper function {} is made, for {} (schema.helpers: none leaves out what needs it)",
                qualified(&helper.target),
                helper.of
            ));
            planned.helpers.push(helper);
        }
    }
    let mut collations: BTreeSet<CollationPlan> = planned.collations.drain(..).collect();
    for source in names.collations() {
        let made = locale::plan_in(&source, names.tool_schema());
        collations.extend(made.filter(|one| used(&locale::sql(&one.schema, &source))));
    }
    planned.collations = collations.into_iter().collect();
}

/// Every expression of the tables.
fn texts(tables: &[TablePlan]) -> Vec<String> {
    let mut texts = Vec::new();
    for table in tables {
        for column in table.all_columns() {
            texts.extend(column.clauses.default.clone());
            texts.extend(column.clauses.generated.clone());
        }
        let objects = &table.objects;
        texts.extend(objects.checks.iter().map(|check| check.expression.clone()));
        texts.extend(
            objects
                .indexes
                .iter()
                .filter_map(|one| one.predicate.clone()),
        );
    }
    texts
}

/// Those that the texts call, and that these call, in their order.
fn called(functions: Vec<FunctionPlan>, texts: &[String]) -> Vec<FunctionPlan> {
    let calls = |text: &String, function: &FunctionPlan| {
        text.contains(&format!("{}(", qualified(&function.target)))
    };
    let mut needed: Vec<FunctionPlan> = Vec::new();
    // One is called by those after it only.
    for function in functions.into_iter().rev() {
        let by_text = texts.iter().any(|text| calls(text, &function));
        let bodies = needed.iter().map(|other| &other.body);
        if by_text || bodies.into_iter().any(|body| calls(body, &function)) {
            needed.push(function);
        }
    }
    needed.reverse();
    needed
}
