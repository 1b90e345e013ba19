//! Conversions between types: CAST, CONVERT and every implicit conversion, with their errors.

use std::sync::Arc;

use crate::engine::collate;
use crate::engine::datatype::{self, is_binary, is_integer, is_text};
use crate::engine::error::{Result, conversion_failed, error, overflow};
use crate::engine::value::calendar::{DAY, DAYS_1753, DAYS_1900, LAST_DAY, SECOND};
use crate::engine::value::temporal::{self, DateOrder, Parsed};
use crate::engine::value::{decimal, text};
use crate::types::{SqlType, Value};

/// How a conversion is to be done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct How {
    /// CONVERT's third argument.
    pub(crate) style: Option<i32>,
    pub(crate) order: DateOrder,
    /// The code page of the target when it is `char`, `varchar` or `text`.
    pub(crate) code_page: Option<u16>,
    /// CAST truncates silently; storing must not.
    pub(crate) truncate: bool,
}

/// Converts a value of type `from` to type `to`.
///
/// # Errors
/// SQL Server's own: 8114, 8115, 245, 241, 242, 529 and so on. Too long text for its target is
/// cut when `how.truncate`, else 8152 (the caller that knows the column makes 2628 of it).
pub(crate) fn convert(value: &Value, from: &SqlType, to: &SqlType, how: How) -> Result<Value> {
    if matches!(value, Value::Null) || from == to && how.style.is_none() && how.code_page.is_none()
    {
        return Ok(value.clone());
    }
    match to {
        SqlType::SqlVariant => Ok(value.clone()),
        SqlType::Bit => to_bit(value, from, to),
        _ if is_integer(to) => to_integer(value, from, to),
        SqlType::Decimal { precision, scale } => to_decimal(value, from, to, *precision, *scale),
        SqlType::Money | SqlType::SmallMoney => to_money(value, from, to),
        SqlType::Float => Ok(Value::Float(to_float(value, from, to)?)),
        SqlType::Real => {
            let wide = to_float(value, from, to)?;
            let narrow = wide as f32;
            if narrow.is_infinite() {
                Err(overflow("real"))
            } else {
                Ok(Value::Real(narrow))
            }
        }
        _ if datatype::is_temporal(to) => to_temporal(value, from, to, how),
        _ if is_text(to) => to_text(value, from, to, how),
        _ if is_binary(to) => to_binary(value, from, to, how),
        SqlType::UniqueIdentifier => to_guid(value, from, to),
        _ => Err(disallowed(from, to)),
    }
}

fn disallowed(from: &SqlType, to: &SqlType) -> crate::types::SqlError {
    let (from, to) = (datatype::name(from), datatype::name(to));
    error(
        529,
        16,
        format!("Explicit conversion from data type {from} to {to} is not allowed."),
    )
}

fn cannot_read(value: &Value, from: &SqlType, to: &SqlType) -> crate::types::SqlError {
    let shown = text::units(value)
        .map(|u| text::to_string(u))
        .unwrap_or_default();
    let (from, to) = (datatype::name(from), datatype::name(to));
    error(
        245,
        16,
        format!("Conversion failed when converting the {from} value '{shown}' to data type {to}."),
    )
}

fn trimmed(value: &Value) -> String {
    text::units(value)
        .map(|u| text::to_string(u).trim().to_owned())
        .unwrap_or_default()
}

