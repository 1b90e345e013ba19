//! The form of a column's values in the target, decided once while planning.
//!
//! For each pair of types that `tsql::typemap::can_encode` allows there is one form here; `value`
//! has the code of each. Deciding beforehand keeps types and settings out of the row loop.

use crate::transcode::time::{Rounding, Source};
use crate::transcode::variant;
use crate::transcode::vector;
use tsql::schema::SqlType;
use tsql::typemap::PgType;

/// How a value's bytes become a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ColumnEncoding {
    /// `bit` as `boolean`: one byte.
    Boolean,
    /// `bit` as an integer of this width in bytes.
    BitInt(u8),
    /// The same bytes in the other order: integers and floats of equal width.
    Reverse2,
    Reverse4,
    Reverse8,
    /// An integer into one of this width in bytes.
    Int(u8),
    /// Digits after the point are zeros.
    IntNumeric {
        display_scale: u8,
    },
    /// `real` into `double precision`, which holds each exactly.
    RealDouble,
    /// The digits of `decimal` with those that the target shows.
    DecimalNumeric {
        scale: u8,
        display_scale: u8,
    },
    /// A decimal without fraction into an integer of this width in bytes.
    DecimalInt(u8),
    /// Ten-thousandths as `numeric`.
    MoneyNumeric {
        display_scale: u8,
    },
    /// Days, from another first day.
    Date,
    /// Midnight of the day.
    DateTimestamp,
    Time(Source, Rounding),
    Timestamp(Source, Rounding),
    /// The first three groups turned around.
    Uuid,
    /// As they are.
    Bytes,
    /// Characters; where they come from is known when the server announces it.
    Text(PostProcess),
    /// Bytes that become something else when they are whole.
    Processed(PostProcess),
    /// `hierarchyid` as its path in text.
    Hierarchy,
    Variant(variant::Shape),
    /// A value that is shown as text, with blanks up to `pad` characters.
    Shown {
        what: Shown,
        pad: u32,
    },
}

/// What becomes of text when it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostProcess {
    Plain,
    /// Blanks up to this number of characters, as PostgreSQL stores `char(n)`.
    Pad(u32),
    /// A byte order mark and a declared encoding go: the text is UTF-8 now.
    Xml,
    /// JSON text after jsonb's version byte.
    Jsonb,
    /// JSON text as an array or a vector.
    Elements(vector::Shape),
    /// An SRID and WKB as EWKB.
    Ewkb,
    /// `0x` and hexadecimal digits.
    Digits,
}

/// What a value is that is printed as text; the forms are in `render`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Bit,
    Int,
    Decimal {
        scale: u8,
    },
    Money,
    /// Digits after the first significant one.
    Float(usize),
    Moment(Source),
    Guid,
}

impl ColumnEncoding {
    /// The form of a pair; `None` where the pair has none. The type map's `can_encode` says the
    /// same, which a test holds.
    pub(super) fn new(source: &SqlType, target: &PgType) -> Option<Self> {
        if !tsql::typemap::can_encode(source, target) {
            return None;
        }
        if let Some(form) = special(source, target) {
            return Some(form);
        }
        if let Some(finish) = finish(source, target) {
            return Some(Self::Text(finish));
        }
        if let Some(pad) = pad(target) {
            let what = shown(source)?;
            return Some(Self::Shown { what, pad });
        }
        number(source, target).or_else(|| moment(source, target))
    }
}

