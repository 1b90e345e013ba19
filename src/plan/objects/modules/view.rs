//! A view: its query, its form, and the notes that a reader of the plan needs.

use crate::config::job::IndexedViews;
use crate::plan::objects::context::{Remarks, Sources};
use crate::plan::objects::default::HIDDEN;
use crate::plan::objects::index;
use crate::plan::objects::modules::columns;
use crate::plan::objects::modules::updatable::is_updatable;
use crate::plan::objects::scope::{Names, target};
use crate::plan::view::{ViewForm, ViewPlan, ViewRead};
use tsql::names::qualified;
use tsql::schema::modules::Module;
use tsql::schema::objects::View;
use tsql::translate::{self, TranslatedView, ViewScope};

/// Translates a view whose tables, views and functions are known to `names`, and adds it to them.
///
/// # Errors
/// Why it is left out, as a fragment. Nothing was added to `names` then.
pub(super) fn plan(
    view: &View,
    sources: &Sources<'_>,
    names: &mut Names,
    remarks: &mut Remarks,
) -> Result<ViewPlan, String> {
    let database = sources.database;
    let text = view.definition.as_deref().ok_or(HIDDEN)?;
    let scope = ViewScope {
        schema: &view.schema,
        names,
        default_collation: sources.default_collation(),
        recorded: &view.columns,
        quoted_identifiers: view.quoted_identifiers,
    };
    let translated = translate::view(text, &scope).map_err(|why| why.to_string())?;
    resolved_as_the_source(&view.reads, &translated.reads, translated.fell_back)?;
    let columns = columns::plan(&translated.columns, &view.columns, database)?;
    let target = target(&view.schema, &view.name, sources.job)?;
    let object = format!("view {}", view.full_name());
    remarks.note_all(&object, &translated.notes);
    let mut plan = ViewPlan {
        source: view.full_name(),
        target,
        form: form(view, &translated, sources, remarks),
        query: translated.sql,
        indexes: Vec::new(),
        read: ViewRead {
            schema: view.schema.clone(),
            name: view.name.clone(),
            columns,
        },
    };
    if plan.form == ViewForm::Materialized {
        plan.indexes = index::of_view(view, &plan, &sources.with(names), remarks);
        remarks.notes.push(format!(
            "{object} is a materialized view here: REFRESH MATERIALIZED VIEW {} brings it up to date after its tables have changed",
            qualified(&plan.target)
        ));
    }
    instead_of(&database.modules, view, remarks);
    names.add_view(
        (&view.schema, &view.name),
        &plan.target,
        plan.read.columns.clone(),
    );
    Ok(plan)
}

/// Materialized if the source keeps its rows and the job asks for that; with WITH CHECK OPTION if
/// the source has it and PostgreSQL can; else plain.
fn form(
    view: &View,
    translated: &TranslatedView,
    sources: &Sources<'_>,
    remarks: &mut Remarks,
) -> ViewForm {
    let object = format!("view {}", view.full_name());
    if view.indexed {
        if sources.job.schema.indexed_views == IndexedViews::Materialized {
            return ViewForm::Materialized;
        }
        remarks.notes.push(format!(
            "{object} is indexed at the source and becomes a plain view (schema.indexed_views: materialized keeps its rows and indexes)"
        ));
    }
    if !translated.check_option {
        return ViewForm::Plain;
    }
    if is_updatable(&translated.sql) {
        return ViewForm::Checked;
    }
    remarks.notes.push(format!(
        "{object} is made without its WITH CHECK OPTION, which PostgreSQL has for views of one table or view only"
    ));
    ViewForm::Plain
}

/// Triggers that make a view writable are never made.
fn instead_of(modules: &[Module], view: &View, remarks: &mut Remarks) {
    let name = view.full_name();
    let own = |module: &&Module| module.instead_of && module.parent.as_ref() == Some(&name);
    let triggers: Vec<_> = modules
        .iter()
        .filter(own)
        .map(|one| one.name.as_str())
        .collect();
    if !triggers.is_empty() {
        remarks.notes.push(format!(
            "view {name}: what its INSTEAD OF triggers do ({}) is not done here",
            triggers.join(", ")
        ));
    }
}

/// Names must mean what they mean at the source, whose catalog says what is read: it may know a table
/// that is not moved if another of that name is.
///
/// # Errors
/// The catalog and the translation do not name the same tables, or the catalog names none and a
/// name was resolved by a fallback.
pub(super) fn resolved_as_the_source(
    catalog: &[String],
    translated: &[String],
    fell_back: bool,
) -> Result<(), String> {
    let mut reads = catalog.to_vec();
    reads.sort();
    reads.dedup();
    let certain = if reads.is_empty() {
        // The catalog did not tell.
        !fell_back
    } else {
        reads == translated
    };
    certain.then_some(()).ok_or_else(|| {
        "a name without a schema, or in another case, that may be another table at the source"
            .to_owned()
    })
}
