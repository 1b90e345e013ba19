//! Integers, decimals and money as PostgreSQL's binary integers and `numeric`.
//!
//! The inner loop of most tables, so nothing here allocates, and divisions are in 64 bits where
//! that is enough. Forms of the wire are those of MS-TDS 2.2.5.5, forms of COPY those of
//! PostgreSQL's send functions.

use crate::transcode::fault::Fault;
use crate::transcode::output::Output;

/// The base of `numeric`: four decimal digits in two bytes (postgres, numeric.c NBASE).
const BASE: u64 = 10_000;
/// Sign word of a negative `numeric` (numeric.c NUMERIC_NEG).
const NEGATIVE: u16 = 0x4000;
const POW10: [u16; 4] = [1, 10, 100, 1000];
/// 16 digits: four groups, and the largest power of the base below 2^64.
const FOUR_GROUPS: u128 = 10_000_000_000_000_000;
/// `decimal` ends at 38 digits.
const TOO_MANY_DIGITS: u128 = 10u128.pow(38);

/// A decimal's sign and magnitude: a sign byte (1 is positive) and 4, 8, 12 or 16 bytes
/// (MS-TDS 2.2.5.5.1.6).
#[inline]
pub(super) fn decimal(bytes: &[u8]) -> Result<(bool, u128), Fault> {
    let (sign, magnitude) = bytes.split_first().ok_or(Fault::Malformed)?;
    let magnitude = match magnitude.len() {
        4 => u128::from(u32::from_le_bytes(array(magnitude)?)),
        8 => u128::from(u64::from_le_bytes(array(magnitude)?)),
        12 => {
            let mut wide = [0; 16];
            wide[..12].copy_from_slice(magnitude);
            u128::from_le_bytes(wide)
        }
        _ => u128::from_le_bytes(array(magnitude)?),
    };
    if magnitude >= TOO_MANY_DIGITS {
        return Err(Fault::Malformed);
    }
    Ok((*sign == 0 && magnitude != 0, magnitude))
}

/// Money as ten-thousandths. Eight bytes come with the upper half first (MS-TDS 2.2.5.5.1.2).
#[inline]
pub(super) fn money(bytes: &[u8]) -> Result<i64, Fault> {
    if bytes.len() == 4 {
        return Ok(i64::from(i32::from_le_bytes(array(bytes)?)));
    }
    let wire = u64::from_le_bytes(array(bytes)?);
    Ok(wire.rotate_left(32) as i64)
}

/// `tinyint` (one byte) has no sign, the others do.
#[inline]
pub(super) fn int(bytes: &[u8]) -> Result<i64, Fault> {
    Ok(match bytes.len() {
        1 => i64::from(bytes[0]),
        2 => i64::from(i16::from_le_bytes(array(bytes)?)),
        4 => i64::from(i32::from_le_bytes(array(bytes)?)),
        _ => i64::from_le_bytes(array(bytes)?),
    })
}

/// `real` (four bytes) or `float`.
pub(super) fn double(bytes: &[u8]) -> Result<f64, Fault> {
    match bytes.len() {
        4 => Ok(f64::from(f32::from_le_bytes(array(bytes)?))),
        _ => Ok(f64::from_le_bytes(array(bytes)?)),
    }
}

/// A field holding an integer of 2, 4 or 8 bytes; the type map allows only pairs that fit.
#[inline]
pub(super) fn put_int(out: &mut Output, value: i64, width: u8) -> Result<(), Fault> {
    match width {
        2 => put_field(
            out,
            i16::try_from(value)
                .map_err(|_| Fault::Malformed)?
                .to_be_bytes(),
        ),
        4 => put_field(
            out,
            i32::try_from(value)
                .map_err(|_| Fault::Malformed)?
                .to_be_bytes(),
        ),
        _ => put_field(out, value.to_be_bytes()),
    }
    Ok(())
}

/// A field of a few bytes, its length before them.
#[inline]
pub(super) fn put_field<const N: usize>(out: &mut Output, bytes: [u8; N]) {
    let room = out.room(4 + N);
    room[..4].copy_from_slice(&(N as i32).to_be_bytes());
    room[4..4 + N].copy_from_slice(&bytes);
    out.advance(4 + N);
}

