//! Principals, permissions, security policies and masks, and what of every view a user sees.

use crate::engine::catalog::build::{Build, NULL, T, View, at, b, i, opt, s};
use crate::engine::error::{Result, error};
use crate::engine::model::name::same_name;
use crate::engine::model::rights::Rights;
use crate::engine::model::security::{FIXED, Securable};
use crate::engine::model::state::Database;
use crate::types::Value;

pub(super) fn view(database: &Database, rights: &Rights<'_>, name: &str) -> Option<Build> {
    Some(match name {
        "database_principals" | "sysusers" => principals(database),
        "database_role_members" => {
            let mut v = Build::new(&[
                ("role_principal_id", T::Int),
                ("member_principal_id", T::Int),
            ]);
            for (role, member) in &database.security.members {
                v.row(vec![i(*role), i(*member)]);
            }
            v
        }
        "database_permissions" => permissions(database, rights),
        "security_policies" => policies(database, rights),
        "security_predicates" => predicates(database, rights),
        "masked_columns" => masked_columns(database),
        _ => return None,
    })
}

fn principals(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("name", T::Name),
        ("principal_id", T::Int),
        ("uid", T::Small),
        ("type", T::Code),
        ("type_desc", T::Desc),
        ("default_schema_name", T::Name),
        ("is_fixed_role", T::Bit),
    ]);
    let fixed = FIXED.iter().map(|(id, name, role)| (*id, *name, *role));
    let made = &database.security.principals;
    for (id, name, role) in fixed.chain(made.iter().map(|p| (p.id, p.name.as_str(), p.role))) {
        let (code, desc) = if role {
            ("R ", "DATABASE_ROLE")
        } else {
            ("S ", "SQL_USER")
        };
        let schema = (!role).then_some("dbo");
        let is_fixed = role && id >= 16384;
        v.row(vec![
            s(name),
            i(id),
            i(id),
            s(code),
            s(desc),
            opt(schema),
            b(is_fixed),
        ]);
    }
    v
}

/// `sys.database_permissions.type` of a permission, where it is one that tests ask for.
fn code(permission: &str) -> &'static str {
    match permission {
        "SELECT" => "SL  ",
        "INSERT" => "IN  ",
        "UPDATE" => "UP  ",
        "DELETE" => "DL  ",
        "EXECUTE" => "EX  ",
        "REFERENCES" => "RF  ",
        "VIEW DEFINITION" => "VW  ",
        "CONNECT" => "CO  ",
        "CONTROL" => "CL  ",
        "UNMASK" => "UMSK",
        _ => "AL  ",
    }
}

fn permissions(database: &Database, rights: &Rights<'_>) -> Build {
    let mut v = Build::new(&[
        ("class", T::Tiny),
        ("class_desc", T::Desc),
        ("major_id", T::Int),
        ("minor_id", T::Int),
        ("grantee_principal_id", T::Int),
        ("grantor_principal_id", T::Int),
        ("type", T::Desc),
        ("permission_name", T::Desc),
        ("state", T::Code),
        ("state_desc", T::Desc),
    ]);
    for entry in &database.security.entries {
        if !rights.sees_entries_of(entry.grantee) {
            continue;
        }
        let (class, desc, major, minor) = match entry.on {
            Securable::Database => (0, "DATABASE", 0, 0),
            Securable::Schema(id) => (3, "SCHEMA", id, 0),
            Securable::Object(id) => (1, "OBJECT_OR_COLUMN", id, 0),
            Securable::Column(id, column) => (1, "OBJECT_OR_COLUMN", id, column),
        };
        let (state, state_desc) = if entry.denied {
            ("D", "DENY")
        } else {
            ("G", "GRANT")
        };
        v.row(vec![
            i(class),
            s(desc),
            i(major),
            i(minor),
            i(entry.grantee),
            i(1),
            s(code(&entry.permission)),
            s(&entry.permission),
            s(state),
            s(state_desc),
        ]);
    }
    v
}

