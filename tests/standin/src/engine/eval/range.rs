//! The algebra of key ranges: lists in key order, without overlap.

use crate::engine::eval::plan::KeyRange;

/// The least byte string above every string that starts with `prefix`.
pub(crate) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < 0xff {
            next.push(last + 1);
            return Some(next);
        }
    }
    None
}

/// All keys that start with `prefix`.
pub(crate) fn under(prefix: &[u8]) -> KeyRange {
    KeyRange {
        low: prefix.to_vec(),
        high: successor(prefix),
    }
}

/// The keys that are in both lists.
pub(crate) fn intersect(a: &[KeyRange], b: &[KeyRange]) -> Vec<KeyRange> {
    let mut both = Vec::new();
    for x in a {
        for y in b {
            let low = x.low.clone().max(y.low.clone());
            let high = match (&x.high, &y.high) {
                (Some(p), Some(q)) => Some(p.min(q).clone()),
                (p, q) => p.clone().or_else(|| q.clone()),
            };
            if high.as_ref().is_none_or(|h| low < *h) {
                both.push(KeyRange { low, high });
            }
        }
    }
    both
}

/// Sorts ranges and joins those that touch.
pub(crate) fn merge(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
    ranges.sort_by(|a, b| a.low.cmp(&b.low));
    let mut merged: Vec<KeyRange> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.high.as_ref().is_none_or(|h| range.low <= *h) => {
                last.high = match (last.high.take(), range.high) {
                    (Some(a), Some(b)) => Some(a.max(b)),
                    _ => None,
                };
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: &[u8], high: Option<&[u8]>) -> KeyRange {
        KeyRange {
            low: low.to_vec(),
            high: high.map(<[_]>::to_vec),
        }
    }

    #[test]
    fn ranges_that_touch_are_one() {
        let three = vec![
            range(&[7], None),
            range(&[3], Some(&[5])),
            range(&[5], Some(&[6])),
        ];
        let two = vec![range(&[3], Some(&[6])), range(&[7], None)];
        assert_eq!(merge(three), two);
        assert_eq!(
            intersect(&two, &[range(&[4], Some(&[8]))]),
            vec![range(&[4], Some(&[6])), range(&[7], Some(&[8]))]
        );
    }

    #[test]
    fn a_prefix_ends_where_no_key_can_follow() {
        assert_eq!(under(&[1, 0xff]), range(&[1, 0xff], Some(&[2])));
        assert_eq!(under(&[0xff]), range(&[0xff], None));
        assert_eq!(under(&[]), range(&[], None));
    }
}
