//! Streams the rows of one statement as COPY batches, past the driver.
//!
//! The driver would make a value of each cell; here the bytes of the answer go into the reader's
//! own buffer and come out as COPY rows (`tds_copy::transcode`). This file knows the socket,
//! time-outs and the session's state, and nothing of rows.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::error::{Error, Kind, Result};
use crate::plan::isolation;
use tds_copy::tds::packet::{SQL_BATCH, frame_message};
use tds_copy::tds::token::ServerMessage;
use tds_copy::transcode::{Batch, Outcome, RowLayout, RowReader, Step};

use super::connection::{Connection, Patience};
use super::fault;
use super::large_rows::{LargeRows, Turn};
use super::transport::Transport;

/// Header type of the transaction descriptor (MS-TDS 2.2.5.3).
const HEADER_TRANSACTION: u16 = 2;

/// The rows of one statement.
///
/// It ends in one of three ways. After `next_batch` gave `None`, or an error that the server
/// answered, the connection is idle and good for the next statement. After any other error, and
/// when the stream is dropped before its end, the connection is broken and its socket closed.
///
/// Cancel safety: a dropped `next_batch` loses no byte and no row; the next call continues.
pub struct RowStream<'c> {
    connection: &'c mut Connection,
    /// Owned until the end of the answer; dropping it closes the socket.
    transport: Option<Transport>,
    reader: RowReader,
    patience: Patience,
    /// Time spent in reads from the socket, the source's share of the time.
    waited: Duration,
    /// Bytes, packet headers included.
    received: u64,
    /// Shared by all streams of a run; see [`RowStream::share_large_rows`].
    large: Option<LargeRows>,
    /// Held for the long row that is being read, or that the last batch holds.
    turn: Option<Turn>,
    /// An error leaves the session at another isolation level than the pool gave it.
    changes_level: bool,
}

/// Sends a statement that returns one result of the layout's columns.
///
/// # Errors
/// `SourceLost` or `SourceTimeout`; what the server thinks of the statement comes with the rows.
pub async fn open<'c>(
    connection: &'c mut Connection,
    sql: &str,
    layout: RowLayout,
) -> Result<RowStream<'c>> {
    let patience = connection.patience();
    open_reader(connection, sql, RowReader::new(layout), patience).await
}

/// The same with a reader of the caller's, and as much time for each read as the caller gives.
/// `patience` counts for the whole stream. Dropping the future in the middle breaks the connection.
pub(super) async fn open_reader<'c>(
    connection: &'c mut Connection,
    sql: &str,
    reader: RowReader,
    patience: Patience,
) -> Result<RowStream<'c>> {
    let changes_level = isolation::changes_level(sql);
    let payload = sql_batch(sql, connection.transaction());
    let mut request = Vec::with_capacity(payload.len() + 64);
    frame_message(SQL_BATCH, &payload, connection.packet_size(), &mut request);
    let mut transport = connection.lend()?;
    let limit = patience.between_rows;
    let sent = timeout(limit, async {
        transport.write_all(&request).await?;
        transport.flush().await
    });
    match sent.await {
        Ok(Ok(())) => Ok(RowStream {
            connection,
            transport: Some(transport),
            reader,
            patience,
            waited: Duration::ZERO,
            received: 0,
            large: None,
            turn: None,
            changes_level,
        }),
        Ok(Err(cause)) => Err(fault::lost(cause)),
        Err(_) => Err(too_long(limit, READ_TIMEOUT)),
    }
}

