//! PRELOGIN against the example of MS-TDS 4.1 and the negotiation table of 2.2.6.5.

use super::*;

/// MS-TDS 4.1, without the packet header.
const EXAMPLE: [u8; 39] = [
    0x00, 0x00, 0x1A, 0x00, 0x06, 0x01, 0x00, 0x20, 0x00, 0x01, 0x02, 0x00, 0x21, 0x00, 0x01, 0x03,
    0x00, 0x22, 0x00, 0x04, 0x04, 0x00, 0x26, 0x00, 0x01, 0xFF, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0xB8, 0x0D, 0x00, 0x00, 0x01,
];

#[test]
fn parses_the_example_of_the_specification() {
    let parsed = PreLogin::parse(&EXAMPLE).unwrap();
    assert_eq!(
        parsed,
        PreLogin {
            encryption: Encryption::On,
            instance: None,
            fed_auth: false
        }
    );
}

#[test]
fn every_cut_of_the_example_is_an_error() {
    for end in 0..EXAMPLE.len() {
        assert!(PreLogin::parse(&EXAMPLE[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn answer_is_itself_a_prelogin() {
    let bytes = answer(Encryption::Required, false, true);
    let parsed = PreLogin::parse(&bytes).unwrap();
    assert_eq!(
        parsed,
        PreLogin {
            encryption: Encryption::Required,
            instance: None,
            fed_auth: true
        }
    );
    // VERSION comes first and holds major, minor and the build, big-endian.
    let at = usize::from(u16::from_be_bytes([bytes[1], bytes[2]]));
    assert_eq!(bytes[at..at + 6], [16, 0, 0x10, 0x45, 0, 0]);
}

#[test]
fn negotiates_as_the_specification_says() {
    use Encryption as E;
    use TlsMode as S;
    let table = [
        (S::Optional, E::Off, E::Off, Outcome::LoginOnly),
        (S::Required, E::Off, E::Required, Outcome::Full),
        (S::NotSupported, E::Off, E::NotSupported, Outcome::Plain),
        (S::Optional, E::On, E::On, Outcome::Full),
        (S::Required, E::On, E::On, Outcome::Full),
        (S::NotSupported, E::On, E::NotSupported, Outcome::Refuse),
        (
            S::Optional,
            E::NotSupported,
            E::NotSupported,
            Outcome::Plain,
        ),
        (S::Required, E::NotSupported, E::Required, Outcome::Refuse),
        (
            S::NotSupported,
            E::NotSupported,
            E::NotSupported,
            Outcome::Plain,
        ),
    ];
    for (server, client, answer, outcome) in table {
        assert_eq!(
            negotiate(server, client),
            (answer, outcome),
            "{server:?} {client:?}"
        );
    }
}
