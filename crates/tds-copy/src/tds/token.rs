//! Tokens: everything in a response that is not a row's content.
//!
//! Rows are most of a response and are read by `transcode::encode` without this file; what comes
//! here is a handful of tokens for each statement.

use crate::tds::cursor::{Cursor, Parsed, Stop};
use crate::tds::metadata::{self, ColumnInfo};
use crate::tds::session::{self, ServerVersion, SessionChange};
use crate::tds::type_info::{TypeInfo, Wire};

/// A message of the server: an error or a notice (MS-TDS 2.2.7.10, 2.2.7.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMessage {
    /// As `sys.messages` has it.
    pub number: i32,
    /// Where in the server the message was raised.
    pub state: u8,
    /// Severity; above 10 it is an error.
    pub class: u8,
    /// The message itself.
    pub text: String,
    /// Name of the server.
    pub server: String,
    /// Name of the procedure; empty outside of one.
    pub procedure: String,
    /// Line of the batch or procedure, from 1.
    pub line: u32,
}

/// The end of a statement (MS-TDS 2.2.7.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The bits of Status.
    pub status: u16,
    /// Rows that the statement returned or changed, if [`Done::counted`].
    pub rows: u64,
}

impl Done {
    /// Further statements' results follow.
    pub fn more(self) -> bool {
        self.status & 0x0001 != 0
    }

    /// The statement failed: DONE_ERROR, or DONE_SRVERROR where its result is to be discarded.
    pub fn error(self) -> bool {
        self.status & (0x0002 | 0x0100) != 0
    }

    /// `rows` counts.
    pub fn counted(self) -> bool {
        self.status & 0x0010 != 0
    }

    /// Answers an ATTENTION.
    pub fn attention(self) -> bool {
        self.status & 0x0020 != 0
    }
}

/// One token. Of a row only the token byte is read: its columns are the transcoder's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// COLMETADATA: the columns of a result; empty for a statement without one.
    Columns(Vec<ColumnInfo>),
    /// ROW.
    Row,
    /// NBCROW.
    NullBitmapRow,
    /// DONE, DONEPROC or DONEINPROC.
    Done(Done),
    /// ERROR.
    Error(ServerMessage),
    /// INFO.
    Info(ServerMessage),
    /// RETURNSTATUS: what a procedure returned.
    ReturnStatus(i32),
    /// ENVCHANGE.
    SessionChange(SessionChange),
    /// LOGINACK.
    LoginAck(ServerVersion),
    /// Read and of no interest: ORDER, COLINFO, TABNAME, RETURNVALUE; and what only a login or a
    /// session that asked for it brings: SSPI, FEATUREEXTACK, SESSIONSTATE.
    Other,
}

/// The token byte of a row, and of a row that leaves out its NULL values.
pub(crate) const ROW: u8 = 0xD1;
/// The token byte of a row that leaves out its NULL values.
pub(crate) const NBC_ROW: u8 = 0xD2;

/// Reads one token; [`Stop::More`] leaves it to be read again from its start.
///
/// ```
/// use tds_copy::tds::cursor::Cursor;
/// use tds_copy::tds::token::{Token, parse};
///
/// // DONE with DONE_COUNT and two rows.
/// let bytes = [0xFD, 0x10, 0x00, 0xC1, 0x00, 2, 0, 0, 0, 0, 0, 0, 0];
/// let Ok(Token::Done(done)) = parse(&mut Cursor::new(&bytes)) else {
///     panic!("not DONE");
/// };
/// assert!(done.counted() && !done.more());
/// assert_eq!(done.rows, 2);
/// ```
///
/// # Errors
/// [`Stop::Fail`] for a token that is not known, since nothing tells where it ends.
pub fn parse(cursor: &mut Cursor<'_>) -> Parsed<Token> {
    match cursor.u8()? {
        0x81 => Ok(Token::Columns(metadata::parse(cursor)?)),
        ROW => Ok(Token::Row),
        NBC_ROW => Ok(Token::NullBitmapRow),
        // DONE, DONEPROC, DONEINPROC have one form.
        0xFD..=0xFF => Ok(Token::Done(done(cursor)?)),
        0xAA => Ok(Token::Error(message(cursor)?)),
        0xAB => Ok(Token::Info(message(cursor)?)),
        0xE3 => Ok(Token::SessionChange(session::change(body(cursor)?))),
        0xAD => Ok(Token::LoginAck(session::version(body(cursor)?))),
        // TABNAME, COLINFO, ORDER, SSPI.
        0xA4 | 0xA5 | 0xA9 | 0xED => {
            body(cursor)?;
            Ok(Token::Other)
        }
        // SESSIONSTATE: the same with a long length.
        0xE4 => {
            let length = cursor.u32()? as usize;
            cursor.take(length)?;
            Ok(Token::Other)
        }
        0xAE => {
            features(cursor)?;
            Ok(Token::Other)
        }
        0x79 => Ok(Token::ReturnStatus(cursor.i32()?)),
        0xAC => {
            return_value(cursor)?;
            Ok(Token::Other)
        }
        other => Err(Stop::protocol(format!(
            "the server sends the unknown token {other:#04x}"
        ))),
    }
}

