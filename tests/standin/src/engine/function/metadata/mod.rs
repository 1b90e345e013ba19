//! Functions about the server, its databases and their objects, and checksums.

mod property;
mod rights;

use std::sync::Arc;

use crate::engine::error::{Result, unsupported};
use crate::engine::eval::expr::{Bound, Call, Kind, Ty};
use crate::engine::function::metadata::property::{
    collation_property, column_property, database_property, index_property, object_property,
    server_property,
};
use crate::engine::function::{
    as_int, as_text, int, integer_of, nullable_int, nvarchar, plain, strict, sysname, units_of,
};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::model::state::random_guid;
use crate::engine::model::table::Table;
use crate::engine::parse::tokens::Tokens;
use crate::engine::value::compare::append_key;
use crate::engine::value::text;
use crate::engine::{collate, datatype};
use crate::types::{SqlType, Value};

fn named(arg: Option<&Bound>) -> Option<String> {
    arg.and_then(Bound::as_constant)
        .filter(|v| !matches!(v, Value::Null))
        .map(units_of)
}

fn text_ty() -> Ty {
    let mut t = plain(SqlType::NVarChar { length: Some(128) });
    t.collation = Some(collate::default_collation());
    t
}

/// A name as OBJECT_ID takes it.
fn parse_name(name: &str) -> Option<Name> {
    let mut tokens = Tokens::new(name).ok()?;
    let parsed = tokens.name().ok()?;
    tokens.done().then_some(parsed)
}

pub(super) fn bind(facts: &Facts, name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    if let Some(found) = of_server(facts, name, args)? {
        return Ok(Some(found));
    }
    of_objects(facts, name, args)
}