fn policies(database: &Database, rights: &Rights<'_>) -> Build {
    let mut v = Build::new(&[
        ("name", T::Name),
        ("object_id", T::Int),
        ("schema_id", T::Int),
        ("parent_object_id", T::Int),
        ("type", T::Code),
        ("type_desc", T::Desc),
        ("create_date", T::Date),
        ("is_ms_shipped", T::Bit),
        ("is_enabled", T::Bit),
        ("is_not_for_replication", T::Bit),
        ("is_schema_bound", T::Bit),
    ]);
    for p in &database.security.policies {
        if rights.sees_policy(p.object_id) {
            let desc = "SECURITY_POLICY";
            let row = [
                s(&p.name),
                i(p.object_id),
                i(p.schema_id),
                i(0),
                s("SP"),
                s(desc),
            ];
            let rest = [at(p.created), b(false), b(p.enabled), b(false), b(true)];
            v.row(row.into_iter().chain(rest).collect());
        }
    }
    v
}

fn predicates(database: &Database, rights: &Rights<'_>) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("security_predicate_id", T::Int),
        ("target_object_id", T::Int),
        ("predicate_definition", T::Text),
        ("predicate_type", T::Int),
        ("predicate_type_desc", T::Desc),
        ("operation", T::Int),
        ("operation_desc", T::Desc),
    ]);
    for policy in &database.security.policies {
        if !rights.sees_policy(policy.object_id) {
            continue;
        }
        for (n, p) in (1i64..).zip(&policy.predicates) {
            let (kind, desc) = if p.filter {
                (0, "FILTER")
            } else {
                (1, "BLOCK")
            };
            let text = format!("{}({})", p.function, p.arguments.join(", "));
            v.row(vec![
                i(policy.object_id),
                i(n),
                i(p.table),
                s(&text),
                i(kind),
                s(desc),
                NULL,
                NULL,
            ]);
        }
    }
    v
}

fn masked_columns(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("name", T::Name),
        ("column_id", T::Int),
        ("is_masked", T::Bit),
        ("masking_function", T::Text),
    ]);
    for table in database.tables.values() {
        for c in table.columns.iter() {
            if let Some(mask) = &c.mask {
                let row = vec![i(table.object_id), s(&c.name), i(c.id), b(true), s(mask)];
                v.row(row);
            }
        }
    }
    v
}

/// Views about how the server does, which need VIEW DATABASE STATE (Microsoft,
/// "sys.dm_db_partition_stats").
pub(super) fn refuse(database: &Database, rights: &Rights<'_>, view: &str) -> Result<()> {
    let of_state = view.starts_with("dm_db_partition");
    if !of_state || rights.may("VIEW DATABASE STATE", Securable::Database) {
        return Ok(());
    }
    let message = format!(
        "VIEW DATABASE STATE permission denied in database '{}'.",
        database.name
    );
    Err(error(262, 14, message))
}

/// Leaves the rows of objects that the user may see, and of those the texts that it may see.
///
/// Microsoft, "Metadata visibility configuration": without any permission on an object there is no
/// row of it, and without VIEW DEFINITION no text. `sys.columns` shows all columns of an object that
/// the user may see: its rows are filtered by object only.
pub(super) fn limit(view: &mut View, rights: &Rights<'_>, name: &str) {
    if rights.owner() || matches!(name, "security_policies" | "security_predicates") {
        return;
    }
    let at = |wanted: &[&str]| {
        let mut columns = wanted.iter();
        columns.find_map(|w| view.columns.iter().position(|c| same_name(&c.name, w)))
    };
    // What belongs to a table is seen with it.
    let object = at(&["parent_object_id", "object_id", "referencing_id", "id"]);
    let own = at(&["object_id"]);
    let texts: Vec<usize> = ["definition"].iter().filter_map(|t| at(&[t])).collect();
    let Some(object) = object else { return };
    let id = |value: &Value| match value {
        Value::Int(id) => i32::try_from(*id).unwrap_or(0),
        _ => 0,
    };
    view.rows.retain_mut(|row| {
        let parent = id(&row[object]);
        let owner = if parent == 0 {
            own.map_or(0, |own| id(&row[own]))
        } else {
            parent
        };
        if !rights.sees(owner) {
            return false;
        }
        if !rights.sees_definition(owner) {
            texts.iter().for_each(|text| row[*text] = Value::Null);
        }
        true
    });
}
