//! Writes rows of a sample: the COPY of a partition, without a claim and without a checkpoint.
//!
//! `migrate tune` measures with it, so it spends time where a partition's writer does: in COPY and
//! in COMMIT, with the same sizes and the same waiting for the disk.

use std::sync::Arc;
use std::time::Instant;

use crate::error::{Error, Kind, Result};
use crate::postgres::copy::connection::{CopyConnection, DriverFault};
use crate::postgres::copy::table::{CopyTable, End, WriteTiming};
use crate::postgres::fault;
use crate::postgres::pool::Lease;
use tds_copy::transcode::Batch;

/// Writes into a scratch table, in transactions of the caller's size. Dropped in a transaction, it
/// closes its connection and the server rolls back.
pub struct ScratchWriter {
    connection: CopyConnection,
    /// Sent in this transaction.
    bytes: u64,
    timing: WriteTiming,
    commits: u64,
}

impl ScratchWriter {
    /// `table` is that of the scratch table's plan.
    pub fn new(lease: Lease, table: Arc<CopyTable>) -> Self {
        Self {
            connection: CopyConnection::new(lease, table),
            bytes: 0,
            timing: WriteTiming::default(),
            commits: 0,
        }
    }

    /// Bytes written since the last commit.
    pub fn pending_bytes(&self) -> u64 {
        self.bytes
    }

    /// How the writer's time was spent.
    pub fn timing(&self) -> WriteTiming {
        self.timing
    }

    /// How many transactions were committed.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Sends whole rows; those that PostgreSQL cannot hold are left out.
    ///
    /// # Errors
    /// The driver's; the writer is of no use afterwards.
    pub async fn write(&mut self, batch: Batch) -> Result<()> {
        if batch.rows == 0 {
            return Ok(());
        }
        self.bytes += batch.bytes.len() as u64;
        let start = Instant::now();
        let sent = self.connection.send(batch.bytes, batch.rows).await;
        self.timing.send += start.elapsed();
        sent.map_err(failed)
    }

    /// Commits what was written, waiting for the disk as a partition's writer does; nothing if
    /// nothing was written.
    ///
    /// # Errors
    /// `Internal` if fewer rows were stored than sent; otherwise the driver's.
    pub async fn commit(&mut self, end: End) -> Result<()> {
        if !self.connection.in_transaction() {
            return Ok(());
        }
        // The server still stores rows that the driver took long ago: that counts as COPY.
        let start = Instant::now();
        let ended = self.end_copy().await;
        self.timing.send += start.elapsed();
        ended?;
        let start = Instant::now();
        let committed = self.connection.commit(end).await;
        self.timing.commit += start.elapsed();
        committed.map_err(failed)?;
        self.commits += 1;
        self.bytes = 0;
        Ok(())
    }

    /// The server must have stored as many rows as were sent, or the rate would be of other work.
    async fn end_copy(&mut self) -> Result<()> {
        match self.connection.end_copy().await.map_err(failed)? {
            Some(ended) if ended.stored != ended.sent => Err(Error::new(
                Kind::Internal,
                format!(
                    "{} rows were sent and PostgreSQL stored {} in the scratch table",
                    ended.sent, ended.stored
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn failed(DriverFault { error, doing }: DriverFault) -> Error {
    fault::from_driver(error, &format!("{doing} (scratch table)"))
}
