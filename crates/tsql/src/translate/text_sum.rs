//! `+` of texts, and what it does to their lengths.

use super::context::Context;
use super::types;
use super::value::{Constant, Value};
use super::{Outcome, Untranslated};

/// NULL makes NULL on both sides. SQL Server cuts a result that is longer than a type without
/// `max` can be.
///
/// # Errors
/// The texts have different collations, or a cut would fall within a character.
pub(super) fn sum(context: &mut Context<'_>, a: &Value, b: &Value) -> Outcome<Value> {
    let national = a.is_national() || b.is_national();
    let most = if national { 4_000 } else { 8_000 };
    let length = length_of_both(a, b);
    let collation = match (&a.collation, &b.collation) {
        (None, None) => None,
        _ => Some(context.collation(a, b)?),
    };
    let sql = format!("{} || {}", a.operand(), b.operand());
    let mut value = match length {
        Some(length) if length > most => {
            if a.counts_bytes() || b.counts_bytes() {
                return Err(Untranslated::new(
                    "+ of texts that SQL Server may have to cut at 8,000 bytes",
                ));
            }
            let sql = format!("left({sql}, {most})");
            Value::atom(sql, types::text_type(national, Some(most)))
        }
        _ => Value::operation(sql, types::text_type(national, length)),
    };
    value.collation = collation;
    value.explicit = a.explicit || b.explicit;
    Ok(value)
}

/// `None` is that of a type with `max`.
fn length_of_both(a: &Value, b: &Value) -> Option<u32> {
    let length = |it: &Value| it.ty.as_ref().and_then(types::length);
    match (&a.constant, &b.constant) {
        (Some(Constant::Text(one)), Some(Constant::Text(two))) => {
            let units = one.encode_utf16().count() + two.encode_utf16().count();
            u32::try_from(units).ok()
        }
        _ => Some(u32::from(length(a)?) + u32::from(length(b)?)),
    }
}
