//! No straggler: when workers have nothing to do, a partition that is still long is cut at what is
//! left of its key range.
//!
//! One task finds the cuts and asks; the partition's own worker commits what it has, claims the
//! partition again, and makes the cut before it reads on. Nobody else changes a range.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::mssql::Connection;
use crate::pipeline::context::Run;
use crate::pipeline::load::active::{ActivePartition, CutPoints, Request};
use crate::pipeline::load::cut_points::CutFinder;
use crate::pipeline::load::queue::WorkQueue;
use crate::plan::cut_sql::{self, Edge, Remaining};
use crate::plan::key::KeyValue;
use crate::postgres::copy::PartitionWriter;

/// How often is looked for a partition that became worth cutting.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A source that refuses is left alone for longer each time.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A partition is judged by its pace, which is known after about so long.
const PACE_AFTER: Duration = Duration::from_millis(500);

/// One that has no row yet may only be about to begin, and would begin anew if it were cut.
const STILL_AFTER: Duration = Duration::from_secs(2);

/// What a part should take at the partition's pace, at least. A cut costs some statements on either
/// side and a reader that begins anew, a tenth of a second of CPU: half a second was too little where
/// source, target and tool had no core left to spare (see docs/levers.md).
const WORTH: Duration = Duration::from_secs(1);

/// Looks now and then for a partition to cut, for as long as it is polled.
pub async fn follow(run: &Run, queue: &WorkQueue) {
    if !run.job.transfer.split_stragglers {
        return std::future::pending().await;
    }
    let mut pause = LOOK_EVERY;
    while !run.cancel.is_cancelled() {
        tokio::time::sleep(pause).await;
        pause = match offer(run, queue).await {
            Ok(()) => LOOK_EVERY,
            Err(error) => {
                // The partition goes on as it is, and meets what is wrong with the source itself.
                tracing::debug!(%error, "no partition was cut");
                (pause * 2).min(LONGEST_PAUSE)
            }
        };
    }
    std::future::pending().await
}

/// Looks for a partition that is worth cutting, and asks it. One that cannot be cut now is passed over.
///
/// # Errors
/// What the source says where none could be asked; nothing is lost then but the cut.
async fn offer(run: &Run, queue: &WorkQueue) -> Result<()> {
    let (lanes, idle) = queue.lanes();
    // Readers that wait for a connection would be no faster.
    let free = run.most_in_flight().saturating_sub(lanes.len());
    let idle = idle.min(free);
    let mut long = lanes
        .iter()
        .filter_map(|partition| Some((partition, partition.table.room()?, pace(partition)?)))
        .collect::<Vec<_>>();
    if idle == 0 || long.is_empty() {
        return Ok(());
    }
    // Slow ones first, as far as that is known: they end last. But one that has not moved at all may
    // wait for a lock, and so would our question.
    long.sort_by(|(_, _, (_, one)), (_, _, (_, other))| {
        let still = |pace: f64| pace == 0.0;
        still(*one).cmp(&still(*other)).then(one.total_cmp(other))
    });
    let wanted = idle.div_ceil(long.len()) + 1;
    let mut refused = Ok(());
    for (partition, room, (left, pace)) in long {
        let most = wanted.min(room + 1);
        match cuts_of(run, partition, &left, pace, most).await {
            Ok(keys) if keys.is_empty() => {}
            Ok(keys) => {
                let upto = left.upto;
                if partition.ask(Request::Split(CutPoints { upto, keys })) {
                    return Ok(());
                }
            }
            Err(error) => refused = Err(error),
        }
    }
    refused
}

/// What is left of a partition and how fast it goes, once that can be said.
fn pace(partition: &ActivePartition) -> Option<(Remaining, f64)> {
    let known = partition.pace(PACE_AFTER)?;
    match known.1 == 0.0 {
        true => partition.pace(STILL_AFTER),
        false => Some(known),
    }
}

