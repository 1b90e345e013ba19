//! INFORMATION_SCHEMA.

use crate::engine::catalog::build::{Build, NULL, T, View, i, opt, s};
use crate::engine::datatype;
use crate::engine::error::{Result, invalid_object};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::model::object::ModuleKind;
use crate::engine::model::state::Database;

pub(super) fn view(facts: &Facts, name: &Name, view: &str) -> Result<Option<View>> {
    let database = facts.database_of(name)?;
    let built = match view {
        "tables" => tables(database),
        "columns" => columns(database),
        "schemata" => {
            let mut v = Build::new(&[
                ("CATALOG_NAME", T::Name),
                ("SCHEMA_NAME", T::Name),
                ("SCHEMA_OWNER", T::Name),
            ]);
            for schema in database.schemas.iter() {
                v.row(vec![s(&database.name), s(&schema.name), s("dbo")]);
            }
            v
        }
        _ => return Err(invalid_object(name)),
    };
    Ok(Some(built.finish()))
}

fn tables(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("TABLE_CATALOG", T::Name),
        ("TABLE_SCHEMA", T::Name),
        ("TABLE_NAME", T::Name),
        ("TABLE_TYPE", T::Desc),
    ]);
    for table in database.tables.values() {
        v.row(vec![
            s(&database.name),
            opt(database.schema_name(table.schema_id)),
            s(&table.name),
            s("BASE TABLE"),
        ]);
    }
    let views = database.modules.values();
    for view in views.filter(|m| m.kind == ModuleKind::View) {
        v.row(vec![
            s(&database.name),
            opt(database.schema_name(view.schema_id)),
            s(&view.name),
            s("VIEW"),
        ]);
    }
    v
}

const COLUMN: &[(&str, T)] = &[
    ("TABLE_CATALOG", T::Name),
    ("TABLE_SCHEMA", T::Name),
    ("TABLE_NAME", T::Name),
    ("COLUMN_NAME", T::Name),
    ("ORDINAL_POSITION", T::Int),
    ("COLUMN_DEFAULT", T::Text),
    ("IS_NULLABLE", T::Desc),
    ("DATA_TYPE", T::Name),
    ("CHARACTER_MAXIMUM_LENGTH", T::Int),
    ("CHARACTER_OCTET_LENGTH", T::Int),
    ("NUMERIC_PRECISION", T::Tiny),
    ("NUMERIC_PRECISION_RADIX", T::Small),
    ("NUMERIC_SCALE", T::Int),
    ("DATETIME_PRECISION", T::Small),
    ("CHARACTER_SET_NAME", T::Name),
    ("COLLATION_NAME", T::Name),
];

fn columns(database: &Database) -> Build {
    let mut v = Build::new(COLUMN);
    for table in database.tables.values() {
        for c in table.columns.iter() {
            let sized = datatype::is_text(&c.ty) || datatype::is_binary(&c.ty);
            let length = if sized {
                i(datatype::length(&c.ty).map_or(-1, i64::from))
            } else {
                NULL
            };
            let octets = if sized {
                i(datatype::max_length(&c.ty))
            } else {
                NULL
            };
            let number = datatype::is_number(&c.ty);
            let charset = datatype::has_collation(&c.ty).then(|| {
                if datatype::is_unicode(&c.ty) {
                    "UNICODE"
                } else {
                    "iso_1"
                }
            });
            v.row(vec![
                s(&database.name),
                opt(database.schema_name(table.schema_id)),
                s(&table.name),
                s(&c.name),
                i(c.id),
                opt(c.default.as_ref().map(|d| d.definition.as_str())),
                s(if c.nullable { "YES" } else { "NO" }),
                s(if c.user_type_id == 108 {
                    "numeric"
                } else {
                    datatype::name(&c.ty)
                }),
                length,
                octets,
                if number {
                    i(datatype::precision(&c.ty))
                } else {
                    NULL
                },
                match datatype::name(&c.ty) {
                    "float" | "real" => i(2),
                    _ if number => i(10),
                    _ => NULL,
                },
                if number {
                    i(datatype::scale(&c.ty))
                } else {
                    NULL
                },
                if datatype::is_temporal(&c.ty) {
                    i(datatype::scale(&c.ty))
                } else {
                    NULL
                },
                opt(charset),
                opt(c.collation.as_ref().map(|c| c.name.as_str())),
            ]);
        }
    }
    v
}
