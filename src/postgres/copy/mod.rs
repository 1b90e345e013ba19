//! Writes a partition's rows with COPY BINARY, in transactions that carry its checkpoint.

mod place;
mod scratch;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::CopyInSink;

use crate::error::{Error, Kind, Result};
use crate::names::{qualified, quote_ident};
use crate::plan::table::{Slice, TablePlan};
use crate::postgres::copy::place::Columns;
use crate::postgres::fault;
use crate::postgres::pool::Lease;
use crate::postgres::state::{self, Claim, PartitionState, Progress, RunId, TableKey, Ticket};
use crate::transcode::{Batch, Reject};

pub use crate::postgres::copy::scratch::ScratchWriter;

/// Signature, flags (no OIDs) and length of the extension: PostgreSQL documentation, COPY,
/// "Binary Format", file header.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A field count of -1: file trailer.
const TRAILER: &[u8] = &[0xff, 0xff];

/// Bytes of one CopyData message: 8 KiB messages cost four times the CPU per byte, and larger
/// ones only make the driver's buffer grow.
const MESSAGE: usize = 256 * 1024;

const BEGIN_LATE: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// On this server's disk, whatever standbys do: those are waited for when the table is finished.
const COMMIT_FLUSHED: &str = "SET LOCAL synchronous_commit = local; COMMIT";

/// Rejected rows that are held back until they are written: they go through a COPY of their own,
/// for which the one that carries rows must end.
const REJECTS_HELD: usize = 1024 * 1024;

/// What all writers of a table share.
pub struct CopyTable {
    key: TableKey,
    copy: String,
    target: String,
    columns: Columns,
    /// Commits within a partition do not wait for the log to be on disk.
    flush_late: bool,
}

impl CopyTable {
    /// Columns are copied in the plan's order.
    pub fn new(job: &str, plan: &TablePlan) -> Self {
        let target = qualified(&plan.target);
        let columns: Vec<String> = plan
            .columns
            .iter()
            .map(|column| quote_ident(&column.target_name))
            .collect();
        Self {
            key: TableKey::of(job, plan),
            copy: format!(
                "COPY {target} ({}) FROM STDIN (FORMAT binary)",
                columns.join(", ")
            ),
            target,
            columns: Columns::of(plan),
            flush_late: false,
        }
    }

    /// Lets commits within a partition return before they are on disk. A crash of PostgreSQL takes
    /// back the last of them, rows and checkpoint alike, and the next claim reads what is left. The
    /// commit that ends a partition waits, and with it every earlier one, as the log is one.
    #[must_use]
    pub fn flush_late(mut self, late: bool) -> Self {
        self.flush_late = late;
        self
    }
}

/// How much of the partition a commit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// More rows follow; the rows so far end with a whole key.
    More,
    /// These were the last: the partition is done.
    Partition,
}

/// Where a writer's time went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteTiming {
    /// In COPY: until the driver took the rows, and until the server had digested the last.
    pub send: Duration,
    /// The checkpoint and COMMIT.
    pub commit: Duration,
}

/// Writes one partition. Commit or abort it; when it is dropped in between, or after an error,
/// its connection is closed and the server rolls back to the last commit.
pub struct PartitionWriter {
    lease: Lease,
    table: Arc<CopyTable>,
    partition: u32,
    ticket: Ticket,
    slice: Slice,
    /// As committed.
    progress: Progress,
    /// As it will be committed, rows in flight included.
    ahead: Progress,
    /// There while a COPY is open.
    sink: Option<Pin<Box<CopyInSink<Bytes>>>>,
    /// Rows that earlier COPYs of this transaction stored.
    stored: u64,
    /// Not written yet, and how many bytes they are.
    rejects: Vec<Reject>,
    rejects_held: usize,
    /// Bytes of all rejects since the last commit.
    rejected_bytes: u64,
    /// The last batch told where reading goes on.
    can_continue: bool,
    /// From before BEGIN is sent until COMMIT or ROLLBACK is confirmed.
    in_transaction: bool,
    timing: WriteTiming,
    /// Since the claim or the last commit.
    since: Instant,
}

impl PartitionWriter {
    /// Takes the partition for `run`, fencing off any writer that had it before. `None`: it is
    /// done. The writer continues at [`PartitionWriter::progress`], which is what is committed,
    /// whatever an earlier writer was told. [`Kind::JobHeld`] where a younger run has
    /// the job.
    pub async fn claim(
        lease: Lease,
        table: Arc<CopyTable>,
        partition: u32,
        run: RunId,
    ) -> Result<Option<Self>> {
        let claimed = state::claim(&lease, &table.key, partition, run).await;
        let claimed = claimed.map_err(|error| at(&table, partition, error))?;
        let Claim::Granted(ticket, slice, progress) = claimed else {
            return Ok(None);
        };
        Ok(Some(Self {
            lease,
            table,
            partition,
            ticket,
            slice,
            ahead: progress.clone(),
            progress,
            sink: None,
            stored: 0,
            rejects: Vec::new(),
            rejects_held: 0,
            rejected_bytes: 0,
            can_continue: true,
            in_transaction: false,
            timing: WriteTiming::default(),
            since: Instant::now(),
        }))
    }

