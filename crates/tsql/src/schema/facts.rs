//! Facts about the types of SQL Server, each said of every type: a new type does not compile until it has chosen.
//!
//! They are about SQL Server alone; what a type becomes is in `typemap`. No match has a wildcard
//! but those whose name says that they single types out.

use std::fmt;

use crate::schema::SqlType;

impl fmt::Display for SqlType {
    /// As T-SQL declares it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Decimal { precision, scale } => write!(f, "{name}({precision},{scale})"),
            Self::Time { scale } | Self::DateTime2 { scale } | Self::DateTimeOffset { scale } => {
                write!(f, "{name}({scale})")
            }
            Self::Char { length } | Self::NChar { length } | Self::Binary { length } => {
                write!(f, "{name}({length})")
            }
            Self::VarChar { length } | Self::NVarChar { length } | Self::VarBinary { length } => {
                match length {
                    Some(length) => write!(f, "{name}({length})"),
                    None => write!(f, "{name}(max)"),
                }
            }
            Self::Vector { dimensions } => write!(f, "{name}({dimensions})"),
            _ => f.write_str(name),
        }
    }
}

/// Lists of types are easier to compare in lines than one below the other.
#[rustfmt::skip]
impl SqlType {
    /// One type of each kind, `max` types after the limited ones, from `self` on: `None` after the last. A test
    /// that begins with [`SqlType::Bit`] sees all of them.
    pub fn following(&self) -> Option<Self> {
        Some(match self {
            Self::Bit => Self::TinyInt,
            Self::TinyInt => Self::SmallInt,
            Self::SmallInt => Self::Int,
            Self::Int => Self::BigInt,
            Self::BigInt => Self::Decimal { precision: 10, scale: 2 },
            Self::Decimal { .. } => Self::SmallMoney,
            Self::SmallMoney => Self::Money,
            Self::Money => Self::Real,
            Self::Real => Self::Float,
            Self::Float => Self::Date,
            Self::Date => Self::Time { scale: 7 },
            Self::Time { .. } => Self::SmallDateTime,
            Self::SmallDateTime => Self::DateTime,
            Self::DateTime => Self::DateTime2 { scale: 7 },
            Self::DateTime2 { .. } => Self::DateTimeOffset { scale: 7 },
            Self::DateTimeOffset { .. } => Self::Char { length: 5 },
            Self::Char { .. } => Self::VarChar { length: Some(5) },
            Self::VarChar { length: Some(_) } => Self::VarChar { length: None },
            Self::VarChar { length: None } => Self::Text,
            Self::Text => Self::NChar { length: 5 },
            Self::NChar { .. } => Self::NVarChar { length: Some(5) },
            Self::NVarChar { length: Some(_) } => Self::NVarChar { length: None },
            Self::NVarChar { length: None } => Self::NText,
            Self::NText => Self::Binary { length: 5 },
            Self::Binary { .. } => Self::VarBinary { length: Some(5) },
            Self::VarBinary { length: Some(_) } => Self::VarBinary { length: None },
            Self::VarBinary { length: None } => Self::Image,
            Self::Image => Self::RowVersion,
            Self::RowVersion => Self::UniqueIdentifier,
            Self::UniqueIdentifier => Self::Xml,
            Self::Xml => Self::SqlVariant,
            Self::SqlVariant => Self::HierarchyId,
            Self::HierarchyId => Self::Geography,
            Self::Geography => Self::Geometry,
            Self::Geometry => Self::Json,
            Self::Json => Self::Vector { dimensions: 3 },
            Self::Vector { .. } => Self::Clr { name: "clr".to_owned() },
            Self::Clr { .. } => Self::Other { name: "other".to_owned() },
            Self::Other { .. } => return None,
        })
    }

    /// Whether ORDER BY takes it (T-SQL reference, "SELECT - ORDER BY clause").
    /// A type without an order cannot be in a key, in DISTINCT or in GROUP BY either.
    pub fn is_ordered(&self) -> bool {
        match self {
            Self::Bit | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt | Self::Decimal { .. }
            | Self::SmallMoney | Self::Money | Self::Real | Self::Float | Self::Date | Self::Time { .. }
            | Self::SmallDateTime | Self::DateTime | Self::DateTime2 { .. } | Self::DateTimeOffset { .. }
            | Self::Char { .. } | Self::VarChar { .. } | Self::NChar { .. } | Self::NVarChar { .. }
            | Self::Binary { .. } | Self::VarBinary { .. } | Self::RowVersion | Self::UniqueIdentifier
            | Self::SqlVariant | Self::HierarchyId => true,
            Self::Text | Self::NText | Self::Image | Self::Xml | Self::Geography | Self::Geometry | Self::Json
            | Self::Vector { .. } | Self::Clr { .. } | Self::Other { .. } => false,
        }
    }

