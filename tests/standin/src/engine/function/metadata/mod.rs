//! Functions about the server, its databases and their objects, and checksums.

pub(crate) mod name;
mod property;
mod rights;
pub(crate) mod server;

use std::sync::Arc;

use crate::engine::datatype;
use crate::engine::error::Result;
use crate::engine::eval::expr::{Bound, Call, Kind, Ty};
use crate::engine::function::argument::{
    as_int, as_text, int, integer_of, plain, strict, sysname, units_of,
};
use crate::engine::function::metadata::name::{parse_name, table_of};
use crate::engine::function::metadata::property::{
    column_property, index_property, object_property,
};
use crate::engine::function::metadata::server::{of_server, text_ty};
use crate::engine::model::facts::Facts;
use crate::engine::value::compare::append_key;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

pub(super) fn bind(facts: &Facts, name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    if let Some(found) = of_server(facts, name, args)? {
        return Ok(Some(found));
    }
    of_objects(facts, name, args)
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
        _ => return of_columns(facts, name, args),
    }))
}

/// Functions about types, columns, indexes and identities.
fn of_columns(facts: Facts, name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    Ok(Some(match (name, args) {
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
