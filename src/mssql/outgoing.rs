//! One packet on its way out: TLS takes it whole, so that one record carries one packet.
//!
//! SQL Server drops a connection if a TLS record holds more than one packet (see `Transport`), and a
//! packet may be written in pieces. `transport` sends what is whole and keeps the rest.

use tds_copy::tds::packet::{HEADER_LENGTH, STATUS_EOM};
use zeroize::{Zeroize, Zeroizing};

/// Collects the bytes of a packet until it is whole, and remembers how much of it was sent.
#[derive(Default)]
pub(super) struct Outgoing {
    /// The packet so far, from its header.
    packet: Zeroizing<Vec<u8>>,
    /// Bytes of a whole packet that TLS took already.
    sent: usize,
}

impl Outgoing {
    /// Takes bytes up to the end of the packet; the number that it took.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        let head = HEADER_LENGTH
            .saturating_sub(self.packet.len())
            .min(bytes.len());
        self.packet.extend_from_slice(&bytes[..head]);
        let body = self.length().map_or(0, |length| {
            let missing = length.saturating_sub(self.packet.len());
            missing.min(bytes.len() - head)
        });
        self.packet.extend_from_slice(&bytes[head..head + body]);
        head + body
    }

    /// Bytes of the whole packet, from its header (MS-TDS 2.2.3.1.3).
    fn length(&self) -> Option<usize> {
        let header = self.packet.first_chunk::<HEADER_LENGTH>()?;
        Some(usize::from(u16::from_be_bytes([header[2], header[3]])).max(HEADER_LENGTH))
    }

    /// False without a header yet.
    pub(super) fn is_whole(&self) -> bool {
        self.length() == Some(self.packet.len())
    }

    /// Whether a whole packet is the last of its message (MS-TDS 2.2.3.1.2).
    pub(super) fn ends_message(&self) -> bool {
        self.is_whole() && self.packet[1] & STATUS_EOM != 0
    }

    /// What of a whole packet has still to be sent.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.packet[self.sent..]
    }

    pub(super) fn sent(&mut self, count: usize) {
        self.sent += count;
    }

    /// Forgets the packet. The room stays for the next one.
    pub(super) fn clear(&mut self) {
        // A login is among them, and so a password.
        self.packet.zeroize();
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_ends_with_its_last_byte_wherever_it_was_cut() {
        let message = [
            &[0x10, 0, 0, 10, 0, 0, 1, 0, 1, 2][..],
            &[0x10, 1, 0, 9, 0, 0, 2, 0, 3],
        ]
        .concat();
        for piece in 1..=message.len() {
            let mut outgoing = Outgoing::default();
            let mut packets = Vec::new();
            for mut bytes in message.chunks(piece) {
                while !bytes.is_empty() {
                    bytes = &bytes[outgoing.take(bytes)..];
                    if outgoing.is_whole() {
                        packets.push((outgoing.unsent().to_vec(), outgoing.ends_message()));
                        outgoing.clear();
                    }
                }
            }
            let (first, second) = message.split_at(10);
            assert_eq!(packets, [(first.to_vec(), false), (second.to_vec(), true)]);
        }
    }

    #[test]
    fn a_length_below_the_header_is_a_packet_without_a_body() {
        let mut outgoing = Outgoing::default();
        assert_eq!(outgoing.take(&[1, 1, 0, 3, 0, 0, 0, 0, 9]), 8);
        assert!(outgoing.ends_message());
    }
}
