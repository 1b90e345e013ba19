//! Packets: the eight bytes before each piece of a message, and how to cut a message into them.
//!
//! Numbers in a header are big-endian, unlike everything else in TDS. The row reader only takes
//! headers off; whole messages are made for requests.

use crate::error::{Error, Kind, Result};

/// Bytes of a packet header (MS-TDS 2.2.3.1).
pub const HEADER_LENGTH: usize = 8;
/// The longest packet that TDS 7.x allows, header included (MS-TDS 2.2.3.1.3).
pub(crate) const MAX_PACKET: usize = 32_768;

/// The packet size until a login agreed on another one, header included (MS-TDS 2.2.6.4).
pub const DEFAULT_PACKET: usize = 4096;

/// Message types (MS-TDS 2.2.3.1.1).
pub const SQL_BATCH: u8 = 0x01;
/// What the server sends.
pub const RESPONSE: u8 = 0x04;
/// A request to cancel the statement.
pub const ATTENTION: u8 = 0x06;
/// The login request.
pub const LOGIN7: u8 = 0x10;
/// A further token of a Windows login.
pub const SSPI: u8 = 0x11;
/// The first message of either side.
pub const PRELOGIN: u8 = 0x12;

/// Status bit: the last packet of its message (MS-TDS 2.2.3.1.2).
pub const STATUS_EOM: u8 = 0x01;

/// A packet's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The message type.
    pub kind: u8,
    /// Status bits.
    pub status: u8,
    /// Bytes of the packet, header included: 8..=32768.
    pub length: u16,
    /// The server's number of the session.
    pub spid: u16,
    /// Number of the packet within its message, modulo 256.
    pub id: u8,
}

impl Header {
    /// Reads a header; a length outside 8..=32768 is an error.
    ///
    /// ```
    /// use tds_copy::tds::packet::{Header, RESPONSE};
    ///
    /// let header = Header::parse([0x04, 0x01, 0x00, 0x27, 0x00, 0x37, 0x01, 0x00])?;
    /// assert_eq!((header.kind, header.length, header.spid), (RESPONSE, 39, 0x37));
    /// assert!(header.is_last());
    /// # Ok::<(), tds_copy::error::Error>(())
    /// ```
    pub fn parse(bytes: [u8; HEADER_LENGTH]) -> Result<Self> {
        let header = Self {
            kind: bytes[0],
            status: bytes[1],
            length: u16::from_be_bytes([bytes[2], bytes[3]]),
            spid: u16::from_be_bytes([bytes[4], bytes[5]]),
            id: bytes[6],
        };
        let length = usize::from(header.length);
        if !(HEADER_LENGTH..=MAX_PACKET).contains(&length) {
            return Err(Error::new(
                Kind::Protocol,
                format!("a packet header gives a length of {length} bytes"),
            ));
        }
        Ok(header)
    }

    /// The header as it is sent.
    pub fn to_bytes(self) -> [u8; HEADER_LENGTH] {
        let [length_high, length_low] = self.length.to_be_bytes();
        let [spid_high, spid_low] = self.spid.to_be_bytes();
        let Self {
            kind, status, id, ..
        } = self;
        [
            kind,
            status,
            length_high,
            length_low,
            spid_high,
            spid_low,
            id,
            0,
        ]
    }

    /// The last packet of its message.
    pub fn is_last(self) -> bool {
        self.status & STATUS_EOM != 0
    }
}

/// Appends `payload` to `out` as one message of packets of at most `packet_size` bytes, header
/// included. An empty payload is one packet without data, as ATTENTION is.
///
/// ```
/// use tds_copy::tds::packet::{SQL_BATCH, frame_message};
///
/// let mut bytes = Vec::new();
/// frame_message(SQL_BATCH, b"abcde", 12, &mut bytes);
/// // Four bytes fit beside a header of eight.
/// assert_eq!(bytes.len(), 2 * 8 + 5);
/// assert_eq!((bytes[1], bytes[13]), (0, 1));
/// ```
pub fn frame_message(kind: u8, payload: &[u8], packet_size: usize, out: &mut Vec<u8>) {
    let room = packet_size.clamp(HEADER_LENGTH + 1, MAX_PACKET) - HEADER_LENGTH;
    let mut rest = payload;
    let mut id = 1u8;
    loop {
        let (piece, after) = rest.split_at(rest.len().min(room));
        let header = Header {
            kind,
            status: if after.is_empty() { STATUS_EOM } else { 0 },
            length: (piece.len() + HEADER_LENGTH) as u16,
            spid: 0,
            id,
        };
        out.extend_from_slice(&header.to_bytes());
        out.extend_from_slice(piece);
        if after.is_empty() {
            return;
        }
        rest = after;
        id = id.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of the SQL batch in MS-TDS 4.4.
    #[test]
    fn header_of_the_specification_reads_and_writes() {
        let bytes = [0x01, 0x01, 0x00, 0x5C, 0x00, 0x00, 0x01, 0x00];
        let header = Header::parse(bytes).unwrap();
        assert_eq!(
            (header.kind, header.length, header.id),
            (SQL_BATCH, 0x5C, 1)
        );
        assert!(header.is_last());
        assert_eq!(header.to_bytes(), bytes);
    }

    #[test]
    fn lengths_outside_the_bounds_are_refused() {
        for length in [0u16, 7, 32_769, 65_535] {
            let [high, low] = length.to_be_bytes();
            let error = Header::parse([4, 1, high, low, 0, 0, 1, 0]).unwrap_err();
            assert_eq!(error.kind(), Kind::Protocol);
        }
        assert!(Header::parse([4, 1, 0x80, 0x00, 0, 0, 1, 0]).is_ok());
    }

    #[test]
    fn a_message_is_cut_at_the_packet_size() {
        let mut out = Vec::new();
        frame_message(SQL_BATCH, &[7; 21], 18, &mut out);
        let lengths: Vec<_> = [0, 18, 36].map(|at| (out[at + 1], out[at + 3])).to_vec();
        assert_eq!(lengths, [(0, 18), (0, 18), (1, 9)]);
        let mut attention = Vec::new();
        frame_message(ATTENTION, &[], 4096, &mut attention);
        assert_eq!(attention, [6, 1, 0, 8, 0, 0, 1, 0]);
    }
}
