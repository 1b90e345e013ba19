//! What every task of a run shares: the run with its two pools, and the tables while they are loaded.
//!
//! [`Run`] is made when a run is registered, [`TableLoad`] when a table is about to be loaded. Both
//! are shared by reference between tasks. Counters are atomic; locks are held for a moment and
//! never across an await.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::config::job::{Job, Mode};
use crate::error::{Error, Result};
use crate::mssql::large_rows::LargeRows;
use crate::mssql::pool::SourcePool;
use crate::mutex::lock;
use crate::pipeline::lock_session::LockSession;
use crate::pipeline::outage::{Contact, Outage};
use crate::pipeline::retry::retry_to_completion;
use crate::pipeline::shutdown::StopClock;
use crate::pipeline::small;
use crate::plan::table::TablePlan;
use crate::postgres::copy::CopyTable;
use crate::postgres::pool::{Lease, TargetPool};
use crate::postgres::state::{
    Claimant, MemberId, PartitionRecord, PartitionState, RunFence, RunId, TableKey, TableRecord,
};
use crate::report::progress::{Progress, TablePhase, TableProgress};
use tds_copy::transcode::RowLayout;

/// A registered run, shared by all of its tasks.
pub struct Run {
    /// The job as it was read; nothing changes it during the run.
    pub job: Job,
    /// The run's number in `_migrate.runs`; a younger run of the job has a higher one.
    pub id: RunId,
    /// The process's place in the run; `None` if it leads it.
    pub member: Option<MemberId>,
    /// The session of the job lock, or of the member.
    pub lock_session: Arc<LockSession>,
    /// All source connections of the process.
    pub source: SourcePool,
    /// All target connections of the process but that of the job lock. A task that needs both sides takes
    /// the target's first.
    pub target: TargetPool,
    /// Read by the caller while the run goes.
    pub progress: Arc<Progress>,
    /// Bounds how many long rows of the source are in memory.
    pub large_rows: LargeRows,
    /// Cancelled by a signal, or when the job lock is lost.
    pub cancel: CancellationToken,
    /// Ends the run if a server stays away.
    pub outage: Arc<Outage>,
    /// Batches that the target has taken.
    pub batches: AtomicU64,
    /// Bounds what a stopped run may still do.
    pub stop_clock: StopClock,
}

impl Run {
    /// Proves in a transaction that the run still has its job.
    pub fn fence(&self) -> RunFence<'_> {
        RunFence {
            job: &self.job.name,
            run: self.id,
        }
    }

    /// Who claims the partitions that this process loads.
    pub fn claimant(&self) -> Claimant {
        Claimant {
            run: self.id,
            member: self.member,
        }
    }

    /// Acquires a target connection and does `work` on it, again from the start while faults are
    /// transient and tries are left. A stop is heard between tries only, as in
    /// [`retry_to_completion`].
    ///
    /// # Errors
    /// The first permanent error, the last transient one, or
    /// [`Kind::Stopped`](crate::error::Kind::Stopped).
    pub async fn on_target<T, F: Future<Output = Result<T>>>(
        &self,
        work: impl Fn(Lease) -> F,
    ) -> Result<T> {
        let before = self.contact();
        let outcome = retry_to_completion(&self.job.transfer.retry, &self.cancel, || async {
            work(self.target.acquire().await?).await
        });
        self.watched(before, outcome.await)
    }

    /// What has been reached of both servers by now.
    pub fn contact(&self) -> Contact {
        Contact {
            source: self.source.metrics().acquisitions,
            target: self.target.metrics().acquisitions,
            batches: self.batches.load(Ordering::Relaxed),
        }
    }

    /// Hands on the outcome of work of which no try is left, and ends the run if its server has not been
    /// reached since `before`, from the first try.
    pub fn watched<T>(&self, before: Contact, outcome: Result<T>) -> Result<T> {
        outcome.inspect_err(|error| self.outage.check(error, before, self.contact()))
    }

    /// How many partitions the caps of both pools let load at a time.
    pub fn concurrency_cap(&self) -> usize {
        let (source, target) = (&self.job.source.pool, &self.job.target.pool);
        source.max_connections.min(target.max_connections).max(1)
    }
}

