//! Splits stragglers: when workers have nothing to do, a partition that will still take long is split at
//! what is left of its key range.
//!
//! One task finds the cut points and requests the split; the partition's own worker commits what it has,
//! claims the partition again, and makes the split before it reads on. Nothing else changes a range.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::mssql::Connection;
use crate::pipeline::context::Run;
use crate::pipeline::load::active::{ActivePartition, CutPoints, Request};
use crate::pipeline::load::cut_points::{CutFinder, PartsWanted};
use crate::pipeline::load::queue::WorkQueue;
use crate::plan::cut_sql::{self, Edge, Remaining};
use crate::postgres::copy::PartitionWriter;
use tsql::key::KeyValue;

/// Time between two looks for a partition that is worth splitting.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Longest time between two looks: a source that refuses is asked less and less often.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A partition's speed is known after about this time.
const SPEED_AFTER: Duration = Duration::from_millis(500);

/// A partition without a row after this time is taken as one that does not move; before, it may only be
/// about to begin, and would begin again if it were split.
const STILL_AFTER: Duration = Duration::from_secs(2);

/// The least time that a part should take at the partition's speed. A split costs some statements on
/// either side and a reader that begins again, a tenth of a second of CPU: half a second was too little if
/// source, target and tool had no core left to spare (see docs/levers.md).
const WORTH: Duration = Duration::from_secs(1);

/// Looks for a partition to split every now and then, for as long as it is polled.
pub async fn follow(run: &Run, queue: &WorkQueue) {
    if !run.job.transfer.split_stragglers {
        return std::future::pending().await;
    }
    let mut pause = LOOK_EVERY;
    while !run.cancel.is_cancelled() {
        tokio::time::sleep(pause).await;
        pause = match request_split(run, queue).await {
            Ok(()) => LOOK_EVERY,
            Err(error) => {
                // The partition continues as it is, and meets what is wrong with the source itself.
                tracing::debug!(%error, "no partition was split");
                (pause * 2).min(LONGEST_PAUSE)
            }
        };
    }
    std::future::pending().await
}

/// A partition that may be worth splitting.
struct Straggler<'a> {
    partition: &'a ActivePartition,
    /// How many more partitions its table may have.
    room: usize,
    left: Remaining,
    /// Rows per second.
    speed: f64,
}

/// Looks for a partition that is worth splitting, and requests that. One that cannot be split now is
/// passed over.
///
/// # Errors
/// What the source says if none could be split; nothing is lost then but the split.
async fn request_split(run: &Run, queue: &WorkQueue) -> Result<()> {
    let active = queue.active();
    // Readers that wait for a connection would be no faster.
    let free = run.concurrency_cap().saturating_sub(active.len());
    let idle = queue.room().min(free) + queue.room_elsewhere();
    let mut stragglers = active
        .iter()
        .filter_map(|partition| straggler(partition))
        .collect::<Vec<_>>();
    if idle == 0 || stragglers.is_empty() {
        return Ok(());
    }
    // Slow ones first, as far as that is known: they end last. But one that has not moved at all may
    // wait for a lock, and so would our question.
    stragglers.sort_by(|one, other| {
        let still = |one: &Straggler<'_>| one.speed == 0.0;
        still(one)
            .cmp(&still(other))
            .then(one.speed.total_cmp(&other.speed))
    });
    let wanted = idle.div_ceil(stragglers.len()) + 1;
    let mut refused = Ok(());
    for straggler in stragglers {
        match find_cuts(run, &straggler, wanted.min(straggler.room + 1)).await {
            Ok(keys) if keys.is_empty() => {}
            Ok(keys) => {
                let upto = straggler.left.upto;
                let split = Request::Split(CutPoints { upto, keys });
                if straggler.partition.request(split) {
                    return Ok(());
                }
            }
            Err(error) => refused = Err(error),
        }
    }
    refused
}

/// `None` if the table may have no more partitions, or too little is known of the partition.
fn straggler(partition: &ActivePartition) -> Option<Straggler<'_>> {
    let room = partition.table.room()?;
    let (left, speed) = speed(partition)?;
    Some(Straggler {
        partition,
        room,
        left,
        speed,
    })
}

/// What is left of a partition and its speed, once that can be said.
fn speed(partition: &ActivePartition) -> Option<(Remaining, f64)> {
    let known = partition.speed(SPEED_AFTER)?;
    if known.1 == 0.0 {
        partition.speed(STILL_AFTER)
    } else {
        Some(known)
    }
}

/// Cut points of what is left of a partition, for up to `most` parts that are worth it; none if there
/// are not two.
async fn find_cuts(
    run: &Run,
    straggler: &Straggler<'_>,
    most: usize,
) -> Result<Vec<Vec<KeyValue>>> {
    let partition = straggler.partition;
    let Some(finder) = CutFinder::for_remaining(run, &partition.table.plan, &straggler.left) else {
        return Ok(Vec::new());
    };
    let least = (straggler.speed * WORTH.as_secs_f64()).ceil().max(1.0) as u64;
    let wanted = PartsWanted {
        least_rows: least,
        most,
        uneven: partition.is_uneven(),
    };
    let mut source = run.source.acquire().await?;
    finder.cuts(&mut source, wanted).await
}

/// Makes the split that was requested of a partition, between its claim and its first row.
pub struct Splitter<'a> {
    pub run: &'a Run,
    pub queue: &'a WorkQueue,
    pub partition: &'a Arc<ActivePartition>,
}

