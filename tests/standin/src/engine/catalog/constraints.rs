//! Key, foreign key, check and default constraints.

use crate::engine::catalog::build::{Build, T, b, i, s};
use crate::engine::catalog::objects::entry::{object, object_columns};
use crate::engine::model::facts::Facts;
use crate::engine::model::index::IndexKind;
use crate::engine::model::state::Database;

pub(super) fn view(_facts: &Facts, database: &Database, name: &str) -> Option<Build> {
    Some(match name {
        "key_constraints" => keys(database),
        "default_constraints" => defaults(database),
        "check_constraints" => checks(database),
        "foreign_keys" => foreign_keys(database),
        "foreign_key_columns" => foreign_key_columns(database),
        _ => return None,
    })
}

fn keys(database: &Database) -> Build {
    let mut v = Build::new(&object_columns(&[
        ("unique_index_id", T::Int),
        ("is_system_named", T::Bit),
        ("is_enforced", T::Bit),
    ]));
    for table in database.tables.values() {
        for index in &table.indexes {
            let (code, desc) = match index.kind {
                IndexKind::PrimaryKey => ("PK", "PRIMARY_KEY_CONSTRAINT"),
                IndexKind::UniqueConstraint => ("UQ", "UNIQUE_CONSTRAINT"),
                IndexKind::Plain => continue,
            };
            let mut row = object(&index.name, index.object_id, table, code, desc);
            row.extend([i(index.id), b(index.system_named), b(true)]);
            v.row(row);
        }
    }
    v
}

fn defaults(database: &Database) -> Build {
    let mut v = Build::new(&object_columns(&[
        ("parent_column_id", T::Int),
        ("definition", T::Text),
        ("is_system_named", T::Bit),
    ]));
    for table in database.tables.values() {
        for column in table.columns.iter() {
            let Some(d) = &column.default else { continue };
            let mut row = object(&d.name, d.object_id, table, "D ", "DEFAULT_CONSTRAINT");
            row.extend([i(column.id), s(&d.definition), b(d.system_named)]);
            v.row(row);
        }
    }
    v
}

fn checks(database: &Database) -> Build {
    let mut v = Build::new(&object_columns(&[
        ("is_disabled", T::Bit),
        ("is_not_for_replication", T::Bit),
        ("is_not_trusted", T::Bit),
        ("parent_column_id", T::Int),
        ("definition", T::Text),
        ("uses_database_collation", T::Bit),
        ("is_system_named", T::Bit),
    ]));
    for table in database.tables.values() {
        for c in table.checks.iter() {
            let mut row = object(
                &c.text.name,
                c.text.object_id,
                table,
                "C ",
                "CHECK_CONSTRAINT",
            );
            row.extend([
                b(c.disabled),
                b(c.not_for_replication),
                b(!c.trusted),
                i(c.column_id),
                s(&c.text.definition),
                b(true),
                b(c.text.system_named),
            ]);
            v.row(row);
        }
    }
    v
}

const ACTIONS: [&str; 4] = ["NO_ACTION", "CASCADE", "SET_NULL", "SET_DEFAULT"];

fn foreign_keys(database: &Database) -> Build {
    let mut v = Build::new(&object_columns(&[
        ("referenced_object_id", T::Int),
        ("key_index_id", T::Int),
        ("is_disabled", T::Bit),
        ("is_not_for_replication", T::Bit),
        ("is_not_trusted", T::Bit),
        ("delete_referential_action", T::Tiny),
        ("delete_referential_action_desc", T::Desc),
        ("update_referential_action", T::Tiny),
        ("update_referential_action_desc", T::Desc),
        ("is_system_named", T::Bit),
    ]));
    for table in database.tables.values() {
        for k in table.foreign_keys.iter() {
            let index = database.tables.get(&k.target).and_then(|t| {
                t.indexes.iter().find(|i| {
                    i.unique
                        && i.keys.len() == k.target_columns.len()
                        && k.target_columns
                            .iter()
                            .all(|c| i.keys.iter().any(|(x, _)| x == c))
                })
            });
            let mut row = object(&k.name, k.object_id, table, "F ", "FOREIGN_KEY_CONSTRAINT");
            row.extend([
                i(k.target),
                i(index.map_or(0, |x| x.id)),
                b(k.disabled),
                b(k.not_for_replication),
                b(!k.trusted),
            ]);
            row.extend([
                i(k.on_delete),
                s(ACTIONS[usize::from(k.on_delete)]),
                i(k.on_update),
                s(ACTIONS[usize::from(k.on_update)]),
                b(k.system_named),
            ]);
            v.row(row);
        }
    }
    v
}

fn foreign_key_columns(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("constraint_object_id", T::Int),
        ("constraint_column_id", T::Int),
        ("parent_object_id", T::Int),
        ("parent_column_id", T::Int),
        ("referenced_object_id", T::Int),
        ("referenced_column_id", T::Int),
    ]);
    for table in database.tables.values() {
        for k in table.foreign_keys.iter() {
            for (n, (own, target)) in k.columns.iter().zip(&k.target_columns).enumerate() {
                v.row(vec![
                    i(k.object_id),
                    i(n as i64 + 1),
                    i(table.object_id),
                    i(*own),
                    i(k.target),
                    i(*target),
                ]);
            }
        }
    }
    v
}
