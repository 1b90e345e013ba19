//! SQL Server's type facts: names, ids, sizes and precedence, as `sys.types` documents them.

use crate::types::SqlType;

/// The type's name without its length, as error messages and `sys.types` print it.
pub(crate) fn name(ty: &SqlType) -> &'static str {
    match ty {
        SqlType::Bit => "bit",
        SqlType::TinyInt => "tinyint",
        SqlType::SmallInt => "smallint",
        SqlType::Int => "int",
        SqlType::BigInt => "bigint",
        SqlType::Decimal { .. } => "decimal",
        SqlType::SmallMoney => "smallmoney",
        SqlType::Money => "money",
        SqlType::Real => "real",
        SqlType::Float => "float",
        SqlType::Date => "date",
        SqlType::Time { .. } => "time",
        SqlType::SmallDateTime => "smalldatetime",
        SqlType::DateTime => "datetime",
        SqlType::DateTime2 { .. } => "datetime2",
        SqlType::DateTimeOffset { .. } => "datetimeoffset",
        SqlType::Char { .. } => "char",
        SqlType::VarChar { .. } => "varchar",
        SqlType::Text => "text",
        SqlType::NChar { .. } => "nchar",
        SqlType::NVarChar { .. } => "nvarchar",
        SqlType::NText => "ntext",
        SqlType::Binary { .. } => "binary",
        SqlType::VarBinary { .. } => "varbinary",
        SqlType::Image => "image",
        SqlType::RowVersion => "timestamp",
        SqlType::UniqueIdentifier => "uniqueidentifier",
        SqlType::Xml => "xml",
        SqlType::SqlVariant => "sql_variant",
        SqlType::HierarchyId => "hierarchyid",
        SqlType::Geography => "geography",
        SqlType::Geometry => "geometry",
        SqlType::Json => "json",
        SqlType::Vector { .. } => "vector",
    }
}

/// `sys.types.system_type_id`.
pub(crate) fn system_type_id(ty: &SqlType) -> u8 {
    match ty {
        SqlType::Image => 34,
        SqlType::Text => 35,
        SqlType::UniqueIdentifier => 36,
        SqlType::Date => 40,
        SqlType::Time { .. } => 41,
        SqlType::DateTime2 { .. } => 42,
        SqlType::DateTimeOffset { .. } => 43,
        SqlType::TinyInt => 48,
        SqlType::SmallInt => 52,
        SqlType::Int => 56,
        SqlType::SmallDateTime => 58,
        SqlType::Real => 59,
        SqlType::Money => 60,
        SqlType::DateTime => 61,
        SqlType::Float => 62,
        SqlType::SqlVariant => 98,
        SqlType::NText => 99,
        SqlType::Bit => 104,
        SqlType::Decimal { .. } => 106,
        SqlType::SmallMoney => 122,
        SqlType::BigInt => 127,
        SqlType::VarBinary { .. } => 165,
        SqlType::VarChar { .. } => 167,
        SqlType::Binary { .. } => 173,
        SqlType::Char { .. } => 175,
        SqlType::RowVersion => 189,
        SqlType::NVarChar { .. } => 231,
        SqlType::NChar { .. } => 239,
        SqlType::Xml => 241,
        SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry => 240,
        SqlType::Json => 244,
        SqlType::Vector { .. } => 165,
    }
}

/// `sys.types.user_type_id` of a system type: CLR types share a system type, and a vector is
/// stored as `varbinary`.
pub(crate) fn user_type_id(ty: &SqlType) -> i32 {
    match ty {
        SqlType::HierarchyId => 128,
        SqlType::Geometry => 129,
        SqlType::Geography => 130,
        SqlType::Vector { .. } => 255,
        other => i32::from(system_type_id(other)),
    }
}

/// The CLR types that come with the server.
pub(crate) fn is_clr(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry
    )
}

/// The types that have a place on the earth or on a plane.
pub(crate) fn is_spatial(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Geography | SqlType::Geometry)
}

