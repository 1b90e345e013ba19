//! Reads both sides of a table at the same time, each once, and gives the rows to a tally.
//!
//! Each statement of the source and each range of blocks of the target has a reader task of its
//! own. Memory is bounded by `large_rows` on the source's side and `target_memory` on the target's,
//! whatever the number of readers.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::job::{Job, Retry};
use crate::error::{Error, Kind, Result};
use crate::mssql::large_rows::LargeRows;
use crate::mssql::pool::SourcePool;
use crate::mssql::read;
use crate::pipeline::retry::{retry_cancellable, retry_to_completion};
use crate::plan::layout::row_layout;
use crate::plan::query;
use crate::plan::table::{Slice, Strategy, TablePlan};
use crate::postgres::ddl;
use crate::postgres::pool::{Lease, TargetPool};
use crate::postgres::state::TableRecord;
use crate::postgres::verify::{BlockRange, MIN_BLOCKS, block_ranges, longest_row, read_rows};
use tds_copy::transcode::RowLayout;
use tds_copy::transcode::digest::{Tally, each_row};

/// What all readers of a comparison share. A reader holds one connection of one pool, so readers
/// cannot wait for each other in a circle.
pub(super) struct Reads {
    pub(super) source: SourcePool,
    pub(super) target: TargetPool,
    /// `transfer.retry`; each reader has its own tries.
    pub(super) retry: Retry,
    pub(super) cancel: CancellationToken,
    /// Block ranges of a target table that are read at a time, at most.
    max_ranges: usize,
    /// Bounds how many long rows of the source are in memory.
    large_rows: LargeRows,
    /// KiB for rows of the target, taken before a connection is: PostgreSQL's driver has a row in
    /// memory before its length is known.
    target_memory: Semaphore,
}

/// Memory for rows of the target that are read at a time, in KiB: 256 MiB. A longer row is read
/// alone.
const TARGET_MEMORY: u32 = 256 << 10;

/// KiB that a reader takes of it, by the bytes of its longest row: the driver holds a row as it comes, and
/// the reader may hold a part of it once more.
fn kib(longest_row: u64) -> u32 {
    let kib = u32::try_from(longest_row / 512).unwrap_or(u32::MAX);
    kib.min(TARGET_MEMORY)
}

/// A table as both sides are read.
pub(super) struct ComparedTable {
    /// Its columns are those that are compared.
    pub(super) plan: TablePlan,
    layout: RowLayout,
    /// Statements that together read every row of the source once.
    statements: Vec<String>,
    /// Leading columns that are the key; 0 if the table has none.
    pub(super) key_fields: usize,
}

impl ComparedTable {
    /// Generated columns are compared too: what the source computed against what PostgreSQL did. `record`
    /// saves finding cut points again: its slices tile the table, wherever they were cut.
    pub(super) fn new(plan: &TablePlan, record: Option<&TableRecord>, job: &Job) -> Result<Self> {
        let mut plan = plan.clone();
        plan.columns.append(&mut plan.generated);
        let plan = &plan;
        let statements_of = |slice| query::read(plan, slice, None, job.transfer.consistency);
        let slices = record.filter(|record| {
            let ranges = plan.strategy.ranges().is_some();
            ranges && record.plan.strategy == plan.strategy && !record.partitions.is_empty()
        });
        let statements = match slices {
            Some(record) => record
                .partitions
                .iter()
                .flat_map(|part| statements_of(&part.slice))
                .collect(),
            None => statements_of(&Slice::Whole),
        };
        Ok(Self {
            layout: row_layout(plan, job)
                .map_err(|error| error.at_table(plan.full_name()))?
                .with_checksums(true),
            key_fields: key_fields(plan),
            plan: plan.clone(),
            statements,
        })
    }
}

/// The plan puts the columns of the key first that it reads by, or of the primary key. A key of which the
/// job leaves a column out does not count.
fn key_fields(plan: &TablePlan) -> usize {
    let all = match (&plan.strategy, &plan.primary_key) {
        (Strategy::Keyset { key, .. }, _) => key.len(),
        (_, Some(key)) => key.columns.len(),
        (_, None) => 0,
    };
    let leading = plan.identity_positions().into_iter().eq(0..all);
    if leading { all } else { 0 }
}

/// Both sides of a table, read.
pub(super) struct BothSides<T> {
    pub(super) source: T,
    pub(super) target: T,
    /// Rows of the source that are not in `source`, because PostgreSQL cannot hold them.
    pub(super) rejected: u64,
}

/// What one reader has read.
enum Read<T> {
    Source(T, u64),
    Target(T),
}

