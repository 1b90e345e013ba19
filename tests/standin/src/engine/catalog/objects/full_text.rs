//! Full-text catalogs and indexes.

use crate::engine::catalog::build::{Build, NULL, T, b, i, s};
use crate::engine::model::name::same_name;
use crate::engine::model::state::Database;

pub(super) fn view(database: &Database, name: &str) -> Option<Build> {
    Some(match name {
        "fulltext_catalogs" => catalogs(database),
        "fulltext_indexes" => full_text_indexes(database),
        "fulltext_index_columns" => full_text_columns(database),
        _ => return None,
    })
}

fn catalogs(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("fulltext_catalog_id", T::Int),
        ("name", T::Name),
        ("is_default", T::Bit),
        ("is_accent_sensitivity_on", T::Bit),
        ("data_space_id", T::Int),
    ]);
    for (n, name) in (0i64..).zip(&database.full_text.catalogs) {
        let default = database.full_text.catalogs.first();
        let default = default.is_some_and(|d| same_name(d, name));
        v.row(vec![i(n + 5), s(name), b(default), b(true), NULL]);
    }
    v
}

fn full_text_indexes(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("unique_index_id", T::Int),
        ("fulltext_catalog_id", T::Int),
        ("is_enabled", T::Bit),
        ("change_tracking_state", T::Code),
        ("change_tracking_state_desc", T::Desc),
        ("has_crawl_completed", T::Bit),
        ("stoplist_id", T::Int),
    ]);
    for x in &database.full_text.indexes {
        v.row(vec![
            i(x.table),
            i(x.key_index),
            i(x.catalog as i64 + 5),
            b(true),
            s("A "),
            s("AUTO"),
            b(true),
            i(0),
        ]);
    }
    v
}

fn full_text_columns(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("column_id", T::Int),
        ("type_column_id", T::Int),
        ("language_id", T::Int),
    ]);
    for x in &database.full_text.indexes {
        for (column, typed) in &x.columns {
            let typed = typed.map_or(NULL, i);
            v.row(vec![i(x.table), i(*column), typed, i(1033)]);
        }
    }
    v
}
