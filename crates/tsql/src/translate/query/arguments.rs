//! Names and arguments of calls.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName};

use super::super::context::Context;
use super::super::value::Value;
use super::super::{FunctionParameter, Outcome, Untranslated, convert, expression, types};
use crate::schema::SqlType;
use crate::typemap::PgType;

/// The name of a call of one part, in capitals.
pub(super) fn name(call: &Function) -> Option<String> {
    match call.name.0.as_slice() {
        [part] => Some(part.as_ident()?.value.to_ascii_uppercase()),
        _ => None,
    }
}

/// The arguments of a call that are expressions.
pub(super) fn arguments(call: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &call.args else {
        return Vec::new();
    };
    expressions(&list.args)
}

/// The arguments that are expressions.
pub(super) fn expressions(args: &[FunctionArg]) -> Vec<&Expr> {
    let each = args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    each.collect()
}

/// The arguments of a call of a user's function, in exactly the types of its parameters. The word DEFAULT
/// is the parameter's own.
pub(super) fn given(
    context: &mut Context<'_>,
    name: &ObjectName,
    args: &[FunctionArg],
    parameters: &[FunctionParameter],
) -> Outcome<String> {
    let refused = || Untranslated::new(format!("the arguments of {name}"));
    if args.len() != parameters.len() {
        return Err(Untranslated::new(format!(
            "{name} with other arguments than it has"
        )));
    }
    let mut list = Vec::with_capacity(args.len());
    for (argument, parameter) in args.iter().zip(parameters) {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else {
            return Err(refused());
        };
        list.push(match (is_default(expr), &parameter.default) {
            (true, Some(default)) => default.clone(),
            (true, None) => return Err(Untranslated::new(format!("DEFAULT in a call of {name}"))),
            (false, _) => {
                let value = expression::value(context, expr)?.kept()?;
                passed(context, value, &parameter.ty)?
            }
        });
    }
    Ok(list.join(", "))
}

fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none()
        && ident.value.eq_ignore_ascii_case("DEFAULT"))
}

/// A value as the argument of a function of the target, in exactly its parameter's type.
pub(in super::super) fn passed(
    context: &mut Context<'_>,
    value: Value,
    ty: &SqlType,
) -> Outcome<String> {
    let natural = types::natural(ty).unwrap_or(PgType::Text);
    Ok(convert::converted(context, value, ty)?.cast(&natural.to_string()))
}
