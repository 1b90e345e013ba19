//! What is in front of a request's text, and transaction manager requests (MS-TDS 2.2.5.3, 2.2.6.9).

use std::io;

use crate::wire::cursor::{Cursor, utf16};
use crate::wire::packet::invalid;

/// Steps over ALL_HEADERS. None of them changes what this server does.
pub(crate) fn skip_all_headers(cursor: &mut Cursor<'_>) -> io::Result<()> {
    let total = cursor.u32()? as usize;
    let rest = total
        .checked_sub(4)
        .ok_or_else(|| invalid("ALL_HEADERS shorter than its length"))?;
    let mut headers = Cursor::new(cursor.take(rest)?);
    while !headers.is_empty() {
        let length = headers.u32()? as usize;
        headers.take(
            length
                .checked_sub(4)
                .ok_or_else(|| invalid("header shorter than its length"))?,
        )?;
    }
    Ok(())
}

/// The text of a SQL batch.
pub(crate) fn batch_text(payload: &[u8]) -> io::Result<String> {
    let mut cursor = Cursor::new(payload);
    skip_all_headers(&mut cursor)?;
    Ok(utf16(cursor.rest()))
}

/// A transaction manager request as far as a single server needs it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Transaction {
    Begin {
        isolation: u8,
    },
    /// `again`: a new transaction begins at once, with this isolation level.
    Commit {
        again: Option<u8>,
    },
    Rollback {
        again: Option<u8>,
        name: String,
    },
    Save {
        name: String,
    },
    /// Distributed transactions.
    Unsupported {
        kind: u16,
    },
}

impl Transaction {
    pub(crate) fn parse(payload: &[u8]) -> io::Result<Self> {
        let mut cursor = Cursor::new(payload);
        skip_all_headers(&mut cursor)?;
        match cursor.u16()? {
            5 => Ok(Self::Begin {
                isolation: cursor.u8()?,
            }),
            7 => {
                name(&mut cursor)?;
                Ok(Self::Commit {
                    again: again(&mut cursor)?,
                })
            }
            8 => {
                let name = name(&mut cursor)?;
                Ok(Self::Rollback {
                    again: again(&mut cursor)?,
                    name,
                })
            }
            9 => Ok(Self::Save {
                name: name(&mut cursor)?,
            }),
            kind => Ok(Self::Unsupported { kind }),
        }
    }
}

/// A one-byte count of bytes, then UTF-16.
fn name(cursor: &mut Cursor<'_>) -> io::Result<String> {
    let bytes = usize::from(cursor.u8()?);
    Ok(utf16(cursor.take(bytes)?))
}

/// fBeginXact and, when set, the isolation level.
fn again(cursor: &mut Cursor<'_>) -> io::Result<Option<u8>> {
    let flags = cursor.u8()?;
    if flags & 1 == 0 {
        Ok(None)
    } else {
        Ok(Some(cursor.u8()?))
    }
}

/// The T-SQL of an isolation level; `None` for 0, "as it is".
pub(crate) fn isolation_sql(level: u8) -> Option<&'static str> {
    match level {
        1 => Some("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"),
        2 => Some("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"),
        3 => Some("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
        4 => Some("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
        5 => Some("SET TRANSACTION ISOLATION LEVEL SNAPSHOT"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_of_the_specification() {
        // MS-TDS 4.6
        let mut payload = vec![
            0x16, 0, 0, 0, 0x12, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
        ];
        let text = "\nselect 'foo' as 'bar'\n        ";
        payload.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(batch_text(&payload).unwrap(), text);
        for end in 0..0x16 {
            assert!(batch_text(&payload[..end]).is_err(), "cut at {end}");
        }
    }
}
