//! Writes a partition's rows with COPY BINARY, in transactions that carry its checkpoint.
//!
//! This is where the invariant holds that rows and the checkpoint that says they are there commit
//! in the same transaction. `pipeline::load::transfer` drives a writer: claim, write batches,
//! commit, and at the end commit the partition. A writer never reads the source and never retries.

mod connection;
mod place;
mod scratch;
mod table;

use std::sync::Arc;
use std::time::Instant;

use crate::error::{Error, Kind, Result};
use crate::plan::table::Slice;
use crate::postgres::copy::connection::{CopyConnection, DriverFault};
use crate::postgres::fault;
use crate::postgres::pool::Lease;
use crate::postgres::state::{
    self, Checkpoint, Claim, ClaimToken, Claimant, PartitionProgress, PartitionState,
};
use tds_copy::transcode::{Batch, Reject};

pub use crate::postgres::copy::scratch::ScratchWriter;
pub use crate::postgres::copy::table::{CopyTable, End, WriteTiming};

/// Bytes of rejected rows that are held back before they are written: they go through a COPY of their
/// own, for which the one that carries rows must end.
const REJECTS_HELD: usize = 1024 * 1024;

/// What a claim of a partition came to.
pub enum Claimed {
    /// Rows may be written.
    Granted(Box<PartitionWriter>),
    /// All of its rows are there.
    Done,
    /// Another process of the run loads it.
    Elsewhere,
}

impl Claimed {
    /// The writer, if the claim was granted.
    pub fn writer(self) -> Option<PartitionWriter> {
        match self {
            Self::Granted(writer) => Some(*writer),
            Self::Done | Self::Elsewhere => None,
        }
    }
}

/// Writes one partition. Commit or abort it; when it is dropped in between, or after an error,
/// its connection is closed and the server rolls back to the last commit.
pub struct PartitionWriter {
    connection: CopyConnection,
    table: Arc<CopyTable>,
    partition: u32,
    /// Proves that this is the partition's latest writer.
    token: ClaimToken,
    /// What the claim read back.
    slice: Slice,
    /// As committed.
    progress: PartitionProgress,
    /// As it will be committed, with the rows that were sent since.
    ahead: PartitionProgress,
    /// Rows that earlier COPYs of this transaction stored.
    stored: u64,
    /// Rejected rows that are not written yet.
    rejects: Vec<Reject>,
    /// Their bytes.
    rejects_held: usize,
    /// Bytes of all rejects since the last commit.
    rejected_bytes: u64,
    /// The last batch told where reading continues.
    can_continue: bool,
    timing: WriteTiming,
    /// Time of the claim or of the last commit.
    since: Instant,
}

impl PartitionWriter {
    /// Takes the partition, fencing off any writer that had it before and is not another living process
    /// of the run. The writer continues at [`PartitionWriter::progress`], which is what is committed,
    /// whatever an earlier writer was told. [`Kind::JobHeld`] if a younger run has the job.
    pub async fn claim(
        lease: Lease,
        table: Arc<CopyTable>,
        partition: u32,
        claimant: impl Into<Claimant>,
    ) -> Result<Claimed> {
        let claimed = state::claim(&lease, &table.key, partition, claimant.into()).await;
        let claimed = claimed.map_err(|error| at(&table, partition, error))?;
        let (token, slice, progress) = match claimed {
            Claim::Granted(token, slice, progress) => (token, slice, progress),
            Claim::AlreadyDone => return Ok(Claimed::Done),
            Claim::Elsewhere => return Ok(Claimed::Elsewhere),
        };
        Ok(Claimed::Granted(Box::new(Self {
            connection: CopyConnection::new(lease, table.clone()),
            table,
            partition,
            token,
            slice,
            ahead: progress.clone(),
            progress,
            stored: 0,
            rejects: Vec::new(),
            rejects_held: 0,
            rejected_bytes: 0,
            can_continue: true,
            timing: WriteTiming::default(),
            since: Instant::now(),
        })))
    }

    /// The part of the table that this partition covers, as recorded: only its rows may be written
    /// here.
    pub fn slice(&self) -> &Slice {
        &self.slice
    }

    /// What is committed.
    pub fn progress(&self) -> &PartitionProgress {
        &self.progress
    }

    /// Bytes written since the last commit, those of rejected rows included.
    pub fn pending_bytes(&self) -> u64 {
        self.ahead.bytes - self.progress.bytes + self.rejected_bytes
    }

    /// Whether a commit may come after the last batch, because reading can begin after it: false for a
    /// key that cannot be sent back to the source.
    pub fn can_continue(&self) -> bool {
        self.can_continue
    }

    /// How the writer's time was spent since its claim.
    pub fn timing(&self) -> WriteTiming {
        self.timing
    }

    /// Splits the partition at the start of its claim, before anything is written: `head` stays with
    /// it, `others` become partitions whose numbers come back. They tile [`Self::slice`], and the
    /// last committed key is in `head`. After an error it is not known whether the split was made:
    /// claim again, and ask [`state::pending`].
    ///
    /// # Errors
    /// `Internal` in the middle of a batch; `JobHeld` or `Checkpoint` if another writer has taken
    /// over.
    pub async fn split(&mut self, head: Slice, others: &[Slice]) -> Result<Vec<u32>> {
        if self.connection.in_transaction() || self.pending_bytes() > 0 {
            let error = Error::new(
                Kind::Internal,
                "internal error: a partition was split in the middle of a batch",
            );
            return Err(at(&self.table, self.partition, error));
        }
        let table = &self.table.key;
        let split = state::split(
            &mut self.connection.lease,
            table,
            &mut self.token,
            &head,
            others,
        )
        .await;
        let numbers = split.map_err(|error| at(&self.table, self.partition, error))?;
        self.slice = head;
        Ok(numbers)
    }

