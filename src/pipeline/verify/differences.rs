//! Which of the held rows differ, and in which columns.
//!
//! Pure: two sets of rows in, differences out. Values are compared by hash; whether two hashes of a
//! column agree decides if the column differs. Nothing is printed here.

use std::collections::HashMap;

use crate::pipeline::verify::held_rows::{HeldRow, HeldRows};
use crate::postgres::verify::Field;
use crate::report::verify::Difference;

/// Rows without a key are paired among at most this many of each side: pairing compares each with each.
const MOST_PAIRED: usize = 1000;

/// One difference, before it is printed.
#[derive(Debug)]
pub(super) struct FoundDifference {
    pub(super) difference: Difference,
    /// As [`HeldRows`] keys it.
    pub(super) key: Box<[u8]>,
    pub(super) source_rows: u64,
    pub(super) target_rows: u64,
    /// Places of the columns that differ.
    pub(super) columns: Vec<usize>,
    pub(super) source: Option<Fields>,
    pub(super) target: Option<Fields>,
}

pub(super) type Fields = Box<[Option<Field>]>;

/// What is left of one key when equal rows of both sides are taken away.
struct Leftover {
    key: Box<[u8]>,
    /// How often each side had the key.
    counts: (u64, u64),
    source: Vec<HeldRow>,
    target: Vec<HeldRow>,
}

/// All differences between the sides, by key. Without a key, a row of each side is called changed
/// if more than half of the columns agree.
pub(super) fn differences(
    source: HeldRows,
    mut target: HeldRows,
    keyed: bool,
) -> Vec<FoundDifference> {
    let mut left = Vec::new();
    for (key, rows) in source.rows {
        let others = target.rows.remove(&key).unwrap_or_default();
        left.extend(leftover(key, rows, others));
    }
    for (key, rows) in target.rows {
        left.extend(leftover(key, Vec::new(), rows));
    }
    let mut found = if keyed {
        left.into_iter().map(from_key).collect()
    } else {
        without_key(left)
    };
    found.sort_by(|one: &FoundDifference, other| one.key.cmp(&other.key));
    found
}

/// `None` if every row of the key has its equal on the other side.
fn leftover(
    key: Box<[u8]>,
    mut source: Vec<HeldRow>,
    mut target: Vec<HeldRow>,
) -> Option<Leftover> {
    let count = |rows: &[HeldRow]| rows.iter().map(|row| row.count).sum::<u64>();
    let counts = (count(&source), count(&target));
    for row in &mut source {
        if let Some(same) = target.iter_mut().find(|other| other.hash == row.hash) {
            let both = row.count.min(same.count);
            row.count -= both;
            same.count -= both;
        }
    }
    source.retain(|row| row.count > 0);
    target.retain(|row| row.count > 0);
    (!source.is_empty() || !target.is_empty()).then_some(Leftover {
        key,
        counts,
        source,
        target,
    })
}

/// One difference for each key. Several rows of one key are told by how often each side has it.
fn from_key(left: Leftover) -> FoundDifference {
    let (source, target) = (
        left.source.into_iter().next(),
        left.target.into_iter().next(),
    );
    let difference = match (left.counts, &source, &target) {
        ((0, _), ..) => Difference::Extra,
        ((_, 0), ..) => Difference::Missing,
        ((was, is), ..) if is > was => Difference::Doubled,
        ((was, is), ..) if is < was => Difference::Missing,
        _ => Difference::Changed,
    };
    let columns = match (&source, &target) {
        (Some(one), Some(other)) => differing(one, other),
        _ => Vec::new(),
    };
    FoundDifference {
        difference,
        key: left.key,
        source_rows: left.counts.0,
        target_rows: left.counts.1,
        columns,
        source: source.and_then(|row| row.fields),
        target: target.and_then(|row| row.fields),
    }
}

/// Places of the columns whose hashes differ.
fn differing(one: &HeldRow, other: &HeldRow) -> Vec<usize> {
    let pairs = one.columns.iter().zip(&other.columns).enumerate();
    pairs
        .filter(|(_, (one, other))| one != other)
        .map(|(place, _)| place)
        .collect()
}

/// Pairs rows that are alike in most columns; what is left has no counterpart.
fn without_key(left: Vec<Leftover>) -> Vec<FoundDifference> {
    let mut counts = HashMap::new();
    let (mut source, mut target) = (Vec::new(), Vec::new());
    for entry in left {
        counts.insert(entry.key, entry.counts);
        source.extend(entry.source);
        target.extend(entry.target);
    }
    source.sort_by_key(|row| row.hash);
    target.sort_by_key(|row| row.hash);
    let mut found = Vec::new();
    for row in source.iter_mut().take(MOST_PAIRED) {
        while row.count > 0
            && let Some(other) = nearest(row, &mut target)
        {
            found.push(paired(row, other));
            row.count -= 1;
            other.count -= 1;
        }
    }
    let rest = source.into_iter().map(|row| (row, true));
    let rest = rest.chain(target.into_iter().map(|row| (row, false)));
    found.extend(
        rest.filter(|(row, _)| row.count > 0)
            .map(|(row, missing)| alone(row, missing, &counts)),
    );
    found
}

