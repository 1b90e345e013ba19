//! Keeps bars and samples few: a run of any length fits into a report.

use crate::report::timeline::{Bar, PoolSample, Sample};

/// More cannot be told apart on a screen, and a report of 5,000 tables stays below 1 MB.
pub const MOST_BARS: usize = 2_000;

/// Merges neighbours of a lane: those of the same table, or, if that does not help enough, every two.
pub(super) fn merge_bars(bars: &mut Vec<Bar>) {
    let before = bars.len();
    *bars = merged(std::mem::take(bars), |one, other| one.table == other.table);
    // Otherwise the next few bars would make it necessary again.
    if bars.len() > before * 3 / 4 {
        *bars = merged(std::mem::take(bars), |_, _| true);
    }
}

/// Merges each bar at most once, with the one before it in its lane, if the two may be merged.
fn merged(bars: Vec<Bar>, may: impl Fn(&Bar, &Bar) -> bool) -> Vec<Bar> {
    let mut kept: Vec<Bar> = Vec::with_capacity(bars.len());
    // By lane: where its last bar is kept, if that one can still take another.
    let mut last: Vec<Option<usize>> = Vec::new();
    for bar in bars {
        let lane = bar.lane as usize;
        last.resize(last.len().max(lane + 1), None);
        if let Some(at) = last[lane].take_if(|at| may(&kept[*at], &bar)) {
            join(&mut kept[at], bar);
        } else {
            last[lane] = Some(kept.len());
            kept.push(bar);
        }
    }
    kept
}

/// Makes one bar of two of a lane.
fn join(one: &mut Bar, other: Bar) {
    if one.table != other.table {
        one.table = None;
    }
    one.partition = None;
    one.partitions += other.partitions;
    one.start = one.start.min(other.start);
    one.end = one.end.max(other.end);
    one.committed = one.committed.max(other.committed);
    one.rows += other.rows;
    one.bytes += other.bytes;
    one.failed |= other.failed;
    one.waits.add(&other.waits);
}

/// Makes one sample of every two: means over the time of both.
pub(super) fn halve(samples: &mut Vec<Sample>) {
    *samples = samples.chunks(2).map(mean).collect();
}

fn mean(samples: &[Sample]) -> Sample {
    let of =
        |value: fn(&Sample) -> f64| samples.iter().map(value).sum::<f64>() / samples.len() as f64;
    Sample {
        at: samples.last().map_or(0.0, |sample| sample.at),
        rows_per_second: of(|sample| sample.rows_per_second),
        bytes_per_second: of(|sample| sample.bytes_per_second),
        active_partitions: of(|sample| sample.active_partitions),
        source: PoolSample {
            in_use: of(|sample| sample.source.in_use),
            waiting: of(|sample| sample.source.waiting),
        },
        target: PoolSample {
            in_use: of(|sample| sample.target.in_use),
            waiting: of(|sample| sample.target.waiting),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::time::TimeSpent;

    fn bar(lane: u32, table: &str, start: f64) -> Bar {
        Bar {
            lane,
            table: Some(table.to_owned()),
            partition: Some(1),
            partitions: 1,
            start,
            end: start + 1.0,
            committed: start + 1.5,
            rows: 10,
            bytes: 100,
            failed: false,
            waits: TimeSpent {
                copy: 0.5,
                ..TimeSpent::default()
            },
        }
    }

    #[test]
    fn neighbours_of_a_table_become_one_bar() {
        let mut bars = vec![
            bar(1, "a", 0.0),
            bar(2, "b", 0.0),
            bar(1, "a", 1.0),
            bar(2, "c", 1.0),
            bar(1, "a", 2.0),
            bar(1, "a", 3.0),
        ];
        merge_bars(&mut bars);
        let kept: Vec<_> = bars
            .iter()
            .map(|bar| (bar.lane, bar.partitions, bar.end))
            .collect();
        assert_eq!(kept, [(1, 2, 2.0), (2, 1, 1.0), (2, 1, 2.0), (1, 2, 4.0)]);
        assert_eq!(
            (bars[0].rows, bars[0].waits.copy, bars[0].partition),
            (20, 1.0, None)
        );
        assert_eq!(bars[0].table.as_deref(), Some("a"));
    }

    #[test]
    fn many_small_tables_become_half_as_many_bars() {
        let mut bars: Vec<_> = (0..100)
            .map(|number| bar(1 + number % 2, &number.to_string(), f64::from(number)))
            .collect();
        merge_bars(&mut bars);
        assert_eq!(bars.len(), 50);
        assert_eq!(bars.iter().map(|bar| bar.rows).sum::<u64>(), 1000);
        assert!(
            bars.iter()
                .all(|bar| bar.table.is_none() && bar.partitions == 2)
        );
    }

    #[test]
    fn samples_are_halved_by_their_means() {
        let sample = |at: f64, rows_per_second: f64| Sample {
            at,
            rows_per_second,
            ..Sample::default()
        };
        let mut samples = vec![sample(1.0, 10.0), sample(2.0, 30.0), sample(3.0, 5.0)];
        halve(&mut samples);
        assert_eq!(samples, [sample(2.0, 20.0), sample(3.0, 5.0)]);
    }
}
