//! Every fault does what it says, as often as it says, where it says.

use std::time::{Duration, Instant};

use standin::fault::{Action, FaultSpec, Point};
use standin::server::{ServerHandle, ServerOptions};

use crate::client::{Client, Login, Token, tokens};
use crate::{connect, start};

fn with(fault: FaultSpec) -> (ServerHandle, Client) {
    let (server, _) = start(ServerOptions::default());
    server.faults().add(fault);
    let client = connect(&server);
    (server, client)
}

/// The payload of what came before the connection ended; the last packet may be cut.
fn payload(mut raw: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    while raw.len() > 8 {
        let length = usize::from(u16::from_be_bytes([raw[2], raw[3]])).min(raw.len());
        payload.extend_from_slice(&raw[8..length]);
        raw = &raw[length..];
    }
    payload
}

#[test]
fn drop_after_rows_gives_exactly_those_rows() {
    for verb in ["rows", "encoded"] {
        let (server, mut client) = with(FaultSpec::after_rows(Action::Drop, 1234));
        client.start_batch(&format!("{verb} 5000"), 1).unwrap();
        let mut expected = vec![Token::Columns];
        expected.extend((0..1234).map(Token::Row));
        assert_eq!(tokens(&payload(&client.receive_raw())), expected, "{verb}");
        assert_eq!(
            connect(&server).batch("rows 5000").unwrap().len(),
            5002,
            "once only"
        );
        assert_eq!(server.faults().fired(), 1);
    }
}

#[test]
fn cut_row_ends_inside_the_next_row() {
    let before_row = |action| {
        let (_server, mut client) = with(FaultSpec::after_rows(action, 4));
        client.start_batch("encoded 100", 1).unwrap();
        payload(&client.receive_raw())
    };
    let (cut, whole) = (before_row(Action::CutRow), before_row(Action::Drop));
    assert!(cut.starts_with(&whole));
    // Row 4 is ROW, the int, and "row 4" with its length: 17 bytes.
    assert_eq!(cut.len() - whole.len(), 9);
}

#[test]
fn cut_row_needs_a_row_that_follows() {
    let (server, mut client) = with(FaultSpec::after_rows(Action::CutRow, 100));
    assert_eq!(client.batch("rows 100").unwrap().len(), 102);
    assert_eq!(server.faults().fired(), 0);
}

#[test]
fn drop_at_a_byte_is_exact() {
    for bytes in [0, 1, 8, 4096, 100_000, 700_001] {
        let (_server, mut client) = with(FaultSpec::after_bytes(Action::Drop, bytes));
        client.start_batch("rows 100000", 1).unwrap();
        assert_eq!(client.receive_raw().len() as u64, bytes);
    }
}

#[test]
fn random_cuts_repeat_with_their_seed() {
    let spec = FaultSpec {
        at: Point::Bytes(10, 50_000),
        ..FaultSpec::after_bytes(Action::Drop, 0)
    };
    let lengths = |seed| -> Vec<usize> {
        let (server, _) = start(ServerOptions::default());
        server.faults().add(FaultSpec {
            seed,
            times: None,
            ..spec.clone()
        });
        (0..5)
            .map(|_| {
                let mut client = connect(&server);
                client.start_batch("rows 100000", 1).unwrap();
                client.receive_raw().len()
            })
            .collect()
    };
    let first = lengths(7);
    assert_eq!(first, lengths(7));
    assert_ne!(first, lengths(8));
    assert!(first.iter().all(|length| (10..=50_000).contains(length)));
    assert!(first.windows(2).any(|pair| pair[0] != pair[1]));
}

#[test]
fn errors_come_before_and_after_rows() {
    let (server, mut client) = with(FaultSpec::after_rows(Action::Error(1205), 0));
    let expected = [
        Token::Error(1205),
        Token::Done {
            kind: 0xFD,
            status: 2,
            count: 0,
        },
    ];
    assert_eq!(client.batch("rows 10").unwrap(), expected);
    server
        .faults()
        .add(FaultSpec::after_rows(Action::Error(50_001), 3));
    let answer = client.batch("encoded 10").unwrap();
    let rows = [
        Token::Columns,
        Token::Row(0),
        Token::Row(1),
        Token::Row(2),
        Token::Error(50_001),
    ];
    assert_eq!(answer[..5], rows);
    assert!(
        matches!(answer[5..], [Token::Done { status: 2, .. }]),
        "{answer:?}"
    );
    assert_eq!(
        client.batch("rows 10").unwrap().len(),
        12,
        "the connection goes on"
    );
}

