//! A connection that copies rows into a table: transactions, and in each of them one COPY after another.
//!
//! It knows COPY and transactions, and neither partitions nor checkpoints: `copy::mod` and
//! `copy::scratch` decide when to commit. The three states are outside of a transaction, in one,
//! and in an open COPY.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::CopyInSink;

use crate::postgres::copy::table::{CopyTable, End};
use crate::postgres::pool::Lease;
use tds_copy::transcode::RowBytes;

/// Signature, flags (no OIDs) and length of the extension: PostgreSQL documentation, COPY,
/// "Binary Format", file header.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A field count of -1: file trailer.
const TRAILER: &[u8] = &[0xff, 0xff];

/// Bytes of one CopyData message: 8 KiB messages cost four times the CPU per byte, and larger
/// ones only make the driver's buffer grow.
const MESSAGE: usize = 256 * 1024;

const BEGIN_LATE: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// Flushed on this server's disk, whatever standbys do: those are waited for when the table is finished.
const COMMIT_FLUSHED: &str = "SET LOCAL synchronous_commit = local; COMMIT";

type Sink = Pin<Box<CopyInSink<Bytes>>>;

/// What failed, and at what.
pub(super) struct DriverFault {
    pub(super) error: tokio_postgres::Error,
    /// Completes "could not ...".
    pub(super) doing: &'static str,
}

type Result<T> = std::result::Result<T, DriverFault>;

fn at(doing: &'static str) -> impl FnOnce(tokio_postgres::Error) -> DriverFault {
    move |error| DriverFault { error, doing }
}

/// A COPY that ended.
pub(super) struct CopyEnd {
    /// Rows that it was given, and those that PostgreSQL says it stored.
    pub(super) sent: u64,
    pub(super) stored: u64,
}

/// A connection that copies. Dropped in a transaction, or after an error in one, it is closed and
/// the server rolls back.
pub(super) struct CopyConnection {
    pub(super) lease: Lease,
    table: Arc<CopyTable>,
    /// `Some` while a COPY is open.
    sink: Option<Sink>,
    /// Rows of the COPY that is open.
    sent: u64,
    /// From before BEGIN is sent until COMMIT or ROLLBACK is confirmed.
    in_transaction: bool,
}

impl CopyConnection {
    pub(super) fn new(lease: Lease, table: Arc<CopyTable>) -> Self {
        Self {
            lease,
            table,
            sink: None,
            sent: 0,
            in_transaction: false,
        }
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Begins a transaction if there is none.
    pub(super) async fn begin(&mut self) -> Result<()> {
        if self.in_transaction {
            return Ok(());
        }
        self.in_transaction = true;
        let begin = if self.table.flush_late {
            BEGIN_LATE
        } else {
            "BEGIN"
        };
        let begun = self.lease.batch_execute(begin).await;
        begun.map_err(at("begin a transaction"))
    }

    /// Sends `count` whole rows, in a transaction and a COPY that are begun if there are none.
    ///
    /// # Errors
    /// The driver's; an error that the server has with the rows often comes only with a later call.
    /// After any error the connection is closed when dropped.
    pub(super) async fn send(&mut self, rows: RowBytes, count: u64) -> Result<()> {
        let sink = match self.sink.take() {
            Some(sink) => sink,
            None => self.open().await?,
        };
        let sink = self.sink.insert(sink);
        self.sent += count;
        // The driver drops each piece when it has copied it; the buffer goes back with the last.
        let mut rest = Bytes::from_owner(rows);
        while !rest.is_empty() {
            let message = rest.split_to(rest.len().min(MESSAGE));
            sink.feed(message).await.map_err(at("send rows"))?;
        }
        Ok(())
    }

    /// Begins the COPY; the file header is not sent before the first rows.
    async fn open(&mut self) -> Result<Sink> {
        self.begin().await?;
        let sink = self.lease.copy_in(&self.table.copy).await;
        let mut sink = Box::pin(sink.map_err(at("begin to copy"))?);
        self.sent = 0;
        let header = sink.feed(Bytes::from_static(HEADER)).await;
        header.map_err(at("send rows"))?;
        Ok(sink)
    }

    /// Ends the COPY if one is open. The caller compares the numbers.
    /// `None` if none was open. The server has stored or refused every row when this returns.
    pub(super) async fn end_copy(&mut self) -> Result<Option<CopyEnd>> {
        let Some(mut sink) = self.sink.take() else {
            return Ok(None);
        };
        let trailer = sink.feed(Bytes::from_static(TRAILER)).await;
        trailer.map_err(at("send rows"))?;
        let stored = sink.as_mut().finish().await.map_err(at("copy rows"))?;
        Ok(Some(CopyEnd {
            sent: self.sent,
            stored,
        }))
    }

    /// Commits, and waits for the disk if `end` is a partition's or the table wants it always.
    ///
    /// # Errors
    /// If the answer is lost, the commit may have happened all the same.
    pub(super) async fn commit(&mut self, end: End) -> Result<()> {
        let commit = match (self.table.flush_late, end) {
            (true, End::Partition) => COMMIT_FLUSHED,
            _ => "COMMIT",
        };
        let committed = self.lease.batch_execute(commit).await;
        committed.map_err(at("commit"))?;
        self.in_transaction = false;
        Ok(())
    }

    /// Rolls back what is not committed.
    pub(super) async fn roll_back(&mut self) -> Result<()> {
        // Dropping the sink makes the driver end the COPY with CopyFail; ROLLBACK follows it.
        self.sink = None;
        let rolled_back = self.lease.batch_execute("ROLLBACK").await;
        rolled_back.map_err(at("roll back"))?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Drop for CopyConnection {
    fn drop(&mut self) {
        if self.in_transaction {
            self.lease.close_on_drop();
        }
    }
}
