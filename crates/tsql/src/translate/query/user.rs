//! Calls of user-defined scalar functions.

use sqlparser::ast::{Function, FunctionArguments};

use super::super::collation::Collation;
use super::super::context::Context;
use super::super::value::Value;
use super::super::{Outcome, Untranslated};
use super::{arguments, name};

/// `schema.function(...)`; `None` if the target has no user-defined function of that name.
pub(in super::super) fn call(context: &mut Context<'_>, call: &Function) -> Option<Outcome<Value>> {
    let (schema, name) = name::parts(&call.name).ok()?;
    let names = context.names;
    let schema = schema?;
    let function = names.scalar_function(&schema, &name).or_else(|| {
        let (schema, name) = names.synonym(&schema, &name)?;
        names.scalar_function(&schema, &name)
    })?;
    Some(called(context, call, &function))
}

fn called(
    context: &mut Context<'_>,
    call: &Function,
    function: &super::super::ScalarFunction,
) -> Outcome<Value> {
    let refused = || Untranslated::new(format!("the arguments of {}", call.name));
    let FunctionArguments::List(given) = &call.args else {
        return Err(refused());
    };
    if call.over.is_some() {
        return Err(refused());
    }
    let list = arguments::given(context, &call.name, &given.args, &function.parameters)?;
    context.recursive |= function.own;
    context.at_least(function.volatility);
    let sql = format!("{}({list})", function.sql);
    let mut value = Value::atom(sql, function.returns.clone());
    value.collation = match &function.collation {
        Some(collation) => Some(Collation::parse(collation)),
        None => context.default_collation.clone(),
    };
    Ok(value)
}