    /// Partitions of the table that no writer has claimed; see [`state::pending`].
    pub async fn pending(&self) -> Result<Vec<u32>> {
        let pending = state::pending(&self.connection.lease, &self.table.key).await;
        pending.map_err(|error| at(&self.table, self.partition, error))
    }

    /// Sends whole rows. An error that the server has with them may come only with the commit.
    ///
    /// # Errors
    /// The writer is of no use afterwards: drop it, which closes its connection, and claim again.
    pub async fn write(&mut self, batch: Batch) -> Result<()> {
        if batch.rows == 0 && batch.rejects.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let sent = self.send(batch).await;
        self.timing.send += start.elapsed();
        sent.map_err(|error| at(&self.table, self.partition, error))
    }

    /// Adds the batch to what the next checkpoint will say, before its bytes are sent.
    async fn send(&mut self, batch: Batch) -> Result<()> {
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
        if batch.rows > 0 {
            let sent = self.connection.send(batch.bytes, batch.rows).await;
            sent.map_err(|fault| self.fault(fault))?;
        }
        self.hold_back(batch.rejects).await
    }

    /// Keeps rejected rows in memory, and writes them when there are enough.
    async fn hold_back(&mut self, rejects: Vec<Reject>) -> Result<()> {
        let bytes = rejects.iter().map(Reject::size).sum::<usize>();
        self.rejects_held += bytes;
        self.rejected_bytes += bytes as u64;
        self.rejects.extend(rejects);
        if self.rejects_held < REJECTS_HELD {
            return Ok(());
        }
        self.end_copy().await?;
        self.write_rejects().await
    }

    /// Writes what was held back, outside of a COPY.
    async fn write_rejects(&mut self) -> Result<()> {
        if self.rejects.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        let source = self.token.reject_source(&self.table.key)?;
        state::write_rejects(&self.connection.lease, &source, &self.rejects).await?;
        self.rejects.clear();
        self.rejects_held = 0;
        Ok(())
    }

    async fn begin(&mut self) -> Result<()> {
        let begun = self.connection.begin().await;
        begun.map_err(|fault| self.fault(fault))
    }

    /// Commits what was written together with its checkpoint. On any error, drop the writer and
    /// claim the partition again: that reads the truth back, also after a COMMIT whose answer
    /// was lost. Not cancel safe in the same sense: after cancelling, claim again.
    pub async fn commit(&mut self, end: End) -> Result<&PartitionProgress> {
        if end == End::More && !self.connection.in_transaction() && self.rejects.is_empty() {
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

    /// Ends the COPY, writes rejected rows and the checkpoint, and commits: in this order.
    async fn commit_rows(&mut self, end: End) -> Result<()> {
        // The server still stores rows that the driver took long ago: that counts as COPY.
        let start = Instant::now();
        let ended = self.end_copy().await;
        self.timing.send += start.elapsed();
        ended?;
        self.begin().await?;
        self.write_rejects().await?;
        let state = match end {
            End::More => PartitionState::Running,
            End::Partition => PartitionState::Done,
        };
        let checkpoint = Checkpoint {
            progress: &self.ahead,
            state,
            seconds: self.since.elapsed().as_secs_f64(),
        };
        let token = &mut self.token;
        state::record(&self.connection.lease, &self.table.key, token, checkpoint).await?;
        let committed = self.connection.commit(end).await;
        committed.map_err(|fault| self.fault(fault))
    }

    /// The server must have stored as many rows as were sent.
    async fn end_copy(&mut self) -> Result<()> {
        let ended = self.connection.end_copy().await;
        let Some(ended) = ended.map_err(|fault| self.fault(fault))? else {
            return Ok(());
        };
        if ended.stored == ended.sent {
            self.stored += ended.stored;
            return Ok(());
        }
        Err(Error::new(
            Kind::Internal,
            format!(
                "{} rows were sent and PostgreSQL stored {}: nothing of it is committed (is there a trigger or rule on the target table?)",
                ended.sent, ended.stored
            ),
        ))
    }

    /// Rolls back what is not committed, and gives back a clean connection.
    ///
    /// # Errors
    /// The rollback failed; the connection is then closed, which rolls back as well.
    pub async fn abort(mut self) -> Result<()> {
        if !self.connection.in_transaction() {
            return Ok(());
        }
        let rolled_back = self.connection.roll_back().await;
        rolled_back.map_err(|fault| at(&self.table, self.partition, self.fault(fault)))
    }

    /// Names what PostgreSQL says of column and row, without values.
    /// The row counts from the beginning of the partition: committed rows, then those of this
    /// transaction.
    fn fault(&self, DriverFault { error, doing }: DriverFault) -> Error {
        let place = error
            .as_db_error()
            .map(|answer| self.table.columns.place(answer));
        let mut fault =
            fault::from_driver(error, &format!("{doing} (target {})", self.table.target));
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

/// Adds the table and the partition to an error.
fn at(table: &CopyTable, partition: u32, error: Error) -> Error {
    error
        .at_table(table.key.full_name())
        .at_partition(partition)
}
