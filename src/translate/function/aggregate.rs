//! COUNT, MIN, MAX and SUM, in views.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
};

use crate::schema::SqlType;
use crate::translate::context::Context;
use crate::translate::expression;
use crate::translate::types::Family;
use crate::translate::value::Value;
use crate::translate::{Outcome, Untranslated};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &["COUNT", "COUNT_BIG", "MIN", "MAX", "SUM"];

/// `None` for a function that is no aggregate.
pub(super) fn call(
    context: &mut Context<'_>,
    name: &str,
    call: &Function,
) -> Option<Outcome<Value>> {
    match name {
        "COUNT" | "COUNT_BIG" | "MIN" | "MAX" | "SUM" => {}
        "AVG" | "STDEV" | "STDEVP" | "VAR" | "VARP" | "STRING_AGG" | "CHECKSUM_AGG"
        | "GROUPING" => {
            return Some(Err(Untranslated::new(format!("the aggregate {name}"))));
        }
        _ => return None,
    }
    if !context.aggregates {
        return Some(Err(Untranslated::new(format!("the aggregate {name} here"))));
    }
    // No aggregate within an aggregate.
    context.aggregates = false;
    let result = aggregate(context, name, call);
    context.aggregates = true;
    Some(result)
}

fn aggregate(context: &mut Context<'_>, name: &str, call: &Function) -> Outcome<Value> {
    let FunctionArguments::List(list) = &call.args else {
        return Err(Untranslated::new(format!("{name} without arguments")));
    };
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    let argument = match (list.args.as_slice(), list.clauses.as_slice()) {
        ([FunctionArg::Unnamed(argument)], []) => argument,
        _ => return Err(Untranslated::new(format!("the arguments of {name}"))),
    };
    match (name, argument) {
        ("COUNT", FunctionArgExpr::Wildcard) if !distinct => {
            Ok(Value::atom("count(*)::integer", SqlType::Int))
        }
        ("COUNT_BIG", FunctionArgExpr::Wildcard) if !distinct => {
            Ok(Value::atom("count(*)", SqlType::BigInt))
        }
        (_, FunctionArgExpr::Expr(expr)) => of(context, name, expr, distinct),
        _ => Err(Untranslated::new(format!("the arguments of {name}"))),
    }
}

fn of(context: &mut Context<'_>, name: &str, expr: &Expr, distinct: bool) -> Outcome<Value> {
    let value = expression::value(context, expr)?.kept()?;
    let unlike = || Untranslated::new(format!("{name} of {}", value.shown()));
    let ty = value.ty.clone().ok_or_else(unlike)?;
    let family = value.family();
    // What is distinct among texts is decided by the collation.
    if distinct && matches!(family, Family::Text | Family::Binary | Family::Other) {
        return Err(unlike());
    }
    let word = if distinct { "DISTINCT " } else { "" };
    let inside = format!("({word}{})", value.sql);
    Ok(match (name, family) {
        ("COUNT", _) => Value::atom(format!("count{inside}::integer"), SqlType::Int),
        ("COUNT_BIG", _) => Value::atom(format!("count{inside}"), SqlType::BigInt),
        ("MIN" | "MAX", Family::Int | Family::Decimal | Family::Money | Family::Float)
        | ("MIN" | "MAX", Family::Date | Family::Time | Family::Moment | Family::Offset) => {
            Value::atom(format!("{}{inside}", name.to_ascii_lowercase()), ty)
        }
        // PostgreSQL sums integers into wider ones; past `int` the source fails.
        ("SUM", Family::Int) if ty == SqlType::BigInt => {
            Value::atom(format!("sum{inside}::bigint"), ty)
        }
        ("SUM", Family::Int) => Value::atom(format!("sum{inside}::integer"), SqlType::Int),
        ("SUM", Family::Money) => Value::atom(format!("sum{inside}"), SqlType::Money),
        ("SUM", Family::Decimal) => {
            let SqlType::Decimal { scale, .. } = ty else {
                return Err(unlike());
            };
            let precision = 38;
            Value::atom(
                format!("sum{inside}"),
                SqlType::Decimal { precision, scale },
            )
        }
        _ => return Err(unlike()),
    })
}
