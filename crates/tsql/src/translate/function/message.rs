//! FORMATMESSAGE of a literal format.

use super::Call;
use crate::schema::SqlType;
use crate::translate::context::Context;
use crate::translate::types::{self, Family};
use crate::translate::value::{Value, quote};
use crate::translate::{Outcome, Untranslated};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &["FORMATMESSAGE"];

/// Characters of a message; a longer one ends in an ellipsis ("FORMATMESSAGE").
const LONGEST: usize = 2_047;
/// What stands for NULL.
const NULL: &str = "(null)";

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    (call.name == "FORMATMESSAGE").then(|| message(context, call))
}

/// `%s` of texts, `%d` and `%i` of integers.
fn message(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let mut values = call.all(context)?.into_iter();
    let format = values.next();
    let format = format.as_ref().and_then(Value::as_text);
    let format = format
        .ok_or_else(|| call.refused("a format that varies"))?
        .to_owned();
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut longest = format.chars().count();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        let placed = match letter {
            '%' => letters.next(),
            letter => {
                plain.push(letter);
                continue;
            }
        };
        match placed {
            Some(kind @ ('s' | 'd' | 'i')) => {
                let value = values
                    .next()
                    .ok_or_else(|| call.refused("too few arguments"))?;
                let (sql, length) = argument(call, value, kind)?;
                longest += length;
                if !plain.is_empty() {
                    parts.push(quote(&std::mem::take(&mut plain)));
                }
                parts.push(sql);
            }
            _ => return Err(call.refused("a format other than %s, %d and %i")),
        }
    }
    if !plain.is_empty() || parts.is_empty() {
        parts.push(quote(&plain));
    }
    if values.next().is_some() {
        return Err(call.refused("more arguments than its format has"));
    }
    if longest > LONGEST {
        return Err(call.refused("a message that may have more than 2,047 characters"));
    }
    let mut made = Value::operation(
        parts.join(" || "),
        SqlType::NVarChar {
            length: Some(2_048),
        },
    );
    made.collation.clone_from(&context.default_collation);
    Ok(made)
}

/// An argument as text, and its greatest length.
fn argument(call: &Call<'_>, value: Value, kind: char) -> Outcome<(String, usize)> {
    let value = value.kept()?;
    if value.is_null() {
        return Ok((quote(NULL), NULL.len()));
    }
    let fixed = matches!(value.ty, Some(SqlType::Char { .. } | SqlType::NChar { .. }));
    let length = value.ty.as_ref().and_then(types::length);
    let shown = match (value.family(), kind) {
        (Family::Text, 's') if !fixed => Value::atom(value.operand(), SqlType::Text),
        (Family::Int, 'd' | 'i') if value.ty != Some(SqlType::BigInt) => {
            Value::atom(value.cast("text"), SqlType::Text)
        }
        _ => return Err(call.unlike(&value)),
    };
    let length = match (value.family(), length) {
        (Family::Int, _) => 11,
        (_, Some(length)) => usize::from(length),
        (_, None) => {
            return Err(Untranslated::new(
                "FORMATMESSAGE of a text without a length",
            ));
        }
    };
    Ok((
        format!("coalesce({}, '{NULL}')", shown.sql),
        length.max(NULL.len()),
    ))
}