/// One table while it is loaded.
pub struct TableLoad {
    /// The table's key in `_migrate.tables`.
    pub key: TableKey,
    /// Columns and strategy as they were planned when the load began; objects and notes as planned now.
    pub plan: TablePlan,
    /// How a row of the source becomes one of COPY.
    pub layout: RowLayout,
    /// Shared by the writers of the table's partitions.
    pub copy: Arc<CopyTable>,
    /// As recorded when the load began; what was committed since is in the state tables only.
    pub partitions: Vec<PartitionRecord>,
    /// Read by the progress display.
    pub progress: Arc<TableProgress>,
    /// Child of the run's: the first error of a partition stops its siblings, not the run.
    pub cancel: CancellationToken,
    /// Partitions that are not done; the worker that does the last one finishes the table.
    remaining: AtomicU32,
    /// Numbers of all partitions, including those that a split made.
    known: Mutex<HashSet<u32>>,
    /// How many partitions may be open at a time, so that a table does not crowd out others.
    max_open: usize,
    /// Work that is left when all rows are there, in bytes of COPY.
    finish_weight: u64,
    /// The job and the plan let it be finished together with others, if it is small.
    pub(in crate::pipeline) can_share: bool,
    /// Set once, by the first partition or finish step that fails for good.
    failure: Mutex<Option<Error>>,
    /// Indexes and checks that could not be made for a table that is complete otherwise; set by its
    /// last finish step.
    unmade: Mutex<Vec<Error>>,
    /// Rows of both sides, if they were counted while the table was finished.
    pub counts: OnceLock<Counts>,
}

/// A table that could not be made ready, with the reason.
pub struct UnreadyTable {
    /// The table as it is planned now.
    pub plan: TablePlan,
    /// [`Kind::Stopped`](crate::error::Kind::Stopped) if only a stop kept it from being made.
    pub error: Error,
}

/// Rows of a table's source and of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// By a count, or as the server keeps it by itself.
    pub source: u64,
    pub target: u64,
}

/// Bytes of COPY that cost PostgreSQL as much as one index entry: 0.25 s per million rows of a narrow
/// table's key against 6 to 9 ns per byte of narrow and wide rows (PostgreSQL 15, CPU time).
const BYTES_PER_ENTRY: u64 = 40;

/// Bytes of a row, assumed if the source does not tell sizes.
const BYTES_PER_ROW: u64 = 100;

impl TableLoad {
    /// A recorded table that is to be loaded; `cancel` is the run's.
    /// Partitions that are recorded as done count as done from the beginning, and their rows as
    /// resumed.
    pub fn new(
        job: &Job,
        cancel: &CancellationToken,
        record: TableRecord,
        layout: RowLayout,
        progress: Arc<TableProgress>,
    ) -> Arc<Self> {
        let open = record
            .partitions
            .iter()
            .filter(|part| part.state != PartitionState::Done)
            .count();
        let committed = record.partitions.iter().map(|part| &part.progress);
        let (rows, bytes) = committed.fold((0, 0), |(rows, bytes), part| {
            (rows + part.rows, bytes + part.bytes)
        });
        progress.set_partitions(u32::try_from(record.partitions.len()).unwrap_or(u32::MAX));
        (open..record.partitions.len()).for_each(|_| progress.partition_done());
        progress.resume(rows, bytes);
        Arc::new(Self {
            key: TableKey::for_plan(&job.name, &record.plan),
            copy: Arc::new(
                CopyTable::new(&job.name, &record.plan)
                    .flush_late(!job.transfer.synchronous_commit),
            ),
            layout,
            remaining: AtomicU32::new(u32::try_from(open).unwrap_or(u32::MAX)),
            known: Mutex::new(record.partitions.iter().map(|part| part.number).collect()),
            max_open: max_open(job, &record.plan),
            finish_weight: finish_weight(job, &record.plan),
            can_share: small::can_share(job, &record.plan),
            partitions: record.partitions,
            plan: record.plan,
            progress,
            cancel: cancel.child_token(),
            failure: Mutex::default(),
            unmade: Mutex::default(),
            counts: OnceLock::new(),
        })
    }

