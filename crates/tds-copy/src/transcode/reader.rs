//! One statement's response: from socket bytes to batches.
//!
//! The state machine of a response: tokens, then rows, then DONE. It accepts nothing that it cannot
//! account for: a response that ends early, counts other rows than came or has bytes after its end
//! is an error.

use crate::error::{Error, Kind, Result};
use crate::tds::cursor::{Cursor, Stop};
use crate::tds::deframe::Deframer;
use crate::tds::token::{self, Done, ServerMessage, Token};
use crate::transcode::batch::Batch;
use crate::transcode::encode::{Encoder, Stopped};
use crate::transcode::layout::RowLayout;

/// COPY data goes out in pieces of about this size: smaller ones cost more per byte.
const BATCH_BYTES: usize = 256 * 1024;
/// The longest token other than a row: far above 4,096 columns' metadata.
const MAX_TOKEN: usize = 8 * 1024 * 1024;
/// From this size on, a token that is not whole is read again only when an eighth more has come:
/// for every packet it would be quadratic.
const REREAD_FREELY: usize = 16 * 1024;
/// Notices that are kept; a statement that prints more is not waited for.
const MAX_MESSAGES: usize = 16;
/// Errors from this class on are errors, below it they are notices.
const ERROR_CLASS: u8 = 11;

/// Reads one statement's response. Sans IO: give it socket bytes through [`Self::space`] and
/// [`Self::filled`], then call [`Self::step`] until it wants more.
///
/// ```
/// use tds_copy::tds::packet::{RESPONSE, frame_message};
/// use tds_copy::transcode::{ResultColumn, RowLayout, RowReader, Step, ValuePolicy, Values};
/// use tsql::schema::SqlType;
/// use tsql::typemap::PgType;
///
/// let column = ResultColumn {
///     name: "Id".to_owned(),
///     source: SqlType::Int,
///     code_page: None,
///     target_name: "id".to_owned(),
///     target: PgType::Integer,
/// };
/// let values = Values::uniform(ValuePolicy::Error, ValuePolicy::Error);
/// let mut reader = RowReader::new(RowLayout::new(&[column], &[0], values)?);
///
/// // COLMETADATA of one column `n` of type INT4, a row with 7, DONE with one row.
/// let payload = [
///     &[0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0x38, 1, b'n', 0][..],
///     &[0xD1, 7, 0, 0, 0],
///     &[0xFD, 0x10, 0, 0xC1, 0, 1, 0, 0, 0, 0, 0, 0, 0],
/// ]
/// .concat();
/// let mut socket = Vec::new();
/// frame_message(RESPONSE, &payload, 4096, &mut socket);
/// reader.space()[..socket.len()].copy_from_slice(&socket);
/// reader.filled(socket.len());
///
/// let Step::Batch(batch) = reader.step()? else {
///     panic!("no batch");
/// };
/// // One field of four bytes.
/// assert_eq!(*batch.bytes, [0, 1, 0, 0, 0, 4, 0, 0, 0, 7]);
/// let Step::Done(outcome) = reader.step()? else {
///     panic!("more than a batch");
/// };
/// assert_eq!(outcome.rows, 1);
/// # Ok::<(), tds_copy::error::Error>(())
/// ```
pub struct RowReader {
    layout: RowLayout,
    batch_bytes: usize,
    deframer: Deframer,
    /// Made when the result is announced.
    encoder: Option<Encoder>,
    /// An ATTENTION was sent: everything up to its acknowledgement is dropped.
    cancelled: bool,
    error: Option<ServerMessage>,
    messages: Vec<ServerMessage>,
    last_done: Option<Done>,
    /// Payload from which on the token at hand, which was not whole, is read again.
    reread_at: usize,
    /// The statement that returned the result is at its end.
    counted: bool,
    finished: bool,
}

/// What a step came to.
#[derive(Debug)]
pub enum Step {
    /// All bytes at hand are used: read more.
    NeedInput,
    /// A full batch, or the last one.
    Batch(Batch),
    /// The response is over and the connection is idle.
    Done(Outcome),
}

