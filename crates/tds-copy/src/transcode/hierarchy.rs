//! `hierarchyid` to its path.
//!
//! The value is a string of bits: each number of the path is one of twelve patterns, the larger
//! the longer (MS-SSCLRT 2.1.3, "SqlHierarchyId"). The last bit of a number tells what follows
//! it: 1 is the end of a level (`/`); 0 is a dot, and the number is one less than what is written.
//! Bits that are left in the last byte are zero.

use std::fmt::Write;

use crate::transcode::fault::Fault;

/// `x` is a bit of the number above `least`, the first is the highest; `T` the last bit; the
/// others are what they are.
struct Pattern {
    least: i64,
    bits: &'static str,
}

const fn pattern(least: i64, bits: &'static str) -> Pattern {
    Pattern { least, bits }
}

/// By their first bits, of which none begins another.
const PATTERNS: [Pattern; 13] = [
    pattern(0, "01xxT"),
    pattern(4, "100xxT"),
    pattern(8, "101xxxT"),
    pattern(16, "110xx0x1xxxT"),
    pattern(80, "1110xxx0xxx0x1xxxT"),
    pattern(1104, "11110xxxxx0xxx0x1xxxT"),
    pattern(5200, "111110xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"),
    pattern(
        4_294_972_496,
        "111111xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT",
    ),
    pattern(-8, "00111xxxT"),
    pattern(-72, "0010xx0x1xxxT"),
    pattern(-4168, "000110xxxxx0xxx0x1xxxT"),
    pattern(
        -4_294_971_464,
        "000101xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT",
    ),
    pattern(
        -281_479_271_682_120,
        "000100xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT",
    ),
];

/// The path, as `ToString()` prints it: `/`, `/1/`, `/1/2.5/-3/`.
pub(super) fn path(bytes: &[u8]) -> Result<String, Fault> {
    let mut path = String::from("/");
    let mut at = 0;
    while !is_padding(bytes, at) {
        let (number, ends, next) = number(bytes, at).ok_or(Fault::Malformed)?;
        // Writing to a String cannot fail.
        let _ = write!(path, "{number}{}", if ends { '/' } else { '.' });
        at = next;
    }
    if path.ends_with('.') {
        return Err(Fault::Malformed);
    }
    Ok(path)
}

/// Fewer than eight bits are left, and all are zero.
fn is_padding(bytes: &[u8], at: usize) -> bool {
    let left = bytes.len() * 8 - at;
    left < 8 && (at..at + left).all(|place| bit(bytes, place) == Some(false))
}

fn bit(bytes: &[u8], place: usize) -> Option<bool> {
    let byte = bytes.get(place / 8)?;
    Some(byte >> (7 - place % 8) & 1 != 0)
}

/// The number at a bit, whether it ends its level, and where the next one begins.
fn number(bytes: &[u8], at: usize) -> Option<(i64, bool, usize)> {
    PATTERNS.iter().find_map(|pattern| {
        let (above, ends) = matched(pattern.bits, bytes, at)?;
        let number = pattern.least + above - i64::from(!ends);
        Some((number, ends, at + pattern.bits.len()))
    })
}

fn matched(pattern: &str, bytes: &[u8], at: usize) -> Option<(i64, bool)> {
    let (mut above, mut ends) = (0, false);
    for (place, sign) in pattern.bytes().enumerate() {
        let found = bit(bytes, at + place)?;
        match sign {
            b'x' => above = above << 1 | i64::from(found),
            b'T' => ends = found,
            fixed if (fixed == b'1') != found => return None,
            _ => {}
        }
    }
    Some((above, ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(hex: &str) -> Result<String, Fault> {
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        path(&bytes)
    }

    /// Binary forms that Microsoft's tutorials, "Using hierarchyid" and AdventureWorks print.
    #[test]
    fn paths_read_as_sql_server_prints_them() {
        for (hex, expected) in [
            ("", "/"),
            ("58", "/1/"),
            ("68", "/2/"),
            ("78", "/3/"),
            ("84", "/4/"),
            ("5AC0", "/1/1/"),
            ("5B40", "/1/2/"),
            ("5AD6", "/1/1/1/"),
            ("62C0", "/1.1/"),
            ("48", "/0/"),
            ("3F80", "/-1/"),
        ] {
            assert_eq!(shown(hex).as_deref(), Ok(expected), "{hex}");
        }
    }

    /// Every pattern at both of its ends: the least number is all zeros, the largest all ones.
    #[test]
    fn each_pattern_holds_the_range_that_the_specification_gives_it() {
        let ends = [
            3,
            7,
            15,
            79,
            1103,
            5199,
            4_294_972_495,
            281_479_271_683_151,
            -1,
            -9,
            -73,
            -4169,
        ];
        let ends = ends.into_iter().chain([-4_294_971_465]);
        for (pattern, most) in PATTERNS.iter().zip(ends) {
            for (fill, expected) in [('0', pattern.least), ('1', most)] {
                let bits = pattern
                    .bits
                    .replace('x', &fill.to_string())
                    .replace('T', "1");
                let mut bytes = vec![0u8; bits.len().div_ceil(8)];
                for (place, bit) in bits.bytes().enumerate() {
                    bytes[place / 8] |= (bit - b'0') << (7 - place % 8);
                }
                assert_eq!(path(&bytes), Ok(format!("/{expected}/")), "{bits}");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_path_are_refused() {
        for hex in ["00", "FF", "0100", "60"] {
            assert_eq!(shown(hex), Err(Fault::Malformed), "{hex}");
        }
    }
}