/// The row of the target that agrees in most columns, if these are more than half.
fn nearest<'a>(row: &HeldRow, target: &'a mut [HeldRow]) -> Option<&'a mut HeldRow> {
    let free = target.iter_mut().take(MOST_PAIRED);
    let free = free.filter(|other| other.count > 0);
    let columns = row.columns.len();
    free.map(|other| (differing(row, other).len(), other))
        .filter(|(apart, _)| apart * 2 < columns)
        .min_by_key(|(apart, _)| *apart)
        .map(|(_, other)| other)
}

fn paired(row: &HeldRow, other: &HeldRow) -> FoundDifference {
    FoundDifference {
        difference: Difference::Changed,
        key: row.hash.to_be_bytes().into(),
        source_rows: 1,
        target_rows: 1,
        columns: differing(row, other),
        source: row.fields.clone(),
        target: other.fields.clone(),
    }
}

/// A row of one side; `missing` if it is the source's.
fn alone(row: HeldRow, missing: bool, counts: &HashMap<Box<[u8]>, (u64, u64)>) -> FoundDifference {
    let key: Box<[u8]> = row.hash.to_be_bytes().into();
    let (was, is) = counts.get(&key).copied().unwrap_or_default();
    let difference = match (missing, was) {
        (true, _) => Difference::Missing,
        (false, 0) => Difference::Extra,
        (false, _) => Difference::Doubled,
    };
    FoundDifference {
        difference,
        key,
        source_rows: was,
        target_rows: is,
        columns: Vec::new(),
        source: row.fields.clone().filter(|_| missing),
        target: row.fields.filter(|_| !missing),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pipeline::verify::held_rows::WantedRows;
    use tds_copy::transcode::digest::{Division, Tally};

    /// Rows of three one-byte fields, the first of which is the key; `_` is NULL.
    fn held(key_fields: usize, rows: &[&str]) -> HeldRows {
        let division = Division::whole(key_fields);
        let mut held = HeldRows::new(Arc::new(WantedRows::new(division, &[0], true)));
        for row in rows {
            let mut bytes = vec![0, 3];
            for byte in row.bytes() {
                match byte {
                    b'_' => bytes.extend([0xFF; 4]),
                    byte => bytes.extend([0, 0, 0, 1, byte]),
                }
            }
            held.add(&bytes);
        }
        held
    }

    fn found(key_fields: usize, source: &[&str], target: &[&str]) -> Vec<String> {
        let (source, target) = (held(key_fields, source), held(key_fields, target));
        let all = differences(source, target, key_fields > 0);
        let mut lines = all
            .iter()
            .map(|found| {
                let key = match key_fields {
                    0 => "-".into(),
                    _ => char::from(found.key[4]).to_string(),
                };
                format!(
                    "{key} {:?} {}/{} {:?}",
                    found.difference, found.source_rows, found.target_rows, found.columns
                )
            })
            .collect::<Vec<_>>();
        lines.sort();
        lines
    }

    #[test]
    fn a_key_is_missing_extra_doubled_or_changed() {
        assert!(found(1, &["1ab", "2cd"], &["2cd", "1ab"]).is_empty());
        assert_eq!(
            found(
                1,
                &["1ab", "2cd", "3ef", "4g_", "5xx"],
                &["2cd", "2cd", "3eX", "4gh", "6yy", "5xx"]
            ),
            [
                "1 Missing 1/0 []",
                "2 Doubled 1/2 []",
                "3 Changed 1/1 [2]",
                "4 Changed 1/1 [2]",
                "6 Extra 0/1 []"
            ]
        );
    }

    #[test]
    fn swapped_values_are_two_changed_rows() {
        assert_eq!(
            found(1, &["1ab", "2cb"], &["1cb", "2ab"]),
            ["1 Changed 1/1 [1]", "2 Changed 1/1 [1]"]
        );
    }

    #[test]
    fn rows_without_a_key_are_paired_by_the_columns_that_agree() {
        assert_eq!(
            found(0, &["1ab", "1ab", "2cd"], &["1ab", "2cX", "1ab"]),
            ["- Changed 1/1 [2]"]
        );
        assert_eq!(
            found(0, &["1ab", "1ab", "2cd"], &["1ab", "2cd"]),
            ["- Missing 2/1 []"]
        );
        assert_eq!(
            found(0, &["1ab"], &["1ab", "1ab", "xyz"]),
            ["- Doubled 1/2 []", "- Extra 0/1 []"]
        );
        // One of three columns agrees: not taken for the same row.
        assert_eq!(
            found(0, &["1ab"], &["1xy"]),
            ["- Extra 0/1 []", "- Missing 1/0 []"]
        );
    }
}
