//! Functions about the server, its session and the moment.

use std::sync::Arc;

use crate::engine::collate;
use crate::engine::error::{Result, unsupported};
use crate::engine::eval::expr::{Bound, Call, Kind, Ty};
use crate::engine::function::argument::{
    as_int, as_text, int, integer_of, nullable_int, nvarchar, plain, strict, sysname, units_of,
};
use crate::engine::function::metadata::name::named;
use crate::engine::function::metadata::property::{
    collation_property, database_property, server_property,
};
use crate::engine::function::metadata::rights;
use crate::engine::model::facts::Facts;
use crate::engine::model::state::random_guid;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

pub(crate) fn text_ty() -> Ty {
    let mut t = plain(SqlType::NVarChar { length: Some(128) });
    t.collation = Some(collate::default_collation());
    t
}

pub(crate) fn of_server(facts: &Facts, name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    Ok(Some(match (name, args) {
        ("DB_NAME", []) => sysname(&facts.current()?.name),
        ("DB_NAME", [id]) => {
            let state = Arc::clone(&facts.state);
            strict(vec![as_int(id)], text_ty(), move |v| {
                let found = state
                    .databases
                    .values()
                    .find(|d| i64::from(d.id) == integer_of(&v[0]));
                Ok(found.map_or(Value::Null, |d| text::value(&d.name)))
            })
        }
        ("DB_ID", []) => smallint(i64::from(facts.current()?.id)),
        ("DB_ID", [database]) => {
            let state = Arc::clone(&facts.state);
            strict(
                vec![as_text(database)],
                plain(SqlType::SmallInt),
                move |v| {
                    Ok(state
                        .database(&units_of(&v[0]))
                        .map_or(Value::Null, |d| Value::Int(i64::from(d.id))))
                },
            )
        }
        ("SUSER_SNAME" | "SUSER_NAME" | "ORIGINAL_LOGIN", _) => sysname(&facts.user),
        ("USER_NAME" | "CURRENT_USER" | "USER", []) => {
            let database = facts.current()?;
            sysname(database.security.name_of(facts.rights(database).user))
        }
        ("USER_NAME", _) => sysname("dbo"),
        ("HAS_PERMS_BY_NAME", [securable, class, permission, sub @ ..]) => {
            rights::has_permission(facts, [securable, class, permission], sub)
        }
        ("IS_MEMBER" | "IS_ROLEMEMBER", [role, ..]) => rights::is_member(facts, role)?,
        ("HOST_NAME", []) => sysname(&facts.options.server_name),
        ("APP_NAME" | "PROGRAM_NAME", []) => sysname(""),
        ("SUSER_ID" | "USER_ID" | "DATABASE_PRINCIPAL_ID", _) => int(1),
        ("SUSER_SID", _) => Bound::constant(
            Value::Bytes([1u8].as_slice().into()),
            SqlType::VarBinary { length: Some(85) },
        ),
        ("IS_SRVROLEMEMBER" | "PERMISSIONS", _) => int(1),
        ("HAS_DBACCESS", [database]) => nullable_int(
            named(Some(database)).and_then(|d| facts.state.database(&d).is_ok().then_some(1)),
        ),
        ("SERVERPROPERTY", [property]) => {
            server_property(facts, &named(Some(property)).unwrap_or_default())
        }
        ("DATABASEPROPERTYEX", [database, property]) => {
            database_property(facts, named(Some(database)), named(Some(property)))
        }
        ("COLLATIONPROPERTY", [collation, property]) => {
            collation_property(collation, named(Some(property)))
        }
        ("CONNECTIONPROPERTY", [property]) => match named(Some(property))
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "net_transport" => nvarchar(Some("TCP")),
            "protocol_type" => nvarchar(Some("TSQL")),
            "auth_scheme" => {
                let mut connections = facts.connections.iter();
                let own = connections.find(|one| one.session_id == facts.spid);
                nvarchar(Some(own.map_or("SQL", |own| own.auth_scheme)))
            }
            _ => nvarchar(None),
        },
        _ => return of_session(facts, name, args),
    }))
}

/// Functions about the session: its last error, identity and transaction.
fn of_session(facts: &Facts, name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    Ok(Some(match (name, args) {
        ("SESSIONPROPERTY", [_]) => int(1),
        ("SCOPE_IDENTITY", []) => crate::engine::function::global::identity(facts.identity.scope),
        ("ROWCOUNT_BIG", []) => {
            Bound::constant(Value::Int(facts.row_count as i64), SqlType::BigInt)
        }
        ("NEWID" | "NEWSEQUENTIALID", []) => new_id(),
        ("XACT_STATE", []) => smallint(i64::from(facts.transactions > 0)),
        ("ERROR_NUMBER", []) => nullable_int(facts.caught.as_ref().map(|e| i64::from(e.number))),
        ("ERROR_SEVERITY", []) => nullable_int(facts.caught.as_ref().map(|e| i64::from(e.class))),
        ("ERROR_STATE", []) => nullable_int(facts.caught.as_ref().map(|e| i64::from(e.state))),
        ("ERROR_LINE", []) => nullable_int(facts.caught.as_ref().map(|e| i64::from(e.line))),
        ("ERROR_MESSAGE", []) => {
            let mut bound = nvarchar(facts.caught.as_ref().map(|e| e.message.as_str()));
            bound.t.ty = SqlType::NVarChar { length: Some(4000) };
            bound
        }
        ("ERROR_PROCEDURE", []) => nvarchar(None),
        ("ISNUMERIC", [value]) => is_numeric(value),
        _ => return Ok(None),
    }))
}

/// ISNUMERIC: 0 for NULL. Which mixtures of signs, commas and currency symbols count is an
/// interplay of all number types, so that these are refused.
pub(crate) fn is_numeric(value: &Bound) -> Bound {
    let call: Call = Arc::new(|v: &[Value]| {
        if matches!(v[0], Value::Null) {
            return Ok(Value::Int(0));
        }
        let shown = units_of(&v[0]);
        let shown = shown.trim();
        let digits = shown.bytes().any(|b| b.is_ascii_digit());
        let plain = shown
            .bytes()
            .all(|b| b.is_ascii_digit() || b".+-eE".contains(&b));
        if plain && digits && shown.parse::<f64>().is_ok() {
            return Ok(Value::Int(1));
        }
        let never = |c: char| c.is_ascii_alphabetic() && !"dDeE".contains(c);
        if shown.is_empty() || shown.chars().any(never) {
            return Ok(Value::Int(0));
        }
        Err(unsupported("ISNUMERIC of this mixture of signs"))
    });
    Bound {
        kind: Kind::Call(call, vec![as_text(value)]),
        t: plain(SqlType::Int),
    }
}

pub(crate) fn smallint(i: i64) -> Bound {
    Bound::constant(Value::Int(i), SqlType::SmallInt)
}

pub(crate) fn new_id() -> Bound {
    let call: Call = Arc::new(|_: &[Value]| Ok(Value::Guid(random_guid())));
    Bound {
        kind: Kind::Call(call, Vec::new()),
        t: Ty {
            nullable: false,
            ..plain(SqlType::UniqueIdentifier)
        },
    }
}
