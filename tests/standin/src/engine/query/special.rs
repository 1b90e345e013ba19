//! Functions whose arguments are not plain values, or whose type depends on them all.

use sqlparser::ast::Expr;

use crate::engine::error::{Result, argument_count, unsupported};
use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::eval::types::{choose, comparison};
use crate::engine::function;
use crate::engine::function::argument::as_int;
use crate::engine::query::bind::Binder;
use crate::engine::query::source::wildcard;
use crate::engine::value::compare::Comparison;
use crate::types::{SqlType, Value};

/// Binds such a function; `None` if `name` is not one of them.
///
/// # Errors
/// As binding its arguments.
pub(crate) fn special(
    binder: &mut Binder<'_>,
    name: &str,
    args: &[Option<&Expr>],
) -> Result<Option<Bound>> {
    if name.eq_ignore_ascii_case("CHECKSUM") || name.eq_ignore_ascii_case("BINARY_CHECKSUM") {
        return checksum(binder, name, args).map(Some);
    }
    let exprs: Option<Vec<&Expr>> = args.iter().copied().collect();
    let Some(exprs) = exprs else { return Ok(None) };
    match (name, exprs.as_slice()) {
        ("IIF", [condition, yes, no]) => {
            let when = (binder.condition(condition)?, binder.value(yes)?);
            let otherwise = binder.value(no)?;
            choose(vec![when], Some(otherwise)).map(Some)
        }
        // The n-th of the values, NULL for a number that has none.
        ("CHOOSE", [index, _, ..]) => {
            // An index that is no integer is cut to one.
            let index = as_int(&binder.value(index)?);
            let mut whens = Vec::new();
            for (nth, value) in (1..).zip(&exprs[1..]) {
                let nth = Bound::constant(Value::Int(nth), SqlType::Int);
                let condition = comparison(Comparison::Eq, index.clone(), nth)?;
                whens.push((condition, binder.value(value)?));
            }
            choose(whens, None).map(Some)
        }
        (
            "DATEADD" | "DATEDIFF" | "DATEDIFF_BIG" | "DATEPART" | "DATENAME" | "DATETRUNC"
            | "EOMONTH",
            _,
        ) => dated(binder, name, &exprs).map(Some),
        _ => Ok(None),
    }
}

/// DATEADD, DATEDIFF, DATEPART and DATENAME, whose first argument is a word, and EOMONTH.
fn dated(binder: &mut Binder<'_>, name: &str, args: &[&Expr]) -> Result<Bound> {
    if name == "EOMONTH" {
        if !(1..=2).contains(&args.len()) {
            return Err(argument_count("EOMONTH", 1));
        }
        return Ok(function::end_of_month(&values(binder, args)?));
    }
    let word = match args.first() {
        Some(Expr::Identifier(i)) => i.value.clone(),
        _ => return Err(unsupported(format!("this form of {name}"))),
    };
    let part = function::part_of(&word)?;
    let rest = values(binder, &args[1..])?;
    function::with_part(name, part, &rest)
}

fn values(binder: &mut Binder<'_>, args: &[&Expr]) -> Result<Vec<Bound>> {
    args.iter().map(|arg| binder.value(arg)).collect()
}

/// CHECKSUM over expressions or `*`.
fn checksum(binder: &mut Binder<'_>, name: &str, args: &[Option<&Expr>]) -> Result<Bound> {
    let mut bound = Vec::new();
    for arg in args {
        match arg {
            Some(e) => bound.push(binder.value(e)?),
            None => {
                for (at, output) in wildcard(binder.scope(), None) {
                    bound.push(Bound {
                        kind: Kind::Column { depth: 0, at },
                        t: output.t,
                    });
                }
            }
        }
    }
    if bound.is_empty() {
        return Err(argument_count(name, 1));
    }
    Ok(function::checksum_of(bound))
}
