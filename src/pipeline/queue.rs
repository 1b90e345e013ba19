//! One queue for the partitions of all tables, largest first, and the workers that empty it.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinSet;

use crate::error::{Error, Kind, Result};
use crate::pipeline::context::{Run, TableLoad};
use crate::pipeline::{finishing, partition};
use crate::postgres::state::PartitionState;
use crate::report::progress::TableState;

/// How long a stopped run waits for commits before it lets go of them. A signal must end the
/// process within 10 s, and closing the pools and the report take their part of it.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What a worker takes.
enum Work {
    Partition(Arc<TableLoad>, u32),
    /// All rows are there; a run was killed before the table was finished.
    Finish(Arc<TableLoad>),
}

type Queue = Arc<Mutex<VecDeque<Work>>>;

/// Loads and finishes all tables. A table's error is kept with the table and does not end the
/// others.
///
/// # Errors
/// Only when a worker itself broke.
pub async fn drain(run: &Arc<Run>, tables: &[Arc<TableLoad>]) -> Result<()> {
    let queue: Queue = Arc::new(Mutex::new(sorted(tables)));
    let mut workers = JoinSet::new();
    for _ in 0..run.job.target.pool.max_connections {
        workers.spawn(work(Arc::clone(run), Arc::clone(&queue)));
    }
    let mut broken = None;
    let all_joined = async {
        while let Some(joined) = workers.join_next().await {
            if let Err(panic) = joined {
                broken.get_or_insert(Error::new(Kind::Internal, "a worker broke").because(panic));
            }
        }
    };
    let grace = async {
        run.cancel.cancelled().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    tokio::select! {
        () = all_joined => {}
        () = grace => {
            tracing::warn!("a statement takes too long: it is cancelled, the next run does it again");
            run.target.cancel_running().await;
        }
    }
    workers.abort_all();
    broken.map_or(Ok(()), Err)
}

/// Largest first, so that no large partition begins when all others are done.
fn sorted(tables: &[Arc<TableLoad>]) -> VecDeque<Work> {
    let mut work = Vec::new();
    for table in tables {
        if table.loaded() {
            work.push((u64::MAX, Work::Finish(Arc::clone(table))));
            continue;
        }
        let partitions = u64::try_from(table.partitions.len())
            .unwrap_or(u64::MAX)
            .max(1);
        let weight = table.plan.estimated_bytes.max(table.plan.estimated_rows) / partitions;
        for part in table
            .partitions
            .iter()
            .filter(|part| part.state != PartitionState::Done)
        {
            work.push((weight, Work::Partition(Arc::clone(table), part.number)));
        }
    }
    work.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    work.into_iter().map(|(_, work)| work).collect()
}

async fn work(run: Arc<Run>, queue: Queue) {
    while !run.cancel.is_cancelled() {
        let next = queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        match next {
            None => return,
            Some(Work::Finish(table)) => finish(&run, &table).await,
            Some(Work::Partition(table, number)) => {
                if !table.cancel.is_cancelled() {
                    load(&run, &table, number).await;
                }
            }
        }
    }
}

async fn load(run: &Run, table: &Arc<TableLoad>, number: u32) {
    if table.progress.state() == TableState::Waiting {
        table.progress.set_state(TableState::Running);
    }
    let moved = AssertUnwindSafe(partition::transfer(run, table, number)).catch_unwind();
    match moved
        .await
        .unwrap_or_else(|_| Err(broken().at_table(table.plan.full_name())))
    {
        Ok(()) => {
            if table.partition_done() {
                table.progress.set_state(TableState::Loaded);
                finish(run, table).await;
            }
        }
        Err(error) => fail(run, table, error).await,
    }
}

async fn finish(run: &Run, table: &Arc<TableLoad>) {
    let finished = AssertUnwindSafe(finishing::finish(run, table)).catch_unwind();
    match finished.await.unwrap_or_else(|_| Err(broken())) {
        Ok(()) => table.progress.set_state(TableState::Done),
        Err(error) => fail(run, table, error.at_table(table.plan.full_name())).await,
    }
}

/// A panic ends its table and no other; the panic's own message is on stderr.
fn broken() -> Error {
    Error::new(Kind::Internal, "a task of the tool broke; please report it")
}

/// Records a failure with the table; a stop is not one, the next run continues there.
async fn fail(run: &Run, table: &Arc<TableLoad>, error: Error) {
    if error.kind() == Kind::Stopped || run.cancel.is_cancelled() {
        tracing::debug!(%error, "left to the next run");
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
