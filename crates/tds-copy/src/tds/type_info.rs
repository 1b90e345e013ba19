//! A column's type as the server announces it.

use std::fmt;

use crate::tds::cursor::{Cursor, Parsed, Stop};

/// What TYPE_INFO says of a column (MS-TDS 2.2.5.6). Lengths are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeInfo {
    /// The type of a bare `NULL`: no bytes at all.
    Null,
    /// `bit`: one byte.
    Bit(Width),
    /// 1, 2, 4 or 8 bytes.
    Int(u8, Width),
    /// 4 or 8 bytes.
    Float(u8, Width),
    /// 4 or 8 bytes.
    Money(u8, Width),
    /// `smalldatetime` is 4 bytes, `datetime` 8.
    DateTime(u8, Width),
    /// Three bytes of days.
    Date,
    /// A fraction of a day.
    Time {
        /// Fractional digits of the second, 0 to 7.
        scale: u8,
    },
    /// A fraction of a day and three bytes of days.
    DateTime2 {
        /// Fractional digits of the second, 0 to 7.
        scale: u8,
    },
    /// The same in UTC, and two bytes of minutes.
    DateTimeOffset {
        /// Fractional digits of the second, 0 to 7.
        scale: u8,
    },
    /// A sign and up to 16 bytes of the number without its point.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// `uniqueidentifier`: 16 bytes.
    Guid,
    /// `binary`, `varbinary` and what is sent as such.
    Binary {
        /// The longest value.
        length: Length,
    },
    /// `char` and `varchar`.
    Char {
        /// The longest value.
        length: Length,
        /// Tells the code page.
        collation: Collation,
    },
    /// `nchar` and `nvarchar`, as UTF-16.
    NChar {
        /// The longest value.
        length: Length,
        /// Does not matter for the bytes.
        collation: Collation,
    },
    /// The old large text in a code page.
    Text(Collation),
    /// The old large text in UTF-16.
    NText(Collation),
    /// The old large binary type.
    Image,
    /// UTF-16 in chunks.
    Xml,
    /// CLR types, by name.
    Udt {
        /// Name of the type.
        name: String,
    },
    /// `sql_variant`: each value with its type.
    Variant,
}

impl fmt::Display for TypeInfo {
    /// As T-SQL declares it. The wire does not tell `char` from `varchar`, nor `decimal` from `numeric`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Bit(_) => f.write_str("bit"),
            Self::Int(1, _) => f.write_str("tinyint"),
            Self::Int(2, _) => f.write_str("smallint"),
            Self::Int(4, _) => f.write_str("int"),
            Self::Int(..) => f.write_str("bigint"),
            Self::Float(4, _) => f.write_str("real"),
            Self::Float(..) => f.write_str("float"),
            Self::Money(4, _) => f.write_str("smallmoney"),
            Self::Money(..) => f.write_str("money"),
            Self::DateTime(4, _) => f.write_str("smalldatetime"),
            Self::DateTime(..) => f.write_str("datetime"),
            Self::Date => f.write_str("date"),
            Self::Time { scale } => write!(f, "time({scale})"),
            Self::DateTime2 { scale } => write!(f, "datetime2({scale})"),
            Self::DateTimeOffset { scale } => write!(f, "datetimeoffset({scale})"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Guid => f.write_str("uniqueidentifier"),
            Self::Binary { length } => length.declared("varbinary", 1, f),
            Self::Char { length, .. } => length.declared("varchar", 1, f),
            Self::NChar { length, .. } => length.declared("nvarchar", 2, f),
            Self::Text(_) => f.write_str("text"),
            Self::NText(_) => f.write_str("ntext"),
            Self::Image => f.write_str("image"),
            Self::Xml => f.write_str("xml"),
            Self::Udt { name } => f.write_str(name),
            Self::Variant => f.write_str("sql_variant"),
        }
    }
}

impl Length {
    /// `width`: bytes of a unit.
    fn declared(self, name: &str, width: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited(bytes) => write!(f, "{name}({})", bytes / width),
            Self::Max => write!(f, "{name}(max)"),
        }
    }
}

/// How a value's length is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// By the type: the value has no length and cannot be NULL.
    Fixed,
    /// By a byte before the value; 0 is NULL.
    Prefixed,
}

/// The declared length of a character or binary column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Bytes, at most 8,000.
    Limited(u16),
    /// `max`: sent in chunks (PLP).
    Max,
}

