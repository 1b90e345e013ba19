//! GENERATE_SERIES: whole numbers from one to another, as a table.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr};

use crate::engine::datatype::is_integer;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::Ty;
use crate::engine::eval::plan::{Plan, Series};
use crate::engine::query::bind::{Binder, Output};
use crate::types::Value;

/// Binds the arguments, which are constants here; the column is `value`, of their type.
pub(crate) fn bind(binder: &mut Binder<'_>, args: &[FunctionArg]) -> Result<(Plan, Vec<Output>)> {
    if !(2..=3).contains(&args.len()) {
        return Err(error(
            189,
            15,
            "The generate_series function requires 2 to 3 arguments.",
        ));
    }
    let bound = args
        .iter()
        .map(|arg| binder.constant(expression(arg)?))
        .collect::<Result<Vec<_>>>()?;
    let ty = bound[0].1.ty.clone();
    if !is_integer(&ty) || bound.iter().any(|(_, t)| t.ty != ty) {
        return Err(unsupported(
            "GENERATE_SERIES of other than whole numbers of one type",
        ));
    }
    let columns = vec![Output {
        name: "value".to_owned(),
        t: Ty {
            ty,
            nullable: false,
            collation: None,
            rank: 1,
        },
        identity: false,
        computed: false,
        hidden: false,
        mask: None,
        denied: None,
        internal: false,
    }];
    let numbers: Option<Vec<i64>> = bound.iter().map(|(v, _)| as_int(v)).collect();
    let Some(numbers) = numbers else {
        // A NULL among the arguments gives no rows.
        return Ok((Plan::Values(Vec::new()), columns));
    };
    let (first, last) = (numbers[0], numbers[1]);
    let step = match numbers.get(2) {
        Some(0) => {
            return Err(error(
                4199,
                16,
                "Argument value 0 is invalid for argument 3 of generate_series function.",
            ));
        }
        Some(step) => *step,
        None if first <= last => 1,
        None => -1,
    };
    Ok((Plan::Series(Series { first, last, step }), columns))
}

fn expression(arg: &FunctionArg) -> Result<&Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
        other => Err(unsupported(format!("the argument '{other}'"))),
    }
}

fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(int) => Some(*int),
        _ => None,
    }
}
