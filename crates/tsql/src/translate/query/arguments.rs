//! Names and arguments of calls.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::super::context::Context;
use super::super::value::Value;
use super::super::{Outcome, convert, types};
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

/// A value as the argument of a function of the target, in exactly its parameter's type.
pub(super) fn passed(context: &mut Context<'_>, value: Value, ty: &SqlType) -> Outcome<String> {
    let natural = types::natural(ty).unwrap_or(PgType::Text);
    Ok(convert::converted(context, value, ty)?.cast(&natural.to_string()))
}