/// CutPoints of what is left of a partition, into parts that are worth it; none where there are no two.
async fn cuts_of(
    run: &Run,
    partition: &ActivePartition,
    left: &Remaining,
    pace: f64,
    most: usize,
) -> Result<Vec<Vec<KeyValue>>> {
    let Some(look) = CutFinder::of(run, &partition.table.plan, left) else {
        return Ok(Vec::new());
    };
    let least = (pace * WORTH.as_secs_f64()).ceil().max(1.0) as u64;
    let mut source = run.source.acquire().await?;
    look.cuts(&mut source, least, most, partition.is_uneven())
        .await
}

/// Makes the cut that a partition was asked for, between its claim and its first row.
///
/// The cuts were found while the partition went on, so its last committed key may be beyond some of
/// them. The source itself is asked, because only it knows the order of its keys: a row behind the
/// committed key and not behind the cut proves that the cut lies behind the committed key. A cut
/// without such a row is dropped.
///
/// # Errors
/// What either side says. The partition remembers where it is not known whether the cut was made.
pub async fn carry_out(
    (run, queue): (&Run, &WorkQueue),
    partition: &Arc<ActivePartition>,
    writer: &mut PartitionWriter,
    source: &mut Connection,
    cuts: CutPoints,
) -> Result<()> {
    let last_key = writer.progress().last_key.as_deref();
    let left = Remaining::new(writer.slice(), last_key);
    let look = left.and_then(|left| CutFinder::of(run, &partition.table.plan, &left));
    let Some(look) = look else {
        return Ok(());
    };
    let end = cuts.upto.as_deref();
    let ahead = still_ahead(&cuts.keys, &mut AtSource(&look, source)).await?;
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
        "a long partition was cut"
    );
    queue.add_partitions(&partition.table, &numbers);
    partition.table.progress.add_split();
    partition.set_in_doubt(false);
    Ok(())
}

/// The cuts, in key order, from the first on that the partition has not gone past: between its
/// committed key and that cut there is a row.
async fn still_ahead<'c>(
    mut cuts: &'c [Vec<KeyValue>],
    left: &mut impl Left,
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
trait Left {
    fn has_row_up_to(&mut self, cut: &[KeyValue]) -> impl Future<Output = Result<bool>> + Send;
}

struct AtSource<'a>(&'a CutFinder<'a>, &'a mut Connection);

impl Left for AtSource<'_> {
    async fn has_row_up_to(&mut self, cut: &[KeyValue]) -> Result<bool> {
        let Self(look, source) = self;
        let row = look.up_to(cut).edge(source, Edge::First).await?;
        Ok(row.is_some())
    }
}

/// Takes up what a cut left whose answer was lost: the record tells whether it was made.
///
/// # Errors
/// What the target says.
pub async fn resolve(
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

    /// Rows 1 to 100, of which so many are committed.
    struct Committed(i64);

    impl Left for Committed {
        async fn has_row_up_to(&mut self, cut: &[KeyValue]) -> Result<bool> {
            Ok(matches!(cut, [KeyValue::Int(cut)] if (self.0 + 1..=100).contains(cut)))
        }
    }

    async fn ahead_of(done: i64, cuts: &[Vec<KeyValue>]) -> &[Vec<KeyValue>] {
        let ahead = still_ahead(cuts, &mut Committed(done)).await;
        ahead.expect("no error")
    }

    #[tokio::test]
    async fn cuts_that_the_partition_has_gone_past_are_dropped() {
        let cuts = [int(30), int(60)];
        assert_eq!(ahead_of(29, &cuts).await, cuts);
        assert_eq!(ahead_of(30, &cuts).await, [int(60)]);
        assert_eq!(ahead_of(59, &cuts).await, [int(60)]);
        assert!(ahead_of(60, &cuts).await.is_empty());
        // Nothing is left to cut then: the partition goes on to its end as it is.
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

    impl Left for Gone {
        async fn has_row_up_to(&mut self, _: &[KeyValue]) -> Result<bool> {
            Err(Error::new(Kind::SourceLost, "gone"))
        }
    }

    #[tokio::test]
    async fn a_source_that_cannot_be_asked_cuts_nothing() {
        assert!(still_ahead(&[int(30)], &mut Gone).await.is_err());
    }
}
