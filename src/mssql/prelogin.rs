//! PRELOGIN messages: what is asked of the server about encryption, and what it answers.
//!
//! tiberius has its own PRELOGIN, which never reaches the server: it gets [`local_answer`] instead,
//! and the one that counts was exchanged before.

use crate::config::job::Encrypt;
use crate::error::{Error, Kind, Result};
use tds_copy::tds::packet::{DEFAULT_PACKET, PRELOGIN, RESPONSE, frame_message};

// B_ENCRYPTION of MS-TDS 2.2.6.5.
const ENCRYPT_OFF: u8 = 0;
const ENCRYPT_ON: u8 = 1;
const ENCRYPT_NOT_SUP: u8 = 2;
const ENCRYPT_REQ: u8 = 3;

// PL_OPTION_TOKEN of MS-TDS 2.2.6.5.
const OPTION_VERSION: u8 = 0;
const OPTION_ENCRYPTION: u8 = 1;
const OPTION_INSTANCE: u8 = 2;
const OPTION_THREAD: u8 = 3;
const OPTION_MARS: u8 = 4;
const OPTION_FEDERATED: u8 = 6;
const OPTION_NONCE: u8 = 7;
const OPTION_END: u8 = 0xff;

/// What is encrypted, once both sides have spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreed {
    /// All packets are inside TLS.
    Everything,
    /// TLS ends after the login packet, and the rest is plain.
    LoginOnly,
    /// Plain TDS, the login included.
    Nothing,
}

/// What the server answers to PRELOGIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// B_ENCRYPTION.
    pub(super) encryption: u8,
    /// B_FEDAUTHREQUIRED: whether it wants to hear of this option again in the login.
    pub(super) federated: bool,
    /// Signed by the server if it is sent back with an access token.
    pub(super) nonce: Option<[u8; 32]>,
}

/// The PRELOGIN packet for an encryption setting. `federated`: an access token will follow.
pub(super) fn request(encrypt: Encrypt, federated: bool) -> Vec<u8> {
    let asked = match encrypt {
        Encrypt::Required | Encrypt::Strict => ENCRYPT_ON,
        Encrypt::LoginOnly => ENCRYPT_OFF,
        Encrypt::Off => ENCRYPT_NOT_SUP,
    };
    let asked = [asked];
    let mut options: Vec<(u8, &[u8])> = vec![
        (OPTION_VERSION, &[0; 6]),
        (OPTION_ENCRYPTION, &asked),
        (OPTION_INSTANCE, &[0]),
        (OPTION_THREAD, &[0; 4]),
        (OPTION_MARS, &[0]),
    ];
    if federated {
        options.push((OPTION_FEDERATED, &[1]));
    }
    message(PRELOGIN, &options)
}

/// The answer that the driver above the transport gets: encryption is not supported, so it sends
/// its login as it is, and the transport below encrypts it.
pub(super) fn local_answer() -> Vec<u8> {
    message(
        RESPONSE,
        &[
            (OPTION_VERSION, &[0; 6]),
            (OPTION_ENCRYPTION, &[ENCRYPT_NOT_SUP]),
            (OPTION_MARS, &[0]),
        ],
    )
}

/// A table of options (token, offset, length), then their data; offsets count from the table's
/// start.
fn message(kind: u8, options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut table = Vec::new();
    let mut data = Vec::new();
    let start = options.len() * 5 + 1;
    for (token, value) in options {
        table.push(*token);
        table.extend_from_slice(&((start + data.len()) as u16).to_be_bytes());
        table.extend_from_slice(&(value.len() as u16).to_be_bytes());
        data.extend_from_slice(value);
    }
    table.push(OPTION_END);
    table.extend_from_slice(&data);
    let mut message = Vec::new();
    frame_message(kind, &table, DEFAULT_PACKET, &mut message);
    message
}

/// Reads the server's PRELOGIN payload (packet header taken off).
///
/// # Errors
/// `SourceProtocol`: the bytes are not an answer to PRELOGIN.
pub(super) fn answer_of(payload: &[u8]) -> Result<Answer> {
    let [encryption, ..] =
        option(payload, OPTION_ENCRYPTION)?.ok_or_else(|| malformed("names no encryption"))?
    else {
        return Err(malformed("points outside itself"));
    };
    let federated = option(payload, OPTION_FEDERATED)?;
    let nonce = option(payload, OPTION_NONCE)?;
    Ok(Answer {
        encryption: *encryption,
        federated: federated.is_some_and(|value| value.first().is_some_and(|byte| *byte != 0)),
        nonce: nonce.and_then(|nonce| nonce.try_into().ok()),
    })
}

/// The data of an option, if the table has it.
fn option(payload: &[u8], wanted: u8) -> Result<Option<&[u8]>> {
    let mut at = 0;
    loop {
        match payload.get(at) {
            None => return Err(malformed("ends within its option table")),
            Some(&OPTION_END) => return Ok(None),
            Some(&token) if token == wanted => break,
            Some(_) => at += 5,
        }
    }
    let place = payload
        .get(at + 1..at + 5)
        .ok_or_else(|| malformed("ends within its option table"))?;
    let number = |at: usize| usize::from(u16::from_be_bytes([place[at], place[at + 1]]));
    let (offset, length) = (number(0), number(2));
    let data = payload.get(offset..offset + length);
    data.map(Some)
        .ok_or_else(|| malformed("points outside itself"))
}

fn malformed(what: &str) -> Error {
    Error::new(
        Kind::SourceProtocol,
        format!("the server's PRELOGIN answer {what}: is this a SQL Server port?"),
    )
}

