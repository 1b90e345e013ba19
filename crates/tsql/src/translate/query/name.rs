//! Names in FROM: what a table is called, and its columns by that name.

use sqlparser::ast::{ObjectName, TableAlias};

use super::super::context::{self, Context, Visible};
use super::super::{Outcome, Untranslated};
use crate::names::{quote_ident, shorten};

/// Schema and name of a table of this database.
pub(super) fn parts(name: &ObjectName) -> Outcome<(Option<String>, String)> {
    let idents: Option<Vec<_>> = name.0.iter().map(|part| part.as_ident()).collect();
    match idents.as_deref() {
        Some([table]) => Ok((None, table.value.clone())),
        Some([schema, table]) => Ok((Some(schema.value.clone()), table.value.clone())),
        _ => Err(Untranslated::new("a table of another database")),
    }
}

/// The names after an alias.
pub(super) fn column_names(alias: &TableAlias) -> Outcome<Vec<String>> {
    if alias.at.is_some() || alias.columns.iter().any(|it| it.data_type.is_some()) {
        return Err(Untranslated::new("an alias with types"));
    }
    Ok(alias
        .columns
        .iter()
        .map(|it| it.name.value.clone())
        .collect())
}

/// Columns of a table into scope, under the name that the query has for it. Its alias, quoted.
pub(super) fn see(
    context: &mut Context<'_>,
    called: &str,
    schema: Option<&str>,
    columns: impl Iterator<Item = context::Column>,
) -> Outcome<String> {
    let short = shorten(called);
    let level = context.level()?;
    let taken = |it: &Visible| {
        it.table
            .as_deref()
            .is_some_and(|t| context::same(t, called))
    };
    if level.columns.iter().any(taken) {
        return Err(Untranslated::new("two tables of one name"));
    }
    level.columns.extend(columns.map(|column| Visible {
        table: Some(called.to_owned()),
        schema: schema.map(str::to_owned),
        column,
        alias: Some(short.clone()),
    }));
    Ok(quote_ident(&short))
}
