//! Built-in functions: which there are, what they yield, and their bodies.

pub(crate) mod argument;
mod date;
pub(crate) mod date_part;
pub(crate) mod format;
mod global;
mod json;
mod metadata;
mod number;
pub(crate) mod parts;
pub(crate) mod string;

use crate::engine::error::{Result, error};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::types::{comparison, convert_to, union_type};
use crate::engine::function::argument::sysname;
use crate::engine::model::facts::Facts;
use crate::engine::value::compare::Comparison;
use crate::types::{SqlType, Value};

pub(crate) use crate::engine::function::date::{end_of_month, with_part};
pub(crate) use crate::engine::function::date_part::part_of;
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
            .or(parts::bind(&upper, &args)?)
            .or(json::bind(&upper, &args)?)
            .or(format::bind(&upper, &args)?)
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
