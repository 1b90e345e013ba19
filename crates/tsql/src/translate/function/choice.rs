//! ISNULL, COALESCE, NULLIF, IIF and CHOOSE.
//!
//! ISNULL and NULLIF have the type of their first argument. The others have the common type of all
//! arguments, to which each is cast (`common`), so that PostgreSQL has nothing to resolve.

use super::Call;
use crate::translate::common;
use crate::translate::compare;
use crate::translate::condition;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::expression;
use crate::translate::types::{self, Family};
use crate::translate::value::Value;
use crate::translate::{Outcome, Untranslated};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "ISNULL", "COALESCE", "NULLIF", "IIF", "CHOOSE", "GREATEST", "LEAST",
];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "ISNULL" => is_null(context, call),
        "COALESCE" => coalesce(context, call),
        "NULLIF" => null_if(context, call),
        "IIF" => iif(context, call),
        "CHOOSE" => choose(context, call),
        "GREATEST" | "LEAST" => extreme(context, call),
        _ => return None,
    })
}

/// Takes the type of its first argument and cuts the second to it.
fn is_null(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [first, second] = call.values(context)?;
    if first.is_null() && first.ty.is_none() {
        return Ok(second);
    }
    let ty = first
        .ty
        .clone()
        .ok_or_else(|| call.refused("an argument without a type"))?;
    let folded = first.folded.is_some() && second.as_text().is_some_and(str::is_ascii);
    if folded {
        return folded_is_null(first, &second);
    }
    let first = first.kept()?;
    let second = convert::converted(context, second.kept()?, &ty)?;
    let kept = match &first.collation {
        Some(_) => first.clone(),
        None => second.clone(),
    };
    let sql = format!("coalesce({}, {})", first.sql, second.sql);
    Ok(Value::atom(sql, ty).in_collation_of(&kept))
}

/// `ISNULL(UPPER(x), 'A')`, still to be compared with ASCII only.
fn folded_is_null(first: Value, second: &Value) -> Outcome<Value> {
    let Some(ty) = first.ty.clone() else {
        return first.kept();
    };
    let second = convert::implicit(second.clone(), &ty)?;
    let coalesced = |value: &Value| {
        Value::atom(
            format!("coalesce({}, {})", value.sql, second.sql),
            ty.clone(),
        )
        .in_collation_of(&first)
    };
    let mut made = coalesced(&first);
    made.folded = first
        .folded
        .as_deref()
        .map(|inner| Box::new(coalesced(inner)));
    Ok(made)
}

fn coalesce(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let mut values = Vec::with_capacity(call.arguments.len());
    for argument in call.arguments {
        values.push(expression::value(context, argument)?);
    }
    let (values, shape) = common::unified(context, values)?;
    let ty = shape.ty.clone().ok_or_else(|| call.refused("NULLs only"))?;
    let items: Vec<&str> = values.iter().map(|it| it.sql.as_str()).collect();
    let sql = format!("coalesce({})", items.join(", "));
    Ok(Value::atom(sql, ty).in_collation_of(&shape))
}

/// The greatest or least of numbers and dates; NULLs are passed over on both sides.
fn extreme(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let values = call.all(context)?;
    let (values, shape) = common::unified(context, values)?;
    let family = shape.family();
    let ordered = family.is_exact() || family.is_temporal() || family == Family::Float;
    let ty = shape.ty.clone().filter(|_| ordered);
    let ty = ty.ok_or_else(|| call.unlike(&shape))?;
    let items: Vec<&str> = values.iter().map(|it| it.sql.as_str()).collect();
    let name = call.name.to_ascii_lowercase();
    Ok(Value::atom(format!("{name}({})", items.join(", ")), ty))
}

/// The first argument, or NULL where T-SQL's `=` holds, which is not PostgreSQL's for text.
fn null_if(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [first, second] = call.values(context)?;
    let first = first.kept()?;
    let same = compare::compare(context, first.clone(), "=", second)?;
    let ty = first.ty.clone();
    let ty = ty.ok_or_else(|| call.refused("an argument without a type"))?;
    let sql = format!("CASE WHEN {} THEN NULL ELSE {} END", same.sql(), first.sql);
    Ok(Value::operation(sql, ty).in_collation_of(&first))
}

fn iif(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [test, yes, no] = call.arguments else {
        return Err(call.refused("these arguments"));
    };
    let test = condition::condition(context, test)?;
    let yes = expression::value(context, yes)?;
    let no = expression::value(context, no)?;
    expression::searched(context, &[test.sql], vec![yes, no])
}

/// NULL where the index is no position.
fn choose(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [index, choices @ ..] = call.arguments else {
        return Err(call.refused("these arguments"));
    };
    let index = expression::value(context, index)?;
    if index.ty.as_ref().map(types::family) != Some(Family::Int) {
        return Err(Untranslated::new(
            "CHOOSE by something other than an integer",
        ));
    }
    let mut conditions = Vec::with_capacity(choices.len());
    let mut values = Vec::with_capacity(choices.len());
    for (position, choice) in choices.iter().enumerate() {
        conditions.push(format!("{} = {}", index.operand(), position + 1));
        values.push(expression::value(context, choice)?);
    }
    expression::searched(context, &conditions, values)
}