fn to_bit(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value> {
    Ok(Value::Bit(match value {
        Value::Bit(b) => *b,
        Value::Int(i) | Value::Money(i) => *i != 0,
        Value::Decimal { unscaled, .. } => *unscaled != 0,
        Value::Float(f) => *f != 0.0,
        Value::Real(f) => *f != 0.0,
        Value::Bytes(b) => b.last().is_some_and(|b| *b != 0),
        Value::Text(_) => match trimmed(value).to_ascii_lowercase().as_str() {
            "true" => true,
            "false" | "" => false,
            other => {
                other
                    .parse::<i64>()
                    .map_err(|_| cannot_read(value, from, to))?
                    != 0
            }
        },
        _ => return Err(disallowed(from, to)),
    }))
}

fn to_integer(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value> {
    let wide: i128 = match value {
        Value::Bit(b) => i128::from(*b),
        Value::Int(i) => i128::from(*i),
        Value::Decimal { unscaled, scale } => unscaled / decimal::pow10(*scale),
        Value::Money(m) => decimal::round_off(i128::from(*m), 4),
        Value::Float(f) if f.abs() < 1e30 => f.trunc() as i128,
        Value::Real(f) if f.abs() < 1e30 => f.trunc() as i128,
        Value::Float(_) | Value::Real(_) => return Err(overflow(datatype::name(to))),
        Value::Bytes(b) => i128::from(bytes_to_integer(b, to)),
        Value::Text(_) => text_to_integer(value, from, to)?,
        Value::DateTime { days, ticks } => i128::from(*days) + i128::from(*ticks >= 150 * 86_400),
        Value::SmallDateTime { days, minutes } => i128::from(*days) + i128::from(*minutes >= 720),
        _ => return Err(disallowed(from, to)),
    };
    let (low, high) = match to {
        SqlType::TinyInt => (0, 255),
        SqlType::SmallInt => (i128::from(i16::MIN), i128::from(i16::MAX)),
        SqlType::Int => (i128::from(i32::MIN), i128::from(i32::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    if wide >= low && wide <= high {
        return Ok(Value::Int(wide as i64));
    }
    Err(match value {
        Value::Text(_) if matches!(to, SqlType::Int) => error(
            248,
            16,
            format!(
                "The conversion of the {} value '{}' overflowed an int column.",
                datatype::name(from),
                trimmed(value)
            ),
        ),
        Value::Text(_) if !matches!(to, SqlType::BigInt) => {
            let kind = if matches!(to, SqlType::TinyInt) { 1 } else { 2 };
            let message = format!(
                "The conversion of the {} value '{}' overflowed an INT{kind} column. Use a larger integer column.",
                datatype::name(from),
                trimmed(value)
            );
            error(244, 16, message)
        }
        Value::Int(i) if !matches!(to, SqlType::Int | SqlType::BigInt) => error(
            220,
            16,
            format!(
                "Arithmetic overflow error for data type {}, value = {i}.",
                datatype::name(to)
            ),
        ),
        _ => overflow(datatype::name(to)),
    })
}

fn text_to_integer(value: &Value, from: &SqlType, to: &SqlType) -> Result<i128> {
    let shown = trimmed(value);
    if shown.is_empty() {
        return Ok(0);
    }
    let digits = shown.trim_start_matches(['+', '-']);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(match to {
            SqlType::BigInt => conversion_failed(datatype::name(from), "bigint"),
            _ => cannot_read(value, from, to),
        });
    }
    shown.parse().map_err(|_| overflow(datatype::name(to)))
}

/// The low bytes of a binary value, sign-extended by the target's width only.
fn bytes_to_integer(bytes: &[u8], to: &SqlType) -> i64 {
    let width = datatype::max_length(to) as usize;
    let tail = &bytes[bytes.len().saturating_sub(width)..];
    let raw = tail.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    match to {
        SqlType::TinyInt => raw as i64,
        SqlType::SmallInt => i64::from(raw as u16 as i16),
        SqlType::Int => i64::from(raw as u32 as i32),
        _ => raw as i64,
    }
}

fn to_decimal(
    value: &Value,
    from: &SqlType,
    to: &SqlType,
    precision: u8,
    scale: u8,
) -> Result<Value> {
    let (unscaled, found) = match value {
        Value::Bit(b) => (i128::from(*b), 0),
        Value::Int(i) => (i128::from(*i), 0),
        Value::Decimal { unscaled, scale } => (*unscaled, *scale),
        Value::Money(m) => (i128::from(*m), 4),
        Value::Float(f) => (
            decimal::from_f64(*f, scale).ok_or_else(|| overflow("numeric"))?,
            scale,
        ),
        Value::Real(f) => (
            decimal::from_f64(f64::from(*f), scale).ok_or_else(|| overflow("numeric"))?,
            scale,
        ),
        Value::Text(_) => decimal::parse(&trimmed(value))
            .ok_or_else(|| conversion_failed(datatype::name(from), "numeric"))?,
        _ => return Err(disallowed(from, to)),
    };
    Ok(Value::Decimal {
        unscaled: decimal::fit(unscaled, found, precision, scale)?,
        scale,
    })
}

fn to_money(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value> {
    let name = datatype::name(to);
    let scaled: i128 = match value {
        Value::Bit(b) => i128::from(*b) * 10_000,
        Value::Int(i) => i128::from(*i) * 10_000,
        Value::Money(m) => i128::from(*m),
        Value::Decimal { unscaled, scale } => {
            decimal::rescale(*unscaled, *scale, 4).ok_or_else(|| overflow(name))?
        }
        Value::Float(f) => decimal::from_f64(*f, 4).ok_or_else(|| overflow(name))?,
        Value::Real(f) => decimal::from_f64(f64::from(*f), 4).ok_or_else(|| overflow(name))?,
        Value::Bytes(b) => i128::from(bytes_to_integer(b, &SqlType::BigInt)),
        Value::Text(_) => {
            let shown = trimmed(value).replace(['$', ','], "");
            let (unscaled, scale) = if shown.is_empty() {
                (0, 0)
            } else {
                decimal::parse(&shown).ok_or_else(|| {
                    error(235, 16, format!("Cannot convert a {} value to {name}. The {0} value has incorrect syntax.", datatype::name(from)))
                })?
            };
            decimal::rescale(unscaled, scale, 4).ok_or_else(|| overflow(name))?
        }
        _ => return Err(disallowed(from, to)),
    };
    let fits = match to {
        SqlType::SmallMoney => i32::try_from(scaled).is_ok(),
        _ => i64::try_from(scaled).is_ok(),
    };
    if fits {
        Ok(Value::Money(scaled as i64))
    } else {
        Err(overflow(name))
    }
}

fn to_float(value: &Value, from: &SqlType, to: &SqlType) -> Result<f64> {
    Ok(match value {
        Value::Bit(b) => f64::from(u8::from(*b)),
        Value::Int(i) => *i as f64,
        Value::Decimal { unscaled, scale } => decimal::to_f64(*unscaled, *scale),
        Value::Money(m) => *m as f64 / 10_000.0,
        Value::Float(f) => *f,
        Value::Real(f) => f64::from(*f),
        Value::Text(_) => {
            let shown = trimmed(value);
            let plain = shown
                .bytes()
                .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
            let parsed = if shown.is_empty() {
                Ok(0.0)
            } else {
                shown.parse::<f64>()
            };
            match parsed {
                Ok(f) if plain && f.is_finite() => f,
                _ => return Err(conversion_failed(datatype::name(from), datatype::name(to))),
            }
        }
        Value::DateTime { days, ticks } => {
            f64::from(*days) + f64::from(*ticks) / (300.0 * 86_400.0)
        }
        Value::SmallDateTime { days, minutes } => f64::from(*days) + f64::from(*minutes) / 1440.0,
        _ => return Err(disallowed(from, to)),
    })
}

fn to_temporal(value: &Value, from: &SqlType, to: &SqlType, how: How) -> Result<Value> {
    let parsed = match value {
        Value::Text(_) => {
            let order = match how.style {
                Some(103..=105) => DateOrder::Dmy,
                Some(102 | 111) => DateOrder::Ymd,
                Some(101 | 110) => DateOrder::Mdy,
                _ => how.order,
            };
            temporal::parse(&trimmed(value), order).ok_or_else(|| {
                error(
                    241,
                    16,
                    "Conversion failed when converting date and/or time from character string.",
                )
            })?
        }
        Value::Int(i) if old_temporal(to) => {
            let days = i32::try_from(*i).map_err(|_| out_of_range(from, to))?;
            Parsed {
                days: DAYS_1900
                    .checked_add(days)
                    .ok_or_else(|| out_of_range(from, to))?,
                ticks: 0,
                offset: None,
            }
        }
        Value::Float(_) | Value::Decimal { .. } | Value::Real(_) | Value::Money(_)
            if old_temporal(to) =>
        {
            let f = to_float(value, from, to)?;
            if f.abs() > 3_000_000.0 {
                return Err(out_of_range(from, to));
            }
            let days = f.floor();
            let ticks = ((f - days) * DAY as f64).round() as u64;
            Parsed {
                days: DAYS_1900 + days as i32,
                ticks,
                offset: None,
            }
        }
        _ => {
            let (days, ticks, offset) =
                temporal::local(value).ok_or_else(|| disallowed(from, to))?;
            let zoned = matches!(value, Value::DateTimeOffset { .. });
            Parsed {
                days,
                ticks,
                offset: zoned.then_some(offset),
            }
        }
    };
    build_temporal(parsed, from, to)
}

fn old_temporal(ty: &SqlType) -> bool {
    matches!(ty, SqlType::DateTime | SqlType::SmallDateTime)
}

fn out_of_range(from: &SqlType, to: &SqlType) -> crate::types::SqlError {
    let (from, to) = (datatype::name(from), datatype::name(to));
    error(
        242,
        16,
        format!(
            "The conversion of a {from} data type to a {to} data type resulted in an out-of-range value."
        ),
    )
}

fn build_temporal(p: Parsed, from: &SqlType, to: &SqlType) -> Result<Value> {
    let carry = |days: i32, ticks: u64| {
        if ticks >= DAY {
            (days + 1, ticks - DAY)
        } else {
            (days, ticks)
        }
    };
    let check = |days: i32| {
        if (0..=LAST_DAY).contains(&days) {
            Ok(days)
        } else {
            Err(out_of_range(from, to))
        }
    };
    Ok(match to {
        SqlType::Date => Value::Date(check(p.days)?),
        SqlType::Time { scale } => Value::Time(temporal::round_ticks(p.ticks, *scale) % DAY),
        SqlType::DateTime2 { scale } => {
            let (days, ticks) = carry(p.days, temporal::round_ticks(p.ticks, *scale));
            Value::DateTime2 {
                days: check(days)?,
                ticks,
            }
        }
        SqlType::DateTimeOffset { scale } => {
            let (days, ticks) = carry(p.days, temporal::round_ticks(p.ticks, *scale));
            let offset = p.offset.unwrap_or(0);
            let (days, ticks) = temporal::shift(days, ticks, -i64::from(offset));
            Value::DateTimeOffset {
                days: check(days)?,
                ticks,
                offset,
            }
        }
        SqlType::DateTime => {
            let ticks = temporal::to_300ths(p.ticks);
            let (days, ticks) = if ticks >= 300 * 86_400 {
                (p.days + 1, 0)
            } else {
                (p.days, ticks)
            };
            if !(DAYS_1753..=LAST_DAY).contains(&days) {
                return Err(out_of_range(from, to));
            }
            Value::DateTime {
                days: days - DAYS_1900,
                ticks,
            }
        }
        _ => {
            // Seconds up to 29.998 round down, from 29.999 up, to the minute.
            let minutes = (temporal::round_ticks(p.ticks, 3) / SECOND + 30) / 60;
            let (days, minutes) = if minutes >= 1440 {
                (p.days + 1, 0)
            } else {
                (p.days, minutes)
            };
            let days = u16::try_from(days - DAYS_1900).map_err(|_| out_of_range(from, to))?;
            Value::SmallDateTime {
                days,
                minutes: minutes as u16,
            }
        }
    })
}

/// The text of any value, as CONVERT to `varchar(max)` prints it.
pub(crate) fn print(value: &Value, from: &SqlType, style: Option<i32>) -> Result<Arc<[u16]>> {
    let printed = match value {
        Value::Null => String::new(),
        Value::Text(t) => return Ok(Arc::clone(t)),
        Value::Bit(b) => if *b { "1" } else { "0" }.to_owned(),
        Value::Int(i) => i.to_string(),
        Value::Decimal { unscaled, scale } => decimal::to_text(*unscaled, *scale),
        Value::Money(m) => match style {
            Some(2) => decimal::to_text(i128::from(*m), 4),
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
        _ => temporal::to_text(value, style, datatype::scale(from)).ok_or_else(|| {
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

fn to_text(value: &Value, from: &SqlType, to: &SqlType, how: How) -> Result<Value> {
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
    let narrow = matches!(
        to,
        SqlType::Char { .. } | SqlType::VarChar { .. } | SqlType::Text
    );
    let page = how.code_page.unwrap_or(1252);
    let printed = if narrow {
        collate::narrow(page, &printed)
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
        return cut(value, from, to, how, &printed, limit, narrow);
    }
    if fixed && size < limit {
        let mut padded = printed.to_vec();
        padded.resize(printed.len() + limit - size, 0x20);
        return Ok(Value::Text(padded.into()));
    }
    Ok(Value::Text(printed))
}

/// What becomes of text that is longer than its target.
fn cut(
    value: &Value,
    from: &SqlType,
    to: &SqlType,
    how: How,
    printed: &[u16],
    limit: usize,
    narrow: bool,
) -> Result<Value> {
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

fn to_binary(value: &Value, from: &SqlType, to: &SqlType, how: How) -> Result<Value> {
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

fn to_guid(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value> {
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
