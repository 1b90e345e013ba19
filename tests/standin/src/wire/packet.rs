//! TDS packets: the eight-byte header and the assembly of a message from packets (MS-TDS 2.2.3).

use std::io::{self, Read};

/// Bytes of a packet header.
pub(crate) const HEADER: usize = 8;

/// The packet size of both sides before one is agreed on (MS-TDS 2.2.6.4).
pub(crate) const DEFAULT_PACKET: usize = 4096;

/// The longest request taken, all packets together; protects memory from a broken client.
const MAX_MESSAGE: usize = 512 << 20;

/// Packet types (MS-TDS 2.2.3.1.1).
pub(crate) mod kind {
    pub(crate) const BATCH: u8 = 0x01;
    pub(crate) const RPC: u8 = 0x03;
    pub(crate) const RESPONSE: u8 = 0x04;
    pub(crate) const ATTENTION: u8 = 0x06;
    pub(crate) const BULK_LOAD: u8 = 0x07;
    pub(crate) const TRANSACTION: u8 = 0x0E;
    pub(crate) const LOGIN7: u8 = 0x10;
    pub(crate) const SSPI: u8 = 0x11;
    pub(crate) const PRELOGIN: u8 = 0x12;

    /// What a client sends.
    pub(crate) const REQUESTS: [u8; 8] = [
        BATCH,
        RPC,
        ATTENTION,
        BULK_LOAD,
        TRANSACTION,
        LOGIN7,
        SSPI,
        PRELOGIN,
    ];
}

/// Packet status bits (MS-TDS 2.2.3.1.2).
pub(crate) mod status {
    pub(crate) const END_OF_MESSAGE: u8 = 0x01;
    pub(crate) const IGNORE: u8 = 0x02;
    pub(crate) const RESET_CONNECTION: u8 = 0x08;
    pub(crate) const RESET_CONNECTION_SKIP_TRAN: u8 = 0x10;
}

/// A packet header as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: u8,
    pub(crate) status: u8,
    /// Length of the whole packet in bytes, header included.
    pub(crate) length: u16,
}

impl Header {
    pub(crate) fn parse(bytes: [u8; HEADER]) -> io::Result<Self> {
        let length = u16::from_be_bytes([bytes[2], bytes[3]]);
        if usize::from(length) < HEADER {
            return Err(invalid("packet shorter than its header"));
        }
        Ok(Self {
            kind: bytes[0],
            status: bytes[1],
            length,
        })
    }

    /// SPID, packet number and window are zero in what this server sends first; `number` counts.
    pub(crate) fn bytes(
        kind: u8,
        status: u8,
        length: usize,
        spid: u16,
        number: u8,
    ) -> [u8; HEADER] {
        let length = u16::try_from(length)
            .expect("packets are cut to at most 32767 bytes")
            .to_be_bytes();
        let spid = spid.to_be_bytes();
        [
            kind, status, length[0], length[1], spid[0], spid[1], number, 0,
        ]
    }
}

/// A whole request.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    /// The status bits of all its packets together.
    pub(crate) status: u8,
    pub(crate) payload: Vec<u8>,
}

/// Reads one packet and appends its payload.
pub(crate) fn read_packet(stream: &mut impl Read, payload: &mut Vec<u8>) -> io::Result<Header> {
    let mut bytes = [0; HEADER];
    stream.read_exact(&mut bytes)?;
    let header = Header::parse(bytes)?;
    let body = usize::from(header.length) - HEADER;
    let start = payload.len();
    if start + body > MAX_MESSAGE {
        return Err(invalid("request longer than this server takes"));
    }
    payload.resize(start + body, 0);
    stream.read_exact(&mut payload[start..])?;
    Ok(header)
}

/// Reads packets until the end of the message.
///
/// An attention that arrives in the middle of a message replaces it: the client gave it up.
pub(crate) fn read_message(stream: &mut impl Read) -> io::Result<Message> {
    let mut payload = Vec::new();
    let first = read_packet(stream, &mut payload)?;
    let mut status = first.status;
    let mut last = first;
    while last.status & status::END_OF_MESSAGE == 0 {
        last = read_packet(stream, &mut payload)?;
        if last.kind == kind::ATTENTION {
            return Ok(Message {
                kind: kind::ATTENTION,
                status: last.status,
                payload: Vec::new(),
            });
        }
        if last.kind != first.kind {
            return Err(invalid("packet type changed within a message"));
        }
        status |= last.status;
    }
    Ok(Message {
        kind: first.kind,
        status,
        payload,
    })
}

/// What a client sent cannot be TDS.
pub(crate) fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_packets_and_status_bits() {
        let bytes = [
            [1, 8, 0, 10, 0, 0, 1, 0].as_slice(),
            b"ab",
            &[1, 1, 0, 9, 0, 0, 2, 0],
            b"c",
        ]
        .concat();
        let message = read_message(&mut bytes.as_slice()).unwrap();
        assert_eq!((message.kind, message.status), (1, 9));
        assert_eq!(message.payload, b"abc");
    }

    #[test]
    fn refuses_a_length_below_the_header() {
        let bytes = [1, 1, 0, 7, 0, 0, 1, 0];
        assert!(read_message(&mut bytes.as_slice()).is_err());
    }
}
