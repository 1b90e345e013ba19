//! RPC parameters: type descriptions and values from the wire (MS-TDS 2.2.5.4 to 2.2.5.6).

use std::io;
use std::sync::Arc;

use crate::types::{SqlType, Value};
use crate::wire::code_page::CodePage;
use crate::wire::collation;
use crate::wire::cursor::{Cursor, units};
use crate::wire::packet::invalid;

/// Units of 100 ns in a day.
const TICKS_OF_A_DAY: u64 = 864_000_000_000;
/// Decimals have 38 digits at most.
const DECIMAL_BOUND: u128 = 10_u128.pow(38);

/// How the value that follows a type description is framed.
#[derive(Debug, Clone, Copy)]
enum Frame {
    /// So many bytes, never NULL.
    Fixed(usize),
    /// One length byte, 0 is NULL.
    Byte,
    /// Two length bytes, 0xFFFF is NULL.
    Short,
    /// Four length bytes, 0xFFFFFFFF is NULL.
    Long,
    Plp,
    /// Four length bytes, 0 is NULL, then the base type.
    Variant,
}

/// A decoded TYPE_INFO.
#[derive(Debug)]
struct TypeInfo {
    ty: SqlType,
    frame: Frame,
    page: Option<CodePage>,
}

/// Reads TYPE_INFO and the value after it.
pub(crate) fn parameter(cursor: &mut Cursor<'_>) -> io::Result<(SqlType, Value)> {
    let info = type_info(cursor)?;
    let value = match info.frame {
        Frame::Variant => variant(cursor)?,
        frame => match framed(frame, cursor)? {
            None => Value::Null,
            Some(bytes) => value(&info.ty, info.page, &bytes)?,
        },
    };
    Ok((info.ty, value))
}

fn type_info(cursor: &mut Cursor<'_>) -> io::Result<TypeInfo> {
    let token = cursor.u8()?;
    let plain = |ty, frame| {
        Ok(TypeInfo {
            ty,
            frame,
            page: None,
        })
    };
    match token {
        0x32 => plain(SqlType::Bit, Frame::Fixed(1)),
        0x30 => plain(SqlType::TinyInt, Frame::Fixed(1)),
        0x34 => plain(SqlType::SmallInt, Frame::Fixed(2)),
        0x38 => plain(SqlType::Int, Frame::Fixed(4)),
        0x7F => plain(SqlType::BigInt, Frame::Fixed(8)),
        0x3B => plain(SqlType::Real, Frame::Fixed(4)),
        0x3E => plain(SqlType::Float, Frame::Fixed(8)),
        0x7A => plain(SqlType::SmallMoney, Frame::Fixed(4)),
        0x3C => plain(SqlType::Money, Frame::Fixed(8)),
        0x3A => plain(SqlType::SmallDateTime, Frame::Fixed(4)),
        0x3D => plain(SqlType::DateTime, Frame::Fixed(8)),
        0x26 | 0x68 | 0x6D | 0x6E | 0x6F | 0x24 => {
            let width = cursor.u8()?;
            plain(byte_length_type(token, width)?, Frame::Byte)
        }
        0x6A | 0x6C => {
            cursor.u8()?;
            let (precision, scale) = (cursor.u8()?, cursor.u8()?);
            if precision == 0 || precision > 38 || scale > precision {
                return Err(invalid("decimal parameter with an impossible precision"));
            }
            plain(SqlType::Decimal { precision, scale }, Frame::Byte)
        }
        0x28 => plain(SqlType::Date, Frame::Byte),
        0x29 => plain(
            SqlType::Time {
                scale: time_scale(cursor)?,
            },
            Frame::Byte,
        ),
        0x2A => plain(
            SqlType::DateTime2 {
                scale: time_scale(cursor)?,
            },
            Frame::Byte,
        ),
        0x2B => plain(
            SqlType::DateTimeOffset {
                scale: time_scale(cursor)?,
            },
            Frame::Byte,
        ),
        0x62 => {
            cursor.u32()?;
            plain(SqlType::SqlVariant, Frame::Variant)
        }
        0xF1 => {
            xml_schema(cursor)?;
            plain(SqlType::Xml, Frame::Plp)
        }
        _ => string_type(token, cursor),
    }
}

fn byte_length_type(token: u8, width: u8) -> io::Result<SqlType> {
    Ok(match (token, width) {
        (0x26, 1) => SqlType::TinyInt,
        (0x26, 2) => SqlType::SmallInt,
        (0x26, 4) => SqlType::Int,
        (0x26, 8) => SqlType::BigInt,
        (0x68, 1) => SqlType::Bit,
        (0x6D, 4) => SqlType::Real,
        (0x6D, 8) => SqlType::Float,
        (0x6E, 4) => SqlType::SmallMoney,
        (0x6E, 8) => SqlType::Money,
        (0x6F, 4) => SqlType::SmallDateTime,
        (0x6F, 8) => SqlType::DateTime,
        (0x24, 16) => SqlType::UniqueIdentifier,
        _ => return Err(invalid("parameter type with an impossible length")),
    })
}