impl Splitter<'_> {
    /// The cut points were found while the partition was being moved, so its last committed key may be
    /// past some of them. The source itself is asked, because only it knows the order of its keys: a row
    /// after the committed key and not after the cut point proves that the cut point is after the
    /// committed key. A cut point without such a row is dropped.
    ///
    /// # Errors
    /// What either side says. The partition remembers if it is not known whether the split was made.
    pub async fn perform(
        &self,
        writer: &mut PartitionWriter,
        source: &mut Connection,
        cuts: CutPoints,
    ) -> Result<()> {
        let (queue, partition) = (self.queue, self.partition);
        let last_key = writer.progress().last_key.as_deref();
        let left = Remaining::new(writer.slice(), last_key);
        let finder =
            left.and_then(|left| CutFinder::for_remaining(self.run, &partition.table.plan, &left));
        let Some(finder) = finder else {
            return Ok(());
        };
        let end = cuts.upto.as_deref();
        let ahead = still_ahead(&cuts.keys, &mut AtSource(&finder, source)).await?;
        if ahead.len() < cuts.keys.len() {
            partition.set_uneven();
        }
        let Some((head, others)) = cut_sql::parts(writer.slice(), end, ahead) else {
            return Ok(());
        };
        partition.set_in_doubt(true);
        let numbers = writer.split(head, &others).await?;
        tracing::debug!(
            table = partition.table.plan.full_name(),
            partition = partition.number,
            into = numbers.len() + 1,
            "a long partition was split"
        );
        queue.add_partitions(&partition.table, &numbers);
        partition.table.progress.add_split();
        partition.set_in_doubt(false);
        Ok(())
    }
}

/// The cut points, in key order, from the first on that the partition has not passed: between its
/// committed key and that cut point there is a row.
async fn still_ahead<'c>(
    mut cuts: &'c [Vec<KeyValue>],
    left: &mut impl RemainingRows,
) -> Result<&'c [Vec<KeyValue>]> {
    while let Some((first, others)) = cuts.split_first() {
        if left.has_row_up_to(first).await? {
            break;
        }
        cuts = others;
    }
    Ok(cuts)
}

/// The rows that are left of a partition.
trait RemainingRows {
    fn has_row_up_to(&mut self, cut: &[KeyValue]) -> impl Future<Output = Result<bool>> + Send;
}

/// Asks the source.
struct AtSource<'a>(&'a CutFinder<'a>, &'a mut Connection);

impl RemainingRows for AtSource<'_> {
    async fn has_row_up_to(&mut self, cut: &[KeyValue]) -> Result<bool> {
        let Self(finder, source) = self;
        let row = finder.up_to(cut).edge(source, Edge::First).await?;
        Ok(row.is_some())
    }
}

/// Takes over the partitions of a split whose answer was lost: the record tells whether it was made.
///
/// # Errors
/// What the target says.
pub async fn resolve_doubt(
    queue: &WorkQueue,
    partition: &ActivePartition,
    writer: &PartitionWriter,
) -> Result<()> {
    if partition.is_in_doubt() {
        queue.add_partitions(&partition.table, &writer.pending().await?);
        partition.set_in_doubt(false);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Kind};
    use crate::plan::table::Slice;

    fn int(value: i64) -> Vec<KeyValue> {
        vec![KeyValue::Int(value)]
    }

    /// Rows 1 to 100, of which this many are committed.
    struct Committed(i64);

    impl RemainingRows for Committed {
        async fn has_row_up_to(&mut self, cut: &[KeyValue]) -> Result<bool> {
            Ok(matches!(cut, [KeyValue::Int(cut)] if (self.0 + 1..=100).contains(cut)))
        }
    }

    async fn ahead_of(done: i64, cuts: &[Vec<KeyValue>]) -> &[Vec<KeyValue>] {
        let ahead = still_ahead(cuts, &mut Committed(done)).await;
        ahead.expect("no error")
    }

    #[tokio::test]
    async fn cut_points_that_the_partition_has_passed_are_dropped() {
        let cuts = [int(30), int(60)];
        assert_eq!(ahead_of(29, &cuts).await, cuts);
        assert_eq!(ahead_of(30, &cuts).await, [int(60)]);
        assert_eq!(ahead_of(59, &cuts).await, [int(60)]);
        assert!(ahead_of(60, &cuts).await.is_empty());
        // Nothing is left to split then: the partition continues to its end as it is.
        let slice = Slice::Range {
            after: None,
            upto: Some(int(100)),
        };
        let end = int(100);
        let parts = |ahead| cut_sql::parts(&slice, Some(&end), ahead);
        assert_eq!(parts(ahead_of(60, &cuts).await), None);
        let (head, others) = parts(ahead_of(30, &cuts).await).expect("a cut is left");
        let range = |after, upto| Slice::Range { after, upto };
        assert_eq!(head, range(None, Some(int(60))));
        assert_eq!(others, [range(Some(int(60)), Some(int(100)))]);
    }

    struct Gone;

    impl RemainingRows for Gone {
        async fn has_row_up_to(&mut self, _: &[KeyValue]) -> Result<bool> {
            Err(Error::new(Kind::SourceLost, "gone"))
        }
    }

    #[tokio::test]
    async fn a_source_that_cannot_be_asked_splits_nothing() {
        assert!(still_ahead(&[int(30)], &mut Gone).await.is_err());
    }
}
