//! Conversions to text, binary and uniqueidentifier.

use std::sync::Arc;

use crate::engine::error::{Result, conversion_failed, error, overflow};
use crate::engine::value::convert::how::{How, disallowed};
use crate::engine::value::{decimal, temporal, text};
use crate::engine::{collate, datatype};
use crate::types::{SqlType, Value};

/// The text of any value, as CONVERT to `varchar(max)` prints it.
pub(crate) fn print(value: &Value, from: &SqlType, style: Option<i32>) -> Result<Arc<[u16]>> {
    let printed = match value {
        Value::Null => String::new(),
        Value::Text(t) => return Ok(Arc::clone(t)),
        Value::Bit(b) => if *b { "1" } else { "0" }.to_owned(),
        Value::Int(i) => i.to_string(),
        Value::Decimal { unscaled, scale } => decimal::to_text(*unscaled, *scale),
        Value::Money(m) => match style {
            Some(2 | 126) => decimal::to_text(i128::from(*m), 4),
            Some(1) => with_commas(&decimal::to_text(decimal::round_off(i128::from(*m), 2), 2)),
            _ => decimal::to_text(decimal::round_off(i128::from(*m), 2), 2),
        },
        Value::Float(f) => print_float(*f, style, 17),
        Value::Real(f) => match style {
            None | Some(0) => text::float_text(f64::from(*f), 6),
            _ => print_float(f64::from(*f), style, 9),
        },
        Value::Guid(g) => text::guid_text(g),
        Value::Bytes(b) => match style {
            Some(1) => format!("0x{}", text::hex(b)),
            Some(2) => text::hex(b),
            _ => return Ok(collate::decode(1252, b).into()),
        },
        _ => temporal::to_text(value, style, digits(from)).ok_or_else(|| {
            error(
                281,
                16,
                format!(
                    "{} is not a valid style number when converting from {} to a character string.",
                    style.unwrap_or(0),
                    datatype::name(from)
                ),
            )
        })?,
    };
    Ok(printed.encode_utf16().collect())
}

/// Digits of a second. A variant's times travel as scale 7, whatever they were before.
fn digits(from: &SqlType) -> u8 {
    match from {
        SqlType::SqlVariant => 7,
        other => datatype::scale(other),
    }
}

fn print_float(f: f64, style: Option<i32>, lossless: usize) -> String {
    match style {
        Some(1) => text::float_scientific(f, 8),
        Some(2) => text::float_scientific(f, 16),
        Some(3) => text::float_scientific(f, lossless),
        _ => text::float_text(f, 6),
    }
}

fn with_commas(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |d| ("-", d));
    let mut grouped = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    format!("{sign}{grouped}.{fraction}")
}

pub(super) fn to_text(value: &Value, from: &SqlType, to: &SqlType, how: How) -> Result<Value> {
    let printed = match value {
        // Binary read as characters keeps its bytes: UTF-16LE for the national types.
        Value::Bytes(b) if matches!(how.style, None | Some(0)) && datatype::is_unicode(to) => b
            .chunks(2)
            .map(|p| u16::from(p[0]) | u16::from(*p.get(1).unwrap_or(&0)) << 8)
            .collect(),
        Value::Bytes(b) if matches!(how.style, None | Some(0)) => {
            collate::decode(how.code_page.unwrap_or(1252), b).into()
        }
        _ => print(value, from, how.style)?,
    };
    let narrow = is_narrow(to);
    let page = how.code_page.unwrap_or(1252);
    let printed = if narrow {
        let bytes = matches!(value, Value::Bytes(_)) || is_narrow(from);
        collate::narrow(page, &printed, bytes)
    } else if is_narrow(from) {
        collate::widen(&printed)
    } else {
        printed
    };
    let Some(limit) = datatype::length(to).map(usize::from) else {
        return Ok(Value::Text(printed));
    };
    let size = if narrow {
        collate::byte_length(page, &printed)
    } else {
        printed.len()
    };
    let fixed = matches!(to, SqlType::Char { .. } | SqlType::NChar { .. });
    if size > limit {
        let room = Room { to, limit, narrow };
        return cut(value, from, how, &printed, &room);
    }
    if fixed && size < limit {
        let mut padded = printed.to_vec();
        padded.resize(printed.len() + limit - size, 0x20);
        return Ok(Value::Text(padded.into()));
    }
    Ok(Value::Text(printed))
}

fn is_narrow(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::Char { .. } | SqlType::VarChar { .. } | SqlType::Text
    )
}

