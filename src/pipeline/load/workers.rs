//! The workers of the loading step: each takes partitions to load and tables to finish and to count from
//! the queue. Beside them one task adapts how many partitions are loaded at a time, and one looks for
//! partitions to split.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt, Stream, StreamExt};
use tokio::task::JoinSet;

use crate::error::{Error, Kind, Result};
use crate::pipeline::context::{Run, TableLoad, UnreadyTable};
use crate::pipeline::load::active::ActivePartition;
use crate::pipeline::load::queue::{Next, WorkQueue};
use crate::pipeline::load::transfer::Transferred;
use crate::pipeline::load::{adapt, finish, finish_group, sharing, split, transfer};
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
    /// Ready to be loaded.
    pub tables: Vec<Arc<TableLoad>>,
    /// Could not be made ready.
    pub unready: Vec<UnreadyTable>,
}

/// Loads and finishes all tables, and those that come from `late`, which are given back. A table's error
/// is kept with the table and does not end the others.
///
/// # Errors
/// [`Kind::Internal`] if a worker panicked outside of its table's own guard.
pub async fn load_tables(
    run: &Arc<Run>,
    tables: &[Arc<TableLoad>],
    late: impl Stream<Item = LateTables>,
) -> Result<Vec<LateTables>> {
    let width = run.job.target.pool.max_connections;
    let controller = adapt::begin(run, width);
    let limit = run.progress.concurrency().first;
    // One worker is left to load, however long the indexes take.
    let finishers = run.job.target.finish_connections.min(width - 1).max(1);
    let shared = Arc::new(Shared {
        run: Arc::clone(run),
        queue: WorkQueue::new(tables, finishers, limit),
    });
    shared.queue.expect_more();
    let mut workers = JoinSet::new();
    for _ in 0..width {
        workers.spawn(work(Arc::clone(&shared)));
    }
    let mut panicked = None;
    let all_joined = async {
        while let Some(joined) = workers.join_next().await {
            if let Err(panic) = joined {
                let error = Error::new(Kind::Internal, "internal error: a worker task panicked");
                panicked.get_or_insert(error.because(panic));
                // What it held is not given back: others would wait for it for ever.
                run.cancel.cancel();
            }
        }
    };
    let adapted = async {
        match controller {
            Some(controller) => adapt::follow(run, &shared.queue, controller).await,
            None => std::future::pending().await,
        }
    };
    let load = async {
        tokio::select! {
            () = all_joined => {}
            () = adapted => {}
            () = split::follow(run, &shared.queue) => {}
            () = sharing::follow(run, &shared.queue) => {}
        }
    };
    let mut came = Vec::new();
    // Ends soon after a stop, too, with the tables that were not made ready.
    let receive_late = async {
        tokio::pin!(late);
        while let Some(tables) = late.next().await {
            shared.queue.add_tables(&tables.tables);
            came.push(tables);
        }
        shared.queue.expect_no_more();
    };
    let all = async { tokio::join!(load, receive_late) };
    let ended = finish_within_grace(&run.target, &run.cancel, STOP_GRACE, all).await;
    if let Ended::Cancelled(_) = ended {
        tracing::warn!("a statement took too long: it is cancelled, the next run does it again");
    }
    workers.abort_all();
    panicked.map_or(Ok(came), Err)
}

/// One worker: takes work from the queue until all work is done or the run stops.
async fn work(shared: Arc<Shared>) {
    let Shared { run, queue } = &*shared;
    while !run.cancel.is_cancelled() {
        let changed = queue.changed();
        tokio::pin!(changed);
        // Registered before `take`, so a notification in between is not lost.
        changed.as_mut().enable();
        match queue.take() {
            Next::Over => return,
            Next::Finish(table) => {
                finish(run, queue, &table).await;
                queue.finished();
            }
            Next::FinishTogether(tables) => {
                finish_together(run, queue, &tables).await;
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

/// Moves a partition and decides what follows: it is put back, its table is finished, or its table fails.
async fn load(run: &Run, queue: &WorkQueue, partition: &Arc<ActivePartition>) {
    let table = &partition.table;
    if table.progress.state() == TablePhase::Waiting {
        table.progress.set_state(TablePhase::Running);
    }
    let moved = AssertUnwindSafe(transfer::transfer(run, queue, partition)).catch_unwind();
    match moved
        .await
        .unwrap_or_else(|_| Err(panicked().at_table(table.plan.full_name())))
    {
        Ok(Transferred::Parked) => queue.put_back(partition),
        Ok(Transferred::Elsewhere) => queue.set_elsewhere(partition),
        Ok(Transferred::Whole) => {
            if table.partition_done() {
                queue.add_finish(table);
            }
        }
        Err(error) => fail(run, table, error).await,
    }
}

/// Finishes a table and sets its state.
async fn finish(run: &Run, queue: &WorkQueue, table: &Arc<TableLoad>) {
    let finished = AssertUnwindSafe(finish::finish(run, queue, table)).catch_unwind();
    match finished.await.unwrap_or_else(|_| Err(panicked())) {
        Ok(()) => table.progress.set_state(TablePhase::Done),
        Err(error) => fail(run, table, error.at_table(table.plan.full_name())).await,
    }
}

/// Finishes small tables, together as far as that can be done.
async fn finish_together(run: &Run, queue: &WorkQueue, tables: &[Arc<TableLoad>]) {
    let finished = finish_group::finish_together(run, queue, tables);
    let finished = AssertUnwindSafe(finished).catch_unwind().await;
    let finished = finished.unwrap_or_default();
    for (at, table) in tables.iter().enumerate() {
        if finished.contains(&at) {
            table.progress.set_state(TablePhase::Done);
        } else if !run.cancel.is_cancelled() {
            finish(run, queue, table).await;
        }
    }
}

/// Counts both sides while other objects of the table are made. What could not be counted here is
/// counted when all tables are compared, with retries.
async fn count(run: &Run, table: &TableLoad) {
    let counted = verify::count(run, &table.plan, &table.cancel);
    let counted = AssertUnwindSafe(counted).catch_unwind().await;
    match counted.unwrap_or_else(|_| Err(panicked())) {
        // Only one worker was given this table to count.
        Ok(counts) => {
            let _first = table.counts.set(counts);
        }
        Err(error) => tracing::debug!(%error, "a table is counted later"),
    }
}

/// A panic ends its table and no other; the panic's own message is on stderr.
fn panicked() -> Error {
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
        && let Err(error) = finish::record_failure(run, table, &text).await
    {
        tracing::warn!(%error, "the failure could not be recorded; the report has it");
    }
}
