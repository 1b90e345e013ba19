//! What is never made, and what moving it by hand takes.
//!
//! The list is for the planning of the rest of a migration, and the run's exit code does not depend
//! on it. Objects that the job asked for and that cannot be made are omissions instead.

use std::collections::HashMap;

use crate::config::job::{self, Job, Views};
use crate::plan::function::FunctionPlan;
use tsql::schema::Database;
use tsql::schema::inventory::{AssessedModule, Effort, InventoryKind, Statements};
use tsql::schema::modules::{Module, ModuleKind};
use tsql::schema::objects::View;
use tsql::translate;

/// What the catalog calls them.
const PROCEDURES: &str = "procedures";
const FUNCTIONS: &str = "functions";
const TRIGGERS: &str = "triggers";
const SYNONYMS: &str = "synonyms";

/// What became of the functions.
#[derive(Clone, Copy)]
pub(super) struct Functions<'a> {
    pub(super) made: &'a [FunctionPlan],
    /// Each with the reason.
    pub(super) untranslated: &'a [(String, String)],
}

/// Every kind of which something is not made: what the catalog lists without the functions that are made,
/// and the views if the job does not ask for them.
pub(super) fn inventory(
    database: &Database,
    job: &Job,
    functions: Functions<'_>,
) -> Vec<InventoryKind> {
    let mut kinds = database.inventory.clone();
    for kind in &mut kinds {
        match kind.kind.as_str() {
            FUNCTIONS => of_functions(kind, database, job, functions),
            PROCEDURES => kind.modules = assessed(database, |it| it == ModuleKind::Procedure),
            TRIGGERS => kind.modules = assessed(database, |it| it == ModuleKind::Trigger),
            SYNONYMS => {
                let note = "views and functions that use them read what they stand for";
                kind.note = Some(note.to_owned());
            }
            _ => {}
        }
    }
    kinds.retain(|kind| !kind.is_empty());
    if job.schema.views == Views::None && !database.views.is_empty() {
        kinds.push(InventoryKind {
            kind: "views".to_owned(),
            names: database.views.iter().map(View::full_name).collect(),
            note: Some("schema.views: try makes those that translate".to_owned()),
            ..InventoryKind::default()
        });
    }
    kinds
}

/// Leaves those that are not made, with the reason of each that was tried.
fn of_functions(
    kind: &mut InventoryKind,
    database: &Database,
    job: &Job,
    functions: Functions<'_>,
) {
    let made = |name: &String| functions.made.iter().any(|one| one.source == *name);
    kind.names.retain(|name| !made(name));
    let is_function = |kind| {
        matches!(
            kind,
            ModuleKind::ScalarFunction | ModuleKind::InlineFunction | ModuleKind::TableFunction
        )
    };
    kind.modules = assessed(database, is_function);
    kind.modules.retain(|module| !made(&module.name));
    let reasons: HashMap<_, _> = functions.untranslated.iter().cloned().collect();
    for module in &mut kind.modules {
        module.reason = reasons.get(&module.name).cloned();
    }
    if job.schema.functions != job::Functions::Try {
        let note =
            "schema.functions: try makes the scalar and inline table functions that translate";
        kind.note = Some(note.to_owned());
    }
}

/// Modules of a kind by name, each with how much work its text is.
fn assessed(database: &Database, of_kind: impl Fn(ModuleKind) -> bool) -> Vec<AssessedModule> {
    let mut modules: Vec<_> = database
        .modules
        .iter()
        .filter(|module| of_kind(module.kind))
        .map(assess)
        .collect();
    modules.sort_by(|one, other| one.name.cmp(&other.name));
    modules
}

/// A module whose text is encrypted or not visible has no lines, and its effort is unknown.
fn assess(module: &Module) -> AssessedModule {
    let name = module.full_name();
    match &module.definition {
        Some(text) => {
            let assessment = translate::assess(text);
            AssessedModule {
                name,
                lines: assessment.lines,
                constructs: assessment.constructs,
                statements: assessment.statements,
                effort: assessment.effort,
                reason: None,
            }
        }
        None => AssessedModule {
            name,
            lines: 0,
            constructs: Vec::new(),
            statements: Statements::Hidden,
            effort: Effort::Unknown,
            reason: None,
        },
    }
}
