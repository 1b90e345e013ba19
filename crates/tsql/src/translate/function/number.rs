//! Functions of numbers that are exact, or the same by IEEE 754.
//!
//! Integers, decimals and money are exact on both sides. PostgreSQL's functions may give another
//! type, so results are cast back to T-SQL's.

use super::Call;
use crate::schema::SqlType;
use crate::translate::Outcome;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::types::Family;
use crate::translate::value::Value;

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "ABS", "SIGN", "FLOOR", "CEILING", "ROUND", "SQRT", "SQUARE", "PI",
];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "ABS" | "SIGN" | "FLOOR" | "CEILING" => unary(context, call),
        "ROUND" => round(context, call),
        "SQRT" => sqrt(context, call),
        "SQUARE" => square(context, call),
        "PI" if call.arguments.is_empty() => Ok(Value::atom("pi()", SqlType::Float)),
        _ => return None,
    })
}

fn unary(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    let Some(ty) = value.ty.clone() else {
        return Err(call.unlike(&value));
    };
    let function = match call.name {
        "ABS" => "abs",
        "SIGN" => "sign",
        "FLOOR" => "floor",
        _ => "ceil",
    };
    let sql = format!("{function}({})", value.sql);
    match (call.name, value.family()) {
        ("FLOOR" | "CEILING", Family::Int) => Ok(value),
        // There is no sign of an integer; that of a double is as whole.
        ("SIGN", Family::Int) => {
            let value = Value::atom(format!("{sql}::integer"), SqlType::Int);
            convert::implicit(value, &ty)
        }
        ("FLOOR" | "CEILING", Family::Decimal) => {
            let precision = match ty {
                SqlType::Decimal { precision, .. } => precision,
                _ => 38,
            };
            Ok(Value::atom(
                sql,
                SqlType::Decimal {
                    precision,
                    scale: 0,
                },
            ))
        }
        // `real` would come back as double precision.
        (_, Family::Float) if ty == SqlType::Float => Ok(Value::atom(sql, ty)),
        ("ABS", Family::Float) => Ok(Value::atom(sql, ty)),
        (_, Family::Float) => Ok(Value::atom(format!("{sql}::real"), ty)),
        (_, Family::Int | Family::Decimal | Family::Money) => Ok(Value::atom(sql, ty)),
        _ => Err(call.unlike(&value)),
    }
}

/// Half away from zero on both sides. How many digits of a `float` count is documented nowhere.
fn round(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let mut arguments = call.all(context)?.into_iter();
    let none = || call.refused("these arguments");
    let value = arguments.next().ok_or_else(none)?;
    let length = arguments.next().ok_or_else(none)?;
    let function = match arguments.next() {
        None => 0,
        Some(function) => function
            .as_int()
            .ok_or_else(|| call.refused("a function that varies"))?,
    };
    let places = match length.as_int() {
        Some(places) if (-38..=38).contains(&places) => places.to_string(),
        Some(_) => return Err(call.refused("such a length")),
        None if length.family() == Family::Int => {
            convert::converted(context, length.clone(), &SqlType::Int)?.plain()
        }
        None => return Err(call.refused("a length that is not an integer")),
    };
    let name = if function == 0 { "round" } else { "trunc" };
    let negative = length.as_int().is_none_or(|places| places < 0);
    match (value.family(), value.ty.clone()) {
        (Family::Int, _) if !negative => Ok(value),
        (Family::Int, ty) => {
            let (ty, target) = match ty {
                Some(SqlType::BigInt) => (SqlType::BigInt, "bigint"),
                _ => (SqlType::Int, "integer"),
            };
            let sql = format!("{name}({}, {places})::{target}", value.cast("numeric"));
            Ok(Value::atom(sql, ty))
        }
        (Family::Decimal | Family::Money, Some(ty)) => {
            let sql = format!("{name}({}, {places})", value.sql);
            Ok(Value::atom(sql, ty))
        }
        (Family::Float, _) => Err(call.refused("a float, of which the last digit may differ")),
        _ => Err(call.unlike(&value)),
    }
}

/// IEEE 754 prescribes the last bit of a square root.
fn sqrt(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    if !value.family().is_number() {
        return Err(call.unlike(&value));
    }
    let value = convert::implicit(value, &SqlType::Float)?;
    Ok(Value::atom(format!("sqrt({})", value.sql), SqlType::Float))
}

fn square(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    if !value.family().is_number() {
        return Err(call.unlike(&value));
    }
    let value = convert::implicit(value, &SqlType::Float)?;
    let sql = format!("{0} * {0}", value.operand());
    Ok(Value::operation(sql, SqlType::Float))
}