#[test]
fn an_error_after_the_last_row_replaces_the_done() {
    let (server, mut client) = with(FaultSpec::after_rows(Action::Error(50_001), 2));
    let done = Token::Done {
        kind: 0xFD,
        status: 2,
        count: 0,
    };
    let expected = [
        Token::Columns,
        Token::Row(0),
        Token::Row(1),
        Token::Error(50_001),
        done,
    ];
    assert_eq!(client.batch("rows 2").unwrap(), expected);
    // In a call the error comes before the end of the procedure.
    server
        .faults()
        .add(FaultSpec::after_rows(Action::Error(50_001), 2));
    let text: Vec<u8> = "rows 2".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let head = [
        0xFF, 0xFF, 10, 0, 0, 0, 0, 0, 0xE7, 40, 0, 0x09, 0x04, 0xD0, 0x00, 0x34, 12, 0,
    ];
    let answer = client
        .request(0x03, &[&head, text.as_slice()].concat())
        .unwrap();
    assert_eq!(answer[3], Token::Error(50_001));
    assert!(
        matches!(
            answer[4..],
            [
                Token::Done {
                    kind: 0xFF,
                    status: 3,
                    ..
                },
                Token::ReturnStatus(1),
                Token::Done {
                    kind: 0xFE,
                    status: 2,
                    ..
                },
            ]
        ),
        "{answer:?}"
    );
}

#[test]
fn deadlock_rolls_the_transaction_back() {
    let (server, script) = start(ServerOptions::default());
    server
        .faults()
        .add(FaultSpec::after_rows(Action::Error(1205), 2));
    let mut client = connect(&server);
    client.batch("rows 10").unwrap();
    client.batch("next").unwrap();
    assert_eq!(
        script.executed(),
        ["rows 10", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", "next"]
    );
}

#[test]
fn stall_delays_and_then_goes_on() {
    let (_server, mut client) = with(FaultSpec::after_rows(
        Action::Stall(Duration::from_millis(300)),
        5,
    ));
    let start = Instant::now();
    assert_eq!(client.batch("rows 10").unwrap().len(), 12);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_stall_can_be_interrupted() {
    let (_server, mut client) = with(FaultSpec::after_rows(
        Action::Stall(Duration::from_secs(60)),
        5,
    ));
    client.start_batch("rows 10", 1).unwrap();
    client.send(0x06, 1, &[]).unwrap();
    let answer = tokens(&client.receive().unwrap());
    assert_eq!(
        answer.last().unwrap(),
        &Token::Done {
            kind: 0xFD,
            status: 0x20,
            count: 0
        }
    );
}

#[test]
fn garbage_breaks_the_token_stream() {
    let (_server, mut client) = with(FaultSpec::after_rows(Action::Garbage, 2));
    let answer = client.batch("rows 10").unwrap();
    assert_eq!(
        answer,
        [Token::Columns, Token::Row(0), Token::Row(1), Token::Garbage]
    );
}

#[test]
fn only_matching_batches_and_only_so_often() {
    let fault = FaultSpec::after_rows(Action::Error(50_001), 0)
        .matching("ROWS 3")
        .times(Some(2));
    let (_server, mut client) = with(fault);
    let failed = |tokens: Vec<Token>| tokens.contains(&Token::Error(50_001));
    let outcomes: Vec<bool> = ["rows 4", "rows 3", "rows 3", "rows 3", "rows 4"]
        .map(|batch| failed(client.batch(batch).unwrap()))
        .to_vec();
    assert_eq!(outcomes, [false, true, true, false, false]);
}

#[test]
fn logins_are_refused_or_cut() {
    let (server, _) = start(ServerOptions::default());
    server
        .faults()
        .add(FaultSpec::after_rows(Action::RefuseLogin(18456), 0));
    let (_, tokens) = Client::login(server.address(), &Login::default()).unwrap();
    assert_eq!(tokens[0], Token::Error(18456));
    server
        .faults()
        .add(FaultSpec::after_rows(Action::CloseLogin, 0));
    assert!(Client::login(server.address(), &Login::default()).is_err());
    connect(&server);
    assert_eq!(server.faults().fired(), 2);
}
