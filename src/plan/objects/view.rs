//! Views, as far as they translate with certainty (`schema.views: try`).

use crate::config::job::{Job, Views};
use crate::plan::object::{ColumnClauses, ViewPlan};
use crate::plan::objects::context::Remarks;
use crate::plan::objects::default::HIDDEN;
use crate::plan::objects::scope::Names;
use crate::plan::table::{ColumnPlan, TargetName};
use tsql::names;
use tsql::schema::objects::View;
use tsql::schema::{Column, Database};
use tsql::translate::{self, TranslatedView, ViewScope};

/// What was decided of all views.
#[derive(Debug, Default)]
pub(in crate::plan) struct PlannedViews {
    /// In an order in which each comes after those that it reads.
    pub(in crate::plan) made: Vec<ViewPlan>,
    /// With the view's full name in front.
    pub(in crate::plan) remarks: Vec<(String, Remarks)>,
}

/// Translates what can be, again and again as long as another one became possible: a view is known
/// to those that read it once it is translated itself.
pub(in crate::plan) fn plan_all(database: &Database, job: &Job, names: &mut Names) -> PlannedViews {
    let mut planned = PlannedViews::default();
    if job.schema.views == Views::None {
        return planned;
    }
    let collation = Some(database.collation.as_str()).filter(|name| !name.is_empty());
    let mut open: Vec<&View> = database.views.iter().collect();
    loop {
        let before = open.len();
        let mut refused = Vec::new();
        for view in open {
            let mut remarks = Remarks::default();
            match plan_one(view, job, names, collation, &mut remarks) {
                Ok(plan) => {
                    planned.made.push(plan);
                    planned.remarks.push((view.full_name(), remarks));
                }
                Err(reason) => refused.push((view, reason)),
            }
        }
        if refused.len() == before {
            for (view, reason) in refused {
                planned
                    .remarks
                    .push((view.full_name(), omitted(view, job, &reason)));
            }
            return planned;
        }
        open = refused.into_iter().map(|(view, _)| view).collect();
    }
}

fn omitted(view: &View, job: &Job, reason: &str) -> Remarks {
    let mut remarks = Remarks::default();
    let object = format!("view {}", view.name);
    match &view.definition {
        Some(text) => remarks.untranslated(job, object, reason, text),
        None => remarks.omit(object, HIDDEN),
    }
    remarks
}

fn plan_one(
    view: &View,
    job: &Job,
    names: &mut Names,
    collation: Option<&str>,
    remarks: &mut Remarks,
) -> Result<ViewPlan, String> {
    let text = view.definition.as_deref().ok_or(HIDDEN)?;
    let scope = ViewScope {
        schema: &view.schema,
        names,
        default_collation: collation,
        recorded: &view.columns,
        quoted_identifiers: true,
    };
    let translated = translate::view(text, &scope).map_err(|why| why.to_string())?;
    resolved_as_the_source(view, &translated)?;
    let target = target(view, job)?;
    let object = format!("view {}", view.full_name());
    remarks.note_all(&object, &translated.notes);
    if view.indexed {
        remarks.notes.push(format!(
            "{object} is indexed at the source and becomes a plain view; make a MATERIALIZED VIEW yourself if you need one"
        ));
    }
    let columns = columns(&translated);
    names.add_view((&view.schema, &view.name), &target, columns);
    Ok(ViewPlan {
        source: view.full_name(),
        target,
        query: translated.sql,
    })
}

/// Names must mean what they mean at the source, whose catalog says what the view reads: it may
/// know a table that is not moved if another of that name is.
fn resolved_as_the_source(view: &View, translated: &TranslatedView) -> Result<(), String> {
    let mut reads = view.reads.clone();
    reads.sort();
    reads.dedup();
    let certain = if reads.is_empty() {
        // The catalog did not tell.
        !translated.fell_back
    } else {
        reads == translated.reads
    };
    certain.then_some(()).ok_or_else(|| {
        "a name without a schema, or in another case, that may be another table at the source"
            .to_owned()
    })
}

fn target(view: &View, job: &Job) -> Result<TargetName, String> {
    let style = job.schema.names;
    let plain = |error: tsql::error::Error| error.to_string();
    let mapped = job.target.schemas.get(&view.schema).map(String::as_str);
    let schema = names::target_schema(&view.schema, mapped, style).map_err(plain)?;
    let table = names::target(&view.name, style).map_err(plain)?.text;
    Ok(TargetName { schema, table })
}

/// A view's columns for the views that read it.
fn columns(view: &TranslatedView) -> Vec<ColumnPlan> {
    let column = |(position, column): (usize, &translate::ViewColumn)| {
        let source = Column {
            name: column.source.clone(),
            ty: column.sql_type.clone(),
            nullable: true,
            identity: None,
            computed: None,
            collation: column.collation.clone(),
            code_page: None,
            masked: false,
            extras: Default::default(),
        };
        ColumnPlan {
            position,
            target_name: column.target.clone(),
            target_type: column.pg_type.clone(),
            identity: None,
            clauses: ColumnClauses::default(),
            source,
        }
    };
    view.columns.iter().enumerate().map(column).collect()
}
