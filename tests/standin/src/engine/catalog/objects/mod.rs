//! Schemas, objects, tables, columns and types.

pub(crate) mod entry;
mod full_text;
mod modules;
mod sequences;
mod types;

use crate::engine::catalog::build::{Build, NULL, T, b, i, opt, s, system_view};
use crate::engine::catalog::objects::entry::{
    OBJECT, constraints_of, object, object_columns, table_entry,
};
use crate::engine::catalog::objects::types::{properties, sysobjects, types};
use crate::engine::datatype;
use crate::engine::model::facts::Facts;
use crate::engine::model::graph;
use crate::engine::model::state::Database;
use crate::engine::model::table::{ColumnDef, GeneratedAlways, Temporal};
use crate::types::{SqlType, Value};

pub(super) fn view(facts: &Facts, database: &Database, name: &str) -> Option<Build> {
    Some(match name {
        "schemas" => {
            let mut v = Build::new(&[
                ("name", T::Name),
                ("schema_id", T::Int),
                ("principal_id", T::Int),
            ]);
            for schema in database.schemas.iter() {
                v.row(vec![s(&schema.name), i(schema.id), i(1)]);
            }
            v
        }
        "objects" | "all_objects" => objects(database),
        "tables" => tables(database),
        "columns" => columns(database),
        "all_columns" => all_columns(database),
        "identity_columns" => identity_columns(database),
        "computed_columns" => computed_columns(database),
        "types" => types(database),
        "table_types" => {
            let mut v = Build::new(&[
                ("name", T::Name),
                ("user_type_id", T::Int),
                ("schema_id", T::Int),
                ("type_table_object_id", T::Int),
                ("is_user_defined", T::Bit),
            ]);
            for t in database.table_types.iter() {
                let ids = [i(t.user_type_id), i(t.schema_id), i(t.object_id), b(true)];
                v.row([s(&t.name)].into_iter().chain(ids).collect());
            }
            v
        }
        "external_tables" => external_tables(database),
        "assemblies" => Build::new(&[
            ("name", T::Name),
            ("assembly_id", T::Int),
            ("is_user_defined", T::Bit),
        ]),
        "periods" => periods(database),
        "sysobjects" => sysobjects(database),
        "extended_properties" => properties(database),
        _ => {
            return modules::view(facts, database, name)
                .or_else(|| sequences::view(database, name));
        }
    })
}

fn objects(database: &Database) -> Build {
    let mut v = Build::new(OBJECT);
    for table in database.tables.values() {
        v.row(table_entry(table));
        for (name, id, code, desc) in constraints_of(table) {
            v.row(object(&name, id, table, code, desc));
        }
    }
    for row in modules::objects(database) {
        v.row(row);
    }
    v
}

