//! JSON_VALUE, JSON_QUERY and ISJSON.

use std::sync::Arc;

use crate::engine::collate;
use crate::engine::error::{Result, argument_count, error};
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::function::argument::{as_text, expect, nvarchar, plain, strict, units_of};
use crate::engine::value::json::{self, Path};
use crate::engine::value::text;
use crate::types::{SqlType, Value};

pub(super) fn bind(name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    Ok(Some(match name {
        "ISJSON" => {
            expect(name, args, 1)?;
            strict(vec![as_text(&args[0])], plain(SqlType::Int), |v| {
                let chars: Vec<char> = units_of(&v[0]).chars().collect();
                let fits = json::parse(&chars).is_ok_and(|found| !found.is_scalar());
                Ok(Value::Int(i64::from(fits)))
            })
        }
        "JSON_VALUE" => {
            expect(name, args, 2)?;
            let t = text_of(&args[0], Some(4000));
            strict(vec![as_text(&args[0]), as_text(&args[1])], t, |v| {
                scalar_at(&units_of(&v[0]), &units_of(&v[1]))
            })
        }
        "JSON_QUERY" => {
            let path = match args {
                [_] => nvarchar(Some("$")),
                [_, path] => as_text(path),
                _ => return Err(argument_count(name, 2)),
            };
            let t = text_of(&args[0], None);
            strict(vec![as_text(&args[0]), path], t, |v| {
                fragment_at(&units_of(&v[0]), &units_of(&v[1]))
            })
        }
        _ => return Ok(None),
    }))
}

/// `nvarchar` in the collation of the text it is taken from ("JSON_VALUE", return value).
fn text_of(argument: &Bound, length: Option<u16>) -> Ty {
    let collation = argument.t.collation.clone();
    Ty {
        ty: SqlType::NVarChar { length },
        nullable: true,
        collation: Some(collation.unwrap_or_else(|| Arc::clone(&collate::default_collation()))),
        rank: argument.t.rank,
    }
}

fn scalar_at(text: &str, path: &str) -> Result<Value> {
    let path = Path::parse(path)?;
    let chars: Vec<char> = text.chars().collect();
    let root = json::parse(&chars)?;
    let Some(found) = path.find(&root)? else {
        return Ok(Value::Null);
    };
    if !found.is_scalar() {
        return strictly(
            path.strict,
            13623,
            "Scalar value cannot be found in the specified JSON path.",
        );
    }
    let Some(shown) = found.scalar(&chars) else {
        return Ok(Value::Null);
    };
    if shown.encode_utf16().count() > 4000 {
        return strictly(
            path.strict,
            13625,
            "String value in the specified JSON path would be truncated.",
        );
    }
    Ok(text::value(&shown))
}

fn fragment_at(text: &str, path: &str) -> Result<Value> {
    let path = Path::parse(path)?;
    let chars: Vec<char> = text.chars().collect();
    let root = json::parse(&chars)?;
    match path.find(&root)? {
        None => Ok(Value::Null),
        Some(found) if found.is_scalar() => strictly(
            path.strict,
            13624,
            "Object or array cannot be found in the specified JSON path.",
        ),
        Some(found) => Ok(text::value(&found.written(&chars))),
    }
}

/// NULL for a lax path, the error for a strict one.
fn strictly(strict: bool, number: i32, message: &str) -> Result<Value> {
    if strict {
        Err(error(number, 16, message))
    } else {
        Ok(Value::Null)
    }
}
