//! Which pairs of types the tool can write, whatever the rows hold.
//!
//! A pair is allowed if every value that the source type can have fits: a job's `types:` cannot
//! fail in the middle of a table. docs/types.md lists the pairs, and a test compares the list with
//! this file.

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
/// Digits of a time that are rounded do not count; the plan has a note on them.
///
/// ```
/// use tsql::schema::SqlType;
/// use tsql::typemap::{PgType, can_encode};
///
/// let price = SqlType::Decimal { precision: 10, scale: 2 };
/// assert!(can_encode(&price, &PgType::Numeric(Some((12, 2)))));
/// // No room for eight digits before the point.
/// assert!(!can_encode(&price, &PgType::Numeric(Some((10, 3)))));
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
        SqlType::Bit
        | SqlType::TinyInt
        | SqlType::SmallInt
        | SqlType::Int
        | SqlType::BigInt
        | SqlType::Decimal { .. }
        | SqlType::SmallMoney
        | SqlType::Money
        | SqlType::Date
        | SqlType::Time { .. }
        | SqlType::SmallDateTime
        | SqlType::DateTime
        | SqlType::DateTime2 { .. }
        | SqlType::DateTimeOffset { .. }
        | SqlType::UniqueIdentifier => match target {
            PgType::Char(_) | PgType::VarChar(_) | PgType::Text => source
                .shown_length()
                .is_some_and(|length| holds(target, Some(length))),
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

/// Whether a target type other than text takes every value of a type of fixed width.
fn takes(source: &SqlType, target: &PgType) -> bool {
    if source.exact_digits().is_some() {
        return takes_digits(source, target);
    }
    match target {
        PgType::Boolean | PgType::SmallInt | PgType::Integer | PgType::BigInt => {
            *source == SqlType::Bit
        }
        PgType::Uuid => *source == SqlType::UniqueIdentifier,
        PgType::Date => *source == SqlType::Date,
        PgType::Time(_) => matches!(source, SqlType::Time { .. }),
        PgType::TimestampTz(_) => matches!(source, SqlType::DateTimeOffset { .. }),
        PgType::Timestamp(_) => matches!(
            source,
            SqlType::Date | SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. }
        ),
        _ => false,
    }
}

/// The same of an exact number.
fn takes_digits(source: &SqlType, target: &PgType) -> bool {
    let Some((whole, fraction)) = source.exact_digits() else {
        return false;
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
