//! A view: its query, and the columns that the source's catalog records for it.

use super::context::{self, Context};
use super::query::{self, Item};
use super::{Outcome, RecordedColumn, TranslatedView, Untranslated, ViewColumn, ViewScope, parse};
use crate::schema::SqlType;

/// A whole `CREATE VIEW`.
/// The catalog has the columns as they were when the view was made: `SELECT *` was expanded then.
///
/// # Errors
/// A part of the query does not translate, or it has other columns than the catalog.
pub(super) fn view(text: &str, scope: &ViewScope<'_>) -> Outcome<TranslatedView> {
    let parsed = parse::view(text)?;
    let mut context = Context::of_query(scope);
    let mut made = query::query(&mut context, &parsed.query)?;
    let names = named(made.body.items(), &parsed.columns, scope.recorded)?;
    let types: Vec<_> = scope.recorded.iter().map(|it| &it.ty).collect();
    made.body.each_item(&mut |at, item| {
        let ty = types.get(at).copied().unwrap_or(&SqlType::Int);
        item.value = query::declared(query::typed_null(item.value.clone(), ty));
        Ok(())
    })?;
    let mut items = made.body.items().to_vec();
    for (item, name) in items.iter_mut().zip(names) {
        item.name = Some(name);
    }
    let columns = query::columns(&context, &items)?;
    let targets: Vec<String> = columns.iter().map(|column| column.target.clone()).collect();
    let sql = made.sql(&targets)?;
    context::bounded(&sql)?;
    Ok(TranslatedView {
        sql,
        columns: columns.into_iter().map(ViewColumn::from).collect(),
        reads: context.reads.into_iter().collect(),
        fell_back: context.fell_back,
        notes: context.notes,
        helpers: context.helpers,
        check_option: parsed.check_option,
    })
}

/// What the columns are called at the source: by the list after the view's name, by the query,
/// and in any case as the catalog has them.
fn named(items: &[Item], given: &[String], recorded: &[RecordedColumn]) -> Outcome<Vec<String>> {
    if !given.is_empty() && given.len() != items.len() {
        return Err(Untranslated::new("a list of columns of another length"));
    }
    if !recorded.is_empty() && recorded.len() != items.len() {
        return Err(Untranslated::new(format!(
            "a query of {} columns, where the source's catalog has {} for the view: its tables \
             were changed since it was made",
            items.len(),
            recorded.len()
        )));
    }
    let mut names = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let own = given.get(at).or(item.name.as_ref());
        let name = match (own, recorded.get(at)) {
            (Some(own), Some(recorded)) if !context::same(own, &recorded.name) => {
                return Err(Untranslated::new(format!(
                    "a column {own} that the source's catalog calls {}: its tables were changed \
                     since the view was made",
                    recorded.name
                )));
            }
            (_, Some(recorded)) => recorded.name.clone(),
            (Some(own), None) => own.clone(),
            (None, None) => return Err(Untranslated::new("a column without a name")),
        };
        names.push(name);
    }
    Ok(names)
}
