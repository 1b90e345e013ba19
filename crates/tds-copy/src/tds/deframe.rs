//! Takes packet headers out of socket bytes, so that a message reads as one run of bytes.
//!
//! Socket bytes land in one large buffer and are parsed where they lie. Where a token continues in
//! the next packet, the gap that the header leaves is closed by moving the shorter of the two sides,
//! so no byte is copied more often than packets of its own size came: tiny packets cannot make a
//! long token quadratic.

use crate::error::{Error, Kind, Result};
use crate::tds::packet::{HEADER_LENGTH, Header, MAX_PACKET, RESPONSE};

/// Room for several packets, so that one read takes what the socket has.
const BUFFER: usize = 256 * 1024;
/// The least room that [`Deframer::space`] gives: one packet.
const LEAST_SPACE: usize = MAX_PACKET;

/// Bytes of the server's messages, headers taken out.
///
/// The buffer holds, in order: payload that was not consumed, a gap where headers were, and bytes
/// as they came from the socket.
#[derive(Debug)]
pub struct Deframer {
    buffer: Vec<u8>,
    /// Payload that was not consumed: `payload_start..payload_end`.
    payload_start: usize,
    payload_end: usize,
    /// Bytes as they came: `raw_start..raw_end`. They begin with a header or in the middle of a
    /// packet.
    raw_start: usize,
    raw_end: usize,
    /// Bytes of the current packet that have not become payload.
    packet_left: usize,
    /// The current packet is its message's last.
    last: bool,
}

impl Default for Deframer {
    fn default() -> Self {
        Self::new()
    }
}

impl Deframer {
    /// Without any bytes.
    pub fn new() -> Self {
        Self {
            buffer: vec![0; BUFFER],
            payload_start: 0,
            payload_end: 0,
            raw_start: 0,
            raw_end: 0,
            packet_left: 0,
            last: false,
        }
    }