fn time_scale(cursor: &mut Cursor<'_>) -> io::Result<u8> {
    let scale = cursor.u8()?;
    if scale > 7 {
        Err(invalid("time parameter with an impossible scale"))
    } else {
        Ok(scale)
    }
}

/// XML_INFO: a schema collection changes nothing here.
fn xml_schema(cursor: &mut Cursor<'_>) -> io::Result<()> {
    if cursor.u8()? != 0 {
        cursor.b_varchar()?;
        cursor.b_varchar()?;
        let units = cursor.u16()?;
        cursor.us_varchar(units)?;
    }
    Ok(())
}

fn string_type(token: u8, cursor: &mut Cursor<'_>) -> io::Result<TypeInfo> {
    let is_long = matches!(token, 0x22 | 0x23 | 0x63);
    let is_short = matches!(token, 0xA5 | 0xA7 | 0xAD | 0xAF | 0xE7 | 0xEF);
    if token == 0xF3 {
        return Err(invalid("table-valued parameters are not supported"));
    }
    if !is_long && !is_short {
        return Err(invalid("parameter of a type this server does not take"));
    }
    let (length, frame) = if is_long {
        cursor.u32()?;
        (None, Frame::Long)
    } else {
        match cursor.u16()? {
            0xFFFF => (None, Frame::Plp),
            length => (Some(length), Frame::Short),
        }
    };
    let is_text = !matches!(token, 0x22 | 0xA5 | 0xAD);
    let page = if is_text {
        Some(collation_page(cursor)?)
    } else {
        None
    };
    let exact = || length.ok_or_else(|| invalid("char parameter without a length"));
    let ty = match token {
        0x22 => SqlType::Image,
        0x23 => SqlType::Text,
        0x63 => SqlType::NText,
        0xA5 => SqlType::VarBinary { length },
        0xA7 => SqlType::VarChar { length },
        0xAD => SqlType::Binary { length: exact()? },
        0xAF => SqlType::Char { length: exact()? },
        0xE7 => SqlType::NVarChar {
            length: length.map(|bytes| bytes / 2),
        },
        _ => SqlType::NChar {
            length: exact()? / 2,
        },
    };
    Ok(TypeInfo { ty, frame, page })
}

fn collation_page(cursor: &mut Cursor<'_>) -> io::Result<CodePage> {
    let info = cursor.u32()?;
    let sort_id = cursor.u8()?;
    CodePage::new(collation::code_page(info, sort_id))
        .ok_or_else(|| invalid("parameter in an unknown code page"))
}

fn framed(frame: Frame, cursor: &mut Cursor<'_>) -> io::Result<Option<Vec<u8>>> {
    let length = match frame {
        Frame::Fixed(width) => width,
        Frame::Byte => match cursor.u8()? {
            0 => return Ok(None),
            length => usize::from(length),
        },
        Frame::Short => match cursor.u16()? {
            u16::MAX => return Ok(None),
            length => usize::from(length),
        },
        Frame::Long => match cursor.u32()? {
            u32::MAX => return Ok(None),
            length => length as usize,
        },
        Frame::Plp => return plp(cursor),
        Frame::Variant => unreachable!("variants are read by themselves"),
    };
    Ok(Some(cursor.take(length)?.to_vec()))
}

/// PARTLENTYPE: the total length is a hint that need not be true, the chunks count.
fn plp(cursor: &mut Cursor<'_>) -> io::Result<Option<Vec<u8>>> {
    if cursor.u64()? == u64::MAX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    loop {
        let length = cursor.u32()? as usize;
        if length == 0 {
            return Ok(Some(bytes));
        }
        bytes.extend_from_slice(cursor.take(length)?);
    }
}

/// A variant's base type comes with the value.
fn variant(cursor: &mut Cursor<'_>) -> io::Result<Value> {
    let total = cursor.u32()? as usize;
    if total == 0 {
        return Ok(Value::Null);
    }
    let mut body = Cursor::new(cursor.take(total)?);
    let token = body.u8()?;
    let properties = usize::from(body.u8()?);
    let properties = body.take(properties)?;
    // The properties are TYPE_INFO's in another order: collation before the length.
    let (ty, page) = match (token, properties) {
        (0x6A | 0x6C, [precision, scale]) => (
            SqlType::Decimal {
                precision: *precision,
                scale: *scale,
            },
            None,
        ),
        (0x29, [scale @ 0..=7]) => (SqlType::Time { scale: *scale }, None),
        (0x2A, [scale @ 0..=7]) => (SqlType::DateTime2 { scale: *scale }, None),
        (0x2B, [scale @ 0..=7]) => (SqlType::DateTimeOffset { scale: *scale }, None),
        (0xA7 | 0xAF, [collation @ .., _, _]) => (
            SqlType::VarChar { length: None },
            Some(collation_page(&mut Cursor::new(collation))?),
        ),
        (0xE7 | 0xEF, [_, _, _, _, _, _, _]) => (SqlType::NVarChar { length: None }, None),
        (0xA5 | 0xAD, [_, _]) => (SqlType::VarBinary { length: None }, None),
        (0x24, []) => (SqlType::UniqueIdentifier, None),
        (token, []) => (type_info(&mut Cursor::new(&[token]))?.ty, None),
        _ => return Err(invalid("variant with impossible properties")),
    };
    value(&ty, page, body.rest())
}