/// Puts both sides' wishes together (the table at MS-TDS 2.2.6.5, B_ENCRYPTION).
///
/// # Errors
/// `SourceTls`: one side wants encryption and the other has none.
pub(super) fn agree(asked: Encrypt, answered: u8) -> Result<Agreed> {
    match (asked, answered) {
        // The whole conversation is inside TLS already; the option says nothing (MS-TDS 3.2.5).
        (Encrypt::Strict, _) => Ok(Agreed::Everything),
        (Encrypt::Required | Encrypt::LoginOnly, ENCRYPT_ON | ENCRYPT_REQ) => {
            Ok(Agreed::Everything)
        }
        (Encrypt::LoginOnly, ENCRYPT_OFF) => Ok(Agreed::LoginOnly),
        (Encrypt::Required | Encrypt::LoginOnly, ENCRYPT_OFF | ENCRYPT_NOT_SUP) => Err(Error::new(
            Kind::SourceTls,
            "the server offers no TLS: install a certificate on it, or, on a network that you \
             trust, set source.encrypt: off",
        )),
        (Encrypt::Off, ENCRYPT_OFF | ENCRYPT_NOT_SUP) => Ok(Agreed::Nothing),
        (Encrypt::Off, ENCRYPT_ON | ENCRYPT_REQ) => Err(Error::new(
            Kind::SourceTls,
            "the server accepts encrypted connections only: set source.encrypt: required, or strict \
             where it forces that",
        )),
        (_, other) => Err(malformed(&format!("has the unknown encryption {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tds_copy::tds::packet::HEADER_LENGTH;

    #[test]
    fn the_request_of_the_specification_is_read_back() {
        // MS-TDS 4.1: a client's PRELOGIN with version 9.0.0.0 and encryption on.
        let payload = [
            0x00, 0x00, 0x1A, 0x00, 0x06, 0x01, 0x00, 0x20, 0x00, 0x01, 0x02, 0x00, 0x21, 0x00,
            0x01, 0x03, 0x00, 0x22, 0x00, 0x04, 0x04, 0x00, 0x26, 0x00, 0x01, 0xFF, 0x09, 0x00,
            0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0xB8, 0x0D, 0x00, 0x00, 0x01,
        ];
        assert_eq!(answer_of(&payload).unwrap().encryption, ENCRYPT_ON);
    }

    #[test]
    fn a_request_says_what_the_setting_means() {
        for (setting, value) in [
            (Encrypt::Required, ENCRYPT_ON),
            (Encrypt::LoginOnly, ENCRYPT_OFF),
            (Encrypt::Off, ENCRYPT_NOT_SUP),
        ] {
            let packet = request(setting, false);
            assert_eq!(
                usize::from(u16::from_be_bytes([packet[2], packet[3]])),
                packet.len()
            );
            let read = answer_of(&packet[HEADER_LENGTH..]).unwrap();
            assert_eq!((read.encryption, read.federated), (value, false));
        }
    }

    /// MS-TDS 2.2.6.5: FEDAUTHREQUIRED and NONCEOPT of a server that takes access tokens.
    #[test]
    fn a_server_that_takes_tokens_says_so_with_its_nonce() {
        let packet = request(Encrypt::Required, true);
        assert!(answer_of(&packet[HEADER_LENGTH..]).unwrap().federated);
        let nonce = [7; 32];
        let packet = message(
            RESPONSE,
            &[
                (OPTION_ENCRYPTION, &[ENCRYPT_ON]),
                (OPTION_FEDERATED, &[1]),
                (OPTION_NONCE, &nonce),
            ],
        );
        let read = answer_of(&packet[HEADER_LENGTH..]).unwrap();
        assert_eq!((read.federated, read.nonce), (true, Some(nonce)));
    }

    #[test]
    fn bytes_of_another_protocol_are_an_error_and_no_panic() {
        for bytes in [
            &b""[..],
            &[0],
            &[1, 0],
            &[1, 0xff, 0xff, 0, 1],
            &[0xff],
            b"HTTP/1.1 400",
        ] {
            assert_eq!(answer_of(bytes).unwrap_err().kind(), Kind::SourceProtocol);
        }
    }

    proptest::proptest! {
        /// What is given is a byte of the answer.
        #[test]
        fn any_bytes_are_an_error_or_one_of_them(bytes: Vec<u8>) {
            if let Ok(answer) = answer_of(&bytes) {
                assert!(bytes.contains(&answer.encryption));
            }
        }
    }

    #[test]
    fn encryption_is_never_weaker_than_asked() {
        assert_eq!(
            agree(Encrypt::Required, ENCRYPT_REQ).unwrap(),
            Agreed::Everything
        );
        assert_eq!(
            agree(Encrypt::LoginOnly, ENCRYPT_OFF).unwrap(),
            Agreed::LoginOnly
        );
        assert_eq!(
            agree(Encrypt::LoginOnly, ENCRYPT_REQ).unwrap(),
            Agreed::Everything
        );
        assert_eq!(
            agree(Encrypt::Off, ENCRYPT_NOT_SUP).unwrap(),
            Agreed::Nothing
        );
        for (asked, answered) in [
            (Encrypt::Required, ENCRYPT_OFF),
            (Encrypt::Required, ENCRYPT_NOT_SUP),
            (Encrypt::LoginOnly, ENCRYPT_NOT_SUP),
            (Encrypt::Off, ENCRYPT_REQ),
        ] {
            assert_eq!(agree(asked, answered).unwrap_err().kind(), Kind::SourceTls);
        }
    }
}
