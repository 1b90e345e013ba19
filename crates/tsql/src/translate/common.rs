//! The type that CASE, COALESCE and comparisons convert both sides to.
//!
//! T-SQL converts every branch to the type of the highest precedence. PostgreSQL resolves types by
//! rules of its own, so all sides are cast here and nothing is left to it.

use super::context::Context;
use super::convert::{converted, fraction};
use super::types::{self, Family};
use super::value::Value;
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// The common type of two values.
///
/// # Errors
/// Both are NULLs without a type, or decimals whose digits do not fit in 38.
pub(super) fn common(a: &Value, b: &Value) -> Outcome<SqlType> {
    let (one, other) = match (&a.ty, &b.ty) {
        (None, None) => return Err(Untranslated::new("an expression of NULLs only")),
        (Some(ty), None) | (None, Some(ty)) => return Ok(ty.clone()),
        (Some(one), Some(other)) => (one, other),
    };
    let families = (types::family(one), types::family(other));
    match families {
        (Family::Text, Family::Text) if is_fixed(one) && is_fixed(other) => Ok(fixed(one, other)),
        (Family::Text, Family::Text) => {
            let national = types::is_national(one) || types::is_national(other);
            let length = match (types::length(one), types::length(other)) {
                (Some(one), Some(other)) => Some(u32::from(one.max(other))),
                _ => None,
            };
            Ok(types::text_type(national, length))
        }
        (Family::Decimal, other_family) | (other_family, Family::Decimal)
            if other_family.is_exact() =>
        {
            both_decimal(a, b)
        }
        _ if one == other => Ok(one.clone()),
        _ if types::rank(one) == types::rank(other) => {
            let longer = fraction(one) >= fraction(other);
            Ok(if longer { one } else { other }.clone())
        }
        _ if types::rank(one) > types::rank(other) => Ok(one.clone()),
        _ => Ok(other.clone()),
    }
}

fn is_fixed(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Char { .. } | SqlType::NChar { .. })
}

/// `char(n)` beside `char(n)` stays one; the longer fills up the shorter.
fn fixed(one: &SqlType, other: &SqlType) -> SqlType {
    let length = types::length(one).max(types::length(other)).unwrap_or(1);
    if types::is_national(one) || types::is_national(other) {
        SqlType::NChar { length }
    } else {
        SqlType::Char { length }
    }
}

/// Enough digits for both, before and after the point.
fn both_decimal(a: &Value, b: &Value) -> Outcome<SqlType> {
    let digits = |value: &Value| {
        let ty = value.ty.as_ref();
        ty.and_then(types::digits)
            .ok_or_else(|| Untranslated::new("decimals of unknown digits"))
    };
    let (one, other) = (digits(a)?, digits(b)?);
    let scale = one.1.max(other.1);
    let precision = scale + (one.0 - one.1).max(other.0 - other.1);
    if precision > super::decimal::MOST_DIGITS {
        return Err(Untranslated::new(
            "decimals whose common type has over 38 digits",
        ));
    }
    Ok(SqlType::Decimal { precision, scale })
}

/// Both sides in their common type.
/// Gives the values, and beside them a value without text that has their type and collation.
pub(super) fn unified(
    context: &mut Context<'_>,
    values: Vec<Value>,
) -> Outcome<(Vec<Value>, Value)> {
    let mut shape = Value::null();
    for value in &values {
        let ty = common(&shape, value).or_else(|error| match (&shape.ty, &value.ty) {
            (None, None) => Ok(SqlType::Int),
            _ => Err(error),
        });
        let both_null = shape.ty.is_none() && value.ty.is_none();
        let mut next = Value::atom("", ty?);
        if both_null {
            next = Value::null();
        }
        if value.family() == Family::Text {
            let collation = match (&shape.collation, &value.collation) {
                (None, None) => None,
                _ => Some(context.collation(&shape, value)?),
            };
            next.collation = collation;
            next.explicit = shape.explicit || value.explicit;
        } else {
            next.collation.clone_from(&shape.collation);
        }
        shape = next;
    }
    let Some(ty) = shape.ty.clone() else {
        return Err(Untranslated::new("an expression of NULLs only"));
    };
    let values = values.into_iter().map(|value| {
        let value = value.kept()?;
        if value.is_null() && value.ty.is_none() {
            return Ok(value);
        }
        converted(context, value, &ty)
    });
    Ok((values.collect::<Outcome<_>>()?, shape))
}
