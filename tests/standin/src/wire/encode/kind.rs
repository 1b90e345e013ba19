//! How the cells of a column are written.

use crate::types::{Collation, Column, SqlType};
use crate::wire::code_page::CodePage;

/// ROW token.
pub(crate) const ROW: u8 = 0xD1;

/// ROW with a bitmap of NULLs in front.
pub(crate) const NBCROW: u8 = 0xD2;

/// How one column's cells are written, decided once per result set.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) kind: Kind,
    /// Integers, floats, money, datetime and bit: NOT NULL columns travel without a length byte.
    pub(crate) nullable: bool,
}

/// The wire forms; the numbers are bytes.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Bit,
    Int {
        width: u8,
    },
    Decimal {
        width: u8,
        scale: u8,
    },
    SmallMoney,
    Money,
    Real,
    Float,
    Date,
    Time {
        scale: u8,
    },
    SmallDateTime,
    DateTime,
    DateTime2 {
        scale: u8,
    },
    DateTimeOffset {
        scale: u8,
    },
    /// `pad`: `char`, filled with blanks to `max`.
    Ansi {
        page: Option<CodePage>,
        max: u16,
        pad: bool,
    },
    AnsiMax {
        page: Option<CodePage>,
    },
    Text {
        page: Option<CodePage>,
    },
    Wide {
        max: u16,
        pad: bool,
    },
    WideMax,
    NText,
    Binary {
        max: u16,
        pad: bool,
    },
    BinaryMax,
    Image,
    Guid,
    Xml,
    Variant,
}

impl Cell {
    pub(crate) fn new(column: &Column) -> Self {
        let page = || code_page(column.collation.as_deref());
        let kind = match column.ty {
            SqlType::Bit => Kind::Bit,
            SqlType::TinyInt => Kind::Int { width: 1 },
            SqlType::SmallInt => Kind::Int { width: 2 },
            SqlType::Int => Kind::Int { width: 4 },
            SqlType::BigInt => Kind::Int { width: 8 },
            SqlType::Decimal { precision, scale } => Kind::Decimal {
                width: decimal_width(precision),
                scale,
            },
            SqlType::SmallMoney => Kind::SmallMoney,
            SqlType::Money => Kind::Money,
            SqlType::Real => Kind::Real,
            SqlType::Float => Kind::Float,
            SqlType::Date => Kind::Date,
            SqlType::Time { scale } => Kind::Time { scale },
            SqlType::SmallDateTime => Kind::SmallDateTime,
            SqlType::DateTime => Kind::DateTime,
            SqlType::DateTime2 { scale } => Kind::DateTime2 { scale },
            SqlType::DateTimeOffset { scale } => Kind::DateTimeOffset { scale },
            SqlType::Char { length } => Kind::Ansi {
                page: page(),
                max: length,
                pad: true,
            },
            SqlType::VarChar { length: Some(max) } => Kind::Ansi {
                page: page(),
                max,
                pad: false,
            },
            SqlType::VarChar { length: None } => Kind::AnsiMax { page: page() },
            SqlType::Text => Kind::Text { page: page() },
            SqlType::NChar { length } => Kind::Wide {
                max: length * 2,
                pad: true,
            },
            SqlType::NVarChar {
                length: Some(length),
            } => Kind::Wide {
                max: length * 2,
                pad: false,
            },
            SqlType::NVarChar { length: None } => Kind::WideMax,
            SqlType::NText => Kind::NText,
            SqlType::Binary { length } => Kind::Binary {
                max: length,
                pad: true,
            },
            SqlType::RowVersion => Kind::Binary { max: 8, pad: true },
            SqlType::VarBinary { length: Some(max) } => Kind::Binary { max, pad: false },
            SqlType::VarBinary { length: None } => Kind::BinaryMax,
            SqlType::Image => Kind::Image,
            SqlType::UniqueIdentifier => Kind::Guid,
            SqlType::Xml => Kind::Xml,
            SqlType::SqlVariant => Kind::Variant,
            SqlType::HierarchyId | SqlType::Geography | SqlType::Geometry => Kind::BinaryMax,
            // To a client that did not ask for JSONSUPPORT or VECTORSUPPORT.
            SqlType::Json | SqlType::Vector { .. } => Kind::WideMax,
        };
        Self {
            kind,
            nullable: column.nullable,
        }
    }
}

/// Without a collation: that of [`DEFAULT_COLLATION`](crate::wire::encode::DEFAULT_COLLATION), code page 1252.
pub(crate) fn code_page(collation: Option<&Collation>) -> Option<CodePage> {
    CodePage::new(collation.map_or(1252, |collation| collation.code_page))
}

/// Bytes of a decimal's magnitude and sign (MS-TDS 2.2.5.5.1.6).
pub(crate) fn decimal_width(precision: u8) -> u8 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// Bytes of a time of day with this scale (MS-TDS 2.2.5.5.1.8).
pub(crate) fn time_width(scale: u8) -> u8 {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}