    /// Where to read socket bytes into: at least one packet long.
    pub fn space(&mut self) -> &mut [u8] {
        if self.buffer.len() - self.raw_end < LEAST_SPACE || self.is_empty() {
            self.compact();
            // Room in proportion to what is kept, or a long token that comes bit by bit would be moved
            // to the front for every few bytes.
            let kept = self.raw_end;
            if self.buffer.len() - kept < LEAST_SPACE + kept / 2 {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        &mut self.buffer[self.raw_end..]
    }

    /// `count` bytes of [`Self::space`] were read.
    pub fn filled(&mut self, count: usize) {
        self.raw_end = (self.raw_end + count).min(self.buffer.len());
    }

    /// Payload that was not consumed.
    pub fn payload(&self) -> &[u8] {
        &self.buffer[self.payload_start..self.payload_end]
    }

    /// The first `count` bytes of [`Self::payload`] are done with.
    pub fn consume(&mut self, count: usize) {
        self.payload_start = (self.payload_start + count).min(self.payload_end);
    }

    /// The message's last packet is payload in full.
    pub fn message_complete(&self) -> bool {
        self.last && self.packet_left == 0
    }

    /// Nothing is left, neither payload nor socket bytes.
    pub fn is_empty(&self) -> bool {
        self.payload_start == self.payload_end && self.raw_start == self.raw_end
    }

    /// A further message follows the one that is complete.
    pub fn next_message(&mut self) {
        self.last = false;
    }

    /// Makes more payload of the socket bytes at hand; `false` where there are none, or where the
    /// message is complete.
    ///
    /// ```
    /// use tds_copy::tds::deframe::Deframer;
    /// use tds_copy::tds::packet::{RESPONSE, frame_message};
    ///
    /// let mut socket = Vec::new();
    /// frame_message(RESPONSE, b"payload", 12, &mut socket);
    /// let mut deframer = Deframer::new();
    /// deframer.space()[..socket.len()].copy_from_slice(&socket);
    /// deframer.filled(socket.len());
    /// while deframer.advance()? {}
    /// assert_eq!(deframer.payload(), b"payload");
    /// assert!(deframer.message_complete());
    /// # Ok::<(), tds_copy::error::Error>(())
    /// ```
    pub fn advance(&mut self) -> Result<bool> {
        while self.packet_left == 0 {
            if self.last || self.raw_end - self.raw_start < HEADER_LENGTH {
                return Ok(false);
            }
            self.open_packet()?;
        }
        let count = self.packet_left.min(self.raw_end - self.raw_start);
        if count == 0 {
            return Ok(false);
        }
        self.join(count);
        self.packet_left -= count;
        Ok(true)
    }

    /// # Errors
    /// `Protocol`: a packet that is not a response, or a length that no packet has.
    fn open_packet(&mut self) -> Result<()> {
        let mut bytes = [0; HEADER_LENGTH];
        bytes.copy_from_slice(&self.buffer[self.raw_start..self.raw_start + HEADER_LENGTH]);
        let header = Header::parse(bytes)?;
        if header.kind != RESPONSE {
            return Err(Error::new(
                Kind::Protocol,
                format!(
                    "a packet of type {:#04x} instead of a response",
                    header.kind
                ),
            ));
        }
        self.raw_start += HEADER_LENGTH;
        self.packet_left = usize::from(header.length) - HEADER_LENGTH;
        self.last = header.is_last();
        Ok(())
    }

    /// Makes payload of the next `count` socket bytes.
    fn join(&mut self, count: usize) {
        let kept = self.payload_end - self.payload_start;
        if self.payload_end != self.raw_start && kept > count {
            let piece = self.raw_start..self.raw_start + count;
            self.buffer.copy_within(piece, self.payload_end);
            self.payload_end += count;
        } else {
            self.close_gap();
            self.payload_end = self.raw_start + count;
        }
        self.raw_start += count;
    }

    /// Moves what was not consumed up to where the next payload lies.
    fn close_gap(&mut self) {
        if self.payload_end == self.raw_start {
            return;
        }
        let start = self.raw_start - (self.payload_end - self.payload_start);
        self.buffer
            .copy_within(self.payload_start..self.payload_end, start);
        self.payload_start = start;
    }

    /// Moves everything to the front of the buffer, so that all free room is at its end.
    fn compact(&mut self) {
        self.buffer
            .copy_within(self.payload_start..self.payload_end, 0);
        self.payload_end -= self.payload_start;
        self.payload_start = 0;
        self.buffer
            .copy_within(self.raw_start..self.raw_end, self.payload_end);
        self.raw_end = self.payload_end + (self.raw_end - self.raw_start);
        self.raw_start = self.payload_end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tds::packet::frame_message;

    /// Feeds `bytes` in pieces of `step`, consuming payload in pieces of `bite`.
    fn through(bytes: &[u8], step: usize, bite: usize) -> Vec<u8> {
        let mut deframer = Deframer::new();
        let mut out = Vec::new();
        for piece in bytes.chunks(step) {
            let space = deframer.space();
            space[..piece.len()].copy_from_slice(piece);
            deframer.filled(piece.len());
            while deframer.advance().unwrap() {
                while deframer.payload().len() >= bite {
                    out.extend_from_slice(&deframer.payload()[..bite]);
                    deframer.consume(bite);
                }
            }
        }
        out.extend_from_slice(deframer.payload());
        assert!(deframer.message_complete());
        out
    }

    #[test]
    fn payload_is_the_same_however_it_is_cut() {
        let payload: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
        let mut bytes = Vec::new();
        frame_message(RESPONSE, &payload, 4096, &mut bytes);
        for (step, bite) in [(1, 1), (7, 100), (4096, 33), (32_768, 5000), (9, 8191)] {
            assert!(through(&bytes, step, bite) == payload, "{step} {bite}");
        }
    }

    /// A long token in packets of one byte: what is moved stays in proportion to what came. Moving
    /// all that is kept for each packet, or each read, would be 10^12 bytes here and not end.
    #[test]
    fn tiny_packets_do_not_make_a_long_token_quadratic() {
        const BYTES: usize = 4 << 20;
        let mut deframer = Deframer::new();
        let packet = [RESPONSE, 0, 0, 9, 0, 0, 1, 0, 7];
        let begin = std::time::Instant::now();
        for _ in 0..BYTES {
            deframer.space()[..9].copy_from_slice(&packet);
            deframer.filled(9);
            while deframer.advance().unwrap() {}
        }
        assert!(deframer.payload().iter().all(|byte| *byte == 7));
        assert_eq!(deframer.payload().len(), BYTES);
        assert!(begin.elapsed() < std::time::Duration::from_secs(60));
        assert!(deframer.buffer.len() <= 4 * BYTES);
    }

    #[test]
    fn other_packets_than_responses_are_refused() {
        let mut deframer = Deframer::new();
        deframer.space()[..8].copy_from_slice(&[1, 1, 0, 9, 0, 0, 1, 0]);
        deframer.filled(8);
        assert_eq!(deframer.advance().unwrap_err().kind(), Kind::Protocol);
    }
}
