//! HAS_PERMS_BY_NAME and IS_MEMBER.

use std::sync::Arc;

use crate::engine::error::Result;
use crate::engine::eval::expr::{Bound, Call, Kind};
use crate::engine::function::argument::{as_text, int, plain, units_of};
use crate::engine::function::metadata::name::{named, parse_name};
use crate::engine::model::facts::Facts;
use crate::engine::model::security::Securable;
use crate::types::{SqlType, Value};

/// Permissions of databases and objects that this server knows; of any other the answer is NULL.
const KNOWN: [&str; 14] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "EXECUTE",
    "REFERENCES",
    "ALTER",
    "CONTROL",
    "CONNECT",
    "VIEW DEFINITION",
    "VIEW SECURITY DEFINITION",
    "VIEW DATABASE STATE",
    "ALTER ANY SECURITY POLICY",
    "UNMASK",
];

/// `HAS_PERMS_BY_NAME (securable, class, permission [, sub-securable [, sub-class]])`: NULL as
/// securable is the current database; NULL comes back where there is no such thing (Microsoft,
/// "HAS_PERMS_BY_NAME").
pub(super) fn has_permission(facts: &Facts, own: [&Bound; 3], sub: &[Bound]) -> Bound {
    let facts = facts.clone();
    let call: Call = Arc::new(move |values: &[Value]| {
        let text = |at: usize| {
            values
                .get(at)
                .filter(|v| !matches!(v, Value::Null))
                .map(units_of)
        };
        Ok(answer(&facts, &text).map_or(Value::Null, |may| Value::Int(may.into())))
    });
    let arguments = own.into_iter().chain(sub).map(as_text).collect();
    Bound {
        kind: Kind::Call(call, arguments),
        t: plain(SqlType::Int),
    }
}

fn answer(facts: &Facts, text: &dyn Fn(usize) -> Option<String>) -> Option<bool> {
    let (class, permission) = (text(1)?.to_uppercase(), text(2)?.to_uppercase());
    if !KNOWN.contains(&permission.as_str()) && permission != "ANY" {
        return None;
    }
    match class.as_str() {
        "DATABASE" => {
            let database = match text(0) {
                None => facts.current().ok()?,
                // A name of one part, with its brackets where it needs them.
                Some(name) => {
                    let part = parse_name(&name).filter(|name| name.schema.is_none())?;
                    facts.state.database(&part.name).ok()?
                }
            };
            Some(facts.rights(database).may(&permission, Securable::Database))
        }
        "OBJECT" => {
            let name = facts.place(&parse_name(&text(0)?)?);
            let database = facts.database_of(&name).ok()?;
            let rights = facts.rights(database);
            let schema = name.schema.as_deref().unwrap_or("dbo");
            let id = database
                .object_id(schema, &name.name)
                .filter(|id| rights.sees(*id))?;
            let on = match text(3) {
                None => Securable::Object(id),
                // "Sub-securables cannot use brackets in the form '[sub name]'": such a name is
                // not found, and the answer is NULL.
                Some(column) => {
                    let table = database.tables.get(&id)?;
                    let column = table.columns[table.column(&column)?].id;
                    Securable::Column(id, column)
                }
            };
            Some(rights.may(&permission, on))
        }
        _ => None,
    }
}

pub(super) fn is_member(facts: &Facts, role: &Bound) -> Result<Bound> {
    let database = facts.current()?;
    let role = named(Some(role)).unwrap_or_default();
    let id = database.security.principal(&role);
    let member = id.is_some_and(|id| facts.rights(database).is(id));
    Ok(int(i64::from(member)))
}