fn tables(database: &Database) -> Build {
    let mut v = Build::new(&object_columns(&[
        ("lob_data_space_id", T::Int),
        ("filestream_data_space_id", T::Int),
        ("max_column_id_used", T::Int),
        ("lock_on_bulk_load", T::Bit),
        ("uses_ansi_nulls", T::Bit),
        ("is_replicated", T::Bit),
        ("has_replication_filter", T::Bit),
        ("is_tracked_by_cdc", T::Bit),
        ("lock_escalation", T::Tiny),
        ("lock_escalation_desc", T::Desc),
        ("is_filetable", T::Bit),
        ("is_memory_optimized", T::Bit),
        ("durability", T::Tiny),
        ("durability_desc", T::Desc),
        ("temporal_type", T::Tiny),
        ("temporal_type_desc", T::Desc),
        ("history_table_id", T::Int),
        ("is_remote_data_archive_enabled", T::Bit),
        ("is_external", T::Bit),
        ("is_node", T::Bit),
        ("is_edge", T::Bit),
        ("ledger_type", T::Tiny),
        ("is_dropped_ledger_table", T::Bit),
        ("history_retention_period", T::Int),
        ("history_retention_period_unit", T::Int),
        ("history_retention_period_unit_desc", T::Desc),
    ]));
    for table in database.tables.values() {
        let lob = table.columns.iter().any(|c| {
            datatype::max_length(&c.ty) == -1
                || matches!(c.ty, SqlType::Text | SqlType::NText | SqlType::Image)
        });
        let temporal = match table.temporal {
            Temporal::No => (0, "NON_TEMPORAL_TABLE", NULL),
            Temporal::History => (1, "HISTORY_TABLE", NULL),
            Temporal::Versioned(history) => (2, "SYSTEM_VERSIONED_TEMPORAL_TABLE", i(history)),
        };
        let mut row = table_entry(table);
        row.extend([
            i(i32::from(lob)),
            NULL,
            i(table.next_column - 1),
            b(false),
            b(true),
            b(false),
            b(false),
            b(false),
            i(0),
            s("TABLE"),
        ]);
        let durable = table.memory.as_ref().is_none_or(|memory| memory.durable);
        row.extend([
            b(false),
            b(table.memory.is_some()),
            i(i64::from(!durable)),
            s(if durable {
                "SCHEMA_AND_DATA"
            } else {
                "SCHEMA_ONLY"
            }),
            i(temporal.0),
            s(temporal.1),
            temporal.2,
            b(false),
            b(table.external),
            b(false),
            b(false),
            i(0),
            b(false),
        ]);
        row.extend(match table.temporal {
            Temporal::Versioned(_) => [i(-1), i(-1), s("INFINITE")],
            _ => [NULL, NULL, NULL],
        });
        v.row(row);
    }
    v
}

const COLUMN: &[(&str, T)] = &[
    ("object_id", T::Int),
    ("name", T::Name),
    ("column_id", T::Int),
    ("system_type_id", T::Tiny),
    ("user_type_id", T::Int),
    ("max_length", T::Small),
    ("precision", T::Tiny),
    ("scale", T::Tiny),
    ("collation_name", T::Name),
    ("is_nullable", T::Bit),
    ("is_ansi_padded", T::Bit),
    ("is_rowguidcol", T::Bit),
    ("is_identity", T::Bit),
    ("is_computed", T::Bit),
    ("is_filestream", T::Bit),
    ("is_replicated", T::Bit),
    ("is_non_sql_subscribed", T::Bit),
    ("is_merge_published", T::Bit),
    ("is_dts_replicated", T::Bit),
    ("is_xml_document", T::Bit),
    ("xml_collection_id", T::Int),
    ("default_object_id", T::Int),
    ("rule_object_id", T::Int),
    ("is_sparse", T::Bit),
    ("is_column_set", T::Bit),
    ("generated_always_type", T::Tiny),
    ("generated_always_type_desc", T::Desc),
    ("encryption_type", T::Int),
    ("is_hidden", T::Bit),
    ("is_masked", T::Bit),
    ("graph_type", T::Int),
    ("graph_type_desc", T::Desc),
];

/// `numeric` is system type 108 although it is stored as decimal.
fn system_type(c: &ColumnDef) -> i32 {
    if c.user_type_id == 108 {
        108
    } else {
        i32::from(datatype::system_type_id(&c.ty))
    }
}