/// Five bytes of collation (MS-TDS 2.2.5.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collation {
    /// Locale, flags and version.
    pub info: u32,
    /// 0 for a Windows collation, else the number of a SQL collation.
    pub sort_id: u8,
}

impl Collation {
    /// The flag fUTF8: values are UTF-8.
    pub fn is_utf8(self) -> bool {
        self.info & 0x0400_0000 != 0
    }
}

/// How a value lies on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// So many bytes, never NULL.
    Fixed(u8),
    /// A length byte; 0 is NULL.
    Byte,
    /// A two-byte length; 65,535 is NULL.
    Short,
    /// Chunks (MS-TDS 2.2.5.2.3).
    Plp,
    /// A text pointer, a timestamp and a four-byte length (`text`, `ntext`, `image`).
    Pointer,
    /// A four-byte length; 0 is NULL (`sql_variant`).
    Long,
}

impl TypeInfo {
    /// How a value's length is told.
    pub fn wire(&self) -> Wire {
        match self {
            Self::Null => Wire::Fixed(0),
            Self::Bit(Width::Fixed) => Wire::Fixed(1),
            Self::Int(bytes, Width::Fixed)
            | Self::Float(bytes, Width::Fixed)
            | Self::Money(bytes, Width::Fixed)
            | Self::DateTime(bytes, Width::Fixed) => Wire::Fixed(*bytes),
            Self::Bit(_)
            | Self::Int(..)
            | Self::Float(..)
            | Self::Money(..)
            | Self::DateTime(..)
            | Self::Date
            | Self::Time { .. }
            | Self::DateTime2 { .. }
            | Self::DateTimeOffset { .. }
            | Self::Decimal { .. }
            | Self::Guid => Wire::Byte,
            Self::Binary { length } | Self::Char { length, .. } | Self::NChar { length, .. } => {
                match length {
                    Length::Limited(_) => Wire::Short,
                    Length::Max => Wire::Plp,
                }
            }
            Self::Text(_) | Self::NText(_) | Self::Image => Wire::Pointer,
            Self::Xml | Self::Udt { .. } => Wire::Plp,
            Self::Variant => Wire::Long,
        }
    }

    /// Bytes of the fraction of a second at a scale (MS-TDS 2.2.5.5.1.8).
    ///
    /// ```
    /// use tds_copy::tds::type_info::TypeInfo;
    ///
    /// assert_eq!([0, 3, 7].map(TypeInfo::time_bytes), [3, 4, 5]);
    /// ```
    pub fn time_bytes(scale: u8) -> usize {
        match scale {
            0..=2 => 3,
            3..=4 => 4,
            _ => 5,
        }
    }

    /// Reads TYPE_INFO.
    ///
    /// ```
    /// use tds_copy::tds::cursor::Cursor;
    /// use tds_copy::tds::type_info::TypeInfo;
    ///
    /// // INTN of four bytes.
    /// let ty = TypeInfo::parse(&mut Cursor::new(&[0x26, 4])).unwrap();
    /// assert_eq!(ty.to_string(), "int");
    /// ```
    pub fn parse(cursor: &mut Cursor<'_>) -> Parsed<Self> {
        let token = cursor.u8()?;
        Ok(match token {
            0x1F => Self::Null,
            0x30 => Self::Int(1, Width::Fixed),
            0x32 => Self::Bit(Width::Fixed),
            0x34 => Self::Int(2, Width::Fixed),
            0x38 => Self::Int(4, Width::Fixed),
            0x3A => Self::DateTime(4, Width::Fixed),
            0x3B => Self::Float(4, Width::Fixed),
            0x3C => Self::Money(8, Width::Fixed),
            0x3D => Self::DateTime(8, Width::Fixed),
            0x3E => Self::Float(8, Width::Fixed),
            0x7A => Self::Money(4, Width::Fixed),
            0x7F => Self::Int(8, Width::Fixed),
            0x24 => {
                width(cursor, token, &[16])?;
                Self::Guid
            }
            0x26 => Self::Int(width(cursor, token, &[1, 2, 4, 8])?, Width::Prefixed),
            0x68 => {
                width(cursor, token, &[1])?;
                Self::Bit(Width::Prefixed)
            }
            0x6D => Self::Float(width(cursor, token, &[4, 8])?, Width::Prefixed),
            0x6E => Self::Money(width(cursor, token, &[4, 8])?, Width::Prefixed),
            0x6F => Self::DateTime(width(cursor, token, &[4, 8])?, Width::Prefixed),
            0x28 => Self::Date,
            0x29 => Self::Time {
                scale: time_scale(cursor)?,
            },
            0x2A => Self::DateTime2 {
                scale: time_scale(cursor)?,
            },
            0x2B => Self::DateTimeOffset {
                scale: time_scale(cursor)?,
            },
            0x6A | 0x6C => decimal(cursor, token)?,
            _ => return Self::parse_long(token, cursor),
        })
    }

