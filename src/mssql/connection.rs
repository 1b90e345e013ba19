//! One SQL Server connection: control queries through the driver, row streams past it.
//!
//! A connection is in one of three states, and only an idle one is used again. The driver and the
//! row reader take turns on one socket: who has the transport may read and write, and the other
//! fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::error::{Error, Kind, Result};
use crate::plan::isolation::changes_level;

use super::control::ControlRow;
use super::fault;
use super::pool::ticket::Ticket;
use super::response;
use super::transport::{Handle, Slot, Transport};
use super::tunnel::Glance;

/// How long a closing connection waits for the server to close its end.
const GOODBYE: Duration = Duration::from_secs(1);
/// An idle connection younger than this is taken to be alive without asking it.
const TRUSTED_IDLE: Duration = Duration::from_secs(15);
/// How long an idle connection may take to answer the question whether it is alive.
const ALIVE_WITHIN: Duration = Duration::from_secs(5);

/// A logged-in connection.
///
/// Cancel safety: every method marks the connection busy before its first byte and idle after the
/// last one of the answer. A future that is dropped in between leaves it busy for ever, and the
/// pool closes such a connection instead of keeping it.
pub struct Connection {
    /// Its stream is the slot's transport; it fails while a row stream owns that.
    client: tiberius::Client<Handle>,
    /// Shared with `client`.
    slot: Slot,
    state: State,
    /// Agreed at login; requests are cut into packets of this size.
    packet_size: usize,
    /// Descriptor of the open transaction, zero without one; requests must name it (MS-TDS 2.2.5.3.2).
    transaction: [u8; 8],
    /// What the server said of it after the last [`Self::execute`].
    in_transaction: bool,
    patience: Patience,
    idle_since: Instant,
    /// Held so that the pool counts this connection for as long as its socket is open.
    _ticket: Arc<Ticket>,
}

/// How long the server may be silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Before a statement's first row: `source.first_row_timeout`.
    pub(super) first_row: Duration,
    /// After it: `source.read_timeout`.
    pub(super) between_rows: Duration,
}

impl Patience {
    /// The first row may take as long as any other.
    pub(super) fn new(first_row: Duration, between_rows: Duration) -> Self {
        Self {
            first_row: first_row.max(between_rows),
            between_rows,
        }
    }
}

/// Who set it last: [`Connection::begin`] busy, [`Connection::end`] idle, any failure broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Busy,
    Broken,
}

impl Connection {
    pub(super) fn new(
        client: tiberius::Client<Handle>,
        slot: Slot,
        packet_size: usize,
        patience: Patience,
        ticket: Arc<Ticket>,
    ) -> Self {
        Self {
            client,
            slot,
            state: State::Idle,
            packet_size,
            transaction: [0; 8],
            in_transaction: false,
            patience,
            idle_since: Instant::now(),
            _ticket: ticket,
        }
    }

