//! One sample: a number of connections on each side move rows as a run does, for some seconds.
//!
//! Readers, channel and COPY are those of a run, so a sample costs what a run costs, except for
//! claims and checkpoints. All connections are open before the clock begins, because a run opens
//! them once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::job::Consistency;
use crate::error::{Error, Kind, Result};
use crate::mssql::large_rows::LargeRows;
use crate::mssql::pool::{Pooled, SourcePool};
use crate::pipeline::load::reader::{
    BATCHES_IN_FLIGHT, Delivery, ReadEnd, ReadPlan, ReaderContext, read_batches,
};
use crate::pipeline::machine::Counters;
use crate::pipeline::shutdown::cancel_on_stop;
use crate::pipeline::tune::ranges::{Range, Ranges};
use crate::plan::query;
use crate::plan::table::TablePlan;
use crate::postgres::copy::{CopyTable, End, ScratchWriter};
use crate::postgres::pool::{Lease, TargetPool};
use crate::postgres::scratch::Scratch;
use crate::report::time::{Activity, Clock};
use crate::report::tune::Measured;
use tds_copy::transcode::{Batch, RowLayout};
use tsql::key::KeyValue;

/// How long a stop waits for connections to end by themselves: a signal must end the process
/// within 10 s, and dropping the scratch table takes its part of it.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// A sample in which less than a batch per connection arrived is made longer, up to this many times its
/// length: a slow link would otherwise seem to move nothing.
const LONGEST: u32 = 10;

/// How often such a sample looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What every sample shares.
pub(super) struct Sampler<'a> {
    pub(super) source: &'a SourcePool,
    pub(super) target: &'a TargetPool,
    pub(super) scratch: &'a Scratch,
    pub(super) task: Arc<Task>,
    /// By a signal, or when the job lock is lost.
    pub(super) cancel: CancellationToken,
}

/// What every connection of every sample shares.
pub(super) struct Task {
    pub(super) source: SourcePool,
    pub(super) plan: TablePlan,
    pub(super) layout: RowLayout,
    /// The COPY into the scratch table.
    pub(super) copy: Arc<CopyTable>,
    pub(super) ranges: Ranges,
    pub(super) consistency: Consistency,
    /// Whose turn it is to have a long row in memory.
    pub(super) large_rows: LargeRows,
}

/// What is varied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// How many each side has.
    pub(super) connections: usize,
    /// Bytes.
    pub(super) commit_every: u64,
    /// The sample lasts this long, unless less than a batch per connection arrived by then.
    pub(super) length: Duration,
}

