//! What a login or a `BEGIN TRANSACTION` changed, read from the captured response.
//!
//! The driver keeps these to itself, and the row reader needs them for its own requests.

use tds_copy::tds::cursor::Cursor;
use tds_copy::tds::packet::{HEADER_LENGTH, Header};
use tds_copy::tds::session::{ServerVersion, SessionChange};
use tds_copy::tds::token::{self, Token};

/// The changes that a response announces; `None` if it says nothing about them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Bytes.
    pub(super) packet_size: Option<usize>,
    /// Descriptor of the open transaction, zeros after its end.
    pub(super) transaction: Option<[u8; 8]>,
    /// From LOGINACK.
    pub(super) server: Option<ServerVersion>,
}

/// Reads the tokens of a response up to its first row, or to bytes that are not TDS. `packets` are as
/// they came from the server; the last one may be cut off.
pub(super) fn changes(packets: &[u8]) -> Changes {
    let payload = payload(packets);
    let mut cursor = Cursor::new(&payload);
    let mut changes = Changes::default();
    loop {
        match token::parse(&mut cursor) {
            Ok(Token::SessionChange(SessionChange::PacketSize(bytes))) => {
                changes.packet_size = Some(bytes);
            }
            Ok(Token::SessionChange(SessionChange::Transaction(descriptor))) => {
                changes.transaction = Some(descriptor);
            }
            Ok(Token::LoginAck(version)) => changes.server = Some(version),
            // The values of a row are not tokens.
            Ok(Token::Row | Token::NullBitmapRow) | Err(_) => return changes,
            Ok(_) => {}
        }
    }
}

/// The packets without their headers.
fn payload(mut packets: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    while let Some((header, rest)) = packets.split_first_chunk::<HEADER_LENGTH>()
        && let Ok(header) = Header::parse(*header)
    {
        let length = usize::from(header.length) - HEADER_LENGTH;
        let (body, after) = rest.split_at(length.min(rest.len()));
        payload.extend_from_slice(body);
        packets = after;
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use tds_copy::tds::packet::{RESPONSE, frame_message};

    /// `size`: payload bytes of a packet.
    fn in_packets(payload: &[u8], size: usize) -> Vec<u8> {
        let mut packets = Vec::new();
        frame_message(RESPONSE, payload, size + HEADER_LENGTH, &mut packets);
        packets
    }

    /// The packet-size change of the login response in MS-TDS 4.3, here from 4096 to 8000.
    const PACKET_SIZE_8000: &[u8] = &[
        0xE3, 0x13, 0x00, 0x04, 0x04, 0x38, 0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00, 0x04, 0x34,
        0x00, 0x30, 0x00, 0x39, 0x00, 0x36, 0x00,
    ];
    const DONE: &[u8] = &[0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn the_packet_size_is_found_wherever_packets_are_cut() {
        let payload = [PACKET_SIZE_8000, DONE].concat();
        for size in 1..payload.len() {
            assert_eq!(changes(&in_packets(&payload, size)).packet_size, Some(8000));
        }
    }

    /// MS-TDS 4.4, 4.5, 4.17 (without its surplus byte, see the fixtures' README) and 4.21.
    #[test]
    fn the_login_responses_of_the_specification_name_the_packet_size() {
        let bytes = |hexadecimal: &str| -> Vec<u8> {
            let byte = |word| u8::from_str_radix(word, 16).unwrap();
            hexadecimal.split_whitespace().map(byte).collect()
        };
        let mut recovery = bytes(include_str!(
            "../../tests/fixtures/ms_tds/4.17-featureextack-sessionrecovery.hex"
        ));
        assert_eq!(recovery.remove(140), 0);
        for (packets, size) in [
            (
                bytes(include_str!(
                    "../../tests/fixtures/ms_tds/4.04-login-response.hex"
                )),
                4096,
            ),
            (
                bytes(include_str!(
                    "../../tests/fixtures/ms_tds/4.05-login-response-federated-auth.hex"
                )),
                4096,
            ),
            (recovery, 4096),
            (
                bytes(include_str!(
                    "../../tests/fixtures/ms_tds/4.21-featureextack-azuresqlsupport.hex"
                )),
                8000,
            ),
        ] {
            let found = changes(&packets);
            assert_eq!((found.packet_size, found.transaction), (Some(size), None));
        }
    }

    #[test]
    fn a_transaction_begins_and_ends() {
        let begin = [0xE3, 0x0B, 0, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0];
        let commit = [0xE3, 0x0B, 0, 9, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
        let open = changes(&in_packets(&[&begin, DONE].concat(), 4088));
        assert_eq!(open.transaction, Some([1, 2, 3, 4, 5, 6, 7, 8]));
        let over = changes(&in_packets(
            &[&begin[..], DONE, &commit, DONE].concat(),
            4088,
        ));
        assert_eq!(over.transaction, Some([0; 8]));
    }

    proptest::proptest! {
        /// Damage after a whole token leaves that token; what was said cannot be unsaid.
        #[test]
        fn any_bytes_may_follow(damage: Vec<u8>) {
            let begin = [0xE3, 0x0B, 0, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0];
            let found = changes(&in_packets(&[&begin[..], DONE, &damage].concat(), 64));
            assert!(found.transaction.is_some());
            let _ = changes(&damage);
        }
    }

    #[test]
    fn cut_and_foreign_bytes_say_nothing() {
        let packets = in_packets(PACKET_SIZE_8000, 4088);
        for cut in 0..packets.len() {
            assert_eq!(changes(&packets[..cut]), Changes::default());
        }
        assert_eq!(changes(&[0xff; 100]), Changes::default());
    }
}
