//! RAISERROR and THROW.

use sqlparser::ast::Expr;

use crate::engine::error::{Result, error, syntax};
use crate::engine::model::facts::Facts;
use crate::engine::query::bind::Binder;
use crate::engine::value::convert::print;
use crate::engine::value::text;
use crate::types::{SqlError, Value};

fn shown(value: &Value, ty: &crate::types::SqlType) -> Result<String> {
    Ok(text::to_string(&print(value, ty, None)?))
}

/// `RAISERROR(message, severity, state, arguments...)`.
pub(crate) fn raise(facts: &Facts, args: &[Expr]) -> Result<SqlError> {
    let mut binder = Binder::new(facts);
    let mut values = args
        .iter()
        .map(|a| binder.constant(a))
        .collect::<Result<Vec<_>>>()?
        .into_iter();
    let (message, ty) = values.next().ok_or_else(|| syntax("RAISERROR"))?;
    let mut number = |default: i64| match values.next() {
        Some((Value::Int(i), _)) => i,
        _ => default,
    };
    let (class, state) = (number(16), number(1));
    let (id, format) = match message {
        Value::Int(id) => (
            id as i32,
            format!("Error {id}, severity {class}, state {state} was raised."),
        ),
        other => (50_000, shown(&other, &ty.ty)?),
    };
    let mut arguments = Vec::new();
    for (value, t) in values {
        arguments.push(if matches!(value, Value::Null) {
            "(null)".to_owned()
        } else {
            shown(&value, &t.ty)?
        });
    }
    Ok(SqlError {
        number: if class <= 10 && id == 50_000 {
            50_000
        } else {
            id
        },
        class: class.clamp(0, 25) as u8,
        state: state.clamp(0, 255) as u8,
        message: formatted(&format, &arguments),
        line: 0,
    })
}

/// Puts arguments in for `%s`, `%d` and their kin; widths and flags are passed over.
fn formatted(format: &str, arguments: &[String]) -> String {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        while chars
            .peek()
            .is_some_and(|c| c.is_ascii_digit() || "+-#.*lIh ".contains(*c))
        {
            chars.next();
        }
        match chars.next() {
            Some('%') | None => out.push('%'),
            Some(_) => out.push_str(arguments.next().map_or("(null)", String::as_str)),
        }
    }
    out
}

pub(crate) fn throw(facts: &Facts, args: &[Expr]) -> Result<SqlError> {
    if args.is_empty() {
        return facts.caught.clone().ok_or_else(|| {
            error(10704, 15, "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW statement inside a CATCH block, or add error parameters to the THROW statement.")
        });
    }
    let mut binder = Binder::new(facts);
    let values = args
        .iter()
        .map(|a| binder.constant(a))
        .collect::<Result<Vec<_>>>()?;
    let [
        (Value::Int(number), _),
        (message, ty),
        (Value::Int(state), _),
    ] = values.as_slice()
    else {
        return Err(syntax("THROW"));
    };
    let message = shown(message, &ty.ty)?;
    Ok(SqlError {
        number: *number as i32,
        class: 16,
        state: (*state).clamp(0, 255) as u8,
        message,
        line: 0,
    })
}
