//! Moves one partition: a reader task, a bounded channel, and the COPY that empties it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::error::{Error, Kind, Result};
use crate::mssql::pool::Pooled;
use crate::pipeline::context::Run;
use crate::pipeline::load::active::{ActivePartition, CutPoints, Request};
use crate::pipeline::load::queue::WorkQueue;
use crate::pipeline::load::reader::{
    BATCHES_IN_FLIGHT, Delivery, ReadEnd, ReadPlan, ReaderContext, read_batches,
};
use crate::pipeline::load::row_place::row_place;
use crate::pipeline::load::split::{self, Splitter};
use crate::pipeline::outage::Tries;
use crate::pipeline::retry::Backoff;
use crate::plan::query;
use crate::postgres::copy::{Claimed, End, PartitionWriter, WriteTiming};
use crate::report::progress::Sent;
use crate::report::time::{Activity, Clock};
use crate::report::timeline::{Lane, Transfer};

/// How far a partition got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transferred {
    /// To its end.
    Whole,
    /// It was requested to give its connections back; it continues from its last commit later.
    Parked,
    /// Another process of the run has it, or has done it.
    Elsewhere,
}

/// How writing ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriteEnd {
    /// The reader had no more rows.
    AllRows,
    /// The partition was done when it was claimed.
    AlreadyDone,
    /// Another process of the run has it, or had it and was done before this one's first claim.
    Elsewhere,
    /// The partition has a request.
    Requested,
}

/// Moves the partition; again from its last committed key after a transient fault, and after a split.
///
/// # Errors
/// The first permanent error, the last transient one, or `Stopped`.
pub async fn transfer(
    run: &Run,
    queue: &WorkQueue,
    partition: &Arc<ActivePartition>,
) -> Result<Transferred> {
    let (table, number) = (&partition.table, partition.number);
    let mut backoff = Backoff::new(&run.job.transfer.retry);
    let mut committed = None;
    let mut furthest = 0;
    let mut cuts = None;
    let mut tries = Tries::default();
    // Rows and bytes of the last attempt that are taken as not committed.
    let mut taken_back = (0, 0);
    loop {
        tries.begin(run.contact());
        let mut attempt = Attempt {
            run,
            queue,
            partition,
            committed,
            claimed: false,
            sent: (0, 0),
            rejected: 0,
            pending: false,
            moved: Sent::default(),
            clock: Clock::default(),
            counted: WriteTiming::default(),
        };
        let error = match attempt.run(cuts.take()).await {
            Ok(WriteEnd::AllRows) => return Ok(Transferred::Whole),
            Ok(WriteEnd::Elsewhere) => return Ok(Transferred::Elsewhere),
            Ok(WriteEnd::AlreadyDone) => {
                // The last commit was made, only its answer was lost.
                table.progress.add(taken_back.0, taken_back.1);
                table.progress.commit(taken_back.0, taken_back.1, 0);
                return Ok(Transferred::Whole);
            }
            Ok(WriteEnd::Requested) => {
                committed = attempt.committed;
                taken_back = (0, 0);
                match partition.take_request() {
                    Some(Request::Park) => return Ok(Transferred::Parked),
                    Some(Request::Split(found)) => cuts = Some(found),
                    None => {}
                }
                continue;
            }
            Err(error) => error,
        };
        // An attempt that claimed nothing says nothing about the one before.
        if attempt.claimed {
            taken_back = attempt.sent;
            table.progress.take_back(taken_back.0, taken_back.1);
        }
        committed = attempt.committed;
        // Rows that a crash takes back again and again are not progress.
        let reached = committed.unwrap_or(0);
        if reached > furthest {
            furthest = reached;
            backoff.progressed();
            tries.progressed();
        }
        let placed = error.at_partition(number).at_table(table.plan.full_name());
        let queued = matches!(
            placed.kind(),
            Kind::SourcePoolTimeout | Kind::TargetPoolTimeout
        );
        let before = tries.failed(run.contact());
        run.watched(before, backoff.after(placed, &table.cancel).await)?;
        if !queued {
            table.progress.add_retry();
        }
    }
}