/// One of each system type, with the widest size, for `sys.types`.
pub(crate) fn all() -> Vec<SqlType> {
    vec![
        SqlType::Image,
        SqlType::Text,
        SqlType::UniqueIdentifier,
        SqlType::Date,
        SqlType::Time { scale: 7 },
        SqlType::DateTime2 { scale: 7 },
        SqlType::DateTimeOffset { scale: 7 },
        SqlType::TinyInt,
        SqlType::SmallInt,
        SqlType::Int,
        SqlType::SmallDateTime,
        SqlType::Real,
        SqlType::Money,
        SqlType::DateTime,
        SqlType::Float,
        SqlType::SqlVariant,
        SqlType::NText,
        SqlType::Bit,
        SqlType::Decimal {
            precision: 38,
            scale: 38,
        },
        SqlType::SmallMoney,
        SqlType::BigInt,
        SqlType::VarBinary { length: Some(8000) },
        SqlType::VarChar { length: Some(8000) },
        SqlType::Binary { length: 8000 },
        SqlType::Char { length: 8000 },
        SqlType::RowVersion,
        SqlType::NVarChar { length: Some(4000) },
        SqlType::NChar { length: 4000 },
        SqlType::Xml,
        SqlType::HierarchyId,
        SqlType::Geography,
        SqlType::Geometry,
        SqlType::Json,
        SqlType::Vector { dimensions: 1998 },
    ]
}

/// `sys.columns.max_length`: bytes, -1 for `max` and `xml`, 16 for a pointer type.
pub(crate) fn max_length(ty: &SqlType) -> i16 {
    match ty {
        SqlType::Bit | SqlType::TinyInt => 1,
        SqlType::SmallInt => 2,
        SqlType::Int | SqlType::Real | SqlType::SmallMoney | SqlType::SmallDateTime => 4,
        SqlType::BigInt | SqlType::Money | SqlType::Float | SqlType::DateTime => 8,
        SqlType::RowVersion => 8,
        SqlType::Decimal { precision, .. } => match precision {
            0..=9 => 5,
            10..=19 => 9,
            20..=28 => 13,
            _ => 17,
        },
        SqlType::Date => 3,
        SqlType::Time { scale } => 3 + fraction_bytes(*scale),
        SqlType::DateTime2 { scale } => 6 + fraction_bytes(*scale),
        SqlType::DateTimeOffset { scale } => 8 + fraction_bytes(*scale),
        SqlType::Char { length } | SqlType::Binary { length } => *length as i16,
        SqlType::VarChar { length } | SqlType::VarBinary { length } => {
            length.map_or(-1, |n| n as i16)
        }
        SqlType::NChar { length } => (*length * 2) as i16,
        SqlType::NVarChar { length } => length.map_or(-1, |n| (n * 2) as i16),
        SqlType::Text | SqlType::NText | SqlType::Image | SqlType::UniqueIdentifier => 16,
        SqlType::Xml | SqlType::Geography | SqlType::Geometry | SqlType::Json => -1,
        SqlType::HierarchyId => 892,
        SqlType::Vector { dimensions } => 8 + 4 * *dimensions as i16,
        SqlType::SqlVariant => 8016,
    }
}

/// The bytes that a scale adds to the 3-byte `time(0)`.
fn fraction_bytes(scale: u8) -> i16 {
    match scale {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    }
}

/// `sys.columns.precision`, 0 for types that are not numeric or temporal.
pub(crate) fn precision(ty: &SqlType) -> u8 {
    let fraction = |base: u8, scale: u8| if scale == 0 { base } else { base + 1 + scale };
    match ty {
        SqlType::Bit => 1,
        SqlType::TinyInt => 3,
        SqlType::SmallInt => 5,
        SqlType::Int | SqlType::SmallMoney | SqlType::Date => 10,
        SqlType::BigInt | SqlType::Money => 19,
        SqlType::Decimal { precision, .. } => *precision,
        SqlType::Real => 24,
        SqlType::Float => 53,
        SqlType::Time { scale } => fraction(8, *scale),
        SqlType::SmallDateTime => 16,
        SqlType::DateTime => 23,
        SqlType::DateTime2 { scale } => fraction(19, *scale),
        SqlType::DateTimeOffset { scale } => fraction(26, *scale),
        _ => 0,
    }
}