/// The value that `bytes` are, framing removed.
fn value(ty: &SqlType, page: Option<CodePage>, bytes: &[u8]) -> io::Result<Value> {
    let mut cursor = Cursor::new(bytes);
    let value = match ty {
        SqlType::Bit => Value::Bit(cursor.u8()? != 0),
        SqlType::TinyInt => Value::Int(i64::from(cursor.u8()?)),
        SqlType::SmallInt => Value::Int(i64::from(i16::from_le_bytes(cursor.array()?))),
        SqlType::Int => Value::Int(i64::from(i32::from_le_bytes(cursor.array()?))),
        SqlType::BigInt => Value::Int(i64::from_le_bytes(cursor.array()?)),
        SqlType::Real => Value::Real(f32::from_le_bytes(cursor.array()?)),
        SqlType::Float => Value::Float(f64::from_le_bytes(cursor.array()?)),
        SqlType::SmallMoney => Value::Money(i64::from(i32::from_le_bytes(cursor.array()?))),
        SqlType::Money => {
            let high = i32::from_le_bytes(cursor.array()?);
            Value::Money(i64::from(high) << 32 | i64::from(cursor.u32()?))
        }
        SqlType::SmallDateTime => Value::SmallDateTime {
            days: cursor.u16()?,
            minutes: cursor.u16()?,
        },
        SqlType::DateTime => Value::DateTime {
            days: i32::from_le_bytes(cursor.array()?),
            ticks: cursor.u32()?,
        },
        SqlType::UniqueIdentifier => Value::Guid(cursor.array()?),
        SqlType::Decimal { scale, .. } => Value::Decimal {
            unscaled: decimal(&mut cursor)?,
            scale: *scale,
        },
        SqlType::Date
        | SqlType::Time { .. }
        | SqlType::DateTime2 { .. }
        | SqlType::DateTimeOffset { .. } => date_and_time(ty, bytes)?,
        SqlType::Char { .. } | SqlType::VarChar { .. } | SqlType::Text => {
            let page = page.ok_or_else(|| invalid("char parameter without a collation"))?;
            return Ok(Value::Text(Arc::from(page.decode(bytes))));
        }
        SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText => {
            return Ok(Value::Text(Arc::from(units(bytes))));
        }
        // Clients put a byte order mark in front; it is no part of the document.
        SqlType::Xml => {
            return Ok(Value::Text(Arc::from(units(
                bytes.strip_prefix(b"\xFF\xFE").unwrap_or(bytes),
            ))));
        }
        SqlType::Binary { .. }
        | SqlType::VarBinary { .. }
        | SqlType::Image
        | SqlType::RowVersion => {
            return Ok(Value::Bytes(Arc::from(bytes)));
        }
        SqlType::SqlVariant => return Err(invalid("variant in a variant")),
    };
    Ok(value)
}

fn decimal(cursor: &mut Cursor<'_>) -> io::Result<i128> {
    let positive = cursor.u8()? != 0;
    let rest = cursor.rest();
    let mut bytes = [0; 16];
    bytes
        .get_mut(..rest.len())
        .ok_or_else(|| invalid("decimal parameter too long"))?
        .copy_from_slice(rest);
    let magnitude = u128::from_le_bytes(bytes);
    if magnitude >= DECIMAL_BOUND {
        return Err(invalid("decimal parameter too large"));
    }
    let magnitude = magnitude as i128;
    Ok(if positive { magnitude } else { -magnitude })
}

/// Time of day first, then the date, then the offset; which of them there are depends on the type.
fn date_and_time(ty: &SqlType, bytes: &[u8]) -> io::Result<Value> {
    let (scale, tail) = match ty {
        SqlType::Time { scale } => (*scale, 0),
        SqlType::DateTime2 { scale } => (*scale, 3),
        SqlType::DateTimeOffset { scale } => (*scale, 5),
        _ => (0, bytes.len()),
    };
    let time = bytes.len().checked_sub(tail).filter(|width| *width <= 5);
    let (time, tail) =
        bytes.split_at(time.ok_or_else(|| invalid("time parameter with an impossible length"))?);
    let ticks = little_endian(time) * 10_u64.pow(7 - u32::from(scale));
    if ticks >= TICKS_OF_A_DAY {
        return Err(invalid("time parameter past midnight"));
    }
    let days = little_endian(tail.get(..3).unwrap_or(&[])) as i32;
    Ok(match ty {
        SqlType::Time { .. } => Value::Time(ticks),
        SqlType::DateTime2 { .. } => Value::DateTime2 { days, ticks },
        SqlType::DateTimeOffset { .. } => Value::DateTimeOffset {
            days,
            ticks,
            offset: i16::from_le_bytes([tail[3], tail[4]]),
        },
        _ if bytes.len() == 3 => Value::Date(days),
        _ => return Err(invalid("date parameter with an impossible length")),
    })
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
