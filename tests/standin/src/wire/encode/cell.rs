//! One value as the bytes of its cell (MS-TDS 2.2.5.5).

use crate::types::Value;
use crate::wire::code_page::CodePage;
use crate::wire::encode::bytes::{
    OUT_OF_RANGE, date, datetime_bytes, decimal, money_bytes, smalldatetime_bytes, time, wide_bytes,
};
use crate::wire::encode::kind::{Cell, Kind, time_width};
use crate::wire::encode::variant;

/// Bytes per chunk of a long value: what one page of a LOB holds, so that long values come in
/// several chunks as they do from SQL Server. Even, so that no UTF-16 unit is cut.
const PLP_CHUNK: usize = 8040;
/// PLP length "not known in advance" (MS-TDS 2.2.5.2.3).
const PLP_UNKNOWN: u64 = 0xFFFF_FFFF_FFFF_FFFE;

const WRONG_TYPE: &str = "value of another type than its column";
const TOO_LONG: &str = "value longer than its column";
const NO_CODE_PAGE: &str = "code page that is not supported";

impl Cell {
    /// Appends a value that is not NULL.
    pub(super) fn write(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), &'static str> {
        match (&self.kind, value) {
            (Kind::Bit, Value::Bit(bit)) => self.fixed(&[u8::from(*bit)], out),
            (Kind::Int { width }, Value::Int(int)) => return self.int(*width, *int, out),
            (Kind::SmallMoney, Value::Money(money)) => {
                let money = i32::try_from(*money).map_err(|_| OUT_OF_RANGE)?;
                self.fixed(&money.to_le_bytes(), out);
            }
            (Kind::Money, Value::Money(money)) => self.fixed(&money_bytes(*money), out),
            (Kind::Real, Value::Real(real)) => self.fixed(&real.to_le_bytes(), out),
            (Kind::Float, Value::Float(float)) => self.fixed(&float.to_le_bytes(), out),
            (Kind::DateTime, Value::DateTime { days, ticks }) => {
                self.fixed(&datetime_bytes(*days, *ticks), out)
            }
            (Kind::SmallDateTime, Value::SmallDateTime { days, minutes }) => {
                self.fixed(&smalldatetime_bytes(*days, *minutes), out);
            }
            (Kind::Ansi { .. } | Kind::AnsiMax { .. } | Kind::Text { .. }, Value::Text(units)) => {
                return self.ansi(units, out);
            }
            (Kind::Wide { .. } | Kind::WideMax | Kind::NText | Kind::Xml, Value::Text(units)) => {
                return self.wide(units, out);
            }
            (Kind::Binary { .. } | Kind::BinaryMax | Kind::Image, Value::Bytes(bytes)) => {
                return self.binary(bytes, out);
            }
            (Kind::Variant, value) => return variant::write(value, out),
            _ => return self.self_describing(value, out),
        }
        Ok(())
    }

    /// The types that always carry their length byte.
    fn self_describing(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), &'static str> {
        match (&self.kind, value) {
            (
                Kind::Decimal { width, scale },
                Value::Decimal {
                    unscaled,
                    scale: of_value,
                },
            ) => {
                out.push(*width);
                let unscaled = rescale(*unscaled, *of_value, *scale).ok_or(OUT_OF_RANGE)?;
                return decimal(unscaled, *width, out);
            }
            (Kind::Guid, Value::Guid(bytes)) => {
                out.push(16);
                out.extend_from_slice(bytes);
            }
            (Kind::Date, Value::Date(days)) => {
                out.push(3);
                date(*days, out);
            }
            (Kind::Time { scale }, Value::Time(ticks)) => {
                out.push(time_width(*scale));
                time(*ticks, *scale, out);
            }
            (Kind::DateTime2 { scale }, Value::DateTime2 { days, ticks }) => {
                out.push(time_width(*scale) + 3);
                time(*ticks, *scale, out);
                date(*days, out);
            }
            (
                Kind::DateTimeOffset { scale },
                Value::DateTimeOffset {
                    days,
                    ticks,
                    offset,
                },
            ) => {
                out.push(time_width(*scale) + 5);
                time(*ticks, *scale, out);
                date(*days, out);
                out.extend_from_slice(&offset.to_le_bytes());
            }
            _ => return Err(WRONG_TYPE),
        }
        Ok(())
    }

    #[inline]
    fn fixed<const N: usize>(&self, bytes: &[u8; N], out: &mut Vec<u8>) {
        if self.nullable {
            out.push(N as u8);
        }
        out.extend_from_slice(bytes);
    }

    #[inline]
    fn int(&self, width: u8, int: i64, out: &mut Vec<u8>) -> Result<(), &'static str> {
        match width {
            1 => self.fixed(
                &u8::try_from(int).map_err(|_| OUT_OF_RANGE)?.to_le_bytes(),
                out,
            ),
            2 => self.fixed(
                &i16::try_from(int).map_err(|_| OUT_OF_RANGE)?.to_le_bytes(),
                out,
            ),
            4 => self.fixed(
                &i32::try_from(int).map_err(|_| OUT_OF_RANGE)?.to_le_bytes(),
                out,
            ),
            _ => self.fixed(&int.to_le_bytes(), out),
        }
        Ok(())
    }

    fn ansi(&self, units: &[u16], out: &mut Vec<u8>) -> Result<(), &'static str> {
        match &self.kind {
            Kind::Ansi { page, max, pad } => {
                let start = begin_short(out);
                page.ok_or(NO_CODE_PAGE)?.encode(units, out);
                end_short(start, *max, pad.then_some(b" ".as_slice()), out)
            }
            Kind::AnsiMax { page } => {
                plp(&encoded(*page, units)?, false, out);
                Ok(())
            }
            Kind::Text { page } => {
                long(&encoded(*page, units)?, out);
                Ok(())
            }
            _ => Err(WRONG_TYPE),
        }
    }

    fn wide(&self, units: &[u16], out: &mut Vec<u8>) -> Result<(), &'static str> {
        match &self.kind {
            Kind::Wide { max, pad } => {
                let start = begin_short(out);
                wide_bytes(units, out);
                return end_short(start, *max, pad.then_some(b" \0".as_slice()), out);
            }
            Kind::NText => {
                let mut bytes = Vec::with_capacity(units.len() * 2);
                wide_bytes(units, &mut bytes);
                long(&bytes, out);
            }
            _ => plp_wide(units, matches!(self.kind, Kind::Xml), out),
        }
        Ok(())
    }

    fn binary(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        match &self.kind {
            Kind::Binary { max, pad } => {
                let start = begin_short(out);
                out.extend_from_slice(bytes);
                return end_short(start, *max, pad.then_some(b"\0".as_slice()), out);
            }
            Kind::Image => long(bytes, out),
            _ => plp(bytes, false, out),
        }
        Ok(())
    }
}

