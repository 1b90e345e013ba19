//! Values of `sql_variant`: each brings its type along.
//!
//! MS-TDS 2.2.5.5.4: the base type's token, a count of property bytes, the properties, the data.

use crate::tds::code_page::CodePage;
use crate::tds::collation::code_page;
use crate::tds::type_info::{Collation, Length, TypeInfo, Width};
use crate::transcode::code_page_text;
use crate::transcode::column_policy::TextPolicy;
use crate::transcode::fault::Fault;
use crate::transcode::float;
use crate::transcode::hex;
use crate::transcode::json;
use crate::transcode::number::{self, array};
use crate::transcode::output::Output;
use crate::transcode::render::{self, Line};
use crate::transcode::time::{self, Source};
use crate::transcode::utf16::Utf16;

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As CONVERT to nvarchar prints it; binary in hexadecimal digits.
    Text,
    /// `{"type": ..., "value": ...}`, written as `jsonb` prints it; with its version byte.
    Jsonb,
    /// The same without the version byte.
    Json,
}

/// A value with its base type.
struct Variant<'a> {
    /// As `SQL_VARIANT_PROPERTY(..., 'BaseType')` gives it.
    name: &'static str,
    ty: TypeInfo,
    data: &'a [u8],
}

/// Appends a field with the value of `bytes`.
pub(super) fn put_variant(
    shape: Shape,
    bytes: &[u8],
    out: &mut Output,
    policy: &mut TextPolicy,
) -> Result<(), Fault> {
    let variant = Variant::parse(bytes).ok_or(Fault::Malformed)?;
    let start = out.open_field();
    match shape {
        Shape::Text => variant.put_text(out, policy)?,
        Shape::Json => variant.put_json(out, policy)?,
        Shape::Jsonb => {
            out.put([json::JSONB_VERSION]);
            variant.put_json(out, policy)?;
        }
    }
    if out.is_over() {
        return Err(Fault::TooLong);
    }
    out.close_field(start);
    Ok(())
}

impl<'a> Variant<'a> {
    /// `None` for a base type that a variant cannot have.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (token, rest) = bytes.split_first()?;
        let (count, rest) = rest.split_first()?;
        let (properties, data) = rest.split_at_checked(usize::from(*count))?;
        let (name, ty) = base(*token, properties)?;
        Some(Self { name, ty, data })
    }

    /// `money` with two digits and floats with six: CONVERT's style 0.
    fn put_text(&self, out: &mut Output, policy: &mut TextPolicy) -> Result<(), Fault> {
        let data = self.data;
        let line = match &self.ty {
            TypeInfo::Money(..) => {
                let value = number::money(data)?;
                let cents = (u128::from(value.unsigned_abs()) + 50) / 100;
                render::decimal(value < 0 && cents != 0, cents, 2)
            }
            TypeInfo::Float(..) => float::short(number::double(data)?),
            TypeInfo::DateTime(4, _) => {
                render::named_moment(time::read(Source::SmallDateTime, data)?, 0)?
            }
            TypeInfo::DateTime(..) => render::named_moment(time::read(Source::DateTime, data)?, 3)?,
            _ => match self.exact()? {
                Some(line) => line,
                None => return self.put_characters(out, policy),
            },
        };
        out.put_slice(line.as_bytes());
        Ok(())
    }

    /// Numbers and bits as JSON's own, everything else as a string.
    fn put_json(&self, out: &mut Output, policy: &mut TextPolicy) -> Result<(), Fault> {
        out.put_slice(b"{\"type\": \"");
        out.put_slice(self.name.as_bytes());
        out.put_slice(b"\", \"value\": ");
        match &self.ty {
            TypeInfo::Bit(_) => {
                let set = array::<1>(self.data)? != [0];
                out.put_slice(if set { b"true" } else { b"false" });
            }
            TypeInfo::Float(..) => put_number(self.data, out)?,
            TypeInfo::Int(..) | TypeInfo::Decimal { .. } | TypeInfo::Money(..) => {
                if let Some(line) = self.exact()? {
                    out.put_slice(line.as_bytes());
                }
            }
            _ => {
                let start = out.position();
                match self.exact()? {
                    Some(line) => out.put_slice(line.as_bytes()),
                    None => self.put_characters(out, policy)?,
                }
                json::quote(start, out);
            }
        }
        out.put(*b"}");
        Ok(())
    }

    /// The value with all of its digits; `None` for floats, characters and bytes.
    fn exact(&self) -> Result<Option<Line>, Fault> {
        let data = self.data;
        let moment = |source| render::moment(source, time::read(source, data)?);
        Ok(Some(match self.ty {
            TypeInfo::Bit(_) => render::int(i64::from(array::<1>(data)? != [0])),
            TypeInfo::Int(..) => render::int(number::int(data)?),
            TypeInfo::Decimal { scale, .. } => {
                let (negative, magnitude) = number::decimal(data)?;
                render::decimal(negative, magnitude, scale)
            }
            TypeInfo::Money(..) => {
                let value = number::money(data)?;
                render::decimal(value < 0, u128::from(value.unsigned_abs()), 4)
            }
            TypeInfo::DateTime(4, _) => moment(Source::SmallDateTime)?,
            TypeInfo::DateTime(..) => moment(Source::DateTime)?,
            TypeInfo::Date => moment(Source::Date)?,
            TypeInfo::Time { scale } => moment(Source::Time { scale })?,
            TypeInfo::DateTime2 { scale } => moment(Source::DateTime2 { scale })?,
            TypeInfo::DateTimeOffset { scale } => moment(Source::DateTimeOffset { scale })?,
            TypeInfo::Guid => render::guid(render::uuid(data)?),
            _ => return Ok(None),
        }))
    }

    /// Text from its own encoding, bytes as hexadecimal digits.
    fn put_characters(&self, out: &mut Output, policy: &mut TextPolicy) -> Result<(), Fault> {
        match &self.ty {
            TypeInfo::NChar { .. } => {
                let mut text = Utf16::default();
                text.feed(self.data, out, policy)?;
                text.finish(out, policy)
            }
            TypeInfo::Char { collation, .. } => {
                let page = CodePage::new(code_page(*collation)).ok_or(Fault::Malformed)?;
                code_page_text::whole(&page, self.data, out, policy)
            }
            _ => {
                let start = out.position();
                out.put_slice(self.data);
                hex::make_digits(start, out);
                Ok(())
            }
        }
    }
}

