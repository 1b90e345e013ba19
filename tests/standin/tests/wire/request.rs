//! Batches, calls, transactions, attention and reset.

use standin::server::ServerOptions;
use standin::types::{SqlType, Value};

use crate::client::{Client, Login, Token, tokens, utf16};
use crate::{connect, start};

/// DONE, DONEPROC, DONEINPROC.
const DONE: u8 = 0xFD;
const PROC: u8 = 0xFE;
const IN_PROC: u8 = 0xFF;

fn done(kind: u8, status: u16, count: u64) -> Token {
    Token::Done {
        kind,
        status,
        count,
    }
}

#[test]
fn a_result_arrives_whole_at_every_packet_size() {
    let (server, _) = start(ServerOptions::default());
    for packet_size in [512, 4096, 32767] {
        let login = Login {
            packet_size,
            ..Login::default()
        };
        let (mut client, _) = Client::login(server.address(), &login).unwrap();
        for verb in ["rows", "encoded"] {
            for rows in [0, 1, 7, 3000] {
                let tokens = client.batch(&format!("{verb} {rows}")).unwrap();
                let mut expected = vec![Token::Columns];
                expected.extend((0..rows).map(Token::Row));
                expected.push(done(DONE, 0x10, rows as u64));
                assert_eq!(tokens, expected, "{verb} {rows} at {packet_size}");
                let (last, others) = client.packet_sizes.split_last().unwrap();
                assert!(others.iter().all(|size| *size == packet_size as usize));
                assert!(*last > 8 && *last <= packet_size as usize);
            }
        }
    }
    assert_eq!(server.counters().snapshot().rows_sent, 3 * 2 * 3008);
}

#[test]
fn statements_end_with_done_and_only_the_last_without_more() {
    let (server, _) = start(ServerOptions::default());
    let mut client = connect(&server);
    assert_eq!(
        client.batch("two").unwrap(),
        [done(DONE, 0x11, 7), done(DONE, 0, 0)]
    );
    assert_eq!(
        client.batch("fail").unwrap(),
        [Token::Error(208), done(DONE, 2, 0)]
    );
    let used = client.batch("use").unwrap();
    assert!(
        matches!(
            used.as_slice(),
            [Token::Env(1, _), Token::Info(5701), Token::Done { .. }]
        ),
        "{used:?}"
    );
}

/// `name` as a procedure's name, then the arguments.
fn call(name: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
    let units = (utf16(name).len() / 2) as u16;
    [
        units.to_le_bytes().to_vec(),
        utf16(name),
        vec![0, 0],
        arguments.concat(),
    ]
    .concat()
}

/// An unnamed nvarchar(max) argument.
fn text(text: &str) -> Vec<u8> {
    let bytes = utf16(text);
    let mut argument = vec![0, 0, 0xE7, 0xFF, 0xFF, 0x09, 0x04, 0xD0, 0x00, 0x34];
    argument.extend((bytes.len() as u64).to_le_bytes());
    argument.extend((bytes.len() as u32).to_le_bytes());
    argument.extend(bytes);
    argument.extend([0; 4]);
    argument
}

fn int(value: i32) -> Vec<u8> {
    [&[0, 0, 0x26, 4, 4], value.to_le_bytes().as_slice()].concat()
}

/// The handle of sp_prepexec: an output parameter that is NULL.
fn handle() -> Vec<u8> {
    vec![0, 1, 0x26, 4, 0]
}

#[test]
fn execute_sql_by_name_and_by_id() {
    let (server, script) = start(ServerOptions::default());
    let mut client = connect(&server);
    let arguments = [
        text("rows 2"),
        text("@a int, @b nvarchar(10)"),
        int(5),
        text("x"),
    ];
    let by_name = call("sp_executesql", &arguments);
    let by_id = [vec![0xFF, 0xFF, 10, 0, 0, 0], arguments.concat()].concat();
    let expected = [
        Token::Columns,
        Token::Row(0),
        Token::Row(1),
        done(IN_PROC, 0x11, 2),
        Token::ReturnStatus(0),
        done(PROC, 0, 0),
    ];
    for body in [by_name, by_id] {
        assert_eq!(client.request(0x03, &body).unwrap(), expected);
        let parameters: Vec<_> = script.parameters.lock().unwrap().drain(..).collect();
        assert_eq!(
            (parameters[0].name.as_str(), parameters[1].name.as_str()),
            ("@a", "@b")
        );
        assert_eq!(parameters[0].ty, SqlType::Int);
        assert!(matches!(parameters[0].value, Value::Int(5)));
    }
    assert_eq!(server.counters().snapshot().rpcs, 2);
}

