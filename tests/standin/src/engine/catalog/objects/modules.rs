//! Views, modules with their parameters, triggers and synonyms, and what refers to what.

use crate::engine::catalog::build::{Build, NULL, T, at, b, i, s};
use crate::engine::catalog::objects::entry::{entry, object_columns};
use crate::engine::catalog::objects::full_text;
use crate::engine::datatype;
use crate::engine::model::facts::Facts;
use crate::engine::model::object::{Module, ModuleKind};
use crate::engine::model::state::Database;
use crate::types::Value;

pub(super) fn view(_facts: &Facts, database: &Database, name: &str) -> Option<Build> {
    Some(match name {
        "views" | "all_views" => views(database),
        "procedures" => procedures(database),
        "triggers" => triggers(database),
        "sql_modules" | "all_sql_modules" => sql_modules(database),
        "synonyms" => synonyms(database),
        "parameters" | "all_parameters" => parameters(database),
        "sql_expression_dependencies" => dependencies(database),
        _ => return full_text::view(database, name),
    })
}

fn of_module(m: &Module) -> Vec<Value> {
    entry(
        &m.name,
        m.object_id,
        (m.schema_id, m.parent),
        m.kind.code(),
        m.created,
    )
}

/// Rows of sys.objects. A trigger of the database is no object of a schema.
pub(super) fn objects(database: &Database) -> Vec<Vec<Value>> {
    let in_schema = |m: &&std::sync::Arc<Module>| m.kind != ModuleKind::Trigger || m.parent != 0;
    let modules = database.modules.values().filter(in_schema);
    let sequences = database.sequences.values().map(|q| {
        let kind = ("SO", "SEQUENCE_OBJECT");
        entry(&q.name, q.object_id, (q.schema_id, 0), kind, q.created)
    });
    let synonyms = database.synonyms.values().map(|n| {
        let kind = ("SN", "SYNONYM");
        entry(&n.name, n.object_id, (n.schema_id, 0), kind, n.created)
    });
    let policies = database.security.policies.iter().map(|p| {
        let kind = ("SP", "SECURITY_POLICY");
        entry(&p.name, p.object_id, (p.schema_id, 0), kind, p.created)
    });
    modules
        .map(|m| of_module(m))
        .chain(policies)
        .chain(sequences)
        .chain(synonyms)
        .collect()
}

fn views(database: &Database) -> Build {
    let mut v = Build::new(&object_columns(&[
        ("is_replicated", T::Bit),
        ("has_replication_filter", T::Bit),
        ("has_opaque_metadata", T::Bit),
        ("has_unchecked_assembly_data", T::Bit),
        ("with_check_option", T::Bit),
        ("is_date_correlation_view", T::Bit),
        ("is_tracked_by_cdc", T::Bit),
    ]));
    let views = database.modules.values();
    for m in views.filter(|m| m.kind == ModuleKind::View) {
        let upper = m.definition.to_ascii_uppercase();
        let words: Vec<&str> = upper
            .trim_end()
            .trim_end_matches(';')
            .split_whitespace()
            .collect();
        let mut row = of_module(m);
        row.extend(vec![b(false); 4]);
        row.push(b(words.ends_with(&["WITH", "CHECK", "OPTION"])));
        row.extend([b(false), b(false)]);
        v.row(row);
    }
    v
}

fn procedures(database: &Database) -> Build {
    let mut v = Build::new(&object_columns(&[("is_auto_executed", T::Bit)]));
    let modules = database.modules.values();
    for m in modules.filter(|m| m.kind == ModuleKind::Procedure) {
        let mut row = of_module(m);
        row.push(b(false));
        v.row(row);
    }
    v
}

fn triggers(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("name", T::Name),
        ("object_id", T::Int),
        ("parent_class", T::Tiny),
        ("parent_class_desc", T::Desc),
        ("parent_id", T::Int),
        ("type", T::Code),
        ("type_desc", T::Desc),
        ("create_date", T::Date),
        ("modify_date", T::Date),
        ("is_ms_shipped", T::Bit),
        ("is_disabled", T::Bit),
        ("is_not_for_replication", T::Bit),
        ("is_instead_of_trigger", T::Bit),
    ]);
    let modules = database.modules.values();
    for m in modules.filter(|m| m.kind == ModuleKind::Trigger) {
        let (class, desc) = if m.parent == 0 {
            (0, "DATABASE")
        } else {
            (1, "OBJECT_OR_COLUMN")
        };
        let (code, kind) = m.kind.code();
        let upper = m.definition.to_ascii_uppercase();
        v.row(vec![
            s(&m.name),
            i(m.object_id),
            i(class),
            s(desc),
            i(m.parent),
            s(code),
            s(kind),
            at(m.created),
            at(m.created),
            b(false),
            b(m.disabled),
            b(upper.contains("NOT FOR REPLICATION")),
            b(upper.contains("INSTEAD OF")),
        ]);
    }
    v
}