    /// What of the table this partition covers, as recorded: the only range whose rows may be
    /// written here.
    pub fn slice(&self) -> &Slice {
        &self.slice
    }

    /// What is committed.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Bytes written since the last commit, those of rejected rows included.
    pub fn pending_bytes(&self) -> u64 {
        self.ahead.bytes - self.progress.bytes + self.rejected_bytes
    }

    /// Whether a commit may come after the last batch, because reading can begin behind it: false
    /// after a key that cannot be sent back to the source.
    pub fn can_continue(&self) -> bool {
        self.can_continue
    }

    pub fn timing(&self) -> WriteTiming {
        self.timing
    }

    /// Cuts the partition at the start of its claim, before anything is written: `head` stays with
    /// it, `others` become partitions whose numbers come back. They tile [`Self::slice`], and the
    /// last committed key is in `head`. After an error it is not known whether the cut was made:
    /// claim again, and ask [`state::pending`].
    pub async fn split(&mut self, head: Slice, others: &[Slice]) -> Result<Vec<u32>> {
        if self.in_transaction || self.pending_bytes() > 0 {
            let error = Error::new(
                Kind::Internal,
                "a partition was cut in the middle of a batch",
            );
            return Err(at(&self.table, self.partition, error));
        }
        let table = &self.table.key;
        let split = state::split(&mut self.lease, table, &mut self.ticket, &head, others).await;
        let numbers = split.map_err(|error| at(&self.table, self.partition, error))?;
        self.slice = head;
        Ok(numbers)
    }

    /// Partitions of the table that nobody has taken up; see [`state::pending`].
    pub async fn pending(&self) -> Result<Vec<u32>> {
        let pending = state::pending(&self.lease, &self.table.key).await;
        pending.map_err(|error| at(&self.table, self.partition, error))
    }

    /// Sends whole rows. An error that the server has with them may come only with the commit.
    pub async fn write(&mut self, batch: Batch) -> Result<()> {
        if batch.rows == 0 && batch.rejects.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let sent = self.send(batch).await;
        self.timing.send += start.elapsed();
        sent.map_err(|error| at(&self.table, self.partition, error))
    }

    async fn send(&mut self, batch: Batch) -> Result<()> {
        if self.sink.is_none() && batch.rows > 0 {
            self.open().await?;
        }
        let ahead = &mut self.ahead;
        ahead.rows += batch.rows;
        ahead.bytes += batch.bytes.len() as u64;
        if let Some(checksum) = batch.checksum {
            ahead.checksum = ahead.checksum.wrapping_add(checksum);
            ahead.hashed_rows += batch.rows;
        }
        self.table.columns.add(&batch.changed, ahead);
        self.can_continue = batch.last_key.is_some();
        ahead.last_key = batch.last_key.or(ahead.last_key.take());
        // The driver drops each piece when it has copied it; the buffer goes back with the last.
        let mut rest = Bytes::from_owner(batch.bytes);
        while !rest.is_empty() {
            let message = rest.split_to(rest.len().min(MESSAGE));
            self.feed(message).await?;
        }
        self.hold_back(batch.rejects).await
    }

    async fn hold_back(&mut self, rejects: Vec<Reject>) -> Result<()> {
        let bytes = rejects.iter().map(Reject::size).sum::<usize>();
        self.rejects_held += bytes;
        self.rejected_bytes += bytes as u64;
        self.rejects.extend(rejects);
        if self.rejects_held < REJECTS_HELD {
            return Ok(());
        }
        if self.sink.is_some() {
            self.end_copy().await?;
        }
        self.write_rejects().await
    }

    /// Writes what was held back, outside of a COPY.
    async fn write_rejects(&mut self) -> Result<()> {
        if self.rejects.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        let place = self.ticket.place()?;
        state::write_rejects(&self.lease, &self.table.key, place, &self.rejects).await?;
        self.rejects.clear();
        self.rejects_held = 0;
        Ok(())
    }

    async fn feed(&mut self, bytes: Bytes) -> Result<()> {
        let sink = self.sink.as_mut().ok_or_else(no_copy)?;
        sink.feed(bytes)
            .await
            .map_err(|error| self.fault(error, "send rows"))
    }

    async fn open(&mut self) -> Result<()> {
        self.begin().await?;
        let sink = self.lease.copy_in(&self.table.copy).await;
        self.sink = Some(Box::pin(
            sink.map_err(|error| self.fault(error, "begin to copy"))?,
        ));
        self.feed(Bytes::from_static(HEADER)).await
    }