/// How a statement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Rows that were encoded.
    pub rows: u64,
    /// The first error that the server sent.
    pub error: Option<ServerMessage>,
    /// Notices, at most 16.
    pub messages: Vec<ServerMessage>,
    /// The server acknowledged an ATTENTION.
    pub attention: bool,
}

impl RowReader {
    /// A reader of a response whose result has this layout.
    pub fn new(layout: RowLayout) -> Self {
        Self {
            layout,
            batch_bytes: BATCH_BYTES,
            deframer: Deframer::new(),
            encoder: None,
            cancelled: false,
            error: None,
            messages: Vec::new(),
            last_done: None,
            reread_at: 0,
            counted: false,
            finished: false,
        }
    }

    /// Sets the size from which on a batch is full; a single longer row makes a longer batch.
    #[must_use]
    pub fn with_batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes.max(1);
        self
    }

    /// Where to read socket bytes into: never less than a packet.
    pub fn space(&mut self) -> &mut [u8] {
        self.deframer.space()
    }

    /// `count` bytes of [`Self::space`] were read.
    pub fn filled(&mut self, count: usize) {
        self.deframer.filled(count);
    }

    /// Whole rows so far, those of batches that were handed over included.
    pub fn rows(&self) -> u64 {
        self.encoder.as_ref().map_or(0, Encoder::total_rows)
    }

    /// Encoded bytes at hand, those of a row that is not whole included.
    pub fn held(&self) -> usize {
        self.encoder.as_ref().map_or(0, Encoder::held)
    }

    /// The whole rows at hand, for a stop in the middle.
    ///
    /// # Errors
    /// A key that has no value, as in [`Self::step`].
    pub fn take_batch(&mut self) -> Result<Option<Batch>> {
        match &mut self.encoder {
            None => Ok(None),
            Some(encoder) => encoder.take_batch(),
        }
    }

    /// An ATTENTION was sent: what still comes is dropped, and [`Step::Done`] comes with the
    /// acknowledgement. Take the batch at hand before.
    pub fn expect_attention(&mut self) {
        self.cancelled = true;
    }

    /// Goes on with the bytes at hand. After an error the connection is not clean.
    pub fn step(&mut self) -> Result<Step> {
        loop {
            let more = self.deframer.advance()?;
            if !self.finished
                && let Some(batch) = self.parse()?
            {
                return Ok(Step::Batch(batch));
            }
            if self.deframer.message_complete() {
                if let Some(step) = self.end_of_message()? {
                    return Ok(step);
                }
                continue;
            }
            if !more {
                return Ok(Step::NeedInput);
            }
        }
    }

    /// Parses the payload at hand; a batch where one is full.
    fn parse(&mut self) -> Result<Option<Batch>> {
        loop {
            if let Some(encoder) = self.encoder.as_mut() {
                let (count, stopped) = encoder.read(self.deframer.payload())?;
                self.deframer.consume(count);
                match stopped {
                    Stopped::More => return Ok(None),
                    Stopped::Full => {
                        let batch = encoder.take_batch()?;
                        if self.cancelled {
                            continue;
                        }
                        return Ok(batch);
                    }
                    Stopped::Token => {}
                }
            }
            if !self.token()? {
                return Ok(None);
            }
        }
    }

    /// Parses one token that is no row; `false` where the bytes end.
    fn token(&mut self) -> Result<bool> {
        let payload = self.deframer.payload();
        let early = payload.len() < self.reread_at && !self.deframer.message_complete();
        if payload.is_empty() || early {
            return Ok(false);
        }
        let mut cursor = Cursor::new(payload);
        let token = match token::parse(&mut cursor) {
            Ok(token) => token,
            Err(Stop::More) if payload.len() > MAX_TOKEN => {
                return Err(protocol("the server sends an endless token"));
            }
            Err(Stop::More) => {
                if payload.len() >= REREAD_FREELY {
                    self.reread_at = payload.len() + payload.len() / 8;
                }
                return Ok(false);
            }
            Err(Stop::Fail(error)) => return Err(error),
        };
        let count = cursor.position();
        self.reread_at = 0;
        self.apply(token)?;
        self.deframer.consume(count);
        Ok(true)
    }

    /// # Errors
    /// `Protocol` for a token out of place; what the layout says of an announced result.
    fn apply(&mut self, token: Token) -> Result<()> {
        match token {
            Token::Columns(columns) if columns.is_empty() => {}
            Token::Columns(_) if self.encoder.is_some() => {
                return Err(protocol("the statement returns a second result"));
            }
            Token::Columns(columns) => {
                let columns = self.layout.agree(&columns)?;
                let encoder = Encoder::new(self.layout.clone(), columns, self.batch_bytes);
                self.encoder = Some(encoder);
            }
            Token::Row | Token::NullBitmapRow => {
                return Err(protocol(
                    "the server sends a row before it announced a result",
                ));
            }
            Token::Done(done) => {
                self.check(done)?;
                self.last_done = Some(done);
            }
            Token::Error(message) | Token::Info(message) => self.keep(message),
            Token::SessionChange(_)
            | Token::LoginAck(_)
            | Token::ReturnStatus(_)
            | Token::Other => {}
        }
        Ok(())
    }

    /// What came is complete only where the server says so too: it reports no failure, and counts
    /// as many rows. An error that it explained is told as itself, at the end.
    fn check(&mut self, done: Done) -> Result<()> {
        if self.cancelled || self.error.is_some() {
            return Ok(());
        }
        if done.error() {
            return Err(Error::new(
                Kind::Statement,
                "the server reports that the statement failed, and not why",
            ));
        }
        if done.attention() {
            return Err(protocol("the server confirms a cancel that was not sent"));
        }
        let Some(encoder) = &self.encoder else {
            return Ok(());
        };
        // Only the first DONE after the rows counts them.
        let first = !std::mem::replace(&mut self.counted, true);
        let (told, came) = (done.rows, encoder.total_rows());
        if first && done.counted() && told != came {
            return Err(protocol(&format!(
                "the server counts {told} rows, but {came} came"
            )));
        }
        Ok(())
    }

    /// The first error is kept, later ones are its consequences.
    fn keep(&mut self, message: ServerMessage) {
        if message.class >= ERROR_CLASS {
            self.error.get_or_insert(message);
        } else if self.messages.len() < MAX_MESSAGES {
            self.messages.push(message);
        }
    }

    /// The message is there in full: what is left of it must be nothing.
    fn end_of_message(&mut self) -> Result<Option<Step>> {
        let in_row = self.encoder.as_ref().is_some_and(Encoder::in_row);
        if !self.deframer.payload().is_empty() || in_row {
            return Err(protocol("the response ends in the middle of a token"));
        }
        let done = self
            .last_done
            .ok_or_else(|| protocol("the response ends without DONE"))?;
        if done.more() {
            return Err(protocol("the response ends before its last statement"));
        }
        if self.cancelled && !done.attention() {
            // The statement ended by itself; the acknowledgement is a message of its own.
            self.last_done = None;
            self.deframer.next_message();
            return Ok((!self.deframer.advance()?).then_some(Step::NeedInput));
        }
        if !self.cancelled
            && let Some(batch) = self.take_batch()?
        {
            return Ok(Some(Step::Batch(batch)));
        }
        if !self.deframer.is_empty() {
            return Err(protocol("bytes follow the end of the response"));
        }
        self.finished = true;
        Ok(Some(Step::Done(self.outcome(done))))
    }

    fn outcome(&self, done: Done) -> Outcome {
        Outcome {
            rows: self.rows(),
            error: self.error.clone(),
            messages: self.messages.clone(),
            attention: done.attention(),
        }
    }
}

fn protocol(message: &str) -> Error {
    Error::new(Kind::Protocol, message)
}