/// The fewest digits that read back to the same bits, without an exponent, as `jsonb` prints them.
fn put_number(data: &[u8], out: &mut Output) -> Result<(), Fault> {
    let value = number::double(data)?;
    let digits = match data.len() {
        _ if !value.is_finite() => return Err(Fault::Malformed),
        // JSON has no negative zero.
        _ if value == 0.0 => "0".to_owned(),
        4 => f32::from_le_bytes(array(data)?).to_string(),
        _ => value.to_string(),
    };
    out.put_slice(digits.as_bytes());
    Ok(())
}

/// The base type of a token and its properties.
fn base(token: u8, properties: &[u8]) -> Option<(&'static str, TypeInfo)> {
    const FIXED: Width = Width::Fixed;
    let scale = match properties {
        [scale @ 0..=7] => Some(*scale),
        _ => None,
    };
    Some(match (token, properties.len()) {
        (0x30, 0) => ("tinyint", TypeInfo::Int(1, FIXED)),
        (0x34, 0) => ("smallint", TypeInfo::Int(2, FIXED)),
        (0x38, 0) => ("int", TypeInfo::Int(4, FIXED)),
        (0x7F, 0) => ("bigint", TypeInfo::Int(8, FIXED)),
        (0x32, 0) => ("bit", TypeInfo::Bit(FIXED)),
        (0x3B, 0) => ("real", TypeInfo::Float(4, FIXED)),
        (0x3E, 0) => ("float", TypeInfo::Float(8, FIXED)),
        (0x7A, 0) => ("smallmoney", TypeInfo::Money(4, FIXED)),
        (0x3C, 0) => ("money", TypeInfo::Money(8, FIXED)),
        (0x3A, 0) => ("smalldatetime", TypeInfo::DateTime(4, FIXED)),
        (0x3D, 0) => ("datetime", TypeInfo::DateTime(8, FIXED)),
        (0x24, 0) => ("uniqueidentifier", TypeInfo::Guid),
        (0x28, 0) => ("date", TypeInfo::Date),
        (0x29, 1) => ("time", TypeInfo::Time { scale: scale? }),
        (0x2A, 1) => ("datetime2", TypeInfo::DateTime2 { scale: scale? }),
        (0x2B, 1) => ("datetimeoffset", TypeInfo::DateTimeOffset { scale: scale? }),
        (0x6A, 2) => ("decimal", decimal(properties)?),
        (0x6C, 2) => ("numeric", decimal(properties)?),
        (0xA5, 2) => ("varbinary", binary(properties)?),
        (0xAD, 2) => ("binary", binary(properties)?),
        (0xA7, 7) => ("varchar", characters(properties, false)?),
        (0xAF, 7) => ("char", characters(properties, false)?),
        (0xE7, 7) => ("nvarchar", characters(properties, true)?),
        (0xEF, 7) => ("nchar", characters(properties, true)?),
        _ => return None,
    })
}

fn decimal(properties: &[u8]) -> Option<TypeInfo> {
    let [precision, scale] = *properties.first_chunk()?;
    (scale <= precision && precision <= 38).then_some(TypeInfo::Decimal { precision, scale })
}

fn binary(properties: &[u8]) -> Option<TypeInfo> {
    let length = Length::Limited(u16::from_le_bytes(*properties.first_chunk()?));
    Some(TypeInfo::Binary { length })
}

/// Five bytes of collation, two of length.
fn characters(properties: &[u8], national: bool) -> Option<TypeInfo> {
    let (info, rest) = properties.split_first_chunk::<4>()?;
    let [sort_id, low, high] = *rest.first_chunk()?;
    let collation = Collation {
        info: u32::from_le_bytes(*info),
        sort_id,
    };
    let length = Length::Limited(u16::from_le_bytes([low, high]));
    Some(if national {
        TypeInfo::NChar { length, collation }
    } else {
        TypeInfo::Char { length, collation }
    })
}

#[cfg(test)]
#[path = "variant_tests.rs"]
mod tests;
