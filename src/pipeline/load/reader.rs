//! Reads the statements of a partition, one after the other, into a bounded channel of batches.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::mssql::large_rows::{self, LargeRows};
use crate::mssql::pool::Pooled;
use crate::mssql::{Connection, cuts, read};
use crate::plan::query::Unchanged;
use tds_copy::transcode::{Batch, RowLayout};

/// Batches between a reader and its COPY. With one being filled and one being sent, a partition
/// holds at most `BATCHES_IN_FLIGHT + 2` batches of about 256 KiB, or of one row of up to 1 MiB
/// each; of longer rows the whole process holds a few, see [`LargeRows`].
pub const BATCHES_IN_FLIGHT: usize = 2;

/// A batch on its way from a reader to its COPY.
pub struct Delivery {
    pub batch: Batch,
    /// Time between the request for it and its arrival.
    pub read: Duration,
    /// Held until a long row was sent.
    pub _turn: Option<large_rows::Turn>,
}

/// What a reader reads.
pub struct ReadPlan {
    /// Run one after the other.
    pub statements: Vec<String>,
    pub layout: RowLayout,
    /// Asked after the last row.
    pub unchanged: Option<Unchanged>,
}

/// What ends a reader, and what it shares with the others of the run.
pub struct ReaderContext {
    /// Child of the table's; cancelled when the partition stops reading for a request.
    pub cancel: CancellationToken,
    /// Bounds how many long rows are in memory.
    pub large_rows: LargeRows,
}

/// How a reader ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadEnd {
    /// The last row of the last statement was handed over.
    Complete,
    /// Cancelled between two batches.
    Stopped,
    /// The writer ended first; its error is the one that counts.
    Refused,
}

/// Reads the rows of the statements into the channel, one statement after the other. The connection
/// goes back to the pool only when each was read to its end; otherwise dropping the stream has marked
/// it as broken.
///
/// A batch is of one statement, so its last key is that of a row that was read: a statement without rows
/// says nothing, and reading continues after the last key of an earlier one.
pub async fn read_batches(
    mut source: Pooled,
    reading: ReadPlan,
    batches: mpsc::Sender<Delivery>,
    shared: ReaderContext,
) -> Result<ReadEnd> {
    let mut rows = 0;
    for sql in &reading.statements {
        if shared.cancel.is_cancelled() {
            return Ok(ReadEnd::Stopped);
        }
        let read = read_statement(&mut source, sql, &reading, &batches, &shared).await;
        let read = read.map_err(|error| error.with_row(|row| row_after(rows, row)));
        match read? {
            (ReadEnd::Complete, read) => rows += read,
            (end, _) => return Ok(end),
        }
    }
    if let Some(unchanged) = &reading.unchanged {
        cuts::must_be_unchanged(&mut source, unchanged).await?;
    }
    Ok(ReadEnd::Complete)
}

/// A row's number in its statement, as its number in all of them.
fn row_after(before: u64, row: String) -> String {
    match row.parse::<u64>() {
        Ok(row) => (before + row).to_string(),
        Err(_) => row,
    }
}

/// The same for one statement, with the number of its rows.
async fn read_statement(
    source: &mut Connection,
    sql: &str,
    reading: &ReadPlan,
    batches: &mpsc::Sender<Delivery>,
    shared: &ReaderContext,
) -> Result<(ReadEnd, u64)> {
    let started = Instant::now();
    tracing::debug!("a statement is sent that reads rows");
    let stream = read::open(source, sql, reading.layout.clone()).await?;
    let mut stream = stream.share_large_rows(shared.large_rows.clone());
    let mut asked = started;
    loop {
        let batch = tokio::select! {
            biased;
            () = shared.cancel.cancelled() => return Ok((ReadEnd::Stopped, stream.rows())),
            batch = stream.next_batch() => batch?,
        };
        let Some(batch) = batch else {
            tracing::debug!(
                seconds = started.elapsed().as_secs_f64(),
                "a statement was read to its end"
            );
            return Ok((ReadEnd::Complete, stream.rows()));
        };
        let delivery = Delivery {
            batch,
            read: asked.elapsed(),
            _turn: stream.take_turn(),
        };
        if batches.send(delivery).await.is_err() {
            return Ok((ReadEnd::Refused, stream.rows()));
        }
        asked = Instant::now();
    }
}