/// ALL_HEADERS and the text (MS-TDS 2.2.6.7).
fn sql_batch(sql: &str, transaction: [u8; 8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(22 + sql.len() * 2);
    payload.extend_from_slice(&22_u32.to_le_bytes());
    payload.extend_from_slice(&18_u32.to_le_bytes());
    payload.extend_from_slice(&HEADER_TRANSACTION.to_le_bytes());
    payload.extend_from_slice(&transaction);
    // Requests outstanding on this connection: this one.
    payload.extend_from_slice(&1_u32.to_le_bytes());
    for unit in sql.encode_utf16() {
        payload.extend_from_slice(&unit.to_le_bytes());
    }
    payload
}

impl RowStream<'_> {
    /// The next batch of whole rows; `None` after the last.
    ///
    /// # Errors
    /// What the server answered, before, between or after rows; `SourceLost` if the answer ends
    /// early; `SourceTimeout` if nothing came for `read_timeout`, or before the first row for
    /// `first_row_timeout`; what the transcoder says.
    pub async fn next_batch(&mut self) -> Result<Option<Batch>> {
        loop {
            match self.reader.step() {
                Ok(Step::Batch(batch)) => return Ok(Some(batch)),
                Ok(Step::NeedInput) => self.receive().await?,
                Ok(Step::Done(outcome)) => return self.finish(outcome).map(|()| None),
                Err(error) => {
                    self.close();
                    return Err(error.into());
                }
            }
        }
    }

    /// Long rows wait for their turn among all streams that share `turns`.
    #[must_use]
    pub fn share_large_rows(mut self, turns: LargeRows) -> Self {
        self.large = Some(turns);
        self
    }

    /// The turn of the long row in the last batch; to be held until the row was sent.
    pub fn take_turn(&mut self) -> Option<Turn> {
        self.turn.take()
    }

    /// The whole rows that were read since the last batch, for an end in the middle.
    ///
    /// # Errors
    /// What the transcoder says of the rows so far.
    pub fn take_batch(&mut self) -> Result<Option<Batch>> {
        Ok(self.reader.take_batch()?)
    }

    /// Time spent waiting for the source's bytes.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Bytes of the answer so far, packet headers included.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Rows of the answer so far.
    pub fn rows(&self) -> u64 {
        self.reader.rows()
    }

    /// Waits for a turn first, if the row that is being read is long.
    async fn receive(&mut self) -> Result<()> {
        if let Some(turns) = &self.large {
            turns.wait(&mut self.turn, self.reader.held()).await?;
        }
        let Some(transport) = &mut self.transport else {
            return Err(Error::new(Kind::SourceLost, "the row stream is closed"));
        };
        let started = Instant::now();
        let (limit, setting) = if self.reader.rows() == 0 && self.reader.held() == 0 {
            (self.patience.first_row, "source.first_row_timeout")
        } else {
            (self.patience.between_rows, READ_TIMEOUT)
        };
        let space = self.reader.space();
        let received = timeout(limit, transport.read(space)).await;
        self.waited += started.elapsed();
        let error = match received {
            Ok(Ok(0)) => fault::lost(io::ErrorKind::UnexpectedEof.into()),
            Ok(Ok(n)) => {
                self.reader.filled(n);
                self.received += n as u64;
                return Ok(());
            }
            Ok(Err(cause)) => fault::lost(cause),
            Err(_) => too_long(limit, setting),
        };
        self.close();
        Err(error)
    }

    /// Gives the connection back if the answer ended well, or with an error that leaves the session
    /// as it was; closes it otherwise.
    fn finish(&mut self, outcome: Outcome) -> Result<()> {
        for message in &outcome.messages {
            tracing::debug!(number = message.number, "message from the source");
        }
        let error = outcome.error.as_ref().map(told);
        // An error may have ended the transaction, which is not followed in here.
        let in_doubt = error.is_some() && (self.connection.in_transaction() || self.changes_level);
        let ended = error
            .as_ref()
            .is_some_and(|error| error.kind() == Kind::SourceLost);
        match self.transport.take() {
            Some(transport) if !in_doubt && !ended => self.connection.give_back(transport),
            _ => self.close(),
        }
        error.map_or(Ok(()), Err)
    }

    fn close(&mut self) {
        self.transport = None;
    }
}

/// The message's number, state and class as an error.
fn told(message: &ServerMessage) -> Error {
    fault::server_error(
        u32::try_from(message.number).unwrap_or(0),
        message.state,
        message.class,
        &message.text,
    )
}

const READ_TIMEOUT: &str = "source.read_timeout";

fn too_long(limit: Duration, setting: &str) -> Error {
    Error::new(
        Kind::SourceTimeout,
        format!(
            "nothing came from SQL Server for {} s; {setting} allows more",
            limit.as_secs()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_starts_with_its_headers() {
        // The layout of the SQL batch in MS-TDS 4.5, here within a transaction.
        let bytes = sql_batch("é", [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(
            bytes,
            [
                22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 8, 7, 6, 5, 4, 3, 2, 1, 1, 0, 0, 0, 0xe9, 0
            ]
        );
    }
}
