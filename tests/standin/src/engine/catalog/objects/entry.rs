//! The columns that every view of objects starts with.

use crate::engine::catalog::build::{NULL, T, at, b, i, s};
use crate::engine::model::index::IndexKind;
use crate::engine::model::table::Table;
use crate::types::Value;

pub(crate) const OBJECT: &[(&str, T)] = &[
    ("name", T::Name),
    ("object_id", T::Int),
    ("principal_id", T::Int),
    ("schema_id", T::Int),
    ("parent_object_id", T::Int),
    ("type", T::Code),
    ("type_desc", T::Desc),
    ("create_date", T::Date),
    ("modify_date", T::Date),
    ("is_ms_shipped", T::Bit),
    ("is_published", T::Bit),
    ("is_schema_published", T::Bit),
];

/// The columns that every object view starts with, for a constraint of a table.
pub(crate) fn object(name: &str, id: i32, table: &Table, code: &str, desc: &str) -> Vec<Value> {
    let of = (table.schema_id, table.object_id);
    entry(name, id, of, (code, desc), table.created)
}

/// The same for a table.
pub(crate) fn table_entry(table: &Table) -> Vec<Value> {
    let of = (table.schema_id, 0);
    entry(
        &table.name,
        table.object_id,
        of,
        ("U ", "USER_TABLE"),
        table.created,
    )
}

/// The columns that every object view starts with, for what is no part of a table: schema and
/// parent id, type code and description, and moment of creation.
pub(crate) fn entry(
    name: &str,
    id: i32,
    (schema, parent): (i32, i32),
    (code, desc): (&str, &str),
    created: u64,
) -> Vec<Value> {
    let created = at(created);
    vec![
        s(name),
        i(id),
        NULL,
        i(schema),
        i(parent),
        s(code),
        s(desc),
        created.clone(),
        created,
        b(false),
        b(false),
        b(false),
    ]
}

pub(crate) fn object_columns(more: &[(&'static str, T)]) -> Vec<(&'static str, T)> {
    OBJECT.iter().chain(more).copied().collect()
}

/// Name, id, type code and description of each constraint of a table.
pub(crate) fn constraints_of(table: &Table) -> Vec<(String, i32, &'static str, &'static str)> {
    let mut all = Vec::new();
    for index in table.indexes.iter() {
        match index.kind {
            IndexKind::PrimaryKey => all.push((
                index.name.clone(),
                index.object_id,
                "PK",
                "PRIMARY_KEY_CONSTRAINT",
            )),
            IndexKind::UniqueConstraint => all.push((
                index.name.clone(),
                index.object_id,
                "UQ",
                "UNIQUE_CONSTRAINT",
            )),
            IndexKind::Plain => {}
        }
    }
    for check in table.checks.iter() {
        all.push((
            check.text.name.clone(),
            check.text.object_id,
            "C ",
            "CHECK_CONSTRAINT",
        ));
    }
    for key in table.foreign_keys.iter() {
        all.push((
            key.name.clone(),
            key.object_id,
            "F ",
            "FOREIGN_KEY_CONSTRAINT",
        ));
    }
    for default in table.columns.iter().filter_map(|c| c.default.as_ref()) {
        all.push((
            default.name.clone(),
            default.object_id,
            "D ",
            "DEFAULT_CONSTRAINT",
        ));
    }
    all
}