    /// Counts a partition as done; true for the last one.
    pub fn partition_done(&self) -> bool {
        self.progress.partition_done();
        self.remaining.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Whether no partition is left, only the finish steps.
    pub fn loaded(&self) -> bool {
        self.remaining.load(Ordering::Acquire) == 0
    }

    /// Adds partitions and gives the numbers of those that were not known: they count as open from here
    /// on.
    pub fn add_partitions(&self, numbers: &[u32]) -> Vec<u32> {
        let mut known = lock(&self.known);
        let new = numbers
            .iter()
            .copied()
            .filter(|number| known.insert(*number));
        let new = new.collect::<Vec<_>>();
        let count = u32::try_from(new.len()).unwrap_or(u32::MAX);
        self.remaining.fetch_add(count, Ordering::AcqRel);
        self.progress.add_partitions(count);
        new
    }

    /// Sets how many partitions are open, of those that any process of the run knows: a member learns it
    /// from the record.
    pub fn set_open(&self, open: u32) {
        self.remaining.store(open, Ordering::Release);
    }

    /// Counts a partition as active: a worker took it.
    pub fn take_partition(&self) {
        self.progress.partition_taken();
    }

    /// The opposite: the worker gave it back.
    pub fn release_partition(&self) {
        self.progress.partition_released();
    }

    /// Partitions that workers are moving now.
    pub fn active_partitions(&self) -> u32 {
        self.progress.active_partitions()
    }

    /// How many more partitions may be open; `None` for none.
    pub fn room(&self) -> Option<usize> {
        let open = self.remaining.load(Ordering::Acquire);
        let open = usize::try_from(open).unwrap_or(usize::MAX);
        Some(self.max_open.saturating_sub(open)).filter(|room| *room > 0)
    }

    /// How much work the table is, in bytes.
    pub fn weight(&self) -> u64 {
        weight(&self.plan)
    }

    /// How much work is left when its rows are there, in bytes.
    pub fn finish_weight(&self) -> u64 {
        self.finish_weight
    }

    /// Whether it is finished together with other tables; asked when its rows are there.
    pub fn finishes_with_others(&self) -> bool {
        self.can_share && small::is_small(self.progress.rows(), self.progress.bytes())
    }

    /// The table's work divided evenly among its partitions, in bytes.
    pub fn weight_of_partition(&self) -> u64 {
        let known = lock(&self.known);
        self.weight() / u64::try_from(known.len()).unwrap_or(u64::MAX).max(1)
    }

    /// Keeps the first error and stops the table's other partitions; true for the first.
    /// An error after the first is a consequence of it most of the time, and is dropped.
    pub fn fail(&self, error: Error) -> bool {
        let mut failure = lock(&self.failure);
        let first = failure.is_none();
        if first {
            self.progress.set_state(TablePhase::Failed);
            *failure = Some(error);
        }
        self.cancel.cancel();
        first
    }

    /// Keeps why indexes and checks could not be made.
    pub fn set_unmade(&self, errors: Vec<Error>) {
        *lock(&self.unmade) = errors;
    }

    /// Hands over why indexes and checks could not be made.
    pub fn take_unmade(&self) -> Vec<Error> {
        std::mem::take(&mut *lock(&self.unmade))
    }

    /// Hands the error over for the report.
    pub fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }
}

/// How much work a table is, in bytes.
/// For the order of tables and for shares of progress; never for what is read.
pub fn weight(plan: &TablePlan) -> u64 {
    match plan.estimated_bytes {
        0 => plan.estimated_rows.saturating_mul(BYTES_PER_ROW),
        bytes => bytes,
    }
}

/// Its index entries, and its rows once more if the table becomes LOGGED after the load. Tables that were
/// there before need neither.
fn finish_weight(job: &Job, plan: &TablePlan) -> u64 {
    if matches!(job.transfer.mode, Mode::Truncate | Mode::Append) {
        return 0;
    }
    let key = usize::from(plan.primary_key.is_some());
    let indexes = (key + plan.objects.indexes.len()) as u64;
    let entries = plan.estimated_rows.saturating_mul(indexes);
    let again = if job.transfer.unlogged_load {
        weight(plan)
    } else {
        0
    };
    entries
        .saturating_mul(BYTES_PER_ENTRY)
        .saturating_add(again)
}

/// A table's own number of partitions, or the job's limit.
fn max_open(job: &Job, plan: &TablePlan) -> usize {
    let fixed = job.table_override(&plan.full_name());
    let fixed = fixed.and_then(|settings| settings.partitions);
    fixed.unwrap_or(job.transfer.max_partitions_per_table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::pipeline::fixtures::{JOB, keyed};

    fn weights(transfer: &str, rows: u64, bytes: u64) -> [u64; 2] {
        let job = JOB.replace("transfer: {", &format!("transfer: {{{transfer}, "));
        let job = parse(&job, "j", &|_| None).expect("a job");
        let plan = keyed(rows, bytes);
        [weight(&plan), finish_weight(&job, &plan)]
    }

    #[test]
    fn a_table_weighs_its_bytes_or_what_its_rows_may_have() {
        assert_eq!(weights("mode: create", 10, 7000), [7000, 400]);
        assert_eq!(weights("mode: create", 10, 0), [1000, 400]);
        assert_eq!(weights("mode: create", 0, 0), [0, 0]);
        assert_eq!(weights("mode: create", u64::MAX, 0), [u64::MAX, u64::MAX]);
    }

    #[test]
    fn rows_that_are_logged_after_the_load_weigh_once_more() {
        assert_eq!(weights("unlogged_load: true", 10, 7000), [7000, 7400]);
    }

    #[test]
    fn nothing_is_made_of_a_table_that_was_there() {
        for mode in ["truncate", "append"] {
            assert_eq!(
                weights(&format!("mode: {mode}"), 10, 7000),
                [7000, 0],
                "{mode}"
            );
        }
    }
}
