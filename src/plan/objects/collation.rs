//! ICU collations for columns whose keys compare loosely at the source (`schema.collations: icu`).
//!
//! Without them, two rows of `Smith` and `smith` that the source refuses under one unique key would
//! both be accepted by the target. Nondeterministic collations cost speed and pattern matching, so
//! only columns of keys get them.

use std::collections::BTreeSet;

use crate::config::job::Collations;
use crate::plan::object::CollationPlan;
use crate::plan::objects::context::Context;
use crate::plan::objects::locale::{locale, name};
use crate::plan::table::{ColumnPlan, TablePlan};
use tsql::names;
use tsql::schema::{Index, Table};
use tsql::typemap::PgType;

/// Gives every text column of a key, unique index or foreign key its collation.
pub(super) fn fill(table: &Table, columns: &mut [ColumnPlan], context: &Context<'_>) {
    if context.job.schema.collations == Collations::Plain {
        return;
    }
    let keyed = keyed(table, context);
    for column in columns {
        if keyed.contains(column.source.name.as_str()) && is_text(&column.target_type) {
            let source = column.source.collation.as_deref();
            let loose = source.filter(|source| locale(source).is_some());
            column.clauses.collation = loose.map(name);
        }
    }
}

/// Columns whose equality decides about rows.
/// Columns of unique indexes, of foreign keys, and those that foreign keys of others refer to.
fn keyed<'a>(table: &'a Table, context: &Context<'a>) -> BTreeSet<&'a str> {
    let unique = |index: &&Index| index.unique && !index.disabled && index.rowstore;
    let keys = table.indexes.iter().filter(unique);
    let mut names: BTreeSet<&str> = keys
        .flat_map(|index| index.key.iter().map(|key| key.column.as_str()))
        .collect();
    let own = table.extras.foreign_keys.iter();
    names.extend(own.flat_map(|key| key.columns.iter().map(String::as_str)));
    for other in &context.database.tables {
        for key in &other.extras.foreign_keys {
            if key.referenced_schema == table.schema && key.referenced_table == table.name {
                names.extend(key.referenced_columns.iter().map(String::as_str));
            }
        }
    }
    names
}

/// Types that a collation can be given to.
fn is_text(ty: &PgType) -> bool {
    matches!(ty, PgType::Text | PgType::VarChar(_) | PgType::Char(_))
}

/// What the collation of a column is to be made as.
pub(super) fn plan_for(column: &ColumnPlan, schema: &str) -> Option<CollationPlan> {
    let name = column.clauses.collation.clone()?;
    let source = column.source.collation.clone()?;
    Some(CollationPlan {
        schema: schema.to_owned(),
        name,
        locale: locale(&source)?,
        source,
    })
}

/// Every collation that the tables need, each once per schema.
pub(in crate::plan) fn used(tables: &[TablePlan]) -> Vec<CollationPlan> {
    let all = tables.iter().flat_map(|table| {
        let columns = table.all_columns();
        columns.filter_map(|column| plan_for(column, &table.target.schema))
    });
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// PostgreSQL before 18 searches no text under a nondeterministic collation.
/// Judged by the words of the translated text, so it may refuse a check that would have worked,
/// never the other way round. `None` if the expression can be made.
pub(super) fn obstacle(plan: &TablePlan, sql: &str) -> Option<&'static str> {
    let searches = ["LIKE", "~", "strpos", "position", "replace", "regexp"];
    let upper = sql.to_lowercase();
    let searched = searches
        .iter()
        .any(|word| upper.contains(&word.to_lowercase()));
    let loose = |column: &ColumnPlan| {
        column.clauses.collation.is_some() && sql.contains(&names::quote_ident(&column.target_name))
    };
    (searched && plan.all_columns().any(loose)).then_some(
        "it searches in a column that has a nondeterministic collation (schema.collations: icu)",
    )
}
