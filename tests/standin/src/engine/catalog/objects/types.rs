//! sys.types, sysobjects and sys.extended_properties.

use crate::engine::catalog::build::{Build, NULL, T, at, b, i, opt, s};
use crate::engine::catalog::objects::entry::constraints_of;
use crate::engine::datatype;
use crate::engine::model::state::Database;
use crate::types::SqlType;

const TYPE: &[(&str, T)] = &[
    ("name", T::Name),
    ("system_type_id", T::Tiny),
    ("user_type_id", T::Int),
    ("schema_id", T::Int),
    ("principal_id", T::Int),
    ("max_length", T::Small),
    ("precision", T::Tiny),
    ("scale", T::Tiny),
    ("collation_name", T::Name),
    ("is_nullable", T::Bit),
    ("is_user_defined", T::Bit),
    ("is_assembly_type", T::Bit),
    ("default_object_id", T::Int),
    ("rule_object_id", T::Int),
    ("is_table_type", T::Bit),
];

pub(super) fn types(database: &Database) -> Build {
    let mut v = Build::new(TYPE);
    let mut add =
        |name: &str, system: i32, user: i32, schema: i32, ty: &SqlType, nullable: bool| {
            let collation = datatype::has_collation(ty).then_some(database.collation.name.as_str());
            v.row(vec![
                s(name),
                i(system),
                i(user),
                i(schema),
                NULL,
                i(datatype::max_length(ty)),
                i(datatype::precision(ty)),
                i(datatype::scale(ty)),
                opt(collation),
                b(nullable),
                b(user > 256),
                b(datatype::is_clr(ty)),
                i(0),
                i(0),
                b(false),
            ]);
        };
    for ty in datatype::all() {
        add(
            datatype::name(&ty),
            i32::from(datatype::system_type_id(&ty)),
            datatype::user_type_id(&ty),
            4,
            &ty,
            ty != SqlType::RowVersion,
        );
    }
    add(
        "numeric",
        108,
        108,
        4,
        &SqlType::Decimal {
            precision: 38,
            scale: 38,
        },
        true,
    );
    add(
        "sysname",
        231,
        256,
        4,
        &SqlType::NVarChar { length: Some(128) },
        false,
    );
    for t in database.types.iter() {
        add(
            &t.name,
            if t.numeric {
                108
            } else {
                i32::from(datatype::system_type_id(&t.ty))
            },
            t.user_type_id,
            t.schema_id,
            &t.ty,
            t.nullable,
        );
    }
    v
}

/// The old `sysobjects`; `sysstat & 0xf` is 3 for tables.
pub(super) fn sysobjects(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("name", T::Name),
        ("id", T::Int),
        ("xtype", T::Code),
        ("uid", T::Small),
        ("parent_obj", T::Int),
        ("crdate", T::Date),
        ("type", T::Code),
        ("sysstat", T::Small),
        ("status", T::Int),
    ]);
    for table in database.tables.values() {
        v.row(vec![
            s(&table.name),
            i(table.object_id),
            s("U "),
            i(1),
            i(0),
            at(table.created),
            s("U "),
            i(3),
            i(0),
        ]);
        for (name, id, code, _) in constraints_of(table) {
            v.row(vec![
                s(&name),
                i(id),
                s(code),
                i(1),
                i(table.object_id),
                at(table.created),
                s(code),
                i(0),
                i(0),
            ]);
        }
    }
    v
}

pub(super) fn properties(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("class", T::Tiny),
        ("class_desc", T::Desc),
        ("major_id", T::Int),
        ("minor_id", T::Int),
        ("name", T::Name),
        ("value", T::Variant),
    ]);
    for p in database.properties.iter() {
        let desc = match p.class {
            0 => "DATABASE",
            3 => "SCHEMA",
            6 => "TYPE",
            7 => "INDEX",
            20 => "DATASPACE",
            _ => "OBJECT_OR_COLUMN",
        };
        v.row(vec![
            i(p.class),
            s(desc),
            i(p.major_id),
            i(p.minor_id),
            s(&p.name),
            s(&p.value),
        ]);
    }
    v
}
