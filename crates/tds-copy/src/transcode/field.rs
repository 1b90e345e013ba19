//! Finds the next value in the bytes at hand.
//!
//! Only lengths are read here. A value in one piece is given as a slice of the input; a value in
//! several pieces, or of which the end has not come, is handed to `streamed`.

use crate::tds::type_info::Wire;
use crate::transcode::fault::Fault;

/// PLP lengths that are none (MS-TDS 2.2.5.2.3).
const PLP_NULL: u64 = u64::MAX;
const PLP_UNKNOWN: u64 = u64::MAX - 1;

/// 8,000 bytes of data and 16 of type and properties (MS-TDS 2.2.5.5.4 says 8,009 of both).
const LONGEST_VARIANT: u32 = 8_016;

/// The next field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Null,
    /// All of the value's bytes.
    Value(&'a [u8]),
    /// A value that is not there as a whole, or not in one piece. Its head was read.
    Long(Pieces),
    /// Not enough bytes to say.
    More,
}

/// How a long value lies on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pieces {
    /// Chunks, each with its length, up to one of length 0; with the sum of them, where it is told.
    Chunks { told: Option<u64> },
    /// So many bytes.
    Run(u32),
}

/// Reads the field at `at` and moves `at` past it.
///
/// # Errors
/// `Malformed` for a length that the type cannot have.
#[inline]
pub(super) fn field<'a>(wire: Wire, input: &'a [u8], at: &mut usize) -> Result<Field<'a>, Fault> {
    let rest = &input[*at..];
    match wire {
        Wire::Fixed(bytes) => Ok(take(rest, 0, usize::from(bytes), at)),
        Wire::Byte => Ok(match rest.first() {
            None => Field::More,
            Some(0) => {
                *at += 1;
                Field::Null
            }
            Some(bytes) => take(rest, 1, usize::from(*bytes), at),
        }),
        Wire::Short => Ok(match rest {
            [0xFF, 0xFF, ..] => {
                *at += 2;
                Field::Null
            }
            [low, high, ..] => take(rest, 2, usize::from(u16::from_le_bytes([*low, *high])), at),
            _ => Field::More,
        }),
        Wire::Plp => Ok(plp(rest, at)),
        Wire::Pointer => Ok(pointer(rest, at)),
        Wire::Long => variant(rest, at),
    }
}

/// A length of 0 is NULL; what is longer than any variant is no length.
fn variant<'a>(rest: &'a [u8], at: &mut usize) -> Result<Field<'a>, Fault> {
    let Some(length) = rest.first_chunk::<4>() else {
        return Ok(Field::More);
    };
    match u32::from_le_bytes(*length) {
        0 => {
            *at += 4;
            Ok(Field::Null)
        }
        length @ 1..=LONGEST_VARIANT => Ok(take(rest, 4, length as usize, at)),
        _ => Err(Fault::Malformed),
    }
}

/// `head`: bytes of the length before the value.
#[inline]
fn take<'a>(rest: &'a [u8], head: usize, length: usize, at: &mut usize) -> Field<'a> {
    match rest.get(head..head + length) {
        None => Field::More,
        Some(value) => {
            *at += head + length;
            Field::Value(value)
        }
    }
}

/// A value in one chunk whose end is there is as good as a short one.
#[inline]
fn plp<'a>(rest: &'a [u8], at: &mut usize) -> Field<'a> {
    let Some((head, after)) = rest.split_first_chunk::<8>() else {
        return Field::More;
    };
    let told = match u64::from_le_bytes(*head) {
        PLP_NULL => {
            *at += 8;
            return Field::Null;
        }
        PLP_UNKNOWN => None,
        told => Some(told),
    };
    let Some((length, after)) = after.split_first_chunk::<4>() else {
        return Field::More;
    };
    let length = u32::from_le_bytes(*length) as usize;
    let is_told = told.is_none_or(|told| told == length as u64);
    match after.split_at_checked(length) {
        _ if length == 0 && is_told => {
            *at += 12;
            Field::Value(&[])
        }
        Some((value, [0, 0, 0, 0, ..])) if length != 0 && is_told => {
            *at += 16 + length;
            Field::Value(value)
        }
        _ => {
            *at += 8;
            Field::Long(Pieces::Chunks { told })
        }
    }
}

/// A pointer (its length 0 is NULL), eight bytes of timestamp, a length and the bytes.
fn pointer<'a>(rest: &'a [u8], at: &mut usize) -> Field<'a> {
    let Some(pointer) = rest.first() else {
        return Field::More;
    };
    if *pointer == 0 {
        *at += 1;
        return Field::Null;
    }
    let head = 1 + usize::from(*pointer) + 8;
    let Some(length) = rest.get(head..).and_then(<[u8]>::first_chunk::<4>) else {
        return Field::More;
    };
    let length = u32::from_le_bytes(*length);
    match take(rest, head + 4, length as usize, at) {
        Field::More => {
            *at += head + 4;
            Field::Long(Pieces::Run(length))
        }
        whole => whole,
    }
}

/// Whether the bitmap of a row (NBCROW, MS-TDS 2.2.7.14) has a bit for the column at `place`; an empty
/// one has none.
#[inline]
pub(super) fn is_null(nulls: &[u8], place: usize) -> bool {
    nulls
        .get(place / 8)
        .is_some_and(|byte| byte >> (place % 8) & 1 != 0)
}
