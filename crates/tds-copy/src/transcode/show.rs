//! A field of COPY BINARY as the text that PostgreSQL reads back as the same value.
//!
//! Only rejected rows are shown, so nothing here is fast. The forms are those of the types' send
//! functions (postgres, utils/adt).

use std::borrow::Cow;
use std::fmt::Write;

use crate::transcode::json::JSONB_VERSION;
use tsql::calendar::{self, iso_date};
use tsql::hex::hex;
use tsql::typemap::PgType;

const DAY: i64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;
/// Digits in a group of `numeric` (numeric.c DEC_DIGITS).
const GROUP: usize = 4;

/// The text of `field`, a value of type `ty`; `None` where it has another form than the type's.
pub(super) fn text<'a>(ty: &PgType, field: &'a [u8]) -> Option<Cow<'a, str>> {
    match ty {
        PgType::Char(_) | PgType::VarChar(_) | PgType::Text | PgType::Xml | PgType::Json => {
            std::str::from_utf8(field).ok().map(Cow::Borrowed)
        }
        _ => other(ty, field).map(Cow::Owned),
    }
}

/// `None` for bytes that the type does not send.
fn other(ty: &PgType, field: &[u8]) -> Option<String> {
    Some(match ty {
        PgType::Boolean => if *field != [0] { "true" } else { "false" }.to_owned(),
        PgType::SmallInt => i16::from_be_bytes(field.try_into().ok()?).to_string(),
        PgType::Integer => i32::from_be_bytes(field.try_into().ok()?).to_string(),
        PgType::BigInt => i64::from_be_bytes(field.try_into().ok()?).to_string(),
        PgType::Real => f32::from_be_bytes(field.try_into().ok()?).to_string(),
        PgType::DoublePrecision => f64::from_be_bytes(field.try_into().ok()?).to_string(),
        PgType::Numeric(_) => numeric(field)?,
        PgType::Date => date(i64::from(i32::from_be_bytes(field.try_into().ok()?))),
        PgType::Time(_) => clock(i64::from_be_bytes(field.try_into().ok()?)),
        PgType::Timestamp(_) => moment(i64::from_be_bytes(field.try_into().ok()?)),
        PgType::TimestampTz(_) => moment(i64::from_be_bytes(field.try_into().ok()?)) + "+00",
        PgType::Bytea => format!("\\x{}", hex(field)),
        PgType::Uuid => uuid(field)?,
        PgType::Jsonb => json_of(field)?,
        PgType::RealArray => format!("{{{}}}", reals(array_of(field)?)?),
        PgType::Vector(_) => format!("[{}]", elements(vector_of(field)?)?),
        // PostGIS reads EWKB in hexadecimal digits as the value itself (lwgeom_inout.c).
        PgType::Geography | PgType::Geometry => hex(field),
        PgType::Char(_) | PgType::VarChar(_) | PgType::Text | PgType::Xml | PgType::Json => {
            return None;
        }
    })
}

/// What follows an array's head: dimensions, whether any element is NULL, the elements' type, then
/// of the one dimension its length and lower bound (postgres, arrayfuncs.c array_send).
fn array_of(field: &[u8]) -> Option<&[u8]> {
    let (head, rest) = field.split_at_checked(12)?;
    match u32::from_be_bytes(head.first_chunk::<4>().copied()?) {
        0 => rest.is_empty().then_some(rest),
        1 => rest.get(8..),
        _ => None,
    }
}

/// Elements of four bytes, each after its length.
fn reals(elements: &[u8]) -> Option<String> {
    let (pairs, rest) = elements.as_chunks::<8>();
    let bare = pairs.iter().flat_map(|pair| &pair[4..]).copied();
    rest.is_empty().then_some(())?;
    self::elements(&bare.collect::<Vec<u8>>())
}

/// What follows a vector's head: dimensions and a word that is not used (pgvector, vector_send).
fn vector_of(field: &[u8]) -> Option<&[u8]> {
    let (head, rest) = field.split_first_chunk::<4>()?;
    let dimensions = usize::from(u16::from_be_bytes([head[0], head[1]]));
    (rest.len() == dimensions * 4).then_some(rest)
}

fn elements(reals: &[u8]) -> Option<String> {
    let (reals, rest) = reals.as_chunks::<4>();
    let texts = reals
        .iter()
        .map(|real| f32::from_be_bytes(*real).to_string());
    let texts: Vec<_> = texts.collect();
    rest.is_empty().then(|| texts.join(","))
}

/// The text after the version byte of `jsonb`'s binary form.
fn json_of(field: &[u8]) -> Option<String> {
    let (version, text) = field.split_first()?;
    let text = std::str::from_utf8(text).ok()?;
    (*version == JSONB_VERSION).then(|| text.to_owned())
}

fn uuid(field: &[u8]) -> Option<String> {
    let mut text = hex(field);
    if field.len() != 16 {
        return None;
    }
    for place in [8, 13, 18, 23] {
        text.insert(place, '-');
    }
    Some(text)
}

fn date(days: i64) -> String {
    iso_date(calendar::TO_2000 + days)
}

/// `hh:mm:ss.ffffff`.
fn clock(microseconds: i64) -> String {
    let seconds = microseconds / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = microseconds % SECOND;
    format!("{hour:02}:{minute:02}:{second:02}.{fraction:06}")
}