    fn parse_long(token: u8, cursor: &mut Cursor<'_>) -> Parsed<Self> {
        Ok(match token {
            0xA5 | 0xAD => Self::Binary {
                length: length(cursor)?,
            },
            0xA7 | 0xAF => Self::Char {
                length: length(cursor)?,
                collation: collation(cursor)?,
            },
            0xE7 | 0xEF => Self::NChar {
                length: length(cursor)?,
                collation: collation(cursor)?,
            },
            0x22 => {
                cursor.u32()?;
                Self::Image
            }
            0x23 => {
                cursor.u32()?;
                Self::Text(collation(cursor)?)
            }
            0x63 => {
                cursor.u32()?;
                Self::NText(collation(cursor)?)
            }
            0x62 => {
                cursor.u32()?;
                Self::Variant
            }
            0xF1 => xml(cursor)?,
            0xF0 => udt(cursor)?,
            other => {
                return Err(Stop::protocol(format!(
                    "the server announces the unknown type {other:#04x}"
                )));
            }
        })
    }
}

fn width(cursor: &mut Cursor<'_>, token: u8, allowed: &[u8]) -> Parsed<u8> {
    let bytes = cursor.u8()?;
    if allowed.contains(&bytes) {
        return Ok(bytes);
    }
    Err(Stop::protocol(format!(
        "the server announces type {token:#04x} of {bytes} bytes"
    )))
}

fn time_scale(cursor: &mut Cursor<'_>) -> Parsed<u8> {
    match cursor.u8()? {
        scale @ 0..=7 => Ok(scale),
        scale => Err(Stop::protocol(format!(
            "the server announces a time of {scale} fractional digits"
        ))),
    }
}

fn decimal(cursor: &mut Cursor<'_>, token: u8) -> Parsed<TypeInfo> {
    width(cursor, token, &[5, 9, 13, 17])?;
    let (precision, scale) = (cursor.u8()?, cursor.u8()?);
    if !(1..=38).contains(&precision) || scale > precision {
        return Err(Stop::protocol(format!(
            "the server announces decimal({precision},{scale})"
        )));
    }
    Ok(TypeInfo::Decimal { precision, scale })
}

fn length(cursor: &mut Cursor<'_>) -> Parsed<Length> {
    match cursor.u16()? {
        0xFFFF => Ok(Length::Max),
        bytes @ 0..=8000 => Ok(Length::Limited(bytes)),
        bytes => Err(Stop::protocol(format!(
            "the server announces a column of {bytes} bytes that is not max"
        ))),
    }
}

fn collation(cursor: &mut Cursor<'_>) -> Parsed<Collation> {
    Ok(Collation {
        info: cursor.u32()?,
        sort_id: cursor.u8()?,
    })
}

/// XML_INFO (MS-TDS 2.2.5.5.3): the schema collection's name, which no value depends on.
fn xml(cursor: &mut Cursor<'_>) -> Parsed<TypeInfo> {
    match cursor.u8()? {
        0 => {}
        1 => {
            cursor.short_string()?;
            cursor.short_string()?;
            cursor.long_string()?;
        }
        other => {
            return Err(Stop::protocol(format!(
                "the server announces xml with schema flag {other}"
            )));
        }
    }
    Ok(TypeInfo::Xml)
}

/// UDT_INFO in COLMETADATA (MS-TDS 2.2.5.5.2).
fn udt(cursor: &mut Cursor<'_>) -> Parsed<TypeInfo> {
    cursor.u16()?;
    cursor.short_string()?;
    cursor.short_string()?;
    let name = cursor.short_string()?;
    cursor.long_string()?;
    Ok(TypeInfo::Udt { name })
}
