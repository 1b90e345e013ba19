//! Writes rows of a sample: the COPY of a partition, without a claim and without a checkpoint.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::CopyInSink;

use crate::error::{Error, Kind, Result};
use crate::postgres::copy::{
    BEGIN_LATE, COMMIT_FLUSHED, CopyTable, End, HEADER, MESSAGE, TRAILER, WriteTiming, no_copy,
};
use crate::postgres::fault;
use crate::postgres::pool::Lease;
use crate::transcode::Batch;

/// Writes into a scratch table, in transactions of the caller's size. Dropped in a transaction, it
/// closes its connection and the server rolls back.
pub struct ScratchWriter {
    lease: Lease,
    /// Of the scratch table's plan.
    table: Arc<CopyTable>,
    /// There while a COPY is open; a transaction has one.
    sink: Option<Pin<Box<CopyInSink<Bytes>>>>,
    /// Sent in this transaction.
    rows: u64,
    bytes: u64,
    /// From before BEGIN is sent until COMMIT is confirmed.
    in_transaction: bool,
    timing: WriteTiming,
    commits: u64,
}

impl ScratchWriter {
    pub fn new(lease: Lease, table: Arc<CopyTable>) -> Self {
        Self {
            lease,
            table,
            sink: None,
            rows: 0,
            bytes: 0,
            in_transaction: false,
            timing: WriteTiming::default(),
            commits: 0,
        }
    }

    /// Bytes written since the last commit.
    pub fn pending_bytes(&self) -> u64 {
        self.bytes
    }

    pub fn timing(&self) -> WriteTiming {
        self.timing
    }

    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Sends whole rows; those that PostgreSQL cannot hold are left out.
    pub async fn write(&mut self, batch: Batch) -> Result<()> {
        if batch.rows == 0 {
            return Ok(());
        }
        let start = Instant::now();
        let sent = self.send(batch).await;
        self.timing.send += start.elapsed();
        sent
    }

    async fn send(&mut self, batch: Batch) -> Result<()> {
        if self.sink.is_none() {
            self.open().await?;
        }
        self.rows += batch.rows;
        self.bytes += batch.bytes.len() as u64;
        let mut rest = Bytes::from_owner(batch.bytes);
        while !rest.is_empty() {
            let message = rest.split_to(rest.len().min(MESSAGE));
            self.feed(message).await?;
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<()> {
        self.in_transaction = true;
        let begin = match self.table.flush_late {
            true => BEGIN_LATE,
            false => "BEGIN",
        };
        let begun = self.lease.batch_execute(begin).await;
        begun.map_err(|error| fault::of(error, "begin a transaction"))?;
        let sink = self.lease.copy_in(&self.table.copy).await;
        let sink = sink.map_err(|error| fault::of(error, "begin to copy"))?;
        self.sink = Some(Box::pin(sink));
        self.feed(Bytes::from_static(HEADER)).await
    }

    async fn feed(&mut self, bytes: Bytes) -> Result<()> {
        let sink = self.sink.as_mut().ok_or_else(no_copy)?;
        let fed = sink.feed(bytes).await;
        fed.map_err(|error| fault::of(error, "send rows to the scratch table"))
    }

    /// Commits what was written, waiting for the disk as a partition's writer does; nothing where
    /// nothing was written.
    pub async fn commit(&mut self, end: End) -> Result<()> {
        if !self.in_transaction {
            return Ok(());
        }
        // The server still digests rows that the driver took long ago: that is COPY.
        let start = Instant::now();
        let ended = self.end_copy().await;
        self.timing.send += start.elapsed();
        ended?;
        let commit = match (self.table.flush_late, end) {
            (true, End::Partition) => COMMIT_FLUSHED,
            _ => "COMMIT",
        };
        let start = Instant::now();
        let committed = self.lease.batch_execute(commit).await;
        self.timing.commit += start.elapsed();
        committed.map_err(|error| fault::of(error, "commit"))?;
        self.in_transaction = false;
        self.commits += 1;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// The server must have stored as many rows as were sent, or the rate would be of other work.
    async fn end_copy(&mut self) -> Result<()> {
        self.feed(Bytes::from_static(TRAILER)).await?;
        let mut sink = self.sink.take().ok_or_else(no_copy)?;
        let stored = sink.as_mut().finish().await;
        let stored = stored.map_err(|error| fault::of(error, "copy rows to the scratch table"))?;
        if stored == self.rows {
            return Ok(());
        }
        let sent = self.rows;
        Err(Error::new(
            Kind::Internal,
            format!("{sent} rows were sent and PostgreSQL stored {stored} in the scratch table"),
        ))
    }
}

impl Drop for ScratchWriter {
    fn drop(&mut self) {
        if self.in_transaction {
            self.lease.spoil();
        }
    }
}
