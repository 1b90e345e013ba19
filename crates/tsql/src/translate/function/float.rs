//! Powers, logarithms and angles: functions of floats, whose last digit is each library's own.
//!
//! They are for views and functions only, with a note: a check or an index must not depend on the
//! last digit of a library.

use super::Call;
use crate::schema::SqlType;
use crate::translate::Outcome;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::types::Family;
use crate::translate::value::Value;

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "POWER", "EXP", "LOG", "LOG10", "SIN", "COS", "TAN", "COT", "ASIN", "ACOS", "ATAN", "ATN2",
    "DEGREES", "RADIANS",
];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    let function = match call.name {
        "POWER" => return Some(power(context, call)),
        "LOG" if call.arguments.len() == 2 => return Some(logarithm(context, call)),
        "EXP" => "exp",
        "LOG" => "ln",
        "LOG10" => "log",
        "SIN" => "sin",
        "COS" => "cos",
        "TAN" => "tan",
        "COT" => "cot",
        "ASIN" => "asin",
        "ACOS" => "acos",
        "ATAN" => "atan",
        "ATN2" => "atan2",
        "DEGREES" => "degrees",
        "RADIANS" => "radians",
        _ => return None,
    };
    Some(of_floats(context, call, function))
}

fn of_floats(context: &mut Context<'_>, call: &Call<'_>, function: &str) -> Outcome<Value> {
    let values = call.all(context)?;
    let wanted = if call.name == "ATN2" { 2 } else { 1 };
    if values.len() != wanted {
        return Err(call.refused("these arguments"));
    }
    let mut arguments = Vec::with_capacity(wanted);
    for value in values {
        // These two have the type of their argument.
        let same = matches!(call.name, "DEGREES" | "RADIANS");
        if same && value.ty != Some(SqlType::Float) {
            return Err(call.unlike(&value));
        }
        arguments.push(float(context, call, value)?);
    }
    last_digit(context, call)?;
    let sql = format!("{function}({})", arguments.join(", "));
    Ok(Value::atom(sql, SqlType::Float))
}

fn float(context: &mut Context<'_>, call: &Call<'_>, value: Value) -> Outcome<String> {
    if !value.family().is_number() {
        return Err(call.unlike(&value));
    }
    Ok(convert::converted(context, value, &SqlType::Float)?.sql)
}

/// # Errors
/// The value is part of a table.
fn last_digit(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<()> {
    context.only_read(&format!(
        "{}, of which the last digit may differ",
        call.name
    ))?;
    context.note(format!("the last digit of {} may differ", call.name));
    Ok(())
}

fn logarithm(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value, base] = call.values(context)?;
    let (value, base) = (float(context, call, value)?, float(context, call, base)?);
    last_digit(context, call)?;
    Ok(Value::operation(
        format!("ln({value}) / ln({base})"),
        SqlType::Float,
    ))
}

/// In the type of the first argument; a decimal has 38 digits ("POWER", "Return types").
fn power(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [base, exponent] = call.values(context)?;
    let (ty, family) = (base.ty.clone(), base.family());
    let value = float(context, call, base)?;
    let exponent = float(context, call, exponent)?;
    let sql = format!("power({value}, {exponent})");
    last_digit(context, call)?;
    Ok(match (family, ty) {
        (Family::Int, Some(SqlType::BigInt)) => {
            Value::atom(format!("trunc({sql})::bigint"), SqlType::BigInt)
        }
        (Family::Int, _) => Value::atom(format!("trunc({sql})::integer"), SqlType::Int),
        (Family::Decimal, Some(SqlType::Decimal { scale, .. })) => Value::atom(
            format!("round({sql}::numeric, {scale})"),
            SqlType::Decimal {
                precision: 38,
                scale,
            },
        ),
        (Family::Money, _) => Value::atom(format!("round({sql}::numeric, 4)"), SqlType::Money),
        _ => Value::atom(sql, SqlType::Float),
    })
}
