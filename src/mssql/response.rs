//! Reads what a login or a `BEGIN TRANSACTION` changed out of a captured response.

use super::prelogin::HEADER;

// Token types of MS-TDS 2.2.7.
const TOKEN_ENVCHANGE: u8 = 0xE3;
const TOKEN_ERROR: u8 = 0xAA;
const TOKEN_INFO: u8 = 0xAB;
const TOKEN_LOGINACK: u8 = 0xAD;
const TOKEN_ORDER: u8 = 0xA9;
const TOKEN_SSPI: u8 = 0xED;
const TOKEN_DONE: u8 = 0xFD;
const TOKEN_DONEPROC: u8 = 0xFE;
const TOKEN_DONEINPROC: u8 = 0xFF;
const TOKEN_RETURNSTATUS: u8 = 0x79;

// Types of ENVCHANGE (MS-TDS 2.2.7.9).
const CHANGE_PACKET_SIZE: u8 = 4;
const CHANGE_BEGIN: u8 = 8;
const CHANGE_COMMIT: u8 = 9;
const CHANGE_ROLLBACK: u8 = 10;
const CHANGE_DEFECT: u8 = 12;
const CHANGE_ENDED: u8 = 17;

/// What the session is after a response, as far as the response says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) packet_size: Option<usize>,
    /// Descriptor of the open transaction; zero where one ended.
    pub(super) transaction: Option<[u8; 8]>,
    pub(super) server: Option<ServerVersion>,
}

/// Major, minor and build of the server (MS-TDS 2.2.7.14, ProgVersion).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ServerVersion {
    pub(super) major: u8,
    pub(super) minor: u8,
    pub(super) build: u16,
}

/// Walks the tokens of a response without rows, up to the first token of another kind.
pub(super) fn changes(packets: &[u8]) -> Changes {
    let payload = payload_of(packets);
    let mut changes = Changes::default();
    let mut rest = payload.as_slice();
    while let Some((token, body, after)) = split_token(rest) {
        if token == TOKEN_ENVCHANGE {
            note(body, &mut changes);
        }
        if token == TOKEN_LOGINACK {
            changes.server = server_version(body);
        }
        rest = after;
    }
    changes
}

fn payload_of(mut packets: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    while let [_, _, high, low, _, _, _, _, ..] = packets {
        let length = usize::from(u16::from_be_bytes([*high, *low])).max(HEADER);
        let end = length.min(packets.len());
        payload.extend_from_slice(&packets[HEADER..end]);
        packets = &packets[end..];
    }
    payload
}

fn split_token(rest: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&token, rest) = rest.split_first()?;
    let (length, rest) = match token {
        TOKEN_ENVCHANGE | TOKEN_ERROR | TOKEN_INFO | TOKEN_LOGINACK | TOKEN_ORDER | TOKEN_SSPI => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        TOKEN_DONE | TOKEN_DONEPROC | TOKEN_DONEINPROC => (12, rest),
        TOKEN_RETURNSTATUS => (4, rest),
        _ => return None,
    };
    let (body, after) = rest.split_at_checked(length)?;
    Some((token, body, after))
}

/// The last four bytes, after interface, TDS version and the program's name.
fn server_version(body: &[u8]) -> Option<ServerVersion> {
    let (_, version) = body.split_last_chunk::<4>()?;
    let [major, minor, high, low] = *version;
    Some(ServerVersion {
        major,
        minor,
        build: u16::from_be_bytes([high, low]),
    })
}

fn note(body: &[u8], changes: &mut Changes) {
    let Some((&kind, value)) = body.split_first() else {
        return;
    };
    let Some((&length, value)) = value.split_first() else {
        return;
    };
    let length = usize::from(length);
    match kind {
        CHANGE_PACKET_SIZE => {
            let units = value.get(..length * 2).unwrap_or_default();
            let digits = units.chunks_exact(2).map(|unit| char::from(unit[0]));
            changes.packet_size = digits.collect::<String>().parse().ok();
        }
        CHANGE_BEGIN => {
            changes.transaction = value.get(..8).and_then(|bytes| bytes.try_into().ok());
        }
        CHANGE_COMMIT | CHANGE_ROLLBACK | CHANGE_DEFECT | CHANGE_ENDED => {
            changes.transaction = Some([0; 8]);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_packets(payload: &[u8], size: usize) -> Vec<u8> {
        let mut packets = Vec::new();
        for part in payload.chunks(size) {
            let length = ((HEADER + part.len()) as u16).to_be_bytes();
            packets.extend_from_slice(&[4, 0, length[0], length[1], 0, 0, 0, 0]);
            packets.extend_from_slice(part);
        }
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
        /// Damage behind a whole token leaves that token; what was said cannot be unsaid.
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
