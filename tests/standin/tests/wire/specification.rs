//! What a client sends in the examples of MS-TDS section 4, as this server answers it.

use standin::server::ServerOptions;

use crate::client::{Client, Token, tokens, utf16};
use crate::{connect, start};

/// The bytes of a file of `tests/fixtures/ms_tds`.
macro_rules! example {
    ($name:literal) => {
        bytes(include_str!(concat!(
            "../../../fixtures/ms_tds/",
            $name,
            ".hex"
        )))
    };
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let byte = |word| u8::from_str_radix(word, 16).unwrap();
    hexadecimal.split_whitespace().map(byte).collect()
}

const ERROR: Token = Token::Done {
    kind: 0xFD,
    status: 2,
    count: 0,
};

/// 4.1 asks for encryption, which the server has.
#[test]
fn pre_login_is_answered() {
    let (server, _) = start(ServerOptions::default());
    let mut client = Client::bare(server.address()).unwrap();
    let answer = client
        .exchange(&example!("4.01-pre-login-request"))
        .unwrap();
    // ENCRYPTION is the second option of the answer; 1 is ENCRYPT_ON.
    assert_eq!(answer[5], 1);
    let at = usize::from(u16::from_be_bytes([answer[6], answer[7]]));
    assert_eq!(answer[at], 1);
}

/// 4.2 is TDS 7.2, which this server does not speak; 4.3 has a token in place of a password; the
/// others' passwords are blanked.
#[test]
fn logins_are_refused_by_name() {
    let (server, _) = start(ServerOptions::default());
    for (login, number) in [
        (example!("4.02-login-request"), 17832),
        (example!("4.03-login-request-federated-auth"), 18456),
        (example!("4.16-featureext-sessionrecovery"), 18456),
        (example!("4.20-featureext-azuresqlsupport"), 18456),
    ] {
        let mut client = Client::bare(server.address()).unwrap();
        client.send(0x12, 1, &[1, 0, 6, 0, 1, 0xFF, 2]).unwrap();
        client.receive().unwrap();
        let answer = client.exchange(&login).unwrap();
        assert_eq!(tokens(&answer), [Token::Error(number), ERROR]);
    }
}

/// 4.6 is one batch, 4.10 an attention with nothing to stop.
#[test]
fn requests_are_understood() {
    let (server, script) = start(ServerOptions::default());
    let mut client = connect(&server);
    let answer = client.exchange(&example!("4.06-sql-batch-client-request"));
    let done = |status| Token::Done {
        kind: 0xFD,
        status,
        count: 0,
    };
    assert_eq!(tokens(&answer.unwrap()), [done(0)]);
    let text = "\nselect 'foo' as 'bar'\n        ";
    assert_eq!(script.executed(), [text]);
    let answer = client.exchange(&example!("4.10-attention-request"));
    assert_eq!(tokens(&answer.unwrap()), [done(0x20)]);
}

/// Each with an error that names what is missing, and the connection goes on.
#[test]
fn requests_that_are_not_supported_are_refused_by_name() {
    let (server, _) = start(ServerOptions::default());
    let mut client = connect(&server);
    for (request, named) in [
        (example!("4.08-rpc-client-request"), "foo3"),
        (example!("4.12-bulk-load"), "bulk load"),
        (
            example!("4.13-transaction-manager-request"),
            "distributed transactions",
        ),
        (example!("4.14-tvp-insert-statement"), "table-valued"),
    ] {
        let answer = client.exchange(&request).unwrap();
        let found = tokens(&answer);
        assert!(matches!(found[0], Token::Error(_)), "{named}: {found:?}");
        let named_in = |answer: &[u8]| {
            let name = utf16(named);
            answer.windows(name.len()).any(|window| window == name)
        };
        assert!(named_in(&answer), "{named}");
        let Some(Token::Done { status, .. }) = found.last() else {
            panic!("{named}: {found:?} does not end")
        };
        assert_eq!(status & 2, 2, "{named}: {found:?}");
        assert!(!client.batch("two").unwrap().is_empty());
    }
}

/// 4.11 belongs into a login that was refused: no request, so the connection ends.
#[test]
fn an_sspi_message_ends_the_connection() {
    let (server, _) = start(ServerOptions::default());
    let mut client = connect(&server);
    client.send_raw(&example!("4.11-sspi-message")).unwrap();
    assert!(client.receive_raw().is_empty());
}