fn column(object: i32, c: &ColumnDef) -> Vec<Value> {
    let generated = match c.generated {
        GeneratedAlways::No => (0, "NOT_APPLICABLE"),
        GeneratedAlways::RowStart => (1, "AS_ROW_START"),
        GeneratedAlways::RowEnd => (2, "AS_ROW_END"),
    };
    let padded = datatype::has_collation(&c.ty) || datatype::is_binary(&c.ty);
    vec![
        i(object),
        s(&c.name),
        i(c.id),
        i(system_type(c)),
        i(c.user_type_id),
        i(datatype::max_length(&c.ty)),
        i(datatype::precision(&c.ty)),
        i(datatype::scale(&c.ty)),
        opt(c.collation.as_ref().map(|c| c.name.as_str())),
        b(c.nullable),
        b(padded),
        b(c.rowguid),
        b(c.identity.is_some()),
        b(c.computed.is_some()),
        b(false),
        b(false),
        b(false),
        b(false),
        b(false),
        b(false),
        i(0),
        i(c.default.as_ref().map_or(0, |d| d.object_id)),
        i(0),
        b(c.sparse),
        b(c.column_set),
        i(generated.0),
        s(generated.1),
        NULL,
        b(c.hidden),
        b(c.mask.is_some()),
        c.graph.map_or(NULL, |kind| i(i32::from(kind))),
        opt(c.graph.map(graph::describe)),
    ]
}

fn external_tables(database: &Database) -> Build {
    let mut v = Build::new(&object_columns(&[("location", T::Text)]));
    for table in database.tables.values().filter(|t| t.external) {
        let mut row = table_entry(table);
        row.push(NULL);
        v.row(row);
    }
    v
}

fn columns(database: &Database) -> Build {
    let mut v = Build::new(COLUMN);
    for table in database.tables.values() {
        for c in table.columns.iter() {
            v.row(column(table.object_id, c));
        }
    }
    for module in database.modules.values() {
        for c in &module.columns {
            v.row(column(module.object_id, c));
        }
    }
    v
}

/// With the columns of the system views, by which a client learns what this version has.
fn all_columns(database: &Database) -> Build {
    let mut v = columns(database);
    let of_tables = tables(database).names();
    let of_columns: Vec<String> = COLUMN.iter().map(|(name, _)| (*name).to_owned()).collect();
    for (view, names) in [("tables", of_tables), ("columns", of_columns)] {
        let id = system_view(view).unwrap_or_default();
        for (n, name) in (1i64..).zip(names) {
            let mut row = vec![NULL; COLUMN.len()];
            (row[0], row[1], row[2]) = (i(id), s(&name), i(n));
            v.row(row);
        }
    }
    v
}

fn identity_columns(database: &Database) -> Build {
    let more = [
        ("seed_value", T::Big),
        ("increment_value", T::Big),
        ("last_value", T::Big),
        ("is_not_for_replication", T::Bit),
    ];
    let columns: Vec<_> = COLUMN.iter().chain(&more).copied().collect();
    let mut v = Build::new(&columns);
    for table in database.tables.values() {
        for c in table.columns.iter() {
            let Some(identity) = &c.identity else {
                continue;
            };
            let mut row = column(table.object_id, c);
            row.extend([
                i(identity.seed),
                i(identity.increment),
                identity.last.map_or(NULL, i),
                b(identity.not_for_replication),
            ]);
            v.row(row);
        }
    }
    v
}

fn computed_columns(database: &Database) -> Build {
    let more = [
        ("definition", T::Text),
        ("uses_database_collation", T::Bit),
        ("is_persisted", T::Bit),
    ];
    let columns: Vec<_> = COLUMN.iter().chain(&more).copied().collect();
    let mut v = Build::new(&columns);
    for table in database.tables.values() {
        for c in table.columns.iter() {
            let Some(computed) = &c.computed else {
                continue;
            };
            let mut row = column(table.object_id, c);
            row.extend([s(&computed.definition), b(true), b(computed.persisted)]);
            v.row(row);
        }
    }
    v
}

fn periods(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("name", T::Name),
        ("period_type", T::Tiny),
        ("period_type_desc", T::Desc),
        ("object_id", T::Int),
        ("start_column_id", T::Int),
        ("end_column_id", T::Int),
    ]);
    for table in database.tables.values() {
        if let Some((start, end)) = table.period {
            v.row(vec![
                s("SYSTEM_TIME"),
                i(1),
                s("SYSTEM_TIME_PERIOD"),
                i(table.object_id),
                i(start),
                i(end),
            ]);
        }
    }
    v
}
