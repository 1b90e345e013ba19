//! The algebra of key ranges: lists in key order, without overlap.

use crate::engine::query::plan::KeyRange;

/// The least byte string above every string that starts with `prefix`.
pub(super) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
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
pub(super) fn under(prefix: &[u8]) -> KeyRange {
    KeyRange {
        low: prefix.to_vec(),
        high: successor(prefix),
    }
}

/// The keys that are in both lists.
pub(super) fn intersect(a: &[KeyRange], b: &[KeyRange]) -> Vec<KeyRange> {
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
pub(super) fn merge(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
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

/// The keys of `ranges` that are in none of `others`.
pub(super) fn without(ranges: &[KeyRange], others: &[KeyRange]) -> Vec<KeyRange> {
    intersect(ranges, &gaps(others))
}

/// What lies between, before and behind the ranges.
fn gaps(ranges: &[KeyRange]) -> Vec<KeyRange> {
    let mut gaps = Vec::new();
    let mut low = Some(Vec::new());
    for range in merge(ranges.to_vec()) {
        if let Some(low) = low.filter(|low| *low < range.low) {
            gaps.push(KeyRange {
                low,
                high: Some(range.low),
            });
        }
        low = range.high;
    }
    gaps.extend(low.map(|low| KeyRange { low, high: None }));
    gaps
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
    fn what_is_taken_away_leaves_the_gaps() {
        let all = [range(&[], None)];
        let two = [range(&[3], Some(&[5])), range(&[7], None)];
        let left = vec![range(&[], Some(&[3])), range(&[5], Some(&[7]))];
        assert_eq!(without(&all, &two), left);
        // Given in any order, and once more from what is left.
        assert_eq!(without(&all, &[two[1].clone(), two[0].clone()]), left);
        assert_eq!(without(&left, &two), left);
        assert_eq!(without(&all, &[]), all);
        assert_eq!(without(&two, &all), []);
    }

    #[test]
    fn a_prefix_ends_where_no_key_can_follow() {
        assert_eq!(under(&[1, 0xff]), range(&[1, 0xff], Some(&[2])));
        assert_eq!(under(&[0xff]), range(&[0xff], None));
        assert_eq!(under(&[]), range(&[], None));
    }
}