/// The target of a conversion to text.
struct Room<'a> {
    to: &'a SqlType,
    /// In bytes of the code page if `narrow`, else in UTF-16 units.
    limit: usize,
    /// `char` or `varchar`.
    narrow: bool,
}

/// What becomes of text that is longer than its target.
fn cut(value: &Value, from: &SqlType, how: How, printed: &[u16], room: &Room<'_>) -> Result<Value> {
    let Room { to, limit, narrow } = *room;
    let page = how.code_page.unwrap_or(1252);
    let mut end = printed.len().min(limit);
    while narrow && collate::byte_length(page, &printed[..end]) > limit {
        end -= 1;
    }
    let only_blanks = printed[end..].iter().all(|u| *u == 0x20);
    match value {
        Value::Text(_) | Value::Bytes(_) if how.truncate || only_blanks => {
            Ok(Value::Text(printed[..end].into()))
        }
        Value::Text(_) | Value::Bytes(_) => {
            Err(error(8152, 16, "String or binary data would be truncated."))
        }
        // A number that does not fit shows `*`, or is an error in the national types.
        Value::Int(_) | Value::Bit(_) if narrow && how.truncate => Ok(text::value("*")),
        Value::Guid(_) => Err(error(
            8170,
            16,
            "Insufficient result space to convert uniqueidentifier value to char.",
        )),
        _ if datatype::is_temporal(from) && how.truncate => Ok(Value::Text(printed[..end].into())),
        _ => Err(overflow(datatype::name(to))),
    }
}

pub(super) fn to_binary(value: &Value, from: &SqlType, to: &SqlType, how: How) -> Result<Value> {
    let bytes: Vec<u8> = match value {
        Value::Bytes(b) => b.to_vec(),
        Value::Bit(b) => vec![u8::from(*b)],
        Value::Int(i) => {
            let width = datatype::max_length(from).clamp(1, 8) as usize;
            i.to_be_bytes()[8 - width..].to_vec()
        }
        Value::Money(m) => m.to_be_bytes().to_vec(),
        Value::Guid(g) => g.to_vec(),
        Value::Float(f) => f.to_be_bytes().to_vec(),
        Value::Real(f) => f.to_be_bytes().to_vec(),
        Value::DateTime { days, ticks } => [days.to_be_bytes(), ticks.to_be_bytes()].concat(),
        Value::Text(t) => match how.style {
            Some(style @ (1 | 2)) => {
                let shown = text::to_string(t);
                let digits = if style == 1 {
                    shown.strip_prefix("0x")
                } else {
                    Some(shown.as_str())
                };
                digits
                    .filter(|d| d.len().is_multiple_of(2))
                    .and_then(text::parse_hex)
                    .ok_or_else(|| conversion_failed(datatype::name(from), datatype::name(to)))?
            }
            _ if datatype::is_unicode(from) => t.iter().flat_map(|u| u.to_le_bytes()).collect(),
            _ => collate::encode(how.code_page.unwrap_or(1252), t),
        },
        _ => return Err(disallowed(from, to)),
    };
    let Some(limit) = datatype::length(to).map(usize::from) else {
        return Ok(Value::Bytes(bytes.into()));
    };
    let fixed = matches!(to, SqlType::Binary { .. } | SqlType::RowVersion);
    let number = matches!(value, Value::Int(_) | Value::Money(_) | Value::Bit(_));
    if bytes.len() > limit {
        if !how.truncate && !number {
            return Err(error(8152, 16, "String or binary data would be truncated."));
        }
        let kept = if number {
            &bytes[bytes.len() - limit..]
        } else {
            &bytes[..limit]
        };
        return Ok(Value::Bytes(kept.into()));
    }
    let missing = limit - bytes.len();
    Ok(Value::Bytes(match (fixed && missing > 0, number) {
        (true, true) => [vec![0; missing], bytes].concat().into(),
        (true, false) => [bytes, vec![0; missing]].concat().into(),
        _ => bytes.into(),
    }))
}

pub(super) fn to_guid(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value> {
    match value {
        Value::Guid(g) => Ok(Value::Guid(*g)),
        Value::Text(t) => text::parse_guid(&text::to_string(t)).map(Value::Guid).ok_or_else(|| {
            error(8169, 16, "Conversion failed when converting from a character string to uniqueidentifier.")
        }),
        Value::Bytes(b) => {
            let mut guid = [0; 16];
            let n = b.len().min(16);
            guid[..n].copy_from_slice(&b[..n]);
            Ok(Value::Guid(guid))
        }
        _ => Err(disallowed(from, to)),
    }
}