/// A `numeric` field: `magnitude` / 10^`scale` shown with `display_scale` digits.
///
/// Written as `numeric_send` does: groups of base 10,000 without leading and trailing zero groups,
/// and zero without a sign.
pub(super) fn put_numeric(
    out: &mut Output,
    negative: bool,
    magnitude: u128,
    scale: u8,
    display_scale: u8,
) {
    // 39 digits at most, one group of them split: 11 groups.
    let mut groups = [0u16; 12];
    let count = split(magnitude, scale, &mut groups);
    let fraction = i16::from(scale.div_ceil(4));
    let first = groups[..count].iter().position(|group| *group != 0);
    let first = first.unwrap_or(count);
    let last = groups[first..count].iter().rposition(|group| *group != 0);
    let digits = last.map_or(0, |last| last + 1);
    let weight = match digits {
        0 => 0,
        _ => (first + digits - 1) as i16 - fraction,
    };
    let length = 8 + 2 * digits;
    let room = out.room(4 + 8 + 24);
    let sign = if negative && digits != 0 { NEGATIVE } else { 0 };
    room[..4].copy_from_slice(&(length as i32).to_be_bytes());
    room[4..6].copy_from_slice(&(digits as i16).to_be_bytes());
    room[6..8].copy_from_slice(&weight.to_be_bytes());
    room[8..10].copy_from_slice(&sign.to_be_bytes());
    room[10..12].copy_from_slice(&u16::from(display_scale).to_be_bytes());
    let (slots, _) = room[12..].as_chunks_mut::<2>();
    for (slot, group) in slots
        .iter_mut()
        .zip(groups[first..first + digits].iter().rev())
    {
        *slot = group.to_be_bytes();
    }
    out.advance(4 + length);
}

/// Splits into groups of base 10,000 that end at the decimal point, least significant first.
fn split(magnitude: u128, scale: u8, groups: &mut [u16; 12]) -> usize {
    let mut count = 0;
    let mut rest = magnitude;
    let odd = usize::from(scale % 4);
    if odd != 0 {
        let unit = u128::from(POW10[odd]);
        let (quotient, low) = divide(rest, unit);
        groups[0] = low as u16 * POW10[4 - odd];
        count = 1;
        rest = quotient;
    }
    while rest > u128::from(u64::MAX) {
        let mut low = (rest % FOUR_GROUPS) as u64;
        rest /= FOUR_GROUPS;
        for _ in 0..4 {
            groups[count] = (low % BASE) as u16;
            low /= BASE;
            count += 1;
        }
    }
    let mut rest = rest as u64;
    while rest != 0 {
        groups[count] = (rest % BASE) as u16;
        rest /= BASE;
        count += 1;
    }
    count
}

/// Division in 64 bits where that is enough, which it nearly always is.
#[inline]
fn divide(value: u128, by: u128) -> (u128, u64) {
    match u64::try_from(value) {
        Ok(value) => (u128::from(value / by as u64), value % by as u64),
        Err(_) => (value / by, (value % by) as u64),
    }
}

/// # Errors
/// `Malformed`: a value of another length than its type has.
#[inline]
pub(super) fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Fault> {
    bytes.try_into().map_err(|_| Fault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(negative: bool, magnitude: u128, scale: u8) -> (Vec<i16>, i16, u16, u16) {
        let mut out = Output::new(64);
        put_numeric(&mut out, negative, magnitude, scale, scale);
        let bytes = out.written(0);
        let words: Vec<u16> = bytes[4..]
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        assert_eq!(
            i32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize,
            bytes.len() - 4
        );
        assert_eq!(usize::from(words[0]), words.len() - 4);
        let digits = words[4..].iter().map(|word| *word as i16).collect();
        (digits, words[1] as i16, words[2], words[3])
    }

    /// The forms that `numeric_send` of PostgreSQL 15 gives.
    #[test]
    fn numerics_are_base_ten_thousand_around_the_point() {
        assert_eq!(numeric(false, 1, 0), (vec![1], 0, 0, 0));
        assert_eq!(
            numeric(true, 123_456_789, 2),
            (vec![123, 4567, 8900], 1, NEGATIVE, 2)
        );
        assert_eq!(numeric(false, 5, 1), (vec![5000], -1, 0, 1));
        assert_eq!(numeric(false, 5, 38), (vec![500], -10, 0, 38));
        assert_eq!(numeric(false, 1_0000_0000, 0), (vec![1], 2, 0, 0));
        assert_eq!(numeric(true, 0, 2), (vec![], 0, 0, 2));
        let all = 10u128.pow(38) - 1;
        assert_eq!(
            numeric(false, all, 0).0,
            [&[99i16][..], &[9999; 9]].concat()
        );
        assert_eq!(
            numeric(false, all, 1).0,
            [&[9i16][..], &[9999; 9], &[9000]].concat()
        );
    }

    #[test]
    fn money_takes_its_upper_half_first() {
        let bytes = [0xFF, 0xFF, 0xFF, 0x7F, 0xFE, 0xFF, 0xFF, 0xFF];
        assert_eq!(money(&bytes), Ok(i64::MAX - 1));
        assert_eq!(money(&[0xFF; 4]), Ok(-1));
    }

    #[test]
    fn a_magnitude_of_39_digits_is_no_decimal() {
        let mut bytes = vec![1];
        bytes.extend_from_slice(&10u128.pow(38).to_le_bytes());
        assert_eq!(decimal(&bytes), Err(Fault::Malformed));
        assert_eq!(decimal(&[]), Err(Fault::Malformed));
        assert_eq!(decimal(&[0, 0, 0, 0, 0]), Ok((false, 0)));
    }
}
