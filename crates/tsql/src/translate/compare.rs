//! Comparisons: which two texts, numbers and moments are equal on both sides.
//!
//! A collation decides whether two texts are equal, so texts are never compared as they are: both
//! sides become keys (`collation_key`), or are folded here if one side is a literal for which that
//! is certain.

use sqlparser::ast::BinaryOperator;

use super::collation::Collation;
use super::collation_key;
use super::common;
use super::context::Context;
use super::convert;
use super::types::Family;
use super::value::{Value, quote};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

// What GROUP BY, DISTINCT and the like compare, and what ORDER BY does.

/// Two operands and the sign between them.
pub(super) struct Comparison {
    pub(super) left: String,
    pub(super) sign: &'static str,
    pub(super) right: String,
}

impl Comparison {
    pub(super) fn sql(&self) -> String {
        format!("{} {} {}", self.left, self.sign, self.right)
    }
}

/// The sign of a comparison, `None` for other operators.
pub(super) fn sign(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        _ => return None,
    })
}

/// `a sign b`.
///
/// # Errors
/// A comparison with NULL, of types that are not compared, or of text whose equality is not
/// certain.
pub(super) fn compare(
    context: &mut Context<'_>,
    a: Value,
    sign: &'static str,
    b: Value,
) -> Outcome<Comparison> {
    if a.is_null() || b.is_null() {
        return Err(Untranslated::new(
            "a comparison with NULL, which ANSI_NULLS decides",
        ));
    }
    let equality = matches!(sign, "=" | "<>");
    match (a.family(), b.family()) {
        (Family::Text, Family::Text) => text(context, &a, sign, &b),
        (Family::Binary, Family::Binary) => binaries(&a, sign, &b),
        (Family::Binary | Family::Other, _) | (_, Family::Binary | Family::Other) => {
            Err(unlike(&a, &b))
        }
        (Family::Uuid, _) | (_, Family::Uuid) if !equality => uuids(context, &a, sign, &b),
        // Numbers, dates and identifiers have the higher precedence: the text is read as one.
        (Family::Text, _) if a.as_text().is_none() => {
            let a = convert::converted(context, a, &read_as(&b))?;
            converted(context, &a, sign, &b)
        }
        (_, Family::Text) if b.as_text().is_none() => {
            let b = convert::converted(context, b, &read_as(&a))?;
            converted(context, &a, sign, &b)
        }
        _ => converted(context, &a, sign, &b),
    }
}

/// The type that a text beside `other` is read as.
fn read_as(other: &Value) -> SqlType {
    other.ty.clone().unwrap_or(SqlType::Int)
}

fn unlike(a: &Value, b: &Value) -> Untranslated {
    Untranslated::new(format!("a comparison of {} with {}", a.shown(), b.shown()))
}

/// The order of two `uniqueidentifier`s, which begins at their end.
fn uuids(
    context: &mut Context<'_>,
    a: &Value,
    sign: &'static str,
    b: &Value,
) -> Outcome<Comparison> {
    let uuid = |value: &Value| convert::implicit(value.clone(), &SqlType::UniqueIdentifier);
    Ok(Comparison {
        left: collation_key::order(context, &uuid(a)?)?,
        sign,
        right: collation_key::order(context, &uuid(b)?)?,
    })
}

/// Zero bytes at the end never count: a literal beside a `binary(n)` is filled up with them.
fn binaries(a: &Value, sign: &'static str, b: &Value) -> Outcome<Comparison> {
    let fixed = |value: &Value, other: &Value| match (&value.ty, &other.constant) {
        (Some(ty @ SqlType::Binary { .. }), Some(_)) => {
            convert::implicit(other.clone(), ty).ok().map(|it| it.sql)
        }
        _ => None,
    };
    let (left, right) = match (fixed(b, a), fixed(a, b)) {
        (Some(left), None) => (left, b.operand()),
        (None, Some(right)) => (a.operand(), right),
        _ if a.ty == b.ty && matches!(a.ty, Some(SqlType::Binary { .. })) => {
            (a.operand(), b.operand())
        }
        _ => (collation_key::bytes(a), collation_key::bytes(b)),
    };
    Ok(Comparison { left, sign, right })
}