fn moment(microseconds: i64) -> String {
    let day = date(microseconds.div_euclid(DAY));
    format!("{day} {}", clock(microseconds.rem_euclid(DAY)))
}

/// Count, weight, sign and digits after the point, then groups of four digits of which the first
/// counts 10,000^weight (numeric.c numeric_send).
fn numeric(field: &[u8]) -> Option<String> {
    let (words, rest) = field.as_chunks::<2>();
    let mut words = words.iter().map(|word| u16::from_be_bytes(*word));
    let (count, weight, sign) = (words.next()?, words.next()?.cast_signed(), words.next()?);
    let scale = usize::from(words.next()?);
    let groups = words.collect::<Vec<_>>();
    if !rest.is_empty() || groups.len() != usize::from(count) {
        return None;
    }
    let group = |place: i32| {
        let index = usize::try_from(i32::from(weight) - place).ok();
        index
            .and_then(|index| groups.get(index))
            .copied()
            .unwrap_or(0)
    };
    let mut whole = String::new();
    for place in (0..=i32::from(weight)).rev() {
        // Writing to a String cannot fail.
        let _ = write!(whole, "{:04}", group(place));
    }
    let whole = whole.trim_start_matches('0');
    let mut fraction = String::new();
    for place in 1..=scale.div_ceil(GROUP) {
        let _ = write!(fraction, "{:04}", group(-i32::try_from(place).ok()?));
    }
    fraction.truncate(scale);
    let sign = if sign == 0x4000 { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if scale == 0 { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// Fields as PostgreSQL 15 gave them for `COPY (SELECT ...) TO STDOUT (FORMAT binary)`, beside
    /// the text that it printed.
    #[test]
    fn a_field_reads_as_postgresql_prints_it() {
        let text = |ty, field: &[u8]| text(&ty, field).map(Cow::into_owned);
        let numeric = |field: &[u16]| text(PgType::Numeric(None), &words(field)).unwrap();
        assert_eq!(numeric(&[0, 0, 0, 0]), "0");
        assert_eq!(numeric(&[0, 0, 0, 2]), "0.00");
        assert_eq!(numeric(&[2, 0, 0x4000, 2, 12, 3400]), "-12.34");
        assert_eq!(numeric(&[1, 0xFFFF, 0, 4, 1]), "0.0001");
        assert_eq!(numeric(&[1, 0xFFFE, 0, 5, 1000]), "0.00001");
        assert_eq!(numeric(&[1, 1, 0, 0, 5]), "50000");
        assert_eq!(numeric(&[3, 1, 0, 1, 1, 2, 5000]), "10002.5");
        let day = |days: i32| text(PgType::Date, &days.to_be_bytes()).unwrap();
        assert_eq!(day(0), "2000-01-01");
        assert_eq!(day(-730_119), "0001-01-01");
        let time = |t: i64| text(PgType::Timestamp(6), &t.to_be_bytes()).unwrap();
        assert_eq!(time(-1), "1999-12-31 23:59:59.999999");
        assert_eq!(time(252_455_616_000_000_000), "10000-01-01 00:00:00.000000");
        let midnight = text(PgType::Time(6), &DAY.to_be_bytes()).unwrap();
        assert_eq!(midnight, "24:00:00.000000");
        assert_eq!(text(PgType::Bytea, &[0, 0xAB]).unwrap(), "\\x00ab");
        let id = text(PgType::Uuid, &[0x6F; 16]).unwrap();
        assert_eq!(id, "6f6f6f6f-6f6f-6f6f-6f6f-6f6f6f6f6f6f");
        assert_eq!(text(PgType::Boolean, &[1]).unwrap(), "true");
        // SELECT encode(array_send(ARRAY[1.5, -2]::real[]), 'hex'), and of '{}'.
        let reals = b"\0\0\0\x01\0\0\0\0\0\0\x02\xBC\0\0\0\x02\0\0\0\x01\
            \0\0\0\x04\x3F\xC0\0\0\0\0\0\x04\xC0\0\0\0";
        assert_eq!(text(PgType::RealArray, reals).unwrap(), "{1.5,-2}");
        let none = b"\0\0\0\0\0\0\0\0\0\0\x02\xBC";
        assert_eq!(text(PgType::RealArray, none).unwrap(), "{}");
        assert_eq!(text(PgType::RealArray, &reals[..30]), None);
        // pgvector's README and vector.c: two dimensions, an unused word, the elements.
        let vector = b"\0\x02\0\0\x3F\xC0\0\0\xC0\0\0\0";
        assert_eq!(text(PgType::Vector(2), vector).unwrap(), "[1.5,-2]");
        assert_eq!(text(PgType::Vector(2), &vector[..8]), None);
        let point = b"\x01\x01\0\0\0\0\0\0\0\0\0\xF0\x3F\0\0\0\0\0\0\0\x40";
        assert_eq!(
            text(PgType::Geometry, point).unwrap(),
            "0101000000000000000000f03f0000000000000040"
        );
        assert_eq!(text(PgType::Text, b"\xFF"), None);
        assert_eq!(text(PgType::Integer, &[0]), None);
    }
}
