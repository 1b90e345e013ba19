//! Which pairs of types the tool can write, whatever the rows hold.

use crate::schema::SqlType;
use crate::typemap::pg::PgType;

/// Whether values of `source` can be written as `target`, every one of them.
///
/// ```
/// use tsql::schema::SqlType;
/// use tsql::typemap::{PgType, can_encode};
///
/// assert!(can_encode(&SqlType::Int, &PgType::BigInt));
/// assert!(!can_encode(&SqlType::BigInt, &PgType::Integer));
/// ```
pub fn can_encode(source: &SqlType, target: &PgType) -> bool {
    match source {
        SqlType::Char { length } | SqlType::NChar { length } => holds(target, Some(*length)),
        SqlType::VarChar { length } | SqlType::NVarChar { length } => holds(target, *length),
        SqlType::Text | SqlType::NText => holds(target, None),
        SqlType::Xml => matches!(target, PgType::Xml | PgType::Text),
        SqlType::Binary { .. }
        | SqlType::VarBinary { .. }
        | SqlType::Image
        | SqlType::RowVersion
        | SqlType::Clr { .. } => matches!(target, PgType::Bytea | PgType::Text),
        SqlType::Real => matches!(
            target,
            PgType::Real | PgType::DoublePrecision | PgType::Text
        ),
        SqlType::Float => matches!(target, PgType::DoublePrecision | PgType::Text),
        SqlType::SqlVariant => matches!(target, PgType::Text | PgType::Json | PgType::Jsonb),
        SqlType::HierarchyId => matches!(target, PgType::Text | PgType::Bytea),
        SqlType::Geography => matches!(target, PgType::Geography | PgType::Bytea),
        SqlType::Geometry => matches!(target, PgType::Geometry | PgType::Bytea),
        SqlType::Json => matches!(target, PgType::Jsonb | PgType::Json | PgType::Text),
        SqlType::Vector { dimensions } => match target {
            PgType::Vector(room) => room == dimensions,
            _ => matches!(target, PgType::RealArray | PgType::Text),
        },
        SqlType::Other { .. } => false,
        _ => match target {
            PgType::Char(_) | PgType::VarChar(_) | PgType::Text => {
                shown_length(source).is_some_and(|length| holds(target, Some(length)))
            }
            _ => takes(source, target),
        },
    }
}

/// Whether a text of at most `length` characters fits; `None` is without limit.
fn holds(target: &PgType, length: Option<u16>) -> bool {
    match (target, length) {
        (PgType::Text, _) => true,
        (PgType::Char(room) | PgType::VarChar(room), Some(length)) => *room >= u32::from(length),
        _ => false,
    }
}

/// Whether a target that is no text takes every value.
fn takes(source: &SqlType, target: &PgType) -> bool {
    let (whole, fraction) = match *source {
        SqlType::Bit => {
            return matches!(
                target,
                PgType::Boolean | PgType::SmallInt | PgType::Integer | PgType::BigInt
            );
        }
        SqlType::UniqueIdentifier => return *target == PgType::Uuid,
        SqlType::Date => return matches!(target, PgType::Date | PgType::Timestamp(_)),
        SqlType::Time { .. } => return matches!(target, PgType::Time(_)),
        SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. } => {
            return matches!(target, PgType::Timestamp(_));
        }
        SqlType::DateTimeOffset { .. } => return matches!(target, PgType::TimestampTz(_)),
        // Digits before and after the point.
        SqlType::TinyInt => (3, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::Int => (10, 0),
        SqlType::BigInt => (19, 0),
        SqlType::Decimal { precision, scale } => (precision - scale.min(precision), scale),
        SqlType::SmallMoney => (6, 4),
        SqlType::Money => (15, 4),
        _ => return false,
    };
    let is_decimal = matches!(source, SqlType::Decimal { .. });
    // An integer type fills its own digits only in part, a decimal(p,0) all of them.
    let (small, medium, large) = if is_decimal { (4, 9, 18) } else { (5, 10, 19) };
    match target {
        PgType::Numeric(None) => true,
        PgType::Numeric(Some((precision, scale))) => {
            *scale >= fraction && precision.saturating_sub(*scale) >= whole
        }
        PgType::SmallInt => fraction == 0 && whole <= small,
        PgType::Integer => fraction == 0 && whole <= medium,
        PgType::BigInt => fraction == 0 && whole <= large,
        _ => false,
    }
}

/// Characters of the longest value as text.
fn shown_length(source: &SqlType) -> Option<u16> {
    let fraction = |scale: u8| match scale {
        0 => 0,
        scale => u16::from(scale) + 1,
    };
    Some(match *source {
        SqlType::Bit => 1,
        SqlType::TinyInt => 3,
        SqlType::SmallInt => 6,
        SqlType::Int => 11,
        SqlType::BigInt => 20,
        // A sign, a digit before the point, the point.
        SqlType::Decimal { precision, .. } => u16::from(precision) + 3,
        SqlType::SmallMoney => 12,
        SqlType::Money => 21,
        SqlType::Date => 10,
        SqlType::Time { scale } => 8 + fraction(scale),
        SqlType::SmallDateTime => 19,
        SqlType::DateTime => 23,
        SqlType::DateTime2 { scale } => 19 + fraction(scale),
        SqlType::DateTimeOffset { scale } => 26 + fraction(scale),
        SqlType::UniqueIdentifier => 36,
        _ => return None,
    })
}