    /// Whether it can be the key that a table is read by: its values come back to the server as literals, see
    /// [`crate::key::KeyValue`].
    pub fn is_key(&self) -> bool {
        let limited = match self {
            Self::VarChar { length } | Self::NVarChar { length } | Self::VarBinary { length } => length.is_some(),
            Self::SqlVariant => false,
            Self::Bit | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt | Self::Decimal { .. }
            | Self::SmallMoney | Self::Money | Self::Real | Self::Float | Self::Date | Self::Time { .. }
            | Self::SmallDateTime | Self::DateTime | Self::DateTime2 { .. } | Self::DateTimeOffset { .. }
            | Self::Char { .. } | Self::NChar { .. } | Self::Binary { .. } | Self::RowVersion
            | Self::UniqueIdentifier | Self::HierarchyId => true,
            Self::Text | Self::NText | Self::Image | Self::Xml | Self::Geography | Self::Geometry | Self::Json
            | Self::Vector { .. } | Self::Clr { .. } | Self::Other { .. } => false,
        };
        limited && self.is_ordered()
    }

    /// Whether two values tie only if they are identical. Text ties under its collation and with trailing
    /// blanks, an instant at two offsets, and -0.0 with 0.0.
    /// Only such columns may number rows: ROW_NUMBER may number ties differently in each statement.
    pub fn orders_exactly(&self) -> bool {
        match self {
            Self::Bit | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt | Self::Decimal { .. }
            | Self::SmallMoney | Self::Money | Self::Date | Self::Time { .. } | Self::SmallDateTime
            | Self::DateTime | Self::DateTime2 { .. } | Self::UniqueIdentifier | Self::RowVersion => true,
            Self::Real | Self::Float | Self::DateTimeOffset { .. } | Self::Char { .. } | Self::VarChar { .. }
            | Self::Text | Self::NChar { .. } | Self::NVarChar { .. } | Self::NText | Self::Binary { .. }
            | Self::VarBinary { .. } | Self::Image | Self::Xml | Self::SqlVariant | Self::HierarchyId
            | Self::Geography | Self::Geometry | Self::Json | Self::Vector { .. } | Self::Clr { .. }
            | Self::Other { .. } => false,
        }
    }

    /// Whether it is a binary float, whose literal in decimal digits may be another value.
    pub fn is_float(&self) -> bool {
        matches!(self, Self::Real | Self::Float)
    }

    /// Whether values may hold characters; those of `sql_variant` and of unknown types may.
    pub fn holds_text(&self) -> bool {
        match self {
            Self::Char { .. } | Self::VarChar { .. } | Self::Text | Self::NChar { .. } | Self::NVarChar { .. }
            | Self::NText | Self::Xml | Self::SqlVariant | Self::Json | Self::Other { .. } => true,
            Self::Bit | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt | Self::Decimal { .. }
            | Self::SmallMoney | Self::Money | Self::Real | Self::Float | Self::Date | Self::Time { .. }
            | Self::SmallDateTime | Self::DateTime | Self::DateTime2 { .. } | Self::DateTimeOffset { .. }
            | Self::Binary { .. } | Self::VarBinary { .. } | Self::Image | Self::RowVersion
            | Self::UniqueIdentifier | Self::HierarchyId | Self::Geography | Self::Geometry
            | Self::Vector { .. } | Self::Clr { .. } => false,
        }
    }

    /// Whether its characters are bytes of the code page of its collation.
    pub fn has_code_page(&self) -> bool {
        match self {
            Self::Char { .. } | Self::VarChar { .. } | Self::Text => true,
            Self::Bit | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt | Self::Decimal { .. }
            | Self::SmallMoney | Self::Money | Self::Real | Self::Float | Self::Date | Self::Time { .. }
            | Self::SmallDateTime | Self::DateTime | Self::DateTime2 { .. } | Self::DateTimeOffset { .. }
            | Self::NChar { .. } | Self::NVarChar { .. } | Self::NText | Self::Binary { .. }
            | Self::VarBinary { .. } | Self::Image | Self::RowVersion | Self::UniqueIdentifier | Self::Xml
            | Self::SqlVariant | Self::HierarchyId | Self::Geography | Self::Geometry | Self::Json
            | Self::Vector { .. } | Self::Clr { .. } | Self::Other { .. } => false,
        }
    }