impl Reads {
    pub(super) fn new(
        job: &Job,
        source: &SourcePool,
        target: &TargetPool,
        cancel: &CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            source: source.clone(),
            target: target.clone(),
            retry: job.transfer.retry.clone(),
            cancel: cancel.clone(),
            max_ranges: job.target.pool.max_connections,
            large_rows: LargeRows::default(),
            target_memory: Semaphore::new(TARGET_MEMORY as usize),
        })
    }

    /// Reads every row of both sides into a copy of `empty` each.
    ///
    /// # Errors
    /// The first error of a reader, with the table as its place; the other readers are dropped.
    pub(super) async fn both<T>(
        self: &Arc<Self>,
        table: &Arc<ComparedTable>,
        empty: T,
    ) -> Result<BothSides<T>>
    where
        T: Tally + Send + Sync + 'static,
    {
        let mut readers = self.target_readers(table, &Arc::new(empty.fresh())).await?;
        let shared = Arc::new(empty.fresh());
        for number in 0..table.statements.len() {
            let (reads, table, empty) = (Arc::clone(self), Arc::clone(table), Arc::clone(&shared));
            readers.spawn(async move {
                let work = || read_source(&reads, &table, number, &*empty);
                let (read, rejected) = retry_cancellable(&reads.retry, &reads.cancel, work).await?;
                Ok(Read::Source(read, rejected))
            });
        }
        join(readers, table, empty).await
    }

    /// Acquires a target connection and does `work` on it, again from the start while faults are
    /// transient and tries are left. A stop is heard between tries only.
    pub(super) async fn on_target<R, F: Future<Output = Result<R>>>(
        &self,
        work: impl Fn(Lease) -> F,
    ) -> Result<R> {
        retry_to_completion(&self.retry, &self.cancel, || async {
            work(self.target.acquire().await?).await
        })
        .await
    }

    /// Refuses a target whose columns have other types than the plan's.
    pub(super) async fn must_be_comparable(&self, plan: &TablePlan) -> Result<()> {
        self.on_target(|target| async move { ddl::must_be_comparable(&target, plan).await })
            .await
    }

    /// Reads every row of the target.
    ///
    /// # Errors
    /// As [`Self::both`].
    pub(super) async fn target<T>(
        self: &Arc<Self>,
        table: &Arc<ComparedTable>,
        empty: T,
    ) -> Result<T>
    where
        T: Tally + Send + Sync + 'static,
    {
        let readers = self.target_readers(table, &Arc::new(empty.fresh())).await?;
        Ok(join(readers, table, empty).await?.target)
    }

    async fn target_readers<T>(
        self: &Arc<Self>,
        table: &Arc<ComparedTable>,
        empty: &Arc<T>,
    ) -> Result<JoinSet<Result<Read<T>>>>
    where
        T: Tally + Send + Sync + 'static,
    {
        let plan = &table.plan;
        let divided = self.on_target(|target| async move {
            let ranges = block_ranges(&target, &plan.target, self.max_ranges, MIN_BLOCKS).await?;
            Ok((ranges, longest_row(&target, plan).await?))
        });
        let (ranges, longest) = divided.await?;
        let mut readers = JoinSet::new();
        for range in ranges {
            let (reads, table, empty) = (Arc::clone(self), Arc::clone(table), Arc::clone(empty));
            readers.spawn(async move {
                let _memory = reads.target_memory.acquire_many(kib(longest)).await;
                let work = || read_target(&reads, &table, &range, &*empty);
                let read = retry_to_completion(&reads.retry, &reads.cancel, work).await?;
                Ok(Read::Target(read))
            });
        }
        Ok(readers)
    }
}

/// Adds up what the readers have read; the first error ends the others.
async fn join<T: Tally + Send + 'static>(
    mut readers: JoinSet<Result<Read<T>>>,
    table: &ComparedTable,
    empty: T,
) -> Result<BothSides<T>> {
    let mut both = BothSides {
        source: empty.fresh(),
        target: empty,
        rejected: 0,
    };
    while let Some(joined) = readers.join_next().await {
        let read = joined
            .map_err(|panic| {
                Error::new(Kind::Internal, "internal error: a reader task panicked").because(panic)
            })
            .and_then(|read| read);
        match read.map_err(|error| error.at_table(table.plan.full_name()))? {
            Read::Source(read, rejected) => {
                both.source.merge(read);
                both.rejected += rejected;
            }
            Read::Target(read) => both.target.merge(read),
        }
    }
    Ok(both)
}

/// The rows, and how many were rejected. Each try begins with an empty tally, so a failed one counts
/// nothing.
async fn read_source<T: Tally>(
    reads: &Reads,
    table: &ComparedTable,
    number: usize,
    empty: &T,
) -> Result<(T, u64)> {
    let statement = table
        .statements
        .get(number)
        .ok_or_else(|| Error::new(Kind::Internal, "internal error: no such slice"))?;
    let mut connection = reads.source.acquire().await?;
    let stream = read::open(&mut connection, statement, table.layout.clone()).await?;
    let mut stream = stream.share_large_rows(reads.large_rows.clone());
    let (mut tally, mut rejected) = (empty.fresh(), 0);
    while let Some(batch) = stream.next_batch().await? {
        each_row(&batch.bytes, table.plan.columns.len(), |row| tally.add(row))?;
        rejected += batch.rejects.len() as u64;
        drop(stream.take_turn());
    }
    Ok((tally, rejected))
}

/// As [`read_source`], for one range of blocks.
async fn read_target<T: Tally + Send>(
    reads: &Reads,
    table: &ComparedTable,
    range: &BlockRange,
    empty: &T,
) -> Result<T> {
    let lease = reads.target.acquire().await?;
    let mut tally = empty.fresh();
    read_rows(lease, &table.plan, range, |row| tally.add(row)).await?;
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rows_of_the_target_share_memory() {
        assert_eq!(kib(0), 0);
        assert_eq!(kib(1 << 20), 2 << 10, "twice a MiB");
        assert_eq!(TARGET_MEMORY / kib(40 << 20), 3);
        assert_eq!(kib(500 << 20), TARGET_MEMORY, "alone, and not never");
        assert_eq!(kib(u64::MAX), TARGET_MEMORY);
    }
}