/// Types that PostgreSQL has no like of.
fn special(source: &SqlType, target: &PgType) -> Option<ColumnEncoding> {
    Some(match (source, target) {
        (SqlType::SqlVariant, PgType::Text) => ColumnEncoding::Variant(variant::Shape::Text),
        (SqlType::SqlVariant, PgType::Jsonb) => ColumnEncoding::Variant(variant::Shape::Jsonb),
        (SqlType::SqlVariant, _) => ColumnEncoding::Variant(variant::Shape::Json),
        (SqlType::HierarchyId, PgType::Text) => ColumnEncoding::Hierarchy,
        (SqlType::HierarchyId | SqlType::Clr { .. }, PgType::Bytea) => ColumnEncoding::Bytes,
        (SqlType::Geography | SqlType::Geometry, _) => ColumnEncoding::Processed(PostProcess::Ewkb),
        (
            SqlType::Binary { .. }
            | SqlType::VarBinary { .. }
            | SqlType::Image
            | SqlType::RowVersion
            | SqlType::Clr { .. },
            PgType::Text,
        ) => ColumnEncoding::Processed(PostProcess::Digits),
        (SqlType::Json, PgType::Jsonb) => ColumnEncoding::Text(PostProcess::Jsonb),
        (SqlType::Json | SqlType::Vector { .. }, PgType::Json | PgType::Text) => {
            ColumnEncoding::Text(PostProcess::Plain)
        }
        (SqlType::Vector { .. }, PgType::Vector(_)) => {
            ColumnEncoding::Text(PostProcess::Elements(vector::Shape::Vector))
        }
        (SqlType::Vector { .. }, _) => {
            ColumnEncoding::Text(PostProcess::Elements(vector::Shape::Array))
        }
        _ => return None,
    })
}

/// `None` for a source that is not text.
fn finish(source: &SqlType, target: &PgType) -> Option<PostProcess> {
    match source {
        SqlType::Char { .. }
        | SqlType::VarChar { .. }
        | SqlType::Text
        | SqlType::NChar { .. }
        | SqlType::NVarChar { .. }
        | SqlType::NText
        | SqlType::Xml => {}
        _ => return None,
    }
    match target {
        PgType::Char(length) => Some(PostProcess::Pad(*length)),
        PgType::Xml => Some(PostProcess::Xml),
        _ => Some(PostProcess::Plain),
    }
}

/// How far text of the target is padded; `None` where the target is no text.
fn pad(target: &PgType) -> Option<u32> {
    match target {
        PgType::Char(length) => Some(*length),
        PgType::VarChar(_) | PgType::Text => Some(0),
        _ => None,
    }
}

fn shown(source: &SqlType) -> Option<Shown> {
    Some(match source {
        SqlType::Bit => Shown::Bit,
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => Shown::Int,
        SqlType::Decimal { scale, .. } => Shown::Decimal { scale: *scale },
        SqlType::SmallMoney | SqlType::Money => Shown::Money,
        SqlType::UniqueIdentifier => Shown::Guid,
        // 9 and 17 digits.
        SqlType::Real => Shown::Float(8),
        SqlType::Float => Shown::Float(16),
        _ => Shown::Moment(time_source(source)?),
    })
}

/// How the wire has it, with the digits that it counts in.
fn time_source(source: &SqlType) -> Option<Source> {
    Some(match *source {
        SqlType::Date => Source::Date,
        SqlType::Time { scale } => Source::Time { scale },
        SqlType::SmallDateTime => Source::SmallDateTime,
        SqlType::DateTime => Source::DateTime,
        SqlType::DateTime2 { scale } => Source::DateTime2 { scale },
        SqlType::DateTimeOffset { scale } => Source::DateTimeOffset { scale },
        _ => return None,
    })
}

/// Bytes of an integer type.
fn int_width(target: &PgType) -> Option<u8> {
    match target {
        PgType::SmallInt => Some(2),
        PgType::Integer => Some(4),
        PgType::BigInt => Some(8),
        _ => None,
    }
}

