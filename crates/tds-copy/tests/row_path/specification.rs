//! What a server sends in the examples of MS-TDS section 4, through the parser and the transcoder.
//!
//! Expected values are those of the specification's own annotation. All examples with bytes are
//! there; 4.19 has none. What a client sends is tested against the stand-in's parser, in
//! `tests/standin/src/wire/specification_tests.rs`. 4.15 is announced as "sent from client to
//! server", but is a server's result.

use tds_copy::error::Kind;
use tds_copy::tds::cursor::Cursor;
use tds_copy::tds::packet::{HEADER_LENGTH, Header};
use tds_copy::tds::session::SessionChange;
use tds_copy::tds::token::{self, Done, Token};
use tds_copy::transcode::{Batch, Outcome, RowLayout};
use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::wide::STRICT;
use crate::wire::{self, column};

/// Bytes of a file of `tests/fixtures/ms_tds`.
macro_rules! example {
    ($name:literal) => {
        bytes(include_str!(concat!(
            "../../../../tests/fixtures/ms_tds/",
            $name,
            ".hex"
        )))
    };
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let byte = |word| u8::from_str_radix(word, 16).unwrap();
    hexadecimal.split_whitespace().map(byte).collect()
}

/// What the reader makes of a response, however it is cut.
fn read(columns: &[(SqlType, PgType)], bytes: &[u8]) -> (Vec<Batch>, Outcome) {
    let columns: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(place, (source, target))| column(place, source.clone(), target.clone(), Some(1252)))
        .collect();
    let layout = RowLayout::new(&columns, &[], STRICT).unwrap();
    let (batches, outcome) = wire::read(&layout, 1 << 20, [bytes]).unwrap();
    let outcome = outcome.expect("the response is whole");
    for piece in [1, 7, 64] {
        let (cut, same) = wire::read(&layout, 1 << 20, bytes.chunks(piece)).unwrap();
        assert_eq!(same.as_ref(), Some(&outcome), "pieces of {piece}");
        assert!(
            cut.iter()
                .map(|batch| &batch.bytes[..])
                .eq(batches.iter().map(|batch| &batch.bytes[..]))
        );
    }
    (batches, outcome)
}

/// A response without rows, read where a statement's result was expected.
fn without_rows(bytes: &[u8]) -> Outcome {
    let (batches, outcome) = read(&[(SqlType::Int, PgType::Integer)], bytes);
    assert!(batches.is_empty());
    assert_eq!((outcome.rows, &outcome.error), (0, &None));
    outcome
}

/// The tokens of a message of one packet.
fn tokens(bytes: &[u8]) -> Vec<Token> {
    let (header, payload) = bytes.split_first_chunk::<HEADER_LENGTH>().unwrap();
    let header = Header::parse(*header).unwrap();
    assert_eq!(usize::from(header.length), bytes.len());
    assert!(header.is_last());
    let mut cursor = Cursor::new(payload);
    let mut tokens = Vec::new();
    while !cursor.is_at_end() {
        tokens.push(token::parse(&mut cursor).unwrap());
    }
    tokens
}

fn done(status: u16, rows: u64) -> Token {
    Token::Done(Done { status, rows })
}

/// Number, state, class, text, server and line of each notice.
fn notices(outcome: &Outcome) -> Vec<(i32, u8, u8, &str, &str, u32)> {
    let messages = outcome.messages.iter();
    messages
        .map(|message| {
            assert_eq!(message.procedure, "");
            let (text, server) = (message.text.as_str(), message.server.as_str());
            let (state, class) = (message.state, message.class);
            (message.number, state, class, text, server, message.line)
        })
        .collect()
}

const DATABASE: &str = "Changed database context to 'master'.";
const LANGUAGE: &str = "Changed language setting to us_english.";

#[test]
fn login_response_4_4() {
    let bytes = example!("4.04-login-response");
    let outcome = without_rows(&bytes);
    let expected = [(5701, 2, 0, DATABASE, "", 0), (5703, 1, 0, LANGUAGE, "", 0)];
    assert_eq!(notices(&outcome), expected);
    let tokens = tokens(&bytes);
    // ENVCHANGE, INFO, three of ENVCHANGE, INFO, LOGINACK, DONE.
    assert_eq!(tokens.len(), 8);
    assert!(matches!(
        (&tokens[1], &tokens[5]),
        (Token::Info(_), Token::Info(_))
    ));
    let changes = [0, 2, 3, 4].map(|at| tokens[at].clone());
    let other = Token::SessionChange(SessionChange::Other);
    let size = Token::SessionChange(SessionChange::PacketSize(4096));
    assert_eq!(changes, [other.clone(), other.clone(), other, size]);
    assert!(matches!(tokens[6], Token::LoginAck(_)));
    assert_eq!(tokens[7], done(0, 0));
}