/// One attempt to move a partition.
struct Attempt<'a> {
    run: &'a Run,
    queue: &'a WorkQueue,
    partition: &'a Arc<ActivePartition>,
    /// Rows of the partition that are committed, by earlier attempts and runs too; `None` before the
    /// first claim.
    committed: Option<u64>,
    /// This attempt has claimed the partition.
    claimed: bool,
    /// Rows and bytes that were sent and are not committed.
    sent: (u64, u64),
    /// Rejected rows among what is not committed.
    rejected: u64,
    /// Something was sent and is not committed, which may be rejected rows only.
    pending: bool,
    /// Committed by this attempt.
    moved: Sent,
    /// What this attempt waited for.
    clock: Clock,
    /// The part of the writer's times that is counted.
    counted: WriteTiming,
}

impl Attempt<'_> {
    /// Times work for the run and for this attempt.
    async fn timed<F: Future>(&self, activity: Activity, work: F) -> F::Output {
        let started = Instant::now();
        let output = work.await;
        self.spent(activity, started.elapsed());
        output
    }

    fn spent(&self, activity: Activity, time: Duration) {
        self.run.progress.clock().add(activity, time);
        self.clock.add(activity, time);
    }

    /// Counts the time in COPY and COMMIT since the last call.
    fn count_writing(&mut self, writer: &PartitionWriter) {
        let now = writer.timing();
        let before = std::mem::replace(&mut self.counted, now);
        self.spent(Activity::Copy, now.send.saturating_sub(before.send));
        self.spent(Activity::Commit, now.commit.saturating_sub(before.commit));
    }

    /// Takes the connections, target first, as every task does: two tasks can then never wait for
    /// each other.
    async fn run(&mut self, cuts: Option<CutPoints>) -> Result<WriteEnd> {
        let (run, partition) = (self.run, self.partition);
        let table = &partition.table;
        let lease = self
            .timed(Activity::TargetPool, run.target.acquire())
            .await?;
        let claimed = PartitionWriter::claim(
            lease,
            Arc::clone(&table.copy),
            partition.number,
            run.claimant(),
        )
        .await?;
        let mut writer = match claimed {
            Claimed::Granted(writer) => *writer,
            Claimed::Done if self.committed.is_some() => return Ok(WriteEnd::AlreadyDone),
            Claimed::Done | Claimed::Elsewhere => return Ok(WriteEnd::Elsewhere),
        };
        let recorded = writer.progress().rows;
        self.claimed = true;
        self.correct_progress(recorded);
        self.committed = Some(recorded);
        split::resolve_doubt(self.queue, partition, &writer).await?;
        let mut source = self
            .timed(Activity::SourcePool, run.source.acquire())
            .await?;
        let (lane, turn) = run.progress.recorder().take_lane();
        if let Some(cuts) = cuts {
            let splitter = Splitter {
                run,
                queue: self.queue,
                partition,
            };
            splitter.perform(&mut writer, &mut source, cuts).await?;
        }
        partition.begin_reading(writer.slice(), writer.progress().last_key.as_deref());
        let outcome = self.move_rows(&mut writer, source, lane).await;
        self.count_writing(&writer);
        run.progress.recorder().add(
            turn,
            Transfer {
                table: table.progress.name(),
                partition: partition.number,
                committed: self.moved,
                failed: outcome.is_err(),
                waits: self.clock.read(),
            },
        );
        if outcome.is_err() {
            // The error that ended the partition counts, not one of the clean-up.
            if let Err(error) = writer.abort().await {
                tracing::debug!(%error, "a connection was closed instead of rolled back");
            }
        }
        outcome
    }

    /// Corrects the progress if the record differs from what this process knew. Commits that were not on
    /// disk yet are lost with a crash of the target: their rows come again. One whose answer was lost was
    /// made.
    fn correct_progress(&self, recorded: u64) {
        if let Some(committed) = self.committed {
            let progress = &self.partition.table.progress;
            progress.take_back(committed.saturating_sub(recorded), 0);
            progress.add(recorded.saturating_sub(committed), 0);
        }
    }

    /// Reads in a task of its own and writes here, until one of them ends.
    async fn move_rows(
        &mut self,
        writer: &mut PartitionWriter,
        source: Pooled,
        lane: Lane,
    ) -> Result<WriteEnd> {
        let table = &self.partition.table;
        let (sender, batches) = mpsc::channel(BATCHES_IN_FLIGHT);
        let reading = table.cancel.child_token();
        let context = ReaderContext {
            cancel: reading.clone(),
            large_rows: self.run.large_rows.clone(),
        };
        let reader = read_batches(source, self.reading(writer), sender, context);
        let reader = tokio::spawn(async move {
            let read = reader.await;
            drop(lane);
            read
        });
        let before = writer.progress().rows;
        let written = self.write_batches(writer, batches).await;
        // Nothing takes what it still reads: without this it would wait for the source's next batch.
        reading.cancel();
        let read = reader
            .await
            .map_err(|panic| {
                Error::new(Kind::Internal, "internal error: a reader task panicked").because(panic)
            })?
            .map_err(|error| error.with_row(|row| row_place(&row, before, &table.plan)));
        self.conclude(writer, written, read).await
    }

    /// The slice and the key are what the claim read back, not what this process remembers.
    fn reading(&self, writer: &PartitionWriter) -> ReadPlan {
        let resume_after = writer.progress().last_key.as_deref();
        let consistency = self.run.job.transfer.consistency;
        let table = &self.partition.table;
        ReadPlan {
            statements: query::read(&table.plan, writer.slice(), resume_after, consistency),
            layout: table.layout.clone(),
            unchanged: query::unchanged(writer.slice()),
        }
    }

    /// Sends batches until the channel closes, with commits in between if every row's place is known by
    /// its key, or until such a partition has a request.
    async fn write_batches(
        &mut self,
        writer: &mut PartitionWriter,
        mut batches: mpsc::Receiver<Delivery>,
    ) -> Result<WriteEnd> {
        let partition = self.partition;
        let midway = partition.table.plan.commits_midway();
        loop {
            let next = async {
                tokio::select! {
                    biased;
                    () = partition.requested(), if midway && writer.can_continue() => Err(WriteEnd::Requested),
                    delivery = batches.recv() => delivery.ok_or(WriteEnd::AllRows),
                }
            };
            let Delivery { batch, _turn, .. } = match self.timed(Activity::SourceRows, next).await {
                Ok(delivery) => delivery,
                Err(end) => return Ok(end),
            };
            let (rows, bytes) = (
                batch.rows,
                u64::try_from(batch.bytes.len()).unwrap_or(u64::MAX),
            );
            let rejected = batch.rejects.len() as u64;
            self.pending = true;
            writer.write(batch).await?;
            self.count_writing(writer);
            self.run.batches.fetch_add(1, Ordering::Relaxed);
            partition.table.progress.send(rows, bytes);
            partition.add_rows(rows);
            self.rejected += rejected;
            self.sent = (self.sent.0 + rows, self.sent.1 + bytes);
            let due = writer.pending_bytes() >= self.run.job.transfer.commit_every;
            if midway && due && writer.can_continue() {
                self.commit(writer, End::More).await?;
            }
        }
    }

    /// Decides what the end of reading and writing means for what was sent so far.
    async fn conclude(
        &mut self,
        writer: &mut PartitionWriter,
        written: Result<WriteEnd>,
        read: Result<ReadEnd>,
    ) -> Result<WriteEnd> {
        let midway = self.partition.table.plan.commits_midway();
        if written? == WriteEnd::Requested {
            // Whatever became of the reader: reading begins again after what is committed here.
            self.commit_whole_rows(writer, midway).await?;
            return Ok(WriteEnd::Requested);
        }
        match read {
            Ok(ReadEnd::Complete) => self.commit(writer, End::Partition).await?,
            Ok(ReadEnd::Stopped | ReadEnd::Refused) => {
                self.commit_whole_rows(writer, midway).await?;
                return Err(Error::new(Kind::Stopped, "stopped between two batches"));
            }
            Err(error) => {
                self.commit_whole_rows(writer, midway).await?;
                return Err(error);
            }
        }
        Ok(WriteEnd::AllRows)
    }

    /// Commits the whole rows that arrived, if their last key tells how to continue.
    async fn commit_whole_rows(
        &mut self,
        writer: &mut PartitionWriter,
        midway: bool,
    ) -> Result<()> {
        if midway && self.pending && writer.can_continue() {
            self.commit(writer, End::More).await
        } else {
            Ok(())
        }
    }

    /// Commits what was sent with its checkpoint, and notes how far the partition is.
    async fn commit(&mut self, writer: &mut PartitionWriter, end: End) -> Result<()> {
        let progress = writer.commit(end).await?;
        self.committed = Some(progress.rows);
        self.partition.committed(progress.last_key.as_deref());
        let (rows, bytes) = std::mem::take(&mut self.sent);
        let rejected = std::mem::take(&mut self.rejected);
        self.partition.table.progress.commit(rows, bytes, rejected);
        self.moved.add(Sent { rows, bytes });
        self.pending = false;
        Ok(())
    }
}