#[test]
fn prepared_statements_live_until_they_are_unprepared() {
    let (server, script) = start(ServerOptions::default());
    let mut client = connect(&server);
    let prepare = call(
        "sp_prepexec",
        &[handle(), text("@a int"), text("two"), int(1)],
    );
    let tokens = client.request(0x03, &prepare).unwrap();
    let Some(Token::ReturnInt(number)) = tokens
        .iter()
        .find(|token| matches!(token, Token::ReturnInt(_)))
    else {
        panic!("no handle in {tokens:?}")
    };
    let execute = call("sp_execute", &[int(*number), int(2)]);
    assert_eq!(
        client.request(0x03, &execute).unwrap(),
        [
            done(IN_PROC, 0x11, 7),
            done(IN_PROC, 1, 0),
            Token::ReturnStatus(0),
            done(PROC, 0, 0)
        ]
    );
    assert_eq!(script.parameters.lock().unwrap()[1].name, "@a");
    let unprepare = call("sp_unprepare", &[int(*number)]);
    assert_eq!(
        client.request(0x03, &unprepare).unwrap(),
        [Token::ReturnStatus(0), done(PROC, 0, 0)]
    );
    assert_eq!(
        client.request(0x03, &execute).unwrap()[0],
        Token::Error(8179)
    );
    assert_eq!(script.executed(), ["two", "two"]);
}

#[test]
fn unknown_procedures_and_broken_parameters_are_errors_of_the_request_alone() {
    let (server, _) = start(ServerOptions::default());
    let mut client = connect(&server);
    let tokens = client.request(0x03, &call("sp_who", &[])).unwrap();
    assert_eq!(tokens[0], Token::Error(2812));
    assert_eq!(tokens.last().unwrap(), &done(PROC, 2, 0));
    // 0xF3 is a table-valued parameter.
    let tokens = client
        .request(0x03, &call("sp_executesql", &[vec![0, 0, 0xF3]]))
        .unwrap();
    assert_eq!(tokens[0], Token::Error(8023));
    assert_eq!(client.batch("rows 1").unwrap().len(), 3);
}

#[test]
fn transactions_reach_the_session_and_answer_with_envchange() {
    let (server, script) = start(ServerOptions::default());
    let mut client = connect(&server);
    let begin = client.request(0x0E, &[5, 0, 5, 0]).unwrap();
    assert!(
        matches!(&begin[0], Token::Env(8, value) if value.len() == 10),
        "{begin:?}"
    );
    let commit = client.request(0x0E, &[7, 0, 0, 0]).unwrap();
    assert!(matches!(commit[0], Token::Env(9, _)), "{commit:?}");
    client.request(0x0E, &[5, 0, 0, 0]).unwrap();
    let rollback = client.request(0x0E, &[8, 0, 0, 0]).unwrap();
    assert!(matches!(rollback[0], Token::Env(10, _)), "{rollback:?}");
    let expected = [
        "SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
        "BEGIN TRANSACTION",
        "COMMIT TRANSACTION",
        "BEGIN TRANSACTION",
        "ROLLBACK TRANSACTION",
    ];
    assert_eq!(script.executed(), expected);
}

#[test]
fn attention_ends_a_running_response() {
    let (server, _) = start(ServerOptions::default());
    let mut client = connect(&server);
    client.start_batch("rows 100000000", 1).unwrap();
    client.send(0x06, 1, &[]).unwrap();
    let answer = client.receive().unwrap();
    let answer = tokens(&answer);
    assert_eq!(answer.last().unwrap(), &done(DONE, 0x20, 0));
    assert!(!answer.contains(&Token::Garbage), "cut inside a row");
    assert_eq!(client.batch("rows 1").unwrap().len(), 3);
    assert_eq!(server.counters().snapshot().attentions, 1);
}

#[test]
fn attention_ends_work_that_reports_nothing() {
    let (server, _) = start(ServerOptions::default());
    let mut client = connect(&server);
    client.start_batch("silent", 1).unwrap();
    client.send(0x06, 1, &[]).unwrap();
    assert_eq!(tokens(&client.receive().unwrap()), [done(DONE, 0x20, 0)]);
}

#[test]
fn attention_after_the_response_is_answered_by_itself() {
    let (server, _) = start(ServerOptions::default());
    let mut client = connect(&server);
    client.batch("rows 1").unwrap();
    client.send(0x06, 1, &[]).unwrap();
    assert_eq!(tokens(&client.receive().unwrap()), [done(DONE, 0x20, 0)]);
}

#[test]
fn reset_reaches_the_session_and_is_acknowledged() {
    let (server, script) = start(ServerOptions::default());
    let mut client = connect(&server);
    client.start_batch("rows 0", 1 | 8).unwrap();
    let answer = tokens(&client.receive().unwrap());
    assert_eq!(answer[0], Token::Env(18, vec![0, 0]));
    assert_eq!(script.executed(), ["<reset>", "rows 0"]);
    assert_eq!(server.counters().snapshot().resets, 1);
}
