//! Transaction manager requests: BEGIN, COMMIT and ROLLBACK without T-SQL (MS-TDS 2.2.6.9).

use std::io;

use crate::wire::cursor::{Cursor, utf16};
use crate::wire::request::skip_all_headers;
use crate::wire::token::{self, env};

/// The transaction descriptor that clients get and send back; one session has one transaction.
const DESCRIPTOR: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];
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
fn isolation_sql(level: u8) -> Option<&'static str> {
    match level {
        1 => Some("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"),
        2 => Some("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"),
        3 => Some("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
        4 => Some("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
        5 => Some("SET TRANSACTION ISOLATION LEVEL SNAPSHOT"),
        _ => None,
    }
}

/// The statements of a request; `None` when it is not supported.
pub(crate) fn statements(transaction: &Transaction) -> Option<Vec<String>> {
    let begin = |isolation: u8| {
        isolation_sql(isolation)
            .into_iter()
            .chain(["BEGIN TRANSACTION"])
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut statements = match transaction {
        Transaction::Begin { isolation } => return Some(begin(*isolation)),
        Transaction::Commit { .. } => vec!["COMMIT TRANSACTION".to_owned()],
        Transaction::Rollback { name, .. } if name.is_empty() => {
            vec!["ROLLBACK TRANSACTION".to_owned()]
        }
        Transaction::Rollback { name, .. } => {
            vec![format!("ROLLBACK TRANSACTION {}", quoted(name))]
        }
        Transaction::Save { name } => vec![format!("SAVE TRANSACTION {}", quoted(name))],
        Transaction::Unsupported { .. } => return None,
    };
    if let Transaction::Commit {
        again: Some(isolation),
    }
    | Transaction::Rollback {
        again: Some(isolation),
        ..
    } = transaction
    {
        statements.extend(begin(*isolation));
    }
    Some(statements)
}

fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// The ENVCHANGE tokens of a request that succeeded.
pub(crate) fn changes(transaction: &Transaction, out: &mut Vec<u8>) {
    let again = match transaction {
        Transaction::Begin { .. } => true,
        Transaction::Commit { again } => {
            token::env_bytes(env::COMMIT_TRANSACTION, &[], &DESCRIPTOR, out);
            again.is_some()
        }
        // To a savepoint: the transaction goes on.
        Transaction::Rollback { name, .. } if !name.is_empty() => false,
        Transaction::Rollback { again, .. } => {
            token::env_bytes(env::ROLLBACK_TRANSACTION, &[], &DESCRIPTOR, out);
            again.is_some()
        }
        Transaction::Save { .. } | Transaction::Unsupported { .. } => false,
    };
    if again {
        token::env_bytes(env::BEGIN_TRANSACTION, &DESCRIPTOR, &[], out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &[u8]) -> Transaction {
        let empty_headers = [4, 0, 0, 0];
        Transaction::parse(&[&empty_headers, body].concat()).unwrap()
    }

    #[test]
    fn requests_become_statements() {
        let sql = |body: &[u8]| statements(&parse(body)).unwrap();
        assert_eq!(sql(&[5, 0, 0, 0]), ["BEGIN TRANSACTION"]);
        assert_eq!(
            sql(&[8, 0, 4, b'a', 0, b']', 0, 0]),
            ["ROLLBACK TRANSACTION [a]]]"]
        );
        // COMMIT with fBeginXact: the next transaction begins at once, here serializable.
        let expected = [
            "COMMIT TRANSACTION",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "BEGIN TRANSACTION",
        ];
        assert_eq!(sql(&[7, 0, 0, 1, 4, 0]), expected);
        assert_eq!(parse(&[0, 0]), Transaction::Unsupported { kind: 0 });
    }
}
