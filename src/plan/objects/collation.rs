//! ICU collations for columns whose keys compare loosely at the source (`schema.collations: icu`).

use std::collections::BTreeSet;

use crate::config::job::Collations;
use crate::plan::object::CollationPlan;
use crate::plan::objects::context::Context;
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

fn is_text(ty: &PgType) -> bool {
    matches!(ty, PgType::Text | PgType::VarChar(_) | PgType::Char(_))
}

/// Whether the source's collation holds two different texts for equal.
pub(super) fn is_loose(source: Option<&str>) -> bool {
    source.is_some_and(|source| locale(source).is_some())
}

fn name(source: &str) -> String {
    names::shorten(&source.to_lowercase())
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

/// The ICU locale that compares as loosely as a collation does, `None` if it compares exactly.
/// Strengths are those of Unicode TR 35, "Collation Settings": level 1 looks at base letters, level
/// 2 at accents too, and `kc` puts case in between.
fn locale(source: &str) -> Option<String> {
    let upper = source.to_uppercase();
    let has = |part: &str| upper.split('_').any(|word| word == part);
    if has("BIN") || has("BIN2") || upper.is_empty() {
        return None;
    }
    let strength = match (has("CI"), has("AI")) {
        (true, false) => "ks-level2",
        (true, true) => "ks-level1",
        (false, true) => "ks-level1-kc-true",
        (false, false) => return None,
    };
    Some(format!("{}-u-{strength}", language(&upper)))
}

/// The language whose letters a collation orders by, if it has rules of its own.
fn language(upper: &str) -> &'static str {
    const LANGUAGES: [(&str, &str); 22] = [
        ("ALBANIAN", "sq"),
        ("CROATIAN", "hr"),
        ("CZECH", "cs"),
        ("DANISH", "da"),
        ("ESTONIAN", "et"),
        ("FINNISH_SWEDISH", "sv"),
        ("GERMAN_PHONEBOOK", "de-u-co-phonebk"),
        ("GREEK", "el"),
        ("HEBREW", "he"),
        ("HUNGARIAN", "hu"),
        ("ICELANDIC", "is"),
        ("LATVIAN", "lv"),
        ("LITHUANIAN", "lt"),
        ("MODERN_SPANISH", "es"),
        ("POLISH", "pl"),
        ("ROMANIAN", "ro"),
        ("SLOVAK", "sk"),
        ("SLOVENIAN", "sl"),
        ("TURKISH", "tr"),
        ("UKRAINIAN", "uk"),
        ("VIETNAMESE", "vi"),
        ("CYRILLIC", "ru"),
    ];
    let known = LANGUAGES.iter().find(|(start, _)| upper.starts_with(start));
    known.map_or("und", |(_, language)| {
        // The phone book's rules differ in order, not in what is equal.
        language.split("-u-").next().unwrap_or("und")
    })
}

/// PostgreSQL before 18 searches no text under a nondeterministic collation.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collation_is_as_loose_as_the_source_says() {
        for (source, expected) in [
            ("SQL_Latin1_General_CP1_CI_AS", Some("und-u-ks-level2")),
            ("Latin1_General_100_CI_AI_SC_UTF8", Some("und-u-ks-level1")),
            ("Latin1_General_CS_AI", Some("und-u-ks-level1-kc-true")),
            ("Turkish_CI_AS", Some("tr-u-ks-level2")),
            ("German_PhoneBook_CI_AS", Some("de-u-ks-level2")),
            ("Latin1_General_CS_AS", None),
            ("Latin1_General_BIN2", None),
            ("Cyrillic_General_BIN", None),
        ] {
            assert_eq!(locale(source).as_deref(), expected, "{source}");
        }
    }
}