#[test]
fn login_response_with_federated_authentication_4_5() {
    let bytes = example!("4.05-login-response-federated-auth");
    let outcome = without_rows(&bytes);
    let expected = [
        (5701, 2, 0, DATABASE, "cloud", 1),
        (5703, 1, 0, LANGUAGE, "cloud", 1),
    ];
    assert_eq!(notices(&outcome), expected);
    // FEATUREEXTACK, then DONE.
    assert_eq!(tokens(&bytes)[7..], [Token::Other, done(0, 0)]);
}

#[test]
fn sql_batch_response_4_7() {
    let varchar = (SqlType::VarChar { length: Some(3) }, PgType::VarChar(3));
    let (batches, outcome) = read(&[varchar], &example!("4.07-sql-batch-server-response"));
    assert_eq!((outcome.rows, batches.len()), (1, 1));
    assert_eq!(&batches[0].bytes[..], b"\0\x01\0\0\0\x03foo");
}

#[test]
fn rpc_response_4_9() {
    let bytes = example!("4.09-rpc-server-response");
    let expected = [done(0x11, 1), Token::ReturnStatus(0), done(0, 0)];
    assert_eq!(tokens(&bytes), expected);
    assert!(notices(&without_rows(&bytes)).is_empty());
}

/// Ten rows of `id int, sparsePropertySet xml column_set`: three of ROW with their sets, of unknown
/// length in one chunk each, and seven of NBCROW whose set is NULL.
#[test]
fn sparse_column_select_4_15() {
    let columns = [
        (SqlType::Int, PgType::Integer),
        (SqlType::Xml, PgType::Text),
    ];
    let (batches, outcome) = read(&columns, &example!("4.15-sparse-column-select"));
    assert_eq!((outcome.rows, batches.len()), (10, 1));
    let sets = [
        "<sparseProp1>1000</sparseProp1><sparseProp2>foo</sparseProp2>",
        "<sparseProp1>1000</sparseProp1>",
        "<sparseProp2>abcd</sparseProp2>",
    ];
    let mut expected = Vec::new();
    for id in 1..=10u32 {
        expected.extend([0, 2, 0, 0, 0, 4]);
        expected.extend(id.to_be_bytes());
        match sets.get(id as usize - 1) {
            Some(set) => {
                expected.extend((set.len() as u32).to_be_bytes());
                expected.extend(set.as_bytes());
            }
            None => expected.extend([0xFF; 4]),
        }
    }
    assert_eq!(&batches[0].bytes[..], expected);
    let tokens = tokens_of_announcement(&example!("4.15-sparse-column-select"));
    let names: Vec<_> = tokens.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["id", "sparsePropertySet"]);
    // Nullable and updatable; the column set is fSparseColumnSet and of unknown updatability.
    assert_eq!([tokens[0].1, tokens[1].1], [0x0009, 0x040B]);
}

fn tokens_of_announcement(bytes: &[u8]) -> Vec<(String, u16)> {
    let mut cursor = Cursor::new(&bytes[HEADER_LENGTH..]);
    match token::parse(&mut cursor).unwrap() {
        Token::Columns(columns) => columns
            .into_iter()
            .map(|column| (column.name, column.flags))
            .collect(),
        other => panic!("{other:?} is no announcement"),
    }
}

/// Where the specification has one byte too many: see the fixtures' README.
const SURPLUS_4_17: usize = 140;

#[test]
fn session_recovery_acknowledgement_4_17() {
    let mut bytes = example!("4.17-featureextack-sessionrecovery");
    let int = column(0, SqlType::Int, PgType::Integer, None);
    let layout = RowLayout::new(&[int], &[], STRICT).unwrap();
    let error = wire::read(&layout, 1 << 20, [&bytes[..]]).unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol, "as it is printed");
    assert_eq!(bytes.remove(SURPLUS_4_17), 0);
    let expected = [(5701, 2, 0, DATABASE, "", 0), (5703, 1, 0, LANGUAGE, "", 0)];
    assert_eq!(notices(&without_rows(&bytes)), expected);
    assert_eq!(tokens(&bytes)[7..], [Token::Other, done(0, 0)]);
}

#[test]
fn session_state_4_18() {
    let bytes = example!("4.18-table-response-sessionstate");
    assert_eq!(tokens(&bytes), [done(1, 0), Token::Other, done(0, 0)]);
    without_rows(&bytes);
}

#[test]
fn azure_sql_support_acknowledgement_4_21() {
    let bytes = example!("4.21-featureextack-azuresqlsupport");
    let outcome = without_rows(&bytes);
    let expected = [
        (
            5701,
            2,
            0,
            "Changed database context to 'testdb'.",
            "testsvr",
            1,
        ),
        (5703, 1, 0, LANGUAGE, "testsvr", 1),
    ];
    assert_eq!(notices(&outcome), expected);
    let tokens = tokens(&bytes);
    // Fourteen of DONEINPROC come before the login's own tokens.
    let counted = [1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1];
    for (token, rows) in tokens.iter().zip(counted) {
        assert!(matches!(token, Token::Done(done) if done.more() && done.rows == rows));
    }
    assert_eq!(tokens.len(), counted.len() + 9);
    assert_eq!(tokens.last(), Some(&done(0, 0)));
}
