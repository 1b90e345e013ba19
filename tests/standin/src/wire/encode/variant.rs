//! `sql_variant` cells: the base type travels with each value (MS-TDS 2.2.5.5.4).

use crate::types::Value;
use crate::wire::encode::bytes::{
    date, datetime_bytes, decimal, money_bytes, smalldatetime_bytes, time, wide_bytes,
};
use crate::wire::encode::metadata::DEFAULT_COLLATION;

/// Longest value of a variant (MS-TDS 2.2.5.5.4: 8009 with the properties, 8000 of data).
const MAX_DATA: usize = 8000;

/// Appends a value that is not NULL, under the base type that its variant of [`Value`] suggests:
/// `int` or `bigint`, `numeric(38,s)`, `nvarchar`, `varbinary`, and scale 7 for times.
pub(super) fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    body(value, out)?;
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

fn body(value: &Value, out: &mut Vec<u8>) -> Result<(), &'static str> {
    match value {
        Value::Null => return Err("NULL in a NOT NULL column"),
        Value::Bit(bit) => plain(0x32, &[u8::from(*bit)], out),
        Value::Int(int) => match i32::try_from(*int) {
            Ok(int) => plain(0x38, &int.to_le_bytes(), out),
            Err(_) => plain(0x7F, &int.to_le_bytes(), out),
        },
        Value::Decimal { unscaled, scale } => {
            out.extend_from_slice(&[0x6C, 2, 38, *scale]);
            return decimal(*unscaled, 17, out);
        }
        Value::Money(money) => plain(0x3C, &money_bytes(*money), out),
        Value::Real(real) => plain(0x3B, &real.to_le_bytes(), out),
        Value::Float(float) => plain(0x3E, &float.to_le_bytes(), out),
        Value::SmallDateTime { days, minutes } => {
            plain(0x3A, &smalldatetime_bytes(*days, *minutes), out)
        }
        Value::DateTime { days, ticks } => plain(0x3D, &datetime_bytes(*days, *ticks), out),
        Value::Guid(guid) => plain(0x24, guid, out),
        Value::Date(_)
        | Value::Time(_)
        | Value::DateTime2 { .. }
        | Value::DateTimeOffset { .. } => scaled(value, out),
        Value::Text(units) => {
            out.extend_from_slice(&[0xE7, 7]);
            out.extend_from_slice(&DEFAULT_COLLATION);
            out.extend_from_slice(&(MAX_DATA as u16).to_le_bytes());
            let start = out.len();
            wide_bytes(units, out);
            return fits(out.len() - start);
        }
        Value::Bytes(bytes) => {
            out.extend_from_slice(&[0xA5, 2]);
            out.extend_from_slice(&(MAX_DATA as u16).to_le_bytes());
            out.extend_from_slice(bytes);
            return fits(bytes.len());
        }
    }
    Ok(())
}

/// The types with a scale property, and `date` that belongs with them.
fn scaled(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Date(days) => {
            out.extend_from_slice(&[0x28, 0]);
            date(*days, out);
        }
        Value::Time(ticks) => {
            out.extend_from_slice(&[0x29, 1, 7]);
            time(*ticks, 7, out);
        }
        Value::DateTime2 { days, ticks } => {
            out.extend_from_slice(&[0x2A, 1, 7]);
            time(*ticks, 7, out);
            date(*days, out);
        }
        Value::DateTimeOffset {
            days,
            ticks,
            offset,
        } => {
            out.extend_from_slice(&[0x2B, 1, 7]);
            time(*ticks, 7, out);
            date(*days, out);
            out.extend_from_slice(&offset.to_le_bytes());
        }
        _ => unreachable!("called with these four only"),
    }
}

fn plain(base: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[base, 0]);
    out.extend_from_slice(bytes);
}

fn fits(length: usize) -> Result<(), &'static str> {
    if length > MAX_DATA {
        Err("value longer than its column")
    } else {
        Ok(())
    }
}