/// In the type with the higher precedence.
fn converted(
    context: &mut Context<'_>,
    a: &Value,
    sign: &'static str,
    b: &Value,
) -> Outcome<Comparison> {
    if let Some(bits) = bits(a, sign, b)? {
        return Ok(bits);
    }
    if a.family().is_number() && b.family().is_number() {
        return numbers(context, a, sign, b);
    }
    let ty = match (a.as_text(), b.as_text()) {
        (Some(_), None) => b.ty.clone(),
        (None, Some(_)) => a.ty.clone(),
        _ => Some(common::common(a, b)?),
    };
    let ty = ty.ok_or_else(|| unlike(a, b))?;
    let mut wide = |value: &Value| match (&value.ty, &ty) {
        // PostgreSQL widens by itself; without a cast an index can be used.
        (Some(SqlType::Date), SqlType::DateTime | SqlType::DateTime2 { .. })
            if value.constant.is_none() =>
        {
            Ok(value.clone())
        }
        _ => convert::converted(context, value.clone(), &ty),
    };
    Ok(Comparison {
        left: wide(a)?.operand(),
        sign,
        right: wide(b)?.operand(),
    })
}

/// A bit with a bit or with the constants 0 and 1.
fn bits(a: &Value, sign: &'static str, b: &Value) -> Outcome<Option<Comparison>> {
    let bit = |value: &Value| match (value.family(), value.as_int(), value.as_text()) {
        (Family::Bit, ..) => Some(Ok(value.clone())),
        (_, Some(0 | 1), _) | (_, _, Some(_)) => {
            Some(convert::implicit(value.clone(), &SqlType::Bit))
        }
        _ => None,
    };
    if a.family() != Family::Bit && b.family() != Family::Bit {
        return Ok(None);
    }
    let (Some(left), Some(right)) = (bit(a), bit(b)) else {
        return Ok(None);
    };
    Ok(Some(Comparison {
        left: left?.operand(),
        sign,
        right: right?.operand(),
    }))
}

/// Exact numbers compare by value whatever their digits; floats in the float's own type.
fn numbers(
    context: &mut Context<'_>,
    a: &Value,
    sign: &'static str,
    b: &Value,
) -> Outcome<Comparison> {
    let unbit = |value: &Value| match value.family() {
        Family::Bit => convert::implicit(value.clone(), &SqlType::Int),
        _ => Ok(value.clone()),
    };
    let (mut a, mut b) = (unbit(a)?, unbit(b)?);
    if a.family() == Family::Float || b.family() == Family::Float {
        let ty = common::common(&a, &b)?;
        a = convert::converted(context, a, &ty)?;
        b = convert::converted(context, b, &ty)?;
        return Ok(Comparison {
            left: a.operand(),
            sign,
            right: b.operand(),
        });
    }
    Ok(Comparison {
        left: a.plain(),
        sign,
        right: b.plain(),
    })
}

/// Texts: trailing blanks never count, case by collation.
fn text(
    context: &mut Context<'_>,
    a: &Value,
    sign: &'static str,
    b: &Value,
) -> Outcome<Comparison> {
    let collation = context.collation(a, b)?;
    let literals = [a, b].map(Value::as_text);
    let certain = |text: &&str| collation.doubt(text).is_none();
    let equality = matches!(sign, "=" | "<>");
    if !equality {
        return Ok(Comparison {
            left: collation_key::text_order(context, a, &collation)?,
            sign,
            right: collation_key::text_order(context, b, &collation)?,
        });
    }
    // One side that is known, and of characters that fold without an ICU collation.
    let cheap = literals.iter().flatten().any(certain);
    if !cheap {
        return Ok(Comparison {
            left: collation_key::text_key(context, a, &collation)?,
            sign,
            right: collation_key::text_key(context, b, &collation)?,
        });
    }
    // A literal without a letter or digit, such as '', needs no remark.
    let plain = literals
        .iter()
        .flatten()
        .any(|text| text.trim_end_matches(' ').is_empty());
    if !collation.binary && !plain {
        remark(context, &collation);
    }
    Ok(Comparison {
        left: known_key(a, &collation),
        sign,
        right: known_key(b, &collation),
    })
}

pub(super) fn remark(context: &mut Context<'_>, collation: &Collation) {
    context.note(format!(
        "text is compared as {} compares ASCII: width, kana and characters that the collation \
         ignores or expands are different here",
        collation.name
    ));
}

/// What is compared byte by byte: without trailing blanks, ASCII letters in one case.
fn known_key(value: &Value, collation: &Collation) -> String {
    if let Some(text) = value.as_text() {
        let text = text.trim_end_matches(' ');
        return if collation.folds() {
            quote(&text.to_ascii_lowercase())
        } else {
            quote(text)
        };
    }
    // lower(upper(x)) is lower(x).
    let inner = match (&value.folded, collation.folds()) {
        (Some(inner), true) => inner,
        _ => value,
    };
    let bare = match &inner.bare {
        Some(bare) => bare.clone(),
        None => format!("rtrim({})", inner.sql),
    };
    if collation.folds() {
        format!("lower({bare} COLLATE \"C\")")
    } else {
        format!("{bare} COLLATE \"C\"")
    }
}