/// Room for a two-byte length; returns where the data begins.
fn begin_short(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&[0; 2]);
    out.len()
}

/// Fills up with `pad` and writes the length.
fn end_short(
    start: usize,
    max: u16,
    pad: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    if out.len() - start > usize::from(max) {
        return Err(TOO_LONG);
    }
    if let Some(pad) = pad {
        while out.len() - start + pad.len() <= usize::from(max) {
            out.extend_from_slice(pad);
        }
    }
    let length = (out.len() - start) as u16;
    out[start - 2..start].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

fn encoded(page: Option<CodePage>, units: &[u16]) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::with_capacity(units.len());
    page.ok_or(NO_CODE_PAGE)?.encode(units, &mut bytes);
    Ok(bytes)
}

/// A `max` value: total length, chunks, terminator (MS-TDS 2.2.5.2.3).
fn plp(bytes: &[u8], unknown_length: bool, out: &mut Vec<u8>) {
    out.reserve(bytes.len() + bytes.len() / PLP_CHUNK * 4 + 16);
    plp_length(bytes.len(), unknown_length, out);
    for chunk in bytes.chunks(PLP_CHUNK) {
        out.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
        out.extend_from_slice(chunk);
    }
    out.extend_from_slice(&[0; 4]);
}

/// The same from UTF-16 units, without a copy in between.
fn plp_wide(units: &[u16], unknown_length: bool, out: &mut Vec<u8>) {
    out.reserve(units.len() * 2 + units.len() / (PLP_CHUNK / 2) * 4 + 16);
    plp_length(units.len() * 2, unknown_length, out);
    for chunk in units.chunks(PLP_CHUNK / 2) {
        out.extend_from_slice(&(chunk.len() as u32 * 2).to_le_bytes());
        wide_bytes(chunk, out);
    }
    out.extend_from_slice(&[0; 4]);
}

fn plp_length(length: usize, unknown: bool, out: &mut Vec<u8>) {
    let length = if unknown { PLP_UNKNOWN } else { length as u64 };
    out.extend_from_slice(&length.to_le_bytes());
}

/// A `text`, `ntext` or `image` value: text pointer, timestamp, length (MS-TDS 2.2.7.19).
fn long(bytes: &[u8], out: &mut Vec<u8>) {
    // The pointer means nothing to anybody; SQL Server itself sends this text in some answers.
    out.push(16);
    out.extend_from_slice(b"dummy textptr\0\0\0");
    out.extend_from_slice(b"dummyTS\0");
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// `None` when it cannot be done exactly.
fn rescale(unscaled: i128, from: u8, to: u8) -> Option<i128> {
    if from <= to {
        return unscaled.checked_mul(10_i128.checked_pow(u32::from(to - from))?);
    }
    let divisor = 10_i128.checked_pow(u32::from(from - to))?;
    (unscaled % divisor == 0).then_some(unscaled / divisor)
}
