//! Text: UTF-16 in and out, numbers as SQL Server prints them, and LIKE.

use std::sync::Arc;

use crate::engine::collate;
use crate::types::{Collation, Value};

pub(crate) fn value(text: &str) -> Value {
    Value::Text(text.encode_utf16().collect())
}

pub(crate) fn to_string(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}

/// The text of a character value, `None` for NULL and other kinds.
pub(crate) fn units(value: &Value) -> Option<&Arc<[u16]>> {
    match value {
        Value::Text(t) => Some(t),
        _ => None,
    }
}

/// A float in the default style of CONVERT: at most 6 significant digits, `1e+006` for the large.
pub(crate) fn float_text(f: f64, digits: usize) -> String {
    if f == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{f:.*e}", digits - 1);
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("a scientific format has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    if exponent < -5 || exponent >= digits as i32 {
        let mantissa = strip_zeros(mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:03}", exponent.abs());
    }
    let places = (digits as i32 - 1 - exponent).max(0) as usize;
    strip_zeros(&format!("{f:.places$}")).to_owned()
}

/// Styles 1 (8 digits) and 2 (16 digits), always scientific.
pub(crate) fn float_scientific(f: f64, digits: usize) -> String {
    let text = format!("{f:.*e}", digits - 1);
    let (mantissa, exponent) = text
        .split_once('e')
        .expect("a scientific format has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    format!(
        "{mantissa}e{}{:03}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    )
}

fn strip_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// `6F9619FF-8B86-D011-B42D-00C04FC964FF` of wire bytes.
pub(crate) fn guid_text(g: &[u8; 16]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut text = String::with_capacity(36);
    for (i, at) in order.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{:02X}", g[*at]));
    }
    text
}

/// Wire bytes of a uniqueidentifier in text, with or without braces.
pub(crate) fn parse_guid(text: &str) -> Option<[u8; 16]> {
    let text = text.trim();
    let text = text
        .strip_prefix('{')
        .and_then(|t| t.get(..36))
        .unwrap_or(text);
    let text = text.get(..36)?;
    let mut bytes = [0u8; 16];
    let mut digits = text.bytes().enumerate();
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    for slot in order {
        let mut pair = 0u8;
        let mut seen = 0;
        while seen < 2 {
            let (at, digit) = digits.next()?;
            if matches!(at, 8 | 13 | 18 | 23) {
                if digit != b'-' {
                    return None;
                }
                continue;
            }
            pair = pair << 4 | (digit as char).to_digit(16)? as u8;
            seen += 1;
        }
        bytes[slot] = pair;
    }
    Some(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

pub(crate) fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let padded = if text.len() % 2 == 1 {
        format!("0{text}")
    } else {
        text.to_owned()
    };
    if !padded.is_ascii() {
        return None;
    }
    (0..padded.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&padded[i..i + 2], 16).ok())
        .collect()
}

/// LIKE with `%`, `_`, `[a-z]`, `[^a-z]` and an escape character, under a collation.
pub(crate) fn like(
    text: &[u16],
    pattern: &[u16],
    escape: Option<u16>,
    collation: &Collation,
) -> bool {
    const PERCENT: u16 = b'%' as u16;
    let Some(first) = pattern.first().copied() else {
        return text.is_empty();
    };
    if Some(first) == escape && pattern.len() > 1 {
        return !text.is_empty()
            && same(text[0], pattern[1], collation)
            && like(&text[1..], &pattern[2..], escape, collation);
    }
    if first == PERCENT {
        let rest = &pattern[1..];
        return (0..=text.len()).any(|i| like(&text[i..], rest, escape, collation));
    }
    if text.is_empty() {
        // Trailing blanks of the pattern are significant, those of the text are not needed.
        return false;
    }
    match first {
        c if c == u16::from(b'_') => like(&text[1..], &pattern[1..], escape, collation),
        c if c == u16::from(b'[') => match class(text[0], pattern, escape, collation) {
            Some((true, used)) => like(&text[1..], &pattern[used..], escape, collation),
            _ => false,
        },
        c => same(text[0], c, collation) && like(&text[1..], &pattern[1..], escape, collation),
    }
}

fn same(a: u16, b: u16, collation: &Collation) -> bool {
    // A blank is not "nothing" here, as the comparison of trimmed texts would have it.
    a == b || (a != 0x20 && b != 0x20 && collate::compare(collation, &[a], &[b]).is_eq())
}

/// Whether `c` is in the class that `pattern` starts with, and the pattern's length up to its `]`.
fn class(
    c: u16,
    pattern: &[u16],
    escape: Option<u16>,
    collation: &Collation,
) -> Option<(bool, usize)> {
    const CLOSE: u16 = b']' as u16;
    let mut at = 1;
    let negated = pattern.get(at) == Some(&u16::from(b'^'));
    if negated {
        at += 1;
    }
    let mut found = false;
    let mut first = true;
    loop {
        let mut unit = *pattern.get(at)?;
        if unit == CLOSE && !first {
            return Some((found != negated, at + 1));
        }
        first = false;
        if Some(unit) == escape {
            at += 1;
            unit = *pattern.get(at)?;
        }
        let range = pattern.get(at + 1) == Some(&u16::from(b'-'))
            && pattern.get(at + 2).is_some_and(|u| *u != CLOSE);
        if range {
            let high = pattern[at + 2];
            found |= collate::compare(collation, &[unit], &[c]).is_le()
                && collate::compare(collation, &[c], &[high]).is_le();
            at += 3;
        } else {
            found |= same(c, unit, collation);
            at += 1;
        }
    }
}

/// LIKE; between two texts that are not Unicode, trailing blanks of the subject may be ignored.
pub(crate) fn like_padded(
    subject: &[u16],
    pattern: &[u16],
    (escape, ignores): (Option<u16>, bool),
    collation: &Collation,
) -> bool {
    let mut rest = subject;
    loop {
        if like(rest, pattern, escape, collation) {
            return true;
        }
        match rest.split_last() {
            Some((0x20, shorter)) if ignores => rest = shorter,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, pattern: &str) -> bool {
        let u = |s: &str| s.encode_utf16().collect::<Vec<_>>();
        like(
            &u(text),
            &u(pattern),
            Some(u16::from(b'!')),
            &collate::default_collation(),
        )
    }

    #[test]
    fn patterns() {
        assert!(matches(
            "172-32-1176",
            "[0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][0-9][0-9]"
        ));
        assert!(matches("Green", "%REE_"));
        assert!(!matches("Green", "g[^r]een"));
        assert!(matches("50%", "50!%"));
        assert!(!matches("505", "50!%"));
        assert!(matches("a]b", "a[]]b"));
        assert!(matches("a[b", "a[[]b"));
        assert!(!matches("a b", "ab"));
    }

    #[test]
    fn numbers_as_text() {
        assert_eq!(float_text(1_234_567.0, 6), "1.23457e+006");
        assert_eq!(float_text(0.1, 6), "0.1");
        assert_eq!(float_text(123.5, 6), "123.5");
        let g = parse_guid("6F9619FF-8B86-D011-B42D-00C04FC964FF").unwrap();
        assert_eq!(g[..4], [0xff, 0x19, 0x96, 0x6f]);
        assert_eq!(guid_text(&g), "6F9619FF-8B86-D011-B42D-00C04FC964FF");
        assert!(parse_guid("6F9619FF-8B86-D011-B42D").is_none());
    }
}