/// The body of a token that begins with its length in bytes.
fn body<'a>(cursor: &mut Cursor<'a>) -> Parsed<&'a [u8]> {
    let length = usize::from(cursor.u16()?);
    cursor.take(length)
}

/// FEATUREEXTACK (MS-TDS 2.2.7.11): an id, a length and that number of bytes each, up to the id 0xFF.
fn features(cursor: &mut Cursor<'_>) -> Parsed<()> {
    while cursor.u8()? != 0xFF {
        let length = cursor.u32()? as usize;
        cursor.take(length)?;
    }
    Ok(())
}

/// CurCmd, between the two, says nothing that the statement does not.
fn done(cursor: &mut Cursor<'_>) -> Parsed<Done> {
    let status = cursor.u16()?;
    cursor.u16()?;
    Ok(Done {
        status,
        rows: cursor.u64()?,
    })
}

/// ERROR and INFO have one form.
fn message(cursor: &mut Cursor<'_>) -> Parsed<ServerMessage> {
    let parsed = message_body(&mut Cursor::new(body(cursor)?));
    // The body is all there: a field that ends outside of it is not "come again".
    match parsed {
        Err(Stop::More) => Err(Stop::protocol(
            "a message of the server is longer than its length",
        )),
        parsed => parsed,
    }
}

fn message_body(body: &mut Cursor<'_>) -> Parsed<ServerMessage> {
    Ok(ServerMessage {
        number: body.i32()?,
        state: body.u8()?,
        class: body.u8()?,
        text: body.long_string()?,
        server: body.short_string()?,
        procedure: body.short_string()?,
        line: body.u32()?,
    })
}

/// RETURNVALUE (MS-TDS 2.2.7.19) has no length of its own, so its value is read to be left out.
fn return_value(cursor: &mut Cursor<'_>) -> Parsed<()> {
    cursor.u16()?;
    cursor.short_string()?;
    cursor.u8()?;
    cursor.u32()?;
    cursor.u16()?;
    let ty = TypeInfo::parse(cursor)?;
    skip_value(ty.wire(), cursor)
}

/// Reads over one value.
pub fn skip_value(wire: Wire, cursor: &mut Cursor<'_>) -> Parsed<()> {
    let length = match wire {
        Wire::Fixed(bytes) => usize::from(bytes),
        Wire::Byte => usize::from(cursor.u8()?),
        Wire::Short => match cursor.u16()? {
            0xFFFF => 0,
            bytes => usize::from(bytes),
        },
        Wire::Long => cursor.u32()? as usize,
        Wire::Pointer => {
            let pointer = usize::from(cursor.u8()?);
            if pointer == 0 {
                return Ok(());
            }
            cursor.take(pointer + 8)?;
            cursor.u32()? as usize
        }
        Wire::Plp => return skip_chunks(cursor),
    };
    cursor.take(length)?;
    Ok(())
}

/// PLP: the total, or that it is NULL, then chunks up to one of length 0.
fn skip_chunks(cursor: &mut Cursor<'_>) -> Parsed<()> {
    if cursor.u64()? == u64::MAX {
        return Ok(());
    }
    loop {
        let length = cursor.u32()? as usize;
        if length == 0 {
            return Ok(());
        }
        cursor.take(length)?;
    }
}