/// `sys.columns.scale`.
pub(crate) fn scale(ty: &SqlType) -> u8 {
    match ty {
        SqlType::Decimal { scale, .. }
        | SqlType::Time { scale }
        | SqlType::DateTime2 { scale }
        | SqlType::DateTimeOffset { scale } => *scale,
        SqlType::Money | SqlType::SmallMoney => 4,
        SqlType::DateTime => 3,
        _ => 0,
    }
}

/// Data type precedence, a larger number wins ("Data type precedence (Transact-SQL)").
pub(crate) fn precedence(ty: &SqlType) -> u8 {
    match ty {
        SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry => 42,
        SqlType::Json | SqlType::Vector { .. } => 41,
        SqlType::SqlVariant => 40,
        SqlType::Xml => 39,
        SqlType::DateTimeOffset { .. } => 38,
        SqlType::DateTime2 { .. } => 37,
        SqlType::DateTime => 36,
        SqlType::SmallDateTime => 35,
        SqlType::Date => 34,
        SqlType::Time { .. } => 33,
        SqlType::Float => 32,
        SqlType::Real => 31,
        SqlType::Decimal { .. } => 30,
        SqlType::Money => 29,
        SqlType::SmallMoney => 28,
        SqlType::BigInt => 27,
        SqlType::Int => 26,
        SqlType::SmallInt => 25,
        SqlType::TinyInt => 24,
        SqlType::Bit => 23,
        SqlType::NText => 22,
        SqlType::Text => 21,
        SqlType::Image => 20,
        SqlType::RowVersion => 19,
        SqlType::UniqueIdentifier => 18,
        SqlType::NVarChar { .. } => 17,
        SqlType::NChar { .. } => 16,
        SqlType::VarChar { .. } => 15,
        SqlType::Char { .. } => 14,
        SqlType::VarBinary { .. } => 13,
        SqlType::Binary { .. } => 12,
    }
}

pub(crate) fn is_text(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Xml) || has_collation(ty)
}

/// Whether a column of the type has a collation.
pub(crate) fn has_collation(ty: &SqlType) -> bool {
    is_unicode(ty)
        || matches!(
            ty,
            SqlType::Char { .. } | SqlType::VarChar { .. } | SqlType::Text
        )
}

pub(crate) fn is_unicode(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText
    )
}

pub(crate) fn is_integer(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt
    )
}

pub(crate) fn is_money(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Money | SqlType::SmallMoney)
}

pub(crate) fn is_number(ty: &SqlType) -> bool {
    is_integer(ty)
        || is_money(ty)
        || matches!(
            ty,
            SqlType::Bit | SqlType::Decimal { .. } | SqlType::Real | SqlType::Float
        )
}

pub(crate) fn is_binary(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::Binary { .. } | SqlType::VarBinary { .. } | SqlType::Image | SqlType::RowVersion
    )
}

pub(crate) fn is_temporal(ty: &SqlType) -> bool {
    (33..=38).contains(&precedence(ty))
}

/// The length of a character or binary type in its own unit; `None` is `max`.
pub(crate) fn length(ty: &SqlType) -> Option<u16> {
    match ty {
        SqlType::Char { length } | SqlType::NChar { length } | SqlType::Binary { length } => {
            Some(*length)
        }
        SqlType::VarChar { length }
        | SqlType::NVarChar { length }
        | SqlType::VarBinary { length } => *length,
        SqlType::RowVersion => Some(8),
        _ => None,
    }
}
