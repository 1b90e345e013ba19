//! Bytes as hexadecimal digits.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Two lower-case digits a byte.
///
/// ```
/// assert_eq!(tsql::hex::hex(&[0, 0xA7]), "00a7");
/// ```
pub fn hex(bytes: &[u8]) -> String {
    let digit = |place: u8| char::from(DIGITS[usize::from(place)]);
    let pairs = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    pairs.collect()
}
