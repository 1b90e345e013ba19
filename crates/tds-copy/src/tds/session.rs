//! What a response says about its session: the server's version, the packet size, the transaction.
//!
//! A response may change the session at any token. Packet size and transaction matter to those
//! who send the next request, which is why they are not passed over.

use crate::tds::cursor::{Cursor, Parsed};

// Types of ENVCHANGE (MS-TDS 2.2.7.9).
const PACKET_SIZE: u8 = 4;
const BEGIN_TRANSACTION: u8 = 8;
const COMMIT_TRANSACTION: u8 = 9;
const ROLLBACK_TRANSACTION: u8 = 10;
const DEFECT_TRANSACTION: u8 = 12;
const TRANSACTION_ENDED: u8 = 17;

/// The descriptor that requests name when no transaction is open (MS-TDS 2.2.5.3.2).
pub const NO_TRANSACTION: [u8; 8] = [0; 8];

/// A change of the session (ENVCHANGE, MS-TDS 2.2.7.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionChange {
    /// Packets of this many bytes at most from now on, header included.
    PacketSize(usize),
    /// Descriptor of the transaction that is open from now on; [`NO_TRANSACTION`] after its end.
    Transaction([u8; 8]),
    /// Database, language, collation and the like, or a value that could not be read.
    Other,
}

/// Version of the server's program (LOGINACK, MS-TDS 2.2.7.14, ProgVersion).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerVersion {
    /// 16 for SQL Server 2022.
    pub major: u8,
    /// The second number of the version.
    pub minor: u8,
    /// The third number of the version.
    pub build: u16,
}

/// Reads the body of ENVCHANGE. Never an error: the token's length says where it ends, and a server may
/// add types.
pub(super) fn change(body: &[u8]) -> SessionChange {
    let mut cursor = Cursor::new(body);
    read_change(&mut cursor)
        .ok()
        .flatten()
        .unwrap_or(SessionChange::Other)
}

fn read_change(cursor: &mut Cursor<'_>) -> Parsed<Option<SessionChange>> {
    Ok(match cursor.u8()? {
        PACKET_SIZE => cursor
            .short_string()?
            .parse()
            .ok()
            .map(SessionChange::PacketSize),
        BEGIN_TRANSACTION => {
            cursor.u8()?;
            let descriptor = cursor.take(NO_TRANSACTION.len())?;
            descriptor.try_into().ok().map(SessionChange::Transaction)
        }
        COMMIT_TRANSACTION | ROLLBACK_TRANSACTION | DEFECT_TRANSACTION | TRANSACTION_ENDED => {
            Some(SessionChange::Transaction(NO_TRANSACTION))
        }
        _ => None,
    })
}

/// The last four bytes of LOGINACK, after interface, TDS version and the program's name; zeros if it
/// is shorter than that.
pub(super) fn version(body: &[u8]) -> ServerVersion {
    let Some((_, [major, minor, high, low])) = body.split_last_chunk::<4>() else {
        return ServerVersion::default();
    };
    ServerVersion {
        major: *major,
        minor: *minor,
        build: u16::from_be_bytes([*high, *low]),
    }
}
