//! Writes a partition's rows with COPY BINARY, in transactions that carry its checkpoint.

mod connection;
mod place;
mod scratch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::names::{qualified, quote_ident};
use crate::plan::table::{Slice, TablePlan};
use crate::postgres::copy::connection::{CopyConnection, DriverFault};
use crate::postgres::copy::place::Columns;
use crate::postgres::fault;
use crate::postgres::pool::Lease;
use crate::postgres::state::{
    self, Claim, ClaimToken, PartitionProgress, PartitionState, RunId, TableKey,
};
use crate::transcode::{Batch, Reject};

pub use crate::postgres::copy::scratch::ScratchWriter;

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
            key: TableKey::for_plan(job, plan),
            copy: format!(
                "COPY {target} ({}) FROM STDIN (FORMAT binary)",
                columns.join(", ")
            ),
            target,
            columns: Columns::for_plan(plan),
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
    connection: CopyConnection,
    table: Arc<CopyTable>,
    partition: u32,
    token: ClaimToken,
    slice: Slice,
    /// As committed.
    progress: PartitionProgress,
    /// As it will be committed, rows in flight included.
    ahead: PartitionProgress,
    /// Rows that earlier COPYs of this transaction stored.
    stored: u64,
    /// Not written yet, and how many bytes they are.
    rejects: Vec<Reject>,
    rejects_held: usize,
    /// Bytes of all rejects since the last commit.
    rejected_bytes: u64,
    /// The last batch told where reading goes on.
    can_continue: bool,
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
        let Claim::Granted(token, slice, progress) = claimed else {
            return Ok(None);
        };
        Ok(Some(Self {
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
        }))
    }

    /// What of the table this partition covers, as recorded: the only range whose rows may be
    /// written here.
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
        if self.connection.in_transaction() || self.pending_bytes() > 0 {
            let error = Error::new(
                Kind::Internal,
                "a partition was cut in the middle of a batch",
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

    /// Partitions of the table that nobody has taken up; see [`state::pending`].
    pub async fn pending(&self) -> Result<Vec<u32>> {
        let pending = state::pending(&self.connection.lease, &self.table.key).await;
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
        let place = self.token.place()?;
        state::write_rejects(
            &self.connection.lease,
            &self.table.key,
            place,
            &self.rejects,
        )
        .await?;
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

    async fn commit_rows(&mut self, end: End) -> Result<()> {
        // The server still digests rows that the driver took long ago: that is COPY.
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
        let seconds = self.since.elapsed().as_secs_f64();
        let token = &mut self.token;
        state::record(
            &self.connection.lease,
            &self.table.key,
            token,
            &self.ahead,
            (state, seconds),
        )
        .await?;
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

    /// Takes back what is not committed, and gives back a clean connection.
    pub async fn abort(mut self) -> Result<()> {
        if !self.connection.in_transaction() {
            return Ok(());
        }
        let rolled_back = self.connection.roll_back().await;
        rolled_back.map_err(|fault| at(&self.table, self.partition, self.fault(fault)))
    }

    /// Names what PostgreSQL says of column and row, without values.
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

fn at(table: &CopyTable, partition: u32, error: Error) -> Error {
    error
        .at_table(table.key.full_name())
        .at_partition(partition)
}
