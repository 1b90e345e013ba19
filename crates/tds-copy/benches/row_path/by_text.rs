//! A decimal the straightforward way, to compare with: printed as text, and the text cut into the digits of
//! PostgreSQL's `numeric`.

use std::fmt::Write;

/// Values as the server sends them: a sign (1 is positive) and 16 bytes, the lowest first.
pub fn values(rows: u32) -> Vec<[u8; 17]> {
    let value = |n: u32| u128::from(n) * 123_456_789_012_345_678_901_234_567;
    let bytes = |n| {
        let mut bytes = [0; 17];
        bytes[1..].copy_from_slice(&value(n).to_le_bytes());
        bytes
    };
    (0..rows).map(bytes).collect()
}

/// Appends the length and the binary form of a `numeric` of this scale.
pub fn append(value: &[u8; 17], scale: usize, text: &mut String, out: &mut Vec<u8>) {
    let number = u128::from_le_bytes(value[1..].try_into().unwrap());
    text.clear();
    write!(text, "{number:0>width$}", width = scale + 1).unwrap();
    let (whole, fraction) = text.split_at(text.len() - scale);
    let padded = whole.len().div_ceil(4) * 4;
    let whole = format!("{whole:0>padded$}");
    let padded = fraction.len().div_ceil(4) * 4;
    let fraction = format!("{fraction:0<padded$}");
    let groups = [whole.as_bytes(), fraction.as_bytes()].concat();
    let digits = groups.chunks(4).map(|group| {
        let group = std::str::from_utf8(group).unwrap();
        group.parse::<i16>().unwrap()
    });
    let digits = digits.collect::<Vec<_>>();
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    let trailing = digits[leading..]
        .iter()
        .rev()
        .take_while(|digit| **digit == 0)
        .count();
    let kept = &digits[leading..digits.len() - trailing];
    let weight = if kept.is_empty() {
        0
    } else {
        (whole.len() / 4) as i16 - 1 - leading as i16
    };
    let sign = if value[0] == 0 && !kept.is_empty() {
        0x4000
    } else {
        0
    };
    out.extend((8 + 2 * kept.len() as i32).to_be_bytes());
    for part in [kept.len() as i16, weight, sign, scale as i16] {
        out.extend(part.to_be_bytes());
    }
    kept.iter()
        .for_each(|digit| out.extend(digit.to_be_bytes()));
}
