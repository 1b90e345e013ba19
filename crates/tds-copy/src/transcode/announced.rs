//! Whether the type that the server announces is the one that was planned.
//!
//! It is the last check before rows are read: bytes of another type would be read as wrong values,
//! not as an error. A shorter length or fewer digits do not matter.

use tsql::schema::SqlType;

use crate::tds::type_info::{Length, TypeInfo};

/// Whether a planned type is what the server announces. A longer length than planned, another
/// scale or another family mean that the table was changed after it was planned.
pub(super) fn fits(planned: &SqlType, announced: &TypeInfo) -> bool {
    use TypeInfo as T;
    match planned {
        SqlType::Bit => matches!(announced, T::Bit(_)),
        SqlType::TinyInt => matches!(announced, T::Int(1, _)),
        SqlType::SmallInt => matches!(announced, T::Int(2, _)),
        SqlType::Int => matches!(announced, T::Int(4, _)),
        SqlType::BigInt => matches!(announced, T::Int(8, _)),
        SqlType::Decimal { precision, scale } => {
            matches!(announced, T::Decimal { precision: p, scale: s } if (p, s) == (precision, scale))
        }
        SqlType::SmallMoney => matches!(announced, T::Money(4, _)),
        SqlType::Money => matches!(announced, T::Money(8, _)),
        SqlType::Real => matches!(announced, T::Float(4, _)),
        SqlType::Float => matches!(announced, T::Float(8, _)),
        SqlType::Date => matches!(announced, T::Date),
        SqlType::Time { scale } => matches!(announced, T::Time { scale: s } if s >= scale),
        SqlType::SmallDateTime => matches!(announced, T::DateTime(4, _)),
        SqlType::DateTime => matches!(announced, T::DateTime(8, _)),
        SqlType::DateTime2 { scale } => {
            matches!(announced, T::DateTime2 { scale: s } if s >= scale)
        }
        SqlType::DateTimeOffset { scale } => {
            matches!(announced, T::DateTimeOffset { scale: s } if s >= scale)
        }
        SqlType::UniqueIdentifier => matches!(announced, T::Guid),
        SqlType::RowVersion => matches!(
            announced,
            T::Binary {
                length: Length::Limited(8)
            }
        ),
        SqlType::Char { length }
        | SqlType::VarChar {
            length: Some(length),
        } => match announced {
            T::Char { length: sent, .. } => within(*sent, *length),
            // A statement may cast a column of another encoding to nvarchar.
            T::NChar { length: sent, .. } => within(*sent, length.saturating_mul(2)),
            _ => false,
        },
        SqlType::NChar { length }
        | SqlType::NVarChar {
            length: Some(length),
        } => {
            matches!(announced, T::NChar { length: sent, .. } if within(*sent, length.saturating_mul(2)))
        }
        SqlType::Binary { length }
        | SqlType::VarBinary {
            length: Some(length),
        } => matches!(announced, T::Binary { length: sent } if within(*sent, *length)),
        SqlType::VarChar { length: None }
        | SqlType::Text
        | SqlType::NVarChar { length: None }
        | SqlType::NText
        | SqlType::VarBinary { length: None }
        | SqlType::Image
        | SqlType::Xml
        | SqlType::SqlVariant
        | SqlType::HierarchyId
        | SqlType::Geography
        | SqlType::Geometry
        | SqlType::Json
        | SqlType::Vector { .. }
        | SqlType::Clr { .. }
        | SqlType::Other { .. } => long_fits(planned, announced),
    }
}

/// Types without a length limit, and those that the select list converts, see `plan::query`.
fn long_fits(planned: &SqlType, announced: &TypeInfo) -> bool {
    use TypeInfo as T;
    match announced {
        T::Char { .. } | T::Text(_) => {
            matches!(planned, SqlType::VarChar { length: None } | SqlType::Text)
        }
        T::NChar { .. } => matches!(
            planned,
            SqlType::VarChar { length: None }
                | SqlType::Text
                | SqlType::NVarChar { length: None }
                | SqlType::NText
                | SqlType::Xml
                | SqlType::Json
                | SqlType::Vector { .. }
        ),
        T::NText(_) => matches!(
            planned,
            SqlType::VarChar { length: None }
                | SqlType::Text
                | SqlType::NVarChar { length: None }
                | SqlType::NText
                | SqlType::Xml
        ),
        T::Xml => *planned == SqlType::Xml,
        T::Image => matches!(
            planned,
            SqlType::VarBinary { length: None } | SqlType::Image
        ),
        T::Binary { length } => match planned {
            SqlType::HierarchyId => within(*length, LONGEST_HIERARCHYID),
            SqlType::VarBinary { length: None }
            | SqlType::Image
            | SqlType::Geography
            | SqlType::Geometry
            | SqlType::Clr { .. } => true,
            _ => false,
        },
        T::Udt { .. } => matches!(planned, SqlType::Clr { .. }),
        T::Variant => *planned == SqlType::SqlVariant,
        _ => false,
    }
}

/// Bytes (T-SQL reference, "hierarchyid").
const LONGEST_HIERARCHYID: u16 = 892;

/// Lengths are bytes.
fn within(sent: Length, planned: u16) -> bool {
    match sent {
        Length::Limited(sent) => sent <= planned,
        // Only a cast makes a limited column `max`; its values are still within the limit.
        Length::Max => true,
    }
}