impl Sampler<'_> {
    /// Moves rows under the setting. The clock begins when every connection is open, and ends when
    /// the last has committed.
    ///
    /// # Errors
    /// The first error of a connection: a sample with a fault in it would tell nothing.
    pub(super) async fn take(&self, setting: Setting) -> Result<Measured> {
        let opened = self.open(setting);
        let pairs = cancel_on_stop(self.target, &self.cancel, STOPPED, opened).await?;
        let stop = self.cancel.child_token();
        let clock = Arc::new(Clock::default());
        let arrived = Arc::new(AtomicUsize::new(0));
        let (counters, began) = (Counters::now(), Instant::now());
        let mut workers = JoinSet::new();
        for (lease, source) in pairs {
            let worker = Worker {
                task: Arc::clone(&self.task),
                clock: Arc::clone(&clock),
                arrived: Arc::clone(&arrived),
                stop: stop.clone(),
                cancel: self.cancel.clone(),
                commit_every: setting.commit_every,
                work: Work::default(),
            };
            workers.spawn(worker.run(lease, source));
        }
        let timer = tokio::spawn(end_after(setting, arrived, stop.clone()));
        let done = self.join(&mut workers, &stop).await;
        let (seconds, after) = (began.elapsed().as_secs_f64(), Counters::now());
        timer.abort();
        let done = done?;
        let work = done.iter().fold(Work::default(), Work::plus);
        Ok(Measured {
            connections: setting.connections,
            commit_every: setting.commit_every,
            seconds,
            rows: work.rows,
            bytes: work.bytes,
            batches: work.batches,
            commits: work.commits,
            rejected_rows: work.rejected,
            time: clock.read(),
            reading: work.reading.as_secs_f64(),
            tool_cpu: after.cpu_since(&counters),
            machine_busy: after.busy_since(&counters),
            again: self.task.ranges.passes() > 1,
        })
    }

    /// Empties the scratch table and opens the connections, target before source as every task
    /// does.
    async fn open(&self, setting: Setting) -> Result<Vec<(Lease, Pooled)>> {
        self.scratch.empty(&*self.target.acquire().await?).await?;
        let pairs = (0..setting.connections).map(|_| async {
            let lease = self.target.acquire().await?;
            Ok((lease, self.source.acquire().await?))
        });
        try_join_all(pairs).await
    }

    /// Waits for every connection; the first error ends the others.
    async fn join(
        &self,
        workers: &mut JoinSet<Result<Work>>,
        stop: &CancellationToken,
    ) -> Result<Vec<Work>> {
        let (mut done, mut failed, mut cut_off) = (Vec::new(), None, false);
        let grace = async {
            self.cancel.cancelled().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        tokio::pin!(grace);
        loop {
            let joined = tokio::select! {
                joined = workers.join_next() => joined,
                () = &mut grace, if !cut_off => {
                    cut_off = true;
                    self.target.cancel_running().await;
                    workers.abort_all();
                    continue;
                }
            };
            let error = match joined {
                None => break,
                Some(Ok(Ok(work))) => {
                    done.push(work);
                    continue;
                }
                Some(Ok(Err(error))) => error,
                Some(Err(panic)) => {
                    Error::new(Kind::Internal, "internal error: a worker task panicked")
                        .because(panic)
                }
            };
            stop.cancel();
            failed.get_or_insert(error);
        }
        if self.cancel.is_cancelled() {
            return Err(stopped());
        }
        failed.map_or(Ok(done), Err)
    }
}

/// Ends the sample when its time is over and each connection has moved a batch, or at the latest
/// after ten times its length.
async fn end_after(setting: Setting, arrived: Arc<AtomicUsize>, stop: CancellationToken) {
    let latest = Instant::now() + setting.length * LONGEST;
    tokio::time::sleep(setting.length).await;
    while arrived.load(Ordering::Relaxed) < setting.connections && Instant::now() < latest {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    stop.cancel();
}

pub(super) const STOPPED: &str =
    "stopped while tuning: no table of the job was changed, and nothing is recommended";

fn stopped() -> Error {
    Error::new(Kind::Stopped, STOPPED)
}

/// What one connection did.
#[derive(Debug, Clone, Copy, Default)]
struct Work {
    rows: u64,
    bytes: u64,
    batches: u64,
    commits: u64,
    rejected: u64,
    reading: Duration,
}

impl Work {
    fn plus(self, other: &Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            bytes: self.bytes + other.bytes,
            batches: self.batches + other.batches,
            commits: self.commits + other.commits,
            rejected: self.rejected + other.rejected,
            reading: self.reading + other.reading,
        }
    }

    fn add(&mut self, batch: &Batch, read: Duration) {
        self.rows += batch.rows;
        self.bytes += batch.bytes.len() as u64;
        self.batches += 1;
        self.rejected += batch.rejects.len() as u64;
        self.reading += read;
    }
}

/// One connection of each side.
struct Worker {
    task: Arc<Task>,
    clock: Arc<Clock>,
    /// Batches of all connections; told to the timer.
    arrived: Arc<AtomicUsize>,
    /// The sample is over.
    stop: CancellationToken,
    /// The command is.
    cancel: CancellationToken,
    commit_every: u64,
    work: Work,
}

