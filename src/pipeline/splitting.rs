//! No straggler: when workers have nothing to do, a partition that is still long is cut at what is
//! left of its key range.
//!
//! An idle worker finds the cuts and asks; the partition's own worker commits what it has, claims
//! the partition again, and makes the cut before it reads on. Nobody else changes a range.

use std::sync::Arc;
use std::time::Duration;

use crate::config::job::Consistency;
use crate::error::Result;
use crate::mssql::{Connection, bounds};
use crate::pipeline::board::Board;
use crate::pipeline::context::Run;
use crate::pipeline::lane::{Lane, Turn};
use crate::plan::key::KeyValue;
use crate::plan::remaining::{self, Edge, Remaining};
use crate::plan::table::{KeyColumn, TablePlan};
use crate::postgres::copy::PartitionWriter;
use crate::schema::SqlType;

/// A partition is judged by its pace, which is known after about so long.
const PACE_AFTER: Duration = Duration::from_secs(1);

/// What a part should take at the partition's pace, at least: a cut costs a login, a statement and
/// a transaction on either side, some tens of milliseconds each.
const WORTH: Duration = Duration::from_secs(2);

/// Looks for a partition that is worth cutting, and asks it. True where one was asked.
///
/// # Errors
/// What the source says; nothing is lost then but the cut.
pub async fn offer(run: &Run, board: &Board) -> Result<bool> {
    let (lanes, idle) = board.lanes();
    // Readers that wait for a connection would be no faster.
    let free = run.most_in_flight().saturating_sub(lanes.len());
    let idle = idle.min(free);
    let mut long = lanes
        .iter()
        .filter_map(|lane| Some((lane, lane.table.room()?, lane.pace(PACE_AFTER)?)))
        .collect::<Vec<_>>();
    if idle == 0 || long.is_empty() {
        return Ok(false);
    }
    // Slow ones first, as far as that is known: they end last.
    long.sort_by(|(_, _, (_, one)), (_, _, (_, other))| one.total_cmp(other));
    let wanted = idle.div_ceil(long.len()) + 1;
    let mut source = run.source.acquire().await?;
    for (lane, room, (left, pace)) in long {
        let look = Look::new(run, lane, &left);
        let Some(look) = look else { continue };
        let least = (pace * WORTH.as_secs_f64()).ceil().max(1.0) as u64;
        let most = wanted.min(room + 1);
        let cuts = look.cuts(&mut source, least, most, lane.is_uneven()).await?;
        if !cuts.is_empty() && lane.ask(Turn::Split(cuts)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A partition whose remaining range is asked for.
struct Look<'a> {
    plan: &'a TablePlan,
    key: &'a [KeyColumn],
    left: &'a Remaining,
    consistency: Consistency,
}

impl<'a> Look<'a> {
    fn new(run: &Run, lane: &'a Lane, left: &'a Remaining) -> Option<Self> {
        let plan = &lane.table.plan;
        Some(Self {
            plan,
            key: remaining::key_of(plan)?,
            left,
            consistency: run.job.transfer.consistency,
        })
    }

    /// Cuts into up to `most` parts of `least` rows or more; none where less than two are left.
    /// The rows are counted no further than that takes.
    async fn cuts(
        &self,
        source: &mut Connection,
        least: u64,
        most: usize,
        uneven: bool,
    ) -> Result<Vec<Vec<KeyValue>>> {
        let enough = least.saturating_mul(u64::try_from(most).unwrap_or(u64::MAX));
        let Self {
            plan,
            key,
            left,
            consistency,
        } = *self;
        let sql = remaining::count_up_to(plan, key, left, enough, consistency);
        let rows = bounds::count(source, &sql).await?;
        let parts = usize::try_from(rows / least).unwrap_or(most).min(most);
        if parts < 2 {
            return Ok(Vec::new());
        }
        if !uneven && let Some(cuts) = self.by_distance(source, parts).await? {
            return Ok(cuts);
        }
        let sql = remaining::cut_points(plan, key, left, parts, consistency);
        self.keys(source, &sql).await
    }

    /// Two seeks instead of a scan, for a key of one integer. Keys may lie unevenly: what turns out
    /// long then is cut again.
    async fn by_distance(
        &self,
        source: &mut Connection,
        parts: usize,
    ) -> Result<Option<Vec<Vec<KeyValue>>>> {
        let integer = |ty: &SqlType| {
            use SqlType::{BigInt, Int, SmallInt, TinyInt};
            matches!(ty, TinyInt | SmallInt | Int | BigInt)
        };
        if !matches!(self.key, [key] if integer(&key.column.ty)) {
            return Ok(None);
        }
        let first = self.edge(source, Edge::First).await?;
        let last = self.edge(source, Edge::Last).await?;
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(None);
        };
        Ok(remaining::between(&first, &last, parts))
    }

    async fn edge(&self, source: &mut Connection, edge: Edge) -> Result<Option<Vec<KeyValue>>> {
        let sql = remaining::edge(self.plan, self.key, self.left, edge, self.consistency);
        Ok(self.keys(source, &sql).await?.pop())
    }

    async fn keys(&self, source: &mut Connection, sql: &str) -> Result<Vec<Vec<KeyValue>>> {
        let columns = self.key.iter().map(|key| key.column.clone());
        bounds::cut_points(source, sql, &columns.collect::<Vec<_>>()).await
    }
}

/// Makes the cut that a partition was asked for, between its claim and its first row.
///
/// The cuts were found while the partition went on, so its last committed key may be beyond some of
/// them. The source itself is asked, because only it knows the order of its keys: a row behind the
/// committed key and not behind the cut proves that the cut lies behind the committed key. A cut
/// without such a row is dropped.
///
/// # Errors
/// What either side says. The lane remembers where it is not known whether the cut was made.
pub async fn carry_out(
    (run, board): (&Run, &Board),
    lane: &Arc<Lane>,
    writer: &mut PartitionWriter,
    source: &mut Connection,
    cuts: Vec<Vec<KeyValue>>,
) -> Result<()> {
    let last_key = writer.progress().last_key.as_deref();
    let left = Remaining::of(writer.slice(), last_key);
    let Some((left, look)) = left.as_ref().and_then(|left| Some((left, Look::new(run, lane, left)?)))
    else {
        return Ok(());
    };
    let mut cuts = cuts.as_slice();
    while let Some((first, others)) = cuts.split_first() {
        let left = left.up_to(first);
        let head = Look { left: &left, ..look };
        if head.edge(source, Edge::First).await?.is_some() {
            break;
        }
        cuts = others;
        lane.set_uneven();
    }
    let Some((head, others)) = remaining::parts(writer.slice(), cuts) else {
        return Ok(());
    };
    lane.set_in_doubt(true);
    let numbers = writer.split(head, &others).await?;
    tracing::debug!(
        table = lane.table.plan.full_name(),
        partition = lane.number,
        into = numbers.len() + 1,
        "a long partition was cut"
    );
    board.add_partitions(&lane.table, &numbers);
    lane.table.progress.add_split();
    lane.set_in_doubt(false);
    Ok(())
}

/// Takes up what a cut left whose answer was lost: the record tells whether it was made.
///
/// # Errors
/// What the target says.
pub async fn resolve(board: &Board, lane: &Lane, writer: &PartitionWriter) -> Result<()> {
    if lane.is_in_doubt() {
        board.add_partitions(&lane.table, &writer.pending().await?);
        lane.set_in_doubt(false);
    }
    Ok(())
}
