//! Built-in functions, by name. What is not here is refused, a user's own functions with it.
//!
//! `dispatch` asks one file after the other; each knows its own names and answers `None` to others.
//! What is translated is listed in docs/expressions.md, which a test compares with `names`.

mod choice;
mod date;
mod date_make;
mod date_sum;
mod float;
mod format;
mod hash;
mod json;
mod message;
mod number;
mod server;
mod test;
mod text;
mod text_make;
mod text_piece;
mod text_search;

use sqlparser::ast::{
    CeilFloorKind, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, TrimWhereField,
};

use super::context::Context;
use super::expression;
use super::parse::NEXT_VALUE;
use super::value::Value;
use super::{Outcome, Untranslated};

/// A call with its arguments still as tree: some are no expressions, such as `day`.
pub(super) struct Call<'a> {
    /// In capitals.
    pub(super) name: &'a str,
    pub(super) arguments: &'a [&'a Expr],
}

impl Call<'_> {
    /// All arguments as values.
    pub(super) fn all(&self, context: &mut Context<'_>) -> Outcome<Vec<Value>> {
        let mut values = Vec::with_capacity(self.arguments.len());
        for argument in self.arguments {
            values.push(expression::value(context, argument)?);
        }
        Ok(values)
    }

    /// All arguments as values, as many as there must be.
    pub(super) fn values<const N: usize>(&self, context: &mut Context<'_>) -> Outcome<[Value; N]> {
        self.all(context)?
            .try_into()
            .map_err(|_| self.refused("these arguments"))
    }

    /// `what` completes "NAME with ...".
    pub(super) fn refused(&self, what: &str) -> Untranslated {
        Untranslated::new(format!("{} with {what}", self.name))
    }

    /// `of` a type that the function is not translated for.
    pub(super) fn unlike(&self, value: &Value) -> Untranslated {
        Untranslated::new(format!("{} of {}", self.name, value.shown()))
    }
}

/// Names that are translated, for the documentation's test.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    [
        choice::NAMES,
        date::NAMES,
        date_make::NAMES,
        date_sum::NAMES,
        hash::NAMES,
        json::NAMES,
        message::NAMES,
        float::NAMES,
        format::NAMES,
        number::NAMES,
        server::NAMES,
        test::NAMES,
        text::NAMES,
        text_make::NAMES,
        text_piece::NAMES,
        text_search::NAMES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// `f(...)`.
pub(super) fn call(context: &mut Context<'_>, call: &Function) -> Outcome<Value> {
    let [part] = call.name.0.as_slice() else {
        return Err(Untranslated::new(format!(
            "a call of the user-defined function {}",
            call.name
        )));
    };
    let Some(ident) = part.as_ident() else {
        return Err(Untranslated::new("a call that was not understood"));
    };
    if ident.value == NEXT_VALUE {
        return server::next_value(context, call);
    }
    let name = ident.value.to_ascii_uppercase();
    // `{fn YEAR(x)}` is `YEAR(x)`.
    if call.over.is_some()
        || call.filter.is_some()
        || call.null_treatment.is_some()
        || !call.within_group.is_empty()
        || !matches!(call.parameters, FunctionArguments::None)
    {
        return Err(Untranslated::new(format!(
            "{name} as a window or ODBC call"
        )));
    }
    let arguments = arguments(call)?;
    dispatch(
        context,
        &Call {
            name: &name,
            arguments: &arguments,
        },
    )
}

fn dispatch(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    choice::call(context, call)
        .or_else(|| text::call(context, call))
        .or_else(|| text_piece::call(context, call))
        .or_else(|| text_search::call(context, call))
        .or_else(|| text_make::call(context, call))
        .or_else(|| number::call(context, call))
        .or_else(|| float::call(context, call))
        .or_else(|| format::call(context, call))
        .or_else(|| date::call(context, call))
        .or_else(|| date_sum::call(context, call))
        .or_else(|| date_make::call(context, call))
        .or_else(|| json::call(context, call))
        .or_else(|| hash::call(context, call))
        .or_else(|| message::call(context, call))
        .or_else(|| server::call(context, call))
        .or_else(|| test::call(context, call))
        .unwrap_or_else(|| Err(Untranslated::new(format!("the function {}", call.name))))
}

/// # Errors
/// DISTINCT, ORDER BY or named arguments, which a plain call does not have.
fn arguments(call: &Function) -> Outcome<Vec<&Expr>> {
    let list = match &call.args {
        FunctionArguments::None => return Ok(Vec::new()),
        FunctionArguments::List(list)
            if list.duplicate_treatment.is_none() && list.clauses.is_empty() =>
        {
            &list.args
        }
        _ => return Err(Untranslated::new(format!("the arguments of {}", call.name))),
    };
    list.iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
            _ => Err(Untranslated::new(format!("the arguments of {}", call.name))),
        })
        .collect()
}

/// Functions that the parser has a node of their own for.
pub(super) fn keyword(context: &mut Context<'_>, expr: &Expr) -> Outcome<Value> {
    let plain = |kind: &CeilFloorKind| {
        matches!(
            kind,
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)
        )
    };
    match expr {
        Expr::Substring {
            expr,
            substring_from: Some(from),
            substring_for: Some(length),
            special: true,
            shorthand: false,
        } => dispatch(
            context,
            &Call {
                name: "SUBSTRING",
                arguments: &[expr, from, length],
            },
        ),
        Expr::Trim {
            trim_where: None | Some(TrimWhereField::Both),
            trim_what: None,
            expr,
            trim_characters: None,
        } => dispatch(
            context,
            &Call {
                name: "TRIM",
                arguments: &[expr],
            },
        ),
        Expr::Floor { expr, field } if plain(field) => dispatch(
            context,
            &Call {
                name: "FLOOR",
                arguments: &[expr],
            },
        ),
        _ => Err(Untranslated::new(
            "a function in a form that is not T-SQL's",
        )),
    }
}

/// `CURRENT_USER` and the like, which have no brackets; `None` for a name.
pub(super) fn without_brackets(context: &mut Context<'_>, ident: &Ident) -> Option<Outcome<Value>> {
    if ident.quote_style.is_some() {
        return None;
    }
    let name = ident.value.to_ascii_uppercase();
    if name == "@@DATEFIRST" {
        return Some(server::date_first(context));
    }
    if name.starts_with('@') {
        return Some(Err(Untranslated::new(format!("the variable {name}"))));
    }
    server::RESERVED.contains(&name.as_str()).then(|| {
        dispatch(
            context,
            &Call {
                name: &name,
                arguments: &[],
            },
        )
    })
}