    /// Runs a small query and reads all of it; of several results, the first. Never for `money`,
    /// decimals, dates or binary: convert in the query.
    ///
    /// # Errors
    /// What the server answered, by its number; `SourceLost` or `SourceTimeout` leave the
    /// connection broken.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<ControlRow>> {
        self.query_within(sql, self.patience.between_rows).await
    }

    /// The same, for a query that may need longer than `read_timeout`.
    /// A statement that changed the isolation level and failed breaks the connection: its way back
    /// to the level was not reached.
    pub(super) async fn query_within(
        &mut self,
        sql: &str,
        limit: Duration,
    ) -> Result<Vec<ControlRow>> {
        self.begin()?;
        let run = async {
            let answer = self.client.simple_query(sql).await?;
            answer.into_results().await
        };
        let outcome = timeout(limit, run).await;
        let settled = self.settle(outcome, limit).await;
        if settled.is_err() && changes_level(sql) {
            self.break_off();
        }
        let mut results = settled?;
        let first = if results.is_empty() {
            Vec::new()
        } else {
            results.swap_remove(0)
        };
        Ok(ControlRow::from_result(first))
    }

    /// Runs statements whose rows, if any, do not matter. Follows transactions that they begin or
    /// end; a connection with an open transaction does not go back to the pool.
    ///
    /// # Errors
    /// As [`Self::query`]. Whether a transaction is open is asked after an error as well.
    pub async fn execute(&mut self, sql: &str) -> Result<()> {
        self.slot
            .with(|slot| slot.as_mut().map(Transport::start_capture));
        let outcome = self.query(sql).await;
        let answer = self
            .slot
            .with(|slot| slot.as_mut().map(Transport::end_capture));
        if let Some(transaction) = response::changes(&answer.unwrap_or_default()).transaction {
            self.transaction = transaction;
        }
        if self.state == State::Idle {
            // Asked, and not only taken from the answer: servers other than Microsoft's do not
            // announce a transaction that a batch began.
            let open = self.query("SELECT @@TRANCOUNT").await?;
            self.in_transaction = open.first().is_some_and(|row| row.flag(0).unwrap_or(true));
        }
        outcome.map(|_| ())
    }

    /// Runs the settings of a new session.
    pub(super) async fn set_up(&mut self, sql: &str) -> Result<()> {
        self.query(sql).await.map(|_| ())
    }

    /// Turns what the driver gave into ours and decides whether the connection is still good.
    async fn settle<T>(
        &mut self,
        outcome: Result<Result<T, tiberius::error::Error>, tokio::time::error::Elapsed>,
        limit: Duration,
    ) -> Result<T> {
        match outcome {
            Ok(Ok(value)) => {
                self.end();
                Ok(value)
            }
            Ok(Err(error)) => {
                let told = matches!(error, tiberius::error::Error::Server(_));
                let error = fault::driver_error(error);
                if told && error.kind() != Kind::SourceLost && self.drain().await {
                    self.end();
                } else {
                    self.break_off();
                }
                Err(error)
            }
            Err(_) => {
                self.break_off();
                Err(Error::new(
                    Kind::SourceTimeout,
                    format!("a control query took longer than {} s", limit.as_secs()),
                ))
            }
        }
    }

    /// The driver stops at an error token and leaves the rest of the answer on the wire; its next
    /// request reads that away.
    async fn drain(&mut self) -> bool {
        let run = async {
            let answer = self.client.simple_query("SELECT 1").await?;
            answer.into_results().await
        };
        matches!(timeout(ALIVE_WITHIN, run).await, Ok(Ok(_)))
    }

    /// Whether the connection may go back to the pool: idle, and without an open transaction.
    pub(super) fn is_clean(&self) -> bool {
        self.state == State::Idle && !self.in_transaction
    }

    /// Finds out whether an idle connection is alive; asks the server only if it was idle for
    /// long or has said something.
    ///
    /// # Errors
    /// `SourceLost` or `SourceTimeout`; the connection is broken then.
    pub(super) async fn check_alive(&mut self) -> Result<()> {
        let glance = self
            .slot
            .with(|slot| slot.as_ref().map_or(Glance::Closed, Transport::glance));
        match glance {
            Glance::Quiet if self.idle_since.elapsed() < TRUSTED_IDLE => Ok(()),
            Glance::Closed => {
                self.break_off();
                Err(Error::new(
                    Kind::SourceLost,
                    "SQL Server closed the connection while it was idle",
                ))
            }
            Glance::Quiet | Glance::Talking => self
                .query_within("SELECT 1", ALIVE_WITHIN)
                .await
                .map(|_| ()),
        }
    }

    /// # Errors
    /// `SourceLost` if an earlier statement was not read to its end.
    fn begin(&mut self) -> Result<()> {
        match self.state {
            State::Idle => {
                self.state = State::Busy;
                Ok(())
            }
            State::Busy | State::Broken => Err(Error::new(
                Kind::SourceLost,
                "this connection was left in the middle of a statement",
            )),
        }
    }

    fn end(&mut self) {
        self.state = State::Idle;
        self.idle_since = Instant::now();
    }

    /// Nothing can be sent on it afterwards; the pool throws it away when it comes back.
    fn break_off(&mut self) {
        self.state = State::Broken;
        // Closes the socket now, not when the pool gets to it.
        drop(self.slot.take());
    }

    /// Lends socket and TLS to a row stream, which gives them back with [`Self::give_back`] or
    /// leaves the connection broken.
    ///
    /// # Errors
    /// `SourceLost` if the connection is busy, broken or closed.
    pub(super) fn lend(&mut self) -> Result<Transport> {
        self.begin()?;
        self.slot.take().ok_or_else(|| {
            self.state = State::Broken;
            Error::new(Kind::SourceLost, "this connection is closed")
        })
    }

    /// Only at the end of an answer: what is unread would be taken for the answer to the next
    /// statement.
    pub(super) fn give_back(&mut self, transport: Transport) {
        self.slot.put(transport);
        self.end();
    }

    /// Bytes, header included.
    pub(super) fn packet_size(&self) -> usize {
        self.packet_size
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    pub(super) fn transaction(&self) -> [u8; 8] {
        self.transaction
    }

    /// How long a read may receive nothing.
    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    /// Ends the connection and waits until the server has closed its end, at most a second.
    pub(super) async fn close(&mut self) {
        self.state = State::Broken;
        let Some(transport) = self.slot.take() else {
            return;
        };
        // Whether it says goodbye or not: the socket is closed with its transport.
        if let Ok(Err(cause)) = timeout(GOODBYE, transport.close()).await {
            tracing::debug!(%cause, "a connection ended without goodbye");
        }
    }
}
