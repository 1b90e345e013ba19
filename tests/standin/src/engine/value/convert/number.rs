//! Conversions to bit, integers, decimals, money and floats.

use crate::engine::datatype;
use crate::engine::error::{Result, conversion_failed, error, overflow};
use crate::engine::value::convert::how::{cannot_read, disallowed, trimmed};
use crate::engine::value::decimal;
use crate::types::{SqlType, Value};

pub(super) fn to_bit(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value> {
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

pub(super) fn to_integer(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value> {
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

pub(super) fn to_decimal(
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

pub(super) fn to_money(value: &Value, from: &SqlType, to: &SqlType) -> Result<Value> {
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

pub(super) fn to_float(value: &Value, from: &SqlType, to: &SqlType) -> Result<f64> {
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