/// `None` for a pair that is not one of numbers, bytes or a uniqueidentifier.
fn number(source: &SqlType, target: &PgType) -> Option<ColumnEncoding> {
    let width = int_width(target);
    let display = |own: u8| match target {
        PgType::Numeric(Some((_, scale))) => *scale,
        _ => own,
    };
    Some(match (source, width) {
        (SqlType::Bit, None) => ColumnEncoding::Boolean,
        (SqlType::Bit, Some(width)) => ColumnEncoding::BitInt(width),
        (SqlType::SmallInt, Some(2)) => ColumnEncoding::Reverse2,
        (SqlType::Int, Some(4)) => ColumnEncoding::Reverse4,
        (SqlType::BigInt, Some(8)) => ColumnEncoding::Reverse8,
        (SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt, Some(width)) => {
            ColumnEncoding::Int(width)
        }
        (SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt, None) => {
            ColumnEncoding::IntNumeric {
                display_scale: display(0),
            }
        }
        (SqlType::Decimal { .. }, Some(width)) => ColumnEncoding::DecimalInt(width),
        (SqlType::Decimal { scale, .. }, None) => ColumnEncoding::DecimalNumeric {
            scale: *scale,
            display_scale: display(*scale),
        },
        (SqlType::SmallMoney | SqlType::Money, None) => ColumnEncoding::MoneyNumeric {
            display_scale: display(4),
        },
        (SqlType::Real, None) if *target == PgType::Real => ColumnEncoding::Reverse4,
        (SqlType::Real, None) => ColumnEncoding::RealDouble,
        (SqlType::Float, None) => ColumnEncoding::Reverse8,
        (SqlType::UniqueIdentifier, None) => ColumnEncoding::Uuid,
        (
            SqlType::Binary { .. }
            | SqlType::VarBinary { .. }
            | SqlType::Image
            | SqlType::RowVersion,
            None,
        ) => ColumnEncoding::Bytes,
        _ => return None,
    })
}

/// `None` for a source that is not a date or a time.
fn moment(source: &SqlType, target: &PgType) -> Option<ColumnEncoding> {
    let source = time_source(source)?;
    let rounding = |precision: u8| Rounding::new(source.digits(), precision);
    Some(match *target {
        PgType::Date => ColumnEncoding::Date,
        PgType::Time(precision) => ColumnEncoding::Time(source, rounding(precision)),
        PgType::Timestamp(_) if source == Source::Date => ColumnEncoding::DateTimestamp,
        PgType::Timestamp(precision) | PgType::TimestampTz(precision) => {
            ColumnEncoding::Timestamp(source, rounding(precision))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsql::typemap::can_encode;

    fn sources() -> Vec<SqlType> {
        let each = std::iter::successors(Some(SqlType::Bit), SqlType::following);
        let mut sources: Vec<SqlType> = each.collect();
        for scale in 0..=7 {
            sources.push(SqlType::Time { scale });
            sources.push(SqlType::DateTime2 { scale });
            sources.push(SqlType::DateTimeOffset { scale });
        }
        for (precision, scale) in [(4, 0), (9, 0), (18, 0), (38, 0), (38, 38), (5, 2)] {
            sources.push(SqlType::Decimal { precision, scale });
        }
        sources
    }

    /// What the type map promises, the transcoder has; what it refuses, the transcoder has not.
    #[test]
    fn the_type_map_and_the_forms_agree_on_every_pair() {
        let mut targets = vec![
            PgType::Boolean,
            PgType::SmallInt,
            PgType::Integer,
            PgType::BigInt,
            PgType::Numeric(None),
            PgType::Numeric(Some((38, 10))),
            PgType::Real,
            PgType::DoublePrecision,
            PgType::Date,
            PgType::Char(50),
            PgType::VarChar(50),
            PgType::Text,
            PgType::Bytea,
            PgType::Uuid,
            PgType::Xml,
            PgType::Json,
            PgType::Jsonb,
            PgType::RealArray,
            PgType::Vector(3),
            PgType::Vector(4),
            PgType::Geography,
            PgType::Geometry,
        ];
        for digits in 0..=6 {
            targets.push(PgType::Time(digits));
            targets.push(PgType::Timestamp(digits));
            targets.push(PgType::TimestampTz(digits));
        }
        for source in sources() {
            for target in &targets {
                let promised = can_encode(&source, target);
                let made = ColumnEncoding::new(&source, target).is_some();
                assert_eq!(made, promised, "{source:?} {target}");
            }
        }
    }
}
