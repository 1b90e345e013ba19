//! The workers of the loading step: each takes partitions to load and tables to finish and to count
//! from the queue. Beside them one task follows the pace and one looks for partitions to cut.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt, Stream, StreamExt};
use tokio::task::JoinSet;

use crate::error::{Error, Kind, Result};
use crate::pipeline::context::{Run, TableLoad, Unready};
use crate::pipeline::load::active::ActivePartition;
use crate::pipeline::load::queue::{Next, WorkQueue};
use crate::pipeline::load::transfer::Transferred;
use crate::pipeline::load::{adapt, finish as finishing, split, transfer};
use crate::pipeline::shutdown::{Ended, STOP_GRACE, finish_within_grace};
use crate::pipeline::verify;
use crate::report::progress::TablePhase;

/// What the workers share.
struct Shared {
    run: Arc<Run>,
    queue: WorkQueue,
}

/// What became of a table that was made ready while others were loaded.
pub struct LateTables {
    pub tables: Vec<Arc<TableLoad>>,
    pub unready: Vec<Unready>,
}

/// Loads and finishes all tables, and those that come `later`, which are given back. A table's error
/// is kept with the table and does not end the others.
///
/// # Errors
/// Only when a worker itself broke.
pub async fn load_tables(
    run: &Arc<Run>,
    tables: &[Arc<TableLoad>],
    later: impl Stream<Item = LateTables>,
) -> Result<Vec<LateTables>> {
    let width = run.job.target.pool.max_connections;
    let pace = adapt::begin(run, width);
    let level = run.progress.concurrency().first;
    // One worker is left to load, however long the indexes take.
    let finishers = run.job.target.finish_connections.min(width - 1).max(1);
    let shared = Arc::new(Shared {
        run: Arc::clone(run),
        queue: WorkQueue::new(tables, finishers, level),
    });
    shared.queue.expect_more();
    let mut workers = JoinSet::new();
    for _ in 0..width {
        workers.spawn(work(Arc::clone(&shared)));
    }
    let mut broken = None;
    let all_joined = async {
        while let Some(joined) = workers.join_next().await {
            if let Err(panic) = joined {
                broken.get_or_insert(
                    Error::new(Kind::Internal, "internal error: a worker task panicked")
                        .because(panic),
                );
                // What it held is not given back: others would wait for it for ever.
                run.cancel.cancel();
            }
        }
    };
    let adapt = async {
        match pace {
            Some(pace) => adapt::follow(run, &shared.queue, pace).await,
            None => std::future::pending().await,
        }
    };
    let load = async {
        tokio::select! {
            () = all_joined => {}
            () = adapt => {}
            () = split::follow(run, &shared.queue) => {}
        }
    };
    let mut more = Vec::new();
    // Ends soon after a stop, too, with the tables that were not made ready.
    let later = async {
        tokio::pin!(later);
        while let Some(come) = later.next().await {
            shared.queue.add_tables(&come.tables);
            more.push(come);
        }
        shared.queue.expect_no_more();
    };
    let all = async { tokio::join!(load, later) };
    let ended = finish_within_grace(&run.target, &run.cancel, STOP_GRACE, all).await;
    if let Ended::Cancelled(_) = ended {
        tracing::warn!("a statement took too long: it is cancelled, the next run does it again");
    }
    workers.abort_all();
    broken.map_or(Ok(more), Err)
}

async fn work(shared: Arc<Shared>) {
    let Shared { run, queue, .. } = &*shared;
    while !run.cancel.is_cancelled() {
        let changed = queue.changed();
        tokio::pin!(changed);
        // From here on no ring is missed.
        changed.as_mut().enable();
        match queue.take() {
            Next::Over => return,
            Next::Finish(table) => {
                finish(run, queue, &table).await;
                queue.finished();
            }
            Next::Count(table) => {
                count(run, &table).await;
                queue.counted();
            }
            Next::Load(partition) => {
                if !partition.table.cancel.is_cancelled() {
                    load(run, queue, &partition).await;
                }
                queue.loaded(&partition);
            }
            Next::Wait => {
                let _idle = queue.idle();
                tokio::select! {
                    () = run.cancel.cancelled() => return,
                    () = changed => {}
                }
            }
        }
    }
}

async fn load(run: &Run, queue: &WorkQueue, partition: &Arc<ActivePartition>) {
    let table = &partition.table;
    if table.progress.state() == TablePhase::Waiting {
        table.progress.set_state(TablePhase::Running);
    }
    let moved = AssertUnwindSafe(transfer::transfer(run, queue, partition)).catch_unwind();
    match moved
        .await
        .unwrap_or_else(|_| Err(broken().at_table(table.plan.full_name())))
    {
        Ok(Transferred::Parked) => queue.put_back(partition),
        Ok(Transferred::Whole) => {
            if table.partition_done() {
                table.progress.set_state(TablePhase::Loaded);
                queue.add_finish(table);
            }
        }
        Err(error) => fail(run, table, error).await,
    }
}

async fn finish(run: &Run, queue: &WorkQueue, table: &Arc<TableLoad>) {
    let finished = AssertUnwindSafe(finishing::finish(run, queue, table)).catch_unwind();
    match finished.await.unwrap_or_else(|_| Err(broken())) {
        Ok(()) => table.progress.set_state(TablePhase::Done),
        Err(error) => fail(run, table, error.at_table(table.plan.full_name())).await,
    }
}

/// Counts both sides beside what else is made of the table. What could not be counted here is
/// counted when all tables are compared, with all patience.
async fn count(run: &Run, table: &TableLoad) {
    let counted = verify::count(run, &table.plan, &table.cancel);
    let counted = AssertUnwindSafe(counted).catch_unwind().await;
    match counted.unwrap_or_else(|_| Err(broken())) {
        // Counted once: nobody else was asked to.
        Ok(counts) => {
            let _first = table.counts.set(counts);
        }
        Err(error) => tracing::debug!(%error, "a table is counted later"),
    }
}

/// A panic ends its table and no other; the panic's own message is on stderr.
fn broken() -> Error {
    Error::new(Kind::Internal, "internal error: a worker task panicked")
}

/// Records a failure with the table; a stop is not one, the next run continues there.
async fn fail(run: &Run, table: &Arc<TableLoad>, error: Error) {
    if error.kind() == Kind::Stopped || run.cancel.is_cancelled() {
        tracing::debug!(%error, "not finished; the next run continues");
        return;
    }
    let text = error.to_string();
    tracing::error!(kind = ?error.kind(), error = %error, "a table failed");
    if table.fail(error)
        && let Err(error) = finishing::record_failure(run, table, &text).await
    {
        tracing::warn!(%error, "the failure could not be recorded; the report has it");
    }
}