    /// Fractional digits of the seconds of a time.
    /// `None` for types without a time.
    pub fn fraction_digits(&self) -> Option<u8> {
        match self {
            Self::Time { scale } | Self::DateTime2 { scale } | Self::DateTimeOffset { scale } => Some(*scale),
            Self::DateTime => Some(3),
            Self::SmallDateTime => Some(0),
            Self::Bit | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt | Self::Decimal { .. }
            | Self::SmallMoney | Self::Money | Self::Real | Self::Float | Self::Date | Self::Char { .. }
            | Self::VarChar { .. } | Self::Text | Self::NChar { .. } | Self::NVarChar { .. } | Self::NText
            | Self::Binary { .. } | Self::VarBinary { .. } | Self::Image | Self::RowVersion
            | Self::UniqueIdentifier | Self::Xml | Self::SqlVariant | Self::HierarchyId | Self::Geography
            | Self::Geometry | Self::Json | Self::Vector { .. } | Self::Clr { .. } | Self::Other { .. } => None,
        }
    }

    /// Decimal digits before and after the point of an exact number.
    /// `None` for types that are not exact numbers.
    ///
    /// ```
    /// use tsql::schema::SqlType;
    ///
    /// assert_eq!(SqlType::Decimal { precision: 10, scale: 2 }.exact_digits(), Some((8, 2)));
    /// assert_eq!(SqlType::Money.exact_digits(), Some((15, 4)));
    /// assert_eq!(SqlType::Float.exact_digits(), None);
    /// ```
    pub fn exact_digits(&self) -> Option<(u8, u8)> {
        match *self {
            Self::TinyInt => Some((3, 0)),
            Self::SmallInt => Some((5, 0)),
            Self::Int => Some((10, 0)),
            Self::BigInt => Some((19, 0)),
            Self::Decimal { precision, scale } => Some((precision - scale.min(precision), scale)),
            Self::SmallMoney => Some((6, 4)),
            Self::Money => Some((15, 4)),
            Self::Bit | Self::Real | Self::Float | Self::Date | Self::Time { .. } | Self::SmallDateTime
            | Self::DateTime | Self::DateTime2 { .. } | Self::DateTimeOffset { .. } | Self::Char { .. }
            | Self::VarChar { .. } | Self::Text | Self::NChar { .. } | Self::NVarChar { .. } | Self::NText
            | Self::Binary { .. } | Self::VarBinary { .. } | Self::Image | Self::RowVersion
            | Self::UniqueIdentifier | Self::Xml | Self::SqlVariant | Self::HierarchyId | Self::Geography
            | Self::Geometry | Self::Json | Self::Vector { .. } | Self::Clr { .. } | Self::Other { .. } => None,
        }
    }

    /// Characters of the longest value, shown as text, of a type other than text that has such a bound.
    /// It decides whether `char(n)` or `varchar(n)` on the target takes every value.
    pub fn shown_length(&self) -> Option<u16> {
        let fraction = |scale: u8| if scale == 0 { 0 } else { u16::from(scale) + 1 };
        match *self {
            Self::Bit => Some(1),
            Self::TinyInt => Some(3),
            Self::SmallInt => Some(6),
            Self::Int => Some(11),
            Self::BigInt => Some(20),
            // A sign, a digit before the point, the point.
            Self::Decimal { precision, .. } => Some(u16::from(precision) + 3),
            Self::SmallMoney => Some(12),
            Self::Money => Some(21),
            Self::Date => Some(10),
            Self::Time { scale } => Some(8 + fraction(scale)),
            Self::SmallDateTime => Some(19),
            Self::DateTime => Some(23),
            Self::DateTime2 { scale } => Some(19 + fraction(scale)),
            Self::DateTimeOffset { scale } => Some(26 + fraction(scale)),
            Self::UniqueIdentifier => Some(36),
            Self::Real | Self::Float | Self::Char { .. } | Self::VarChar { .. } | Self::Text
            | Self::NChar { .. } | Self::NVarChar { .. } | Self::NText | Self::Binary { .. }
            | Self::VarBinary { .. } | Self::Image | Self::RowVersion | Self::Xml | Self::SqlVariant
            | Self::HierarchyId | Self::Geography | Self::Geometry | Self::Json | Self::Vector { .. }
            | Self::Clr { .. } | Self::Other { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_comes_once() {
        let types: Vec<SqlType> =
            std::iter::successors(Some(SqlType::Bit), SqlType::following).collect();
        assert_eq!(types.len(), 39);
        let names: std::collections::BTreeSet<String> =
            types.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), types.len());
    }

    /// What is a key is ordered, and what orders exactly is a key.
    #[test]
    fn facts_agree_with_each_other() {
        for ty in std::iter::successors(Some(SqlType::Bit), SqlType::following) {
            assert!(!ty.is_key() || ty.is_ordered(), "{ty}");
            assert!(!ty.orders_exactly() || ty.is_key(), "{ty}");
            assert!(!ty.has_code_page() || ty.holds_text(), "{ty}");
            assert!(
                ty.exact_digits().is_none() || ty.shown_length().is_some(),
                "{ty}"
            );
        }
    }
}