fn sql_modules(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("definition", T::Text),
        ("uses_ansi_nulls", T::Bit),
        ("uses_quoted_identifier", T::Bit),
        ("is_schema_bound", T::Bit),
        ("uses_database_collation", T::Bit),
        ("is_recompiled", T::Bit),
        ("null_on_null_input", T::Bit),
        ("execute_as_principal_id", T::Int),
        ("uses_native_compilation", T::Bit),
        ("is_inlineable", T::Bit),
        ("inline_type", T::Bit),
    ]);
    for m in database.modules.values() {
        let with = &m.made_with;
        v.row(vec![
            i(m.object_id),
            // NULL is the text of a module WITH ENCRYPTION (Microsoft, "sys.sql_modules").
            if with.encrypted {
                NULL
            } else {
                s(&m.definition)
            },
            b(with.ansi_nulls),
            b(with.quoted_identifier),
            b(with.schema_bound),
            b(false),
            b(with.recompiled),
            b(with.null_on_null_input),
            NULL,
            b(false),
            b(false),
            b(false),
        ]);
    }
    v
}

fn synonyms(database: &Database) -> Build {
    let mut v = Build::new(&object_columns(&[("base_object_name", T::Text)]));
    for n in database.synonyms.values() {
        let kind = ("SN", "SYNONYM");
        let mut row = entry(&n.name, n.object_id, (n.schema_id, 0), kind, n.created);
        row.push(s(&n.target));
        v.row(row);
    }
    v
}

/// One row per name that a module mentions; the id is what the name means now.
fn dependencies(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("referencing_id", T::Int),
        ("referencing_minor_id", T::Int),
        ("referencing_class", T::Tiny),
        ("referencing_class_desc", T::Desc),
        ("is_schema_bound_reference", T::Bit),
        ("referenced_class", T::Tiny),
        ("referenced_class_desc", T::Desc),
        ("referenced_server_name", T::Name),
        ("referenced_database_name", T::Name),
        ("referenced_schema_name", T::Name),
        ("referenced_entity_name", T::Name),
        ("referenced_id", T::Int),
        ("referenced_minor_id", T::Int),
        ("is_caller_dependent", T::Bit),
        ("is_ambiguous", T::Bit),
    ]);
    for m in database.modules.values() {
        for name in &m.refers {
            let schema = name.schema.as_deref();
            let id = database.object_id(schema.unwrap_or("dbo"), &name.name);
            v.row(vec![
                i(m.object_id),
                i(0),
                i(1),
                s("OBJECT_OR_COLUMN"),
                b(m.made_with.schema_bound),
                i(1),
                s("OBJECT_OR_COLUMN"),
                NULL,
                NULL,
                schema.map_or(NULL, s),
                s(&name.name),
                id.map_or(NULL, i),
                i(0),
                b(false),
                b(false),
            ]);
        }
    }
    v
}

/// One row per parameter, and one with the id 0 for what a scalar function returns. A default of a
/// parameter is not told for T-SQL (Microsoft, "sys.parameters").
fn parameters(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("name", T::Name),
        ("parameter_id", T::Int),
        ("system_type_id", T::Tiny),
        ("user_type_id", T::Int),
        ("max_length", T::Small),
        ("precision", T::Tiny),
        ("scale", T::Tiny),
        ("is_output", T::Bit),
        ("is_cursor_ref", T::Bit),
        ("has_default_value", T::Bit),
        ("is_xml_document", T::Bit),
        ("default_value", T::Any),
        ("xml_collection_id", T::Int),
        ("is_readonly", T::Bit),
        ("is_nullable", T::Bit),
    ]);
    for m in database.modules.values() {
        let first = i64::from(m.parameters.first().is_none_or(|p| !p.name.is_empty()));
        for (id, p) in (first..).zip(&m.parameters) {
            let system = p.ty.as_ref().map_or(243, |ty| match p.user_type_id {
                108 => 108,
                _ => i64::from(datatype::system_type_id(ty)),
            });
            let cursor = p.ty.is_none() && p.user_type_id == 0;
            v.row(vec![
                i(m.object_id),
                s(&p.name),
                i(id),
                i(system),
                i(p.user_type_id),
                i(p.ty.as_ref().map_or(-1, datatype::max_length)),
                i(p.ty.as_ref().map_or(0, datatype::precision)),
                i(p.ty.as_ref().map_or(0, datatype::scale)),
                b(p.output),
                b(cursor),
                b(false),
                b(false),
                NULL,
                i(0),
                b(p.ty.is_none() && !cursor),
                b(true),
            ]);
        }
    }
    v
}
