//! Divides a table into slices that tile it: every row falls into exactly one.

use crate::plan::table::{Slice, Stored, Strategy, TablePlan};
use tsql::key::KeyValue;
use tsql::schema::objects::PartitionFunction;

/// The table's slices. `cuts` are key values in key order, used by ranges only; wherever they lie,
/// the slices still tile the whole key space.
/// At least one slice, whatever the plan; a range without cuts is the whole key.
pub fn slices(table: &TablePlan, cuts: Vec<Vec<KeyValue>>) -> Vec<Slice> {
    match &table.strategy {
        Strategy::Single => vec![Slice::Whole],
        Strategy::Keyset {
            stored_by: Some(function),
            ..
        } => stored(function),
        Strategy::Keyset { .. } | Strategy::Clustered { .. } => ranges(cuts),
        Strategy::RowNumber { .. } => row_ranges(table.estimated_rows, table.wanted_partitions),
        Strategy::Hash { .. } => {
            let of = u32::try_from(table.wanted_partitions)
                .unwrap_or(u32::MAX)
                .max(1);
            (0..of).map(|bucket| Slice::Bucket { bucket, of }).collect()
        }
    }
}

/// `(-inf, c1], (c1, c2], ... (cN, +inf)`. A cut that repeats its predecessor would make an empty
/// range, so it is left out.
fn ranges(mut cuts: Vec<Vec<KeyValue>>) -> Vec<Slice> {
    cuts.dedup();
    let mut slices = Vec::with_capacity(cuts.len() + 1);
    let mut after = None;
    for cut in cuts {
        slices.push(Slice::Range {
            after: after.replace(cut.clone()),
            upto: Some(cut),
        });
    }
    slices.push(Slice::Range { after, upto: None });
    slices
}

/// Each of the partitions that the source stores the table in, NULLs included: they are in one of
/// them. What is still long when workers fall idle is cut then.
fn stored(function: &PartitionFunction) -> Vec<Slice> {
    let partitions = 1..=function.partitions;
    let slices = partitions.map(|partition| Slice::Within {
        stored: Box::new(Stored {
            partition,
            function: function.clone(),
        }),
        after: None,
        upto: None,
    });
    slices.collect()
}

/// The estimate only balances the load: the last slice is open, so rows beyond it are read too.
fn row_ranges(estimated_rows: u64, partitions: usize) -> Vec<Slice> {
    let partitions = u64::try_from(partitions).unwrap_or(u64::MAX).max(1);
    let step = (estimated_rows / partitions).max(1);
    (0..partitions)
        .map(|index| Slice::Rows {
            after: index * step,
            upto: (index + 1 < partitions).then_some((index + 1) * step),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: i64) -> Vec<KeyValue> {
        vec![KeyValue::Int(value)]
    }

    #[test]
    fn ranges_are_half_open_and_cover_everything() {
        let expected = vec![
            Slice::Range {
                after: None,
                upto: Some(key(5)),
            },
            Slice::Range {
                after: Some(key(5)),
                upto: Some(key(9)),
            },
            Slice::Range {
                after: Some(key(9)),
                upto: None,
            },
        ];
        assert_eq!(ranges(vec![key(5), key(9)]), expected);
        assert_eq!(
            ranges(Vec::new()),
            vec![Slice::Range {
                after: None,
                upto: None
            }]
        );
    }

    #[test]
    fn each_partition_of_the_source_is_a_slice() {
        let function = PartitionFunction {
            name: "Days".into(),
            column: "Day".into(),
            partitions: 3,
            version: "1".into(),
        };
        let numbers = stored(&function).into_iter().map(|slice| match slice {
            Slice::Within {
                stored,
                after: None,
                upto: None,
            } => stored.partition,
            other => panic!("{other:?}"),
        });
        assert_eq!(numbers.collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn a_repeated_cut_makes_no_empty_range() {
        assert_eq!(ranges(vec![key(5), key(5)]).len(), 2);
    }

    #[test]
    fn the_last_row_range_is_open() {
        let slices = row_ranges(10, 3);
        assert_eq!(
            slices[0],
            Slice::Rows {
                after: 0,
                upto: Some(3)
            }
        );
        assert_eq!(
            slices[2],
            Slice::Rows {
                after: 6,
                upto: None
            }
        );
        assert_eq!(
            row_ranges(0, 2)[1],
            Slice::Rows {
                after: 1,
                upto: None
            }
        );
    }
}
