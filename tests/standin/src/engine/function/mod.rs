//! Built-in functions: which there are, what they yield, and their bodies.

mod date;
mod global;
mod metadata;
mod number;
mod string;

use std::sync::Arc;

use crate::engine::datatype;
use crate::engine::error::{Result, argument_count, error};
use crate::engine::eval::expr::{Bound, Call, Kind, Ty};
use crate::engine::model::facts::Facts;
use crate::engine::query::bind::{comparison, convert_to, union_type};
use crate::engine::value::compare::Comparison;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

pub(crate) use crate::engine::function::date::{end_of_month, part_of, with_part};
pub(crate) use crate::engine::function::global::global;
pub(crate) use crate::engine::function::metadata::checksum_of;

/// Functions that are written without parentheses.
pub(crate) fn bare(facts: &Facts, name: &str, quoted: bool) -> Option<Bound> {
    if quoted {
        return None;
    }
    Some(match name.to_ascii_uppercase().as_str() {
        "CURRENT_TIMESTAMP" => date::now(facts, &SqlType::DateTime),
        "CURRENT_USER" | "USER" | "SESSION_USER" => sysname("dbo"),
        "SYSTEM_USER" => sysname(&facts.user),
        _ => return None,
    })
}

/// A scalar function of values.
pub(crate) fn call(facts: &Facts, name: &str, args: Vec<Bound>) -> Result<Bound> {
    let upper = name.to_ascii_uppercase();
    let found = match conditional(&upper, &args) {
        Some(found) => Some(found?),
        None => string::bind(&upper, &args)?
            .or(number::bind(&upper, &args)?)
            .or(date::bind(facts, &upper, &args)?)
            .or(metadata::bind(facts, &upper, &args)?),
    };
    found.ok_or_else(|| {
        error(
            195,
            15,
            format!("'{name}' is not a recognized built-in function name."),
        )
    })
}

/// NULL handling.
fn conditional(name: &str, args: &[Bound]) -> Option<Result<Bound>> {
    let is_null = |b: &Bound| Bound::predicate(Kind::IsNull(Box::new(b.clone())));
    let not_null = |b: &Bound| Bound::predicate(Kind::Not(Box::new(is_null(b))));
    match (name, args) {
        ("ISNULL", [value, other]) => {
            // The type of the first argument, unless that is an untyped NULL.
            let t =
                if matches!(value.as_constant(), Some(Value::Null)) && value.t.ty == SqlType::Int {
                    &other.t
                } else {
                    &value.t
                };
            let t = Ty {
                nullable: other.t.nullable && value.t.nullable,
                ..t.clone()
            };
            let otherwise = Some(Box::new(convert_to(other.clone(), &t.ty)));
            let value = convert_to(value.clone(), &t.ty);
            Some(Ok(Bound {
                kind: Kind::Case {
                    whens: vec![(not_null(&value), value)],
                    otherwise,
                },
                t,
            }))
        }
        ("COALESCE", [_, ..]) => {
            let types = args
                .iter()
                .map(|a| (&a.t, matches!(a.as_constant(), Some(Value::Null))));
            Some(union_type(types).map(|t| {
                let nullable = args.iter().all(|a| a.t.nullable);
                let whens = args
                    .iter()
                    .map(|a| (not_null(a), convert_to(a.clone(), &t.ty)))
                    .collect();
                Bound {
                    kind: Kind::Case {
                        whens,
                        otherwise: None,
                    },
                    t: Ty { nullable, ..t },
                }
            }))
        }
        ("NULLIF", [a, b]) => Some(
            comparison(Comparison::Eq, a.clone(), b.clone()).map(|same| {
                let null = Bound::constant(Value::Null, a.t.ty.clone());
                let t = Ty {
                    nullable: true,
                    ..a.t.clone()
                };
                Bound {
                    kind: Kind::Case {
                        whens: vec![(same, null)],
                        otherwise: Some(Box::new(a.clone())),
                    },
                    t,
                }
            }),
        ),
        _ => None,
    }
}

/// A call whose result is NULL when any argument is.
pub(crate) fn strict(
    args: Vec<Bound>,
    t: Ty,
    body: impl Fn(&[Value]) -> Result<Value> + Send + Sync + 'static,
) -> Bound {
    let call: Call = Arc::new(move |values: &[Value]| {
        if values.iter().any(|v| matches!(v, Value::Null)) {
            Ok(Value::Null)
        } else {
            body(values)
        }
    });
    Bound {
        kind: Kind::Call(call, args),
        t,
    }
}

pub(crate) fn plain(ty: SqlType) -> Ty {
    Ty {
        ty,
        nullable: true,
        collation: None,
        rank: 0,
    }
}

pub(crate) fn expect(name: &str, args: &[Bound], count: usize) -> Result<()> {
    if args.len() == count {
        Ok(())
    } else {
        Err(argument_count(name, count))
    }
}

pub(super) fn sysname(s: &str) -> Bound {
    nvarchar(Some(s))
}

pub(super) fn nvarchar(s: Option<&str>) -> Bound {
    let value = s.map_or(Value::Null, text::value);
    let mut bound = Bound::constant(value, SqlType::NVarChar { length: Some(128) });
    bound.t.nullable = true;
    bound.t.collation = Some(crate::engine::collate::default_collation());
    bound
}

pub(super) fn int(i: i64) -> Bound {
    Bound::constant(Value::Int(i), SqlType::Int)
}

pub(super) fn nullable_int(i: Option<i64>) -> Bound {
    Bound::constant(i.map_or(Value::Null, Value::Int), SqlType::Int)
}

/// The argument as text.
pub(super) fn as_text(b: &Bound) -> Bound {
    if datatype::is_text(&b.t.ty) {
        b.clone()
    } else {
        convert_to(b.clone(), &SqlType::NVarChar { length: Some(4000) })
    }
}

pub(crate) fn as_int(b: &Bound) -> Bound {
    convert_to(b.clone(), &SqlType::BigInt)
}

/// An argument that binds to a text constant, such as an object's name.
pub(super) fn units_of(value: &Value) -> String {
    text::units(value)
        .map(|u| text::to_string(u))
        .unwrap_or_default()
}

pub(crate) fn integer_of(value: &Value) -> i64 {
    match value {
        Value::Int(i) => *i,
        _ => 0,
    }
}