impl Worker {
    /// Moves ranges until the sample is over, and gives what was moved.
    async fn run(mut self, lease: Lease, source: Pooled) -> Result<Work> {
        let mut writer = ScratchWriter::new(lease, Arc::clone(&self.task.copy));
        let moved = self.move_ranges(&mut writer, source).await;
        moved.map_err(|error| error.at_table(self.task.plan.full_name()))?;
        self.work.commits = writer.commits();
        let timing = writer.timing();
        self.clock.add(Activity::Copy, timing.send);
        self.clock.add(Activity::Commit, timing.commit);
        Ok(self.work)
    }

    /// One range after the other until the time is over.
    async fn move_ranges(&mut self, writer: &mut ScratchWriter, source: Pooled) -> Result<()> {
        let mut at_hand = Some(source);
        let mut empty_ranges = 0;
        // A table without rows would be asked for them again and again.
        while !self.stop.is_cancelled() && empty_ranges < self.task.ranges.len() {
            let Some(range) = self.task.ranges.next() else {
                break;
            };
            let source = match at_hand.take() {
                Some(source) => source,
                None => {
                    let acquired = self.task.source.acquire();
                    self.clock.time(Activity::SourcePool, acquired).await?
                }
            };
            let rows = self.work.rows;
            self.move_range(writer, source, range).await?;
            empty_ranges = if self.work.rows == rows {
                empty_ranges + 1
            } else {
                0
            };
        }
        Ok(())
    }

    /// Reads the range in a task of its own and writes here, as a partition of a run is moved.
    async fn move_range(
        &mut self,
        writer: &mut ScratchWriter,
        source: Pooled,
        range: Range,
    ) -> Result<()> {
        let task = Arc::clone(&self.task);
        let resume_after = range.resume_after.as_deref();
        let reading = ReadPlan {
            statements: query::read(&task.plan, &range.slice, resume_after, task.consistency),
            layout: task.layout.clone(),
            // The rows of a sample are not kept.
            unchanged: None,
        };
        let (sender, batches) = mpsc::channel(BATCHES_IN_FLIGHT);
        let shared = ReaderContext {
            cancel: self.stop.clone(),
            large_rows: task.large_rows.clone(),
        };
        let reader = tokio::spawn(read_batches(source, reading, sender, shared));
        let written = self.write(writer, batches).await;
        let read = reader.await.map_err(|panic| {
            Error::new(Kind::Internal, "internal error: a reader task panicked").because(panic)
        })?;
        let last_key = written?;
        if self.cancel.is_cancelled() {
            return Err(stopped());
        }
        let read = read?;
        let end = match read {
            ReadEnd::Complete => End::Partition,
            ReadEnd::Stopped | ReadEnd::Refused => End::More,
        };
        writer.commit(end).await?;
        if read == ReadEnd::Stopped && task.plan.commits_midway() {
            task.ranges.give_back(Range {
                resume_after: last_key.or(range.resume_after),
                ..range
            });
        }
        Ok(())
    }

    /// Sends batches until the channel closes; gives the key of the last row.
    async fn write(
        &mut self,
        writer: &mut ScratchWriter,
        mut batches: mpsc::Receiver<Delivery>,
    ) -> Result<Option<Vec<KeyValue>>> {
        let midway = self.task.plan.commits_midway();
        let mut last_key = None;
        let clock = Arc::clone(&self.clock);
        while let Some(delivery) = clock.time(Activity::SourceRows, batches.recv()).await {
            let Delivery {
                mut batch,
                read,
                _turn,
            } = delivery;
            self.work.add(&batch, read);
            self.arrived.fetch_add(1, Ordering::Relaxed);
            last_key = batch.last_key.take().or(last_key);
            writer.write(batch).await?;
            if midway && writer.pending_bytes() >= self.commit_every {
                writer.commit(End::More).await?;
            }
        }
        Ok(last_key)
    }
}