fn of_server(facts: &Facts, name: &str, args: &[Bound]) -> Result<Option<Bound>> {
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
            "auth_scheme" => nvarchar(Some("SQL")),
            _ => nvarchar(None),
        },
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
fn is_numeric(value: &Bound) -> Bound {
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

fn smallint(i: i64) -> Bound {
    Bound::constant(Value::Int(i), SqlType::SmallInt)
}

fn new_id() -> Bound {
    let call: Call = Arc::new(|_: &[Value]| Ok(Value::Guid(random_guid())));
    Bound {
        kind: Kind::Call(call, Vec::new()),
        t: Ty {
            nullable: false,
            ..plain(SqlType::UniqueIdentifier)
        },
    }
}

fn of_objects(facts: &Facts, name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    let facts = facts.clone();
    Ok(Some(match (name, args) {
        ("SCHEMA_NAME", []) => sysname("dbo"),
        ("SCHEMA_NAME", [id]) => strict(vec![as_int(id)], text_ty(), move |v| {
            let database = facts.current()?;
            Ok(database
                .schema_name(integer_of(&v[0]) as i32)
                .map_or(Value::Null, text::value))
        }),
        ("SCHEMA_ID", []) => int(1),
        ("SCHEMA_ID", [schema]) => strict(vec![as_text(schema)], plain(SqlType::Int), move |v| {
            Ok(facts
                .current()?
                .schema_id(&units_of(&v[0]))
                .map_or(Value::Null, |i| Value::Int(i64::from(i))))
        }),
        ("OBJECT_ID", [object]) => strict(vec![as_text(object)], plain(SqlType::Int), move |v| {
            Ok(object_id(&facts, &units_of(&v[0])))
        }),
        ("OBJECT_ID", [object, kind]) => strict(
            vec![as_text(object), as_text(kind)],
            plain(SqlType::Int),
            move |v| {
                let found = object_id(&facts, &units_of(&v[0]));
                let kind = units_of(&v[1]);
                let name = parse_name(&units_of(&v[0])).map(|n| facts.place(&n));
                let database = name.map(|n| facts.database_of(&n)).transpose()?;
                let is = |id: i64| {
                    let object = database.and_then(|d| d.object(id as i32));
                    object.is_some_and(|(_, _, code)| code.eq_ignore_ascii_case(kind.trim()))
                };
                Ok(match found {
                    Value::Int(id) if is(id) => Value::Int(id),
                    _ => Value::Null,
                })
            },
        ),
        ("OBJECT_DEFINITION", [id]) => {
            let mut t = text_ty();
            t.ty = SqlType::NVarChar { length: None };
            strict(vec![as_int(id)], t, move |v| {
                let modules = &facts.current()?.modules;
                let found = modules.get(&(integer_of(&v[0]) as i32));
                Ok(found.map_or(Value::Null, |m| text::value(&m.definition)))
            })
        }
        ("OBJECT_NAME" | "OBJECT_SCHEMA_NAME", [id] | [id, _]) => {
            let schema = name == "OBJECT_SCHEMA_NAME";
            strict(vec![as_int(id)], text_ty(), move |v| {
                let database = facts.current()?;
                let Some((schema_id, name, _)) = database.object(integer_of(&v[0]) as i32) else {
                    return Ok(Value::Null);
                };
                Ok(text::value(if schema {
                    database.schema_name(schema_id).unwrap_or_default()
                } else {
                    name
                }))
            })
        }
        ("TYPE_NAME", [id]) => strict(vec![as_int(id)], text_ty(), move |v| {
            Ok(type_name_of(&facts, integer_of(&v[0]) as i32)
                .map_or(Value::Null, |n| text::value(&n)))
        }),
        ("TYPE_ID", [ty]) => strict(vec![as_text(ty)], plain(SqlType::Int), move |v| {
            let wanted = crate::engine::model::name::TypeName {
                name: units_of(&v[0]),
                args: Vec::new(),
            };
            Ok(facts
                .resolve_type(&wanted, false)
                .map_or(Value::Null, |(_, id, _)| Value::Int(i64::from(id))))
        }),
        ("COL_NAME", [table, column]) => {
            strict(vec![as_int(table), as_int(column)], text_ty(), move |v| {
                let found = table_of(&facts, &v[0]).and_then(|t| {
                    t.columns
                        .iter()
                        .find(|c| i64::from(c.id) == integer_of(&v[1]))
                        .cloned()
                });
                Ok(found.map_or(Value::Null, |c| text::value(&c.name)))
            })
        }
        ("COL_LENGTH", [table, column]) => strict(
            vec![as_text(table), as_text(column)],
            plain(SqlType::SmallInt),
            move |v| {
                let Value::Int(id) = object_id(&facts, &units_of(&v[0])) else {
                    return Ok(Value::Null);
                };
                let column = table_of(&facts, &Value::Int(id))
                    .and_then(|t| t.column(&units_of(&v[1])).map(|i| t.columns[i].ty.clone()));
                Ok(column.map_or(Value::Null, |ty| {
                    Value::Int(i64::from(datatype::max_length(&ty)))
                }))
            },
        ),
        ("COLUMNPROPERTY", [table, column, property]) => {
            let args = vec![as_int(table), as_text(column), as_text(property)];
            strict(args, plain(SqlType::Int), move |v| {
                Ok(column_property(&facts, v))
            })
        }
        ("OBJECTPROPERTY" | "OBJECTPROPERTYEX", [id, property]) => strict(
            vec![as_int(id), as_text(property)],
            plain(SqlType::Int),
            move |v| Ok(object_property(&facts, v)),
        ),
        ("INDEXPROPERTY", [table, index, property]) => {
            let args = vec![as_int(table), as_text(index), as_text(property)];
            strict(args, plain(SqlType::Int), move |v| {
                Ok(index_property(&facts, v))
            })
        }
        ("IDENT_CURRENT" | "IDENT_SEED" | "IDENT_INCR", [table]) => {
            let which = name.to_owned();
            strict(
                vec![as_text(table)],
                plain(SqlType::Decimal {
                    precision: 38,
                    scale: 0,
                }),
                move |v| Ok(ident(&facts, &v[0], &which)),
            )
        }
        _ => return Ok(None),
    }))
}

fn table_of(facts: &Facts, id: &Value) -> Option<Arc<Table>> {
    facts
        .current()
        .ok()?
        .tables
        .get(&(integer_of(id) as i32))
        .cloned()
}

fn object_id(facts: &Facts, name: &str) -> Value {
    let found = parse_name(name).and_then(|n| {
        if n.schema
            .as_deref()
            .is_some_and(|s| s.eq_ignore_ascii_case("sys"))
        {
            return crate::engine::catalog::system_view(&n.name);
        }
        let n = facts.place(&n);
        let database = facts.database_of(&n).ok()?;
        let id = database.object_id(n.schema.as_deref().unwrap_or("dbo"), &n.name)?;
        facts.rights(database).sees(id).then_some(id)
    });
    found.map_or(Value::Null, |id| Value::Int(i64::from(id)))
}

fn ident(facts: &Facts, table: &Value, which: &str) -> Value {
    let found = parse_name(&units_of(table))
        .and_then(|n| facts.table(&n).ok().map(|(_, t)| Arc::clone(t)))
        .and_then(|t| t.columns.iter().find_map(|c| c.identity.clone()));
    let Some(identity) = found else {
        return Value::Null;
    };
    let number = match which {
        "IDENT_SEED" => identity.seed,
        "IDENT_INCR" => identity.increment,
        _ => identity.last.unwrap_or(identity.seed),
    };
    Value::Decimal {
        unscaled: i128::from(number),
        scale: 0,
    }
}

/// The name of a user type id.
pub(crate) fn type_name_of(facts: &Facts, id: i32) -> Option<String> {
    match id {
        108 => return Some("numeric".to_owned()),
        256 => return Some("sysname".to_owned()),
        _ => {}
    }
    let system = datatype::all()
        .into_iter()
        .find(|t| i32::from(datatype::system_type_id(t)) == id);
    let alias = || {
        facts
            .current()
            .ok()?
            .types
            .iter()
            .find(|t| t.user_type_id == id)
            .map(|t| t.name.clone())
    };
    system.map(|t| datatype::name(&t).to_owned()).or_else(alias)
}

/// A hash of 32 bits (FNV-1a): equal values have equal sums. SQL Server's own numbers are not documented.
pub(crate) fn checksum(bytes: &[u8]) -> i32 {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |h, b| {
        (h ^ u32::from(*b)).wrapping_mul(0x0100_0193)
    });
    hash as i32
}

/// CHECKSUM of expressions.
pub(crate) fn checksum_of(bound: Vec<Bound>) -> Bound {
    let collations: Vec<_> = bound.iter().map(|b| b.t.collation.clone()).collect();
    let call: Call = Arc::new(move |values: &[Value]| {
        let mut bytes = Vec::new();
        for (value, collation) in values.iter().zip(&collations) {
            append_key(value, collation.as_deref(), &mut bytes);
        }
        Ok(Value::Int(i64::from(checksum(&bytes))))
    });
    Bound {
        kind: Kind::Call(call, bound),
        t: Ty {
            nullable: false,
            ..plain(SqlType::Int)
        },
    }
}
