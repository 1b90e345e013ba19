//! What a client sends in the examples of MS-TDS section 4, through every parser of this server.
//!
//! Expected values are those of the specification's own annotation. All examples with bytes are
//! there; how the server answers them is in `tests/wire/specification.rs`.

use crate::types::{SqlType, Value};
use crate::wire::login7::{Features, Login7, feature};
use crate::wire::packet::{self, Message, kind};
use crate::wire::prelogin::{Encryption, PreLogin};
use crate::wire::request;
use crate::wire::rpc::{self, Procedure};
use crate::wire::transaction::{self, Transaction};

/// The message of a file of `tests/fixtures/ms_tds`, read off a stream to its last byte.
macro_rules! example {
    ($name:literal) => {
        message(include_str!(concat!(
            "../../../fixtures/ms_tds/",
            $name,
            ".hex"
        )))
    };
}

fn message(hexadecimal: &str) -> Message {
    let byte = |word| u8::from_str_radix(word, 16).unwrap();
    let bytes: Vec<u8> = hexadecimal.split_whitespace().map(byte).collect();
    let mut stream = bytes.as_slice();
    let message = packet::read_message(&mut stream).unwrap();
    assert!(stream.is_empty());
    message
}

/// A login without user, password and database.
fn nobody() -> Login7 {
    Login7 {
        tds_version: 0x7400_0004,
        packet_size: 4096,
        host: String::new(),
        program: String::new(),
        user: String::new(),
        password: String::new(),
        database: String::new(),
        integrated: false,
        ticket: Vec::new(),
        features: None,
    }
}

#[test]
fn pre_login_4_1() {
    let message = example!("4.01-pre-login-request");
    assert_eq!(message.kind, kind::PRELOGIN);
    let expected = PreLogin {
        encryption: Encryption::On,
        instance: None,
        fed_auth: false,
    };
    assert_eq!(PreLogin::parse(&message.payload).unwrap(), expected);
}

#[test]
fn login_4_2() {
    let message = example!("4.02-login-request");
    assert_eq!(message.kind, kind::LOGIN7);
    let expected = Login7 {
        tds_version: 0x7209_0002,
        host: "skostov1".to_owned(),
        program: "OSQL-32".to_owned(),
        user: "sa".to_owned(),
        ..nobody()
    };
    assert_eq!(Login7::parse(&message.payload).unwrap(), expected);
}

/// FEDAUTH with a token, and no user.
#[test]
fn login_with_federated_authentication_4_3() {
    let message = example!("4.03-login-request-federated-auth");
    assert_eq!(message.kind, kind::LOGIN7);
    let expected = Login7 {
        host: "DANBENED3-XGZUO".to_owned(),
        program: "SQLCMD".to_owned(),
        features: Some(Features::without_data(&[0x02])),
        ..nobody()
    };
    let mut login = Login7::parse(&message.payload).unwrap();
    let data = login.features.as_ref().unwrap().data(feature::FED_AUTH);
    // A Live ID compact token (library 0) of 1,762 bytes, after a PRELOGIN that asked for it.
    assert_eq!(data.unwrap()[..5], [0x01, 0xE2, 0x06, 0, 0]);
    login.features.as_mut().unwrap().drop_data();
    assert_eq!(login, expected);
}

/// SESSIONRECOVERY; the password's 16 bytes are blanked on the wire, so they stand for nothing.
#[test]
fn login_with_session_recovery_4_16() {
    let message = example!("4.16-featureext-sessionrecovery");
    let mut login = Login7::parse(&message.payload).unwrap();
    assert_eq!(std::mem::take(&mut login.password).chars().count(), 8);
    let expected = Login7 {
        program: "OSQL-32".to_owned(),
        user: "sa".to_owned(),
        database: "tempdb".to_owned(),
        features: Some(Features::without_data(&[0x01])),
        ..nobody()
    };
    login.features.as_mut().unwrap().drop_data();
    assert_eq!(login, expected);
}

/// SESSIONRECOVERY, GLOBALTRANSACTIONS (5), COLUMNENCRYPTION (4) and AZURESQLSUPPORT (8).
#[test]
fn login_with_azure_sql_support_4_20() {
    let message = example!("4.20-featureext-azuresqlsupport");
    let mut login = Login7::parse(&message.payload).unwrap();
    assert_eq!(std::mem::take(&mut login.password).chars().count(), 8);
    let expected = Login7 {
        packet_size: 8000,
        host: "ZLIN6CLIENT2".to_owned(),
        program: ".Net SqlClient Data Provider".to_owned(),
        user: "cloudsa".to_owned(),
        database: "testdb".to_owned(),
        features: Some(Features::without_data(&[0x01, 0x04, 0x05, 0x08])),
        ..nobody()
    };
    login.features.as_mut().unwrap().drop_data();
    assert_eq!(login, expected);
}

#[test]
fn sql_batch_4_6() {
    let message = example!("4.06-sql-batch-client-request");
    assert_eq!(message.kind, kind::BATCH);
    let text = request::batch_text(&message.payload).unwrap();
    assert_eq!(text, "\nselect 'foo' as 'bar'\n        ");
}

/// `foo3` with one unnamed smallint that is left to its default.
#[test]
fn rpc_4_8() {
    let message = example!("4.08-rpc-client-request");
    assert_eq!(message.kind, kind::RPC);
    let calls = rpc::parse(&message.payload).unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].procedure, Procedure::Other("foo3".to_owned()));
    assert_eq!(calls[0].arguments.len(), 1);
    let argument = &calls[0].arguments[0];
    assert_eq!((argument.name.as_str(), argument.output), ("", false));
    assert_eq!(argument.ty, SqlType::SmallInt);
    assert!(matches!(argument.value, Value::Null));
}

#[test]
fn attention_4_10() {
    let message = example!("4.10-attention-request");
    assert_eq!(message.kind, kind::ATTENTION);
    assert!(message.payload.is_empty());
}

/// Windows authentication is refused at LOGIN7, so no request of this kind is known.
#[test]
fn sspi_4_11() {
    let message = example!("4.11-sspi-message");
    assert_eq!(message.kind, 0x11);
    assert!(message.payload.starts_with(b"NTLMSSP\0\x03\0\0\0"));
}

#[test]
fn bulk_load_4_12() {
    assert_eq!(example!("4.12-bulk-load").kind, kind::BULK_LOAD);
}

/// Called TM_PROMOTE_XACT, which is 6 in MS-TDS 2.2.6.9; the bytes say 0x16. Either is one of the
/// distributed transactions, which are refused.
#[test]
fn transaction_manager_4_13() {
    let message = example!("4.13-transaction-manager-request");
    assert_eq!(message.kind, kind::TRANSACTION);
    let transaction = Transaction::parse(&message.payload).unwrap();
    assert_eq!(transaction, Transaction::Unsupported { kind: 0x16 });
    assert_eq!(transaction::statements(&transaction), None);
}

#[test]
fn table_valued_parameter_4_14() {
    let message = example!("4.14-tvp-insert-statement");
    assert_eq!(message.kind, kind::RPC);
    let error = rpc::parse(&message.payload).unwrap_err();
    assert!(error.to_string().contains("table-valued"), "{error}");
}

/// Damage next to what clients really send.
#[test]
fn every_cut_of_a_login_is_an_error_or_a_login() {
    for message in [
        example!("4.03-login-request-federated-auth"),
        example!("4.16-featureext-sessionrecovery"),
        example!("4.20-featureext-azuresqlsupport"),
    ] {
        for end in 0..message.payload.len() {
            assert!(Login7::parse(&message.payload[..end]).is_err(), "{end}");
        }
    }
}