    async fn begin(&mut self) -> Result<()> {
        if self.in_transaction {
            return Ok(());
        }
        self.in_transaction = true;
        let begin = match self.table.flush_late {
            true => BEGIN_LATE,
            false => "BEGIN",
        };
        let begun = self.lease.batch_execute(begin).await;
        begun.map_err(|error| self.fault(error, "begin a transaction"))
    }

    /// Commits what was written together with its checkpoint. On any error, drop the writer and
    /// claim the partition again: that reads the truth back, also after a COMMIT whose answer
    /// was lost. Not cancel safe in the same sense: after cancelling, claim again.
    pub async fn commit(&mut self, end: End) -> Result<&Progress> {
        if end == End::More && !self.in_transaction && self.rejects.is_empty() {
            return Ok(&self.progress);
        }
        let (start, sent) = (Instant::now(), self.timing.send);
        let committed = self.commit_rows(end).await;
        let in_copy = self.timing.send - sent;
        self.timing.commit += start.elapsed().saturating_sub(in_copy);
        committed.map_err(|error| at(&self.table, self.partition, error))?;
        self.progress = self.ahead.clone();
        (self.stored, self.rejected_bytes) = (0, 0);
        self.since = Instant::now();
        Ok(&self.progress)
    }

    async fn commit_rows(&mut self, end: End) -> Result<()> {
        match self.sink.is_some() {
            true => {
                // The server still digests rows that the driver took long ago: that is COPY.
                let start = Instant::now();
                let ended = self.end_copy().await;
                self.timing.send += start.elapsed();
                ended?;
            }
            false => self.begin().await?,
        }
        self.write_rejects().await?;
        let state = match end {
            End::More => PartitionState::Running,
            End::Partition => PartitionState::Done,
        };
        let seconds = self.since.elapsed().as_secs_f64();
        let ticket = &mut self.ticket;
        state::record(
            &self.lease,
            &self.table.key,
            ticket,
            &self.ahead,
            (state, seconds),
        )
        .await?;
        let commit = match (self.table.flush_late, end) {
            (true, End::Partition) => COMMIT_FLUSHED,
            _ => "COMMIT",
        };
        let committed = self.lease.batch_execute(commit).await;
        committed.map_err(|error| self.fault(error, "commit"))?;
        self.in_transaction = false;
        Ok(())
    }

    /// The server must have stored as many rows as were sent.
    async fn end_copy(&mut self) -> Result<()> {
        self.feed(Bytes::from_static(TRAILER)).await?;
        let mut sink = self.sink.take().ok_or_else(no_copy)?;
        let stored = sink.as_mut().finish().await;
        let stored = stored.map_err(|error| self.fault(error, "copy rows"))?;
        let sent = self.ahead.rows - self.progress.rows - self.stored;
        if stored == sent {
            self.stored += stored;
            return Ok(());
        }
        Err(Error::new(
            Kind::Internal,
            format!(
                "{sent} rows were sent and PostgreSQL stored {stored}: nothing of it is committed (is there a trigger or rule on the target table?)"
            ),
        ))
    }

    /// Takes back what is not committed, and gives back a clean connection.
    pub async fn abort(mut self) -> Result<()> {
        if !self.in_transaction {
            return Ok(());
        }
        // Without its sink the driver ends the COPY with CopyFail; ROLLBACK queues up behind it.
        self.sink = None;
        let rolled_back = self.lease.batch_execute("ROLLBACK").await;
        rolled_back
            .map_err(|error| at(&self.table, self.partition, self.fault(error, "roll back")))?;
        self.in_transaction = false;
        Ok(())
    }

    /// Names what PostgreSQL says of column and row, without values.
    fn fault(&self, error: tokio_postgres::Error, doing: &str) -> Error {
        let place = error
            .as_db_error()
            .map(|answer| self.table.columns.place(answer));
        let mut fault = fault::of(error, &format!("{doing} (target {})", self.table.target));
        let place = place.unwrap_or_default();
        if let Some(column) = place.column {
            fault = fault.at_column(column);
        }
        if let Some(line) = place.line {
            fault = fault.at_row(format!(
                "{} of the partition",
                self.progress.rows + self.stored + line
            ));
        }
        fault
    }
}

impl Drop for PartitionWriter {
    fn drop(&mut self) {
        if self.in_transaction {
            self.lease.spoil();
        }
    }
}

fn at(table: &CopyTable, partition: u32, error: Error) -> Error {
    error
        .at_table(table.key.full_name())
        .at_partition(partition)
}

fn no_copy() -> Error {
    Error::new(Kind::Internal, "rows were sent outside of a COPY")
}
