//! SQL Server's order of values: comparison, and memcmp-able sort keys for indexes.

use std::cmp::Ordering;

use crate::engine::collate;
use crate::types::{Collation, Value};

/// The bytes of a wire-order uniqueidentifier from the most to the least significant
/// ("Comparing GUID and uniqueidentifier values", ADO.NET documentation).
const GUID_ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];

/// Compares two values of one type; NULL sorts before everything.
pub(crate) fn compare(a: &Value, b: &Value, collation: Option<&Collation>) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Bit(a), Value::Bit(b)) => a.cmp(b),
        (
            Value::Decimal {
                unscaled: a,
                scale: sa,
            },
            Value::Decimal {
                unscaled: b,
                scale: sb,
            },
        ) if sa == sb => a.cmp(b),
        (Value::Money(a), Value::Money(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        (Value::Real(a), Value::Real(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        (Value::Text(a), Value::Text(b)) => match collation {
            Some(c) => collate::compare(c, a, b),
            None => collate::compare(&collate::default_collation(), a, b),
        },
        (Value::Bytes(a), Value::Bytes(b)) => trim_zeros(a).cmp(trim_zeros(b)),
        _ => {
            let (mut ka, mut kb) = (Vec::with_capacity(20), Vec::with_capacity(20));
            append_key(a, collation, &mut ka);
            append_key(b, collation, &mut kb);
            ka.cmp(&kb)
        }
    }
}

/// Appends the sort key of one column. Keys are self-delimiting, so a key of several columns is
/// the keys one after the other, and equal columns are an equal prefix.
pub(crate) fn append_key(value: &Value, collation: Option<&Collation>, out: &mut Vec<u8>) {
    if matches!(value, Value::Null) {
        out.push(0);
        return;
    }
    out.push(1);
    match value {
        Value::Null => {}
        Value::Bit(b) => out.push(u8::from(*b)),
        Value::Int(i) | Value::Money(i) => {
            out.extend_from_slice(&((*i as u64) ^ (1 << 63)).to_be_bytes())
        }
        Value::Decimal { unscaled, .. } => {
            out.extend_from_slice(&((*unscaled as u128) ^ (1 << 127)).to_be_bytes());
        }
        Value::Real(f) => out.extend_from_slice(&float_bits(f64::from(*f)).to_be_bytes()),
        Value::Float(f) => out.extend_from_slice(&float_bits(*f).to_be_bytes()),
        Value::Date(d) => out.extend_from_slice(&((*d as u32) ^ (1 << 31)).to_be_bytes()),
        Value::Time(t) => out.extend_from_slice(&t.to_be_bytes()),
        Value::SmallDateTime { days, minutes } => {
            out.extend_from_slice(&days.to_be_bytes());
            out.extend_from_slice(&minutes.to_be_bytes());
        }
        Value::DateTime { days, ticks } => {
            out.extend_from_slice(&((*days as u32) ^ (1 << 31)).to_be_bytes());
            out.extend_from_slice(&ticks.to_be_bytes());
        }
        Value::DateTime2 { days, ticks } | Value::DateTimeOffset { days, ticks, .. } => {
            out.extend_from_slice(&((*days as u32) ^ (1 << 31)).to_be_bytes());
            out.extend_from_slice(&ticks.to_be_bytes());
        }
        Value::Text(t) => match collation {
            Some(c) => collate::sort_key(c, t, out),
            None => collate::sort_key(&collate::default_collation(), t, out),
        },
        Value::Bytes(b) => {
            for byte in trim_zeros(b) {
                out.push(*byte);
                if *byte == 0 {
                    out.push(0xff);
                }
            }
            out.extend_from_slice(&[0, 0]);
        }
        Value::Guid(g) => out.extend(GUID_ORDER.iter().map(|i| g[*i])),
    }
}

/// As [`append_key`], in reverse for a descending column.
pub(crate) fn append_ordered_key(
    value: &Value,
    collation: Option<&Collation>,
    descending: bool,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    append_key(value, collation, out);
    if descending {
        out[start..].iter_mut().for_each(|b| *b = !*b);
    }
}

/// Binary values compare as if the shorter were filled with zeros.
fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
    &bytes[..end]
}

fn float_bits(f: f64) -> u64 {
    let bits = if f == 0.0 { 0 } else { f.to_bits() };
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | (1 << 63)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

pub(crate) fn compare_values(
    op: Comparison,
    l: &Value,
    r: &Value,
    collation: Option<&Collation>,
) -> Option<bool> {
    if matches!(l, Value::Null) || matches!(r, Value::Null) {
        return None;
    }
    let order = compare(l, r, collation);
    Some(match op {
        Comparison::Eq => order.is_eq(),
        Comparison::Ne => order.is_ne(),
        Comparison::Lt => order.is_lt(),
        Comparison::Le => order.is_le(),
        Comparison::Gt => order.is_gt(),
        Comparison::Ge => order.is_ge(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guid_order_starts_at_the_node() {
        // Ascending as SQL Server sorts them: the last six bytes decide first.
        let low = Value::Guid([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let high = Value::Guid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
        assert_eq!(compare(&low, &high, None), Ordering::Less);
    }

    #[test]
    fn binary_is_padded_with_zeros() {
        let short = Value::Bytes([1u8, 2].as_slice().into());
        let long = Value::Bytes([1u8, 2, 0].as_slice().into());
        let more = Value::Bytes([1u8, 2, 0, 1].as_slice().into());
        assert_eq!(compare(&short, &long, None), Ordering::Equal);
        assert_eq!(compare(&long, &more, None), Ordering::Less);
    }

    #[test]
    fn keys_order_as_values_do() {
        let values = [i64::MIN, -5, -1, 0, 1, 7, i64::MAX].map(Value::Int);
        for pair in values.windows(2) {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            append_key(&pair[0], None, &mut a);
            append_key(&pair[1], None, &mut b);
            assert!(a < b);
            a.clear();
            b.clear();
            append_ordered_key(&pair[0], None, true, &mut a);
            append_ordered_key(&pair[1], None, true, &mut b);
            assert!(a > b);
        }
        let floats = [
            f64::NEG_INFINITY,
            -1.5,
            -f64::MIN_POSITIVE,
            0.0,
            1e-300,
            2.0,
        ]
        .map(Value::Float);
        for pair in floats.windows(2) {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            append_key(&pair[0], None, &mut a);
            append_key(&pair[1], None, &mut b);
            assert!(a < b);
        }
    }
}
