//! Connecting: TLS modes, and what goes wrong at the door.

use std::error::Error as StdError;
use std::time::Duration;

use migrate::config::job::{Secret, SecretCommand, SslMode, Target};
use migrate::error::{Error, Kind};
use migrate::postgres::connect::{Connector, Session};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::support::cluster::{Options, PASSWORD, PLAIN_ONLY, TLS_HOST, TLS_ONLY, USER};
use crate::support::postgres::Postgres;

/// The error, after a look at everything it shows for the password.
async fn refused(target: &Target) -> Error {
    let error = match Connector::new(target) {
        Ok(connector) => connector.connect().await.err(),
        Err(error) => Some(error),
    };
    let error = error.expect("a refusal");
    let mut shown = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(next) = cause {
        shown.push_str(&next.to_string());
        cause = next.source();
    }
    assert!(!shown.contains(target.password.expose()), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    error
}

async fn connected(target: &Target) -> Session {
    Connector::new(target).unwrap().connect().await.unwrap()
}

async fn uses_tls(session: &Session) -> bool {
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    session.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_was_changed_meanwhile_is_fetched_again() {
    let server = Postgres::start(Options { tls: false });
    let database = server.database();
    let file = std::env::temp_dir().join(format!("migrate-password-{}", std::process::id()));
    std::fs::write(&file, PASSWORD).unwrap();
    let target = Target {
        password: Secret::default(),
        password_command: Some(SecretCommand {
            key: "target.password_command".into(),
            words: vec!["cat".into(), file.display().to_string()],
            timeout: Duration::from_secs(20),
            life: Duration::from_secs(600),
        }),
        ..database.target()
    };
    let connector = Connector::new(&target).unwrap();
    connector.connect().await.unwrap();
    database.sql(&format!("ALTER ROLE {USER} PASSWORD 'an0ther one'"));
    // The first one is within its life, and the server refuses it.
    let refused = connector.connect().await.err().expect("a refusal");
    assert_eq!(refused.kind(), Kind::TargetLogin);
    std::fs::write(&file, "an0ther one\n").unwrap();
    connector.connect().await.unwrap();
    std::fs::remove_file(&file).unwrap();
    // Within its life: the file is not asked for.
    connector.connect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_set_up_for_loading() {
    let database = Postgres::shared().database();
    database.sql(&format!(
        "ALTER DATABASE {0} SET statement_timeout = '1s'; ALTER DATABASE {0} SET datestyle = 'SQL, DMY'; \
         ALTER DATABASE {0} SET default_transaction_read_only = on; \
         ALTER DATABASE {0} SET standard_conforming_strings = off; \
         ALTER DATABASE {0} SET synchronous_commit = off",
        database.name
    ));
    let session = connected(&database.target()).await;
    for (setting, value) in [
        ("application_name", "migrate"),
        ("client_encoding", "UTF8"),
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("lock_timeout", "1min"),
        ("client_connection_check_interval", "5s"),
        ("synchronous_commit", "on"),
        ("datestyle", "ISO, MDY"),
        ("default_transaction_read_only", "off"),
        // Literals of translated expressions hold backslashes as they are.
        ("standard_conforming_strings", "on"),
    ] {
        let row = session
            .query_one("SELECT current_setting($1)", &[&setting])
            .await
            .unwrap();
        assert_eq!(row.get::<_, &str>(0), value, "{setting}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_says_what_to_check() {
    let database = Postgres::shared().database();
    let mut target = database.target();
    target.password = Secret::new("wr0ng s3cret");
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetLogin);
    assert!(error.message().contains("target.password"), "{error}");
    target.password = Secret::default();
    assert_eq!(refused_without_password(&target).await, Kind::TargetLogin);
}

/// An empty password is part of every text, so there is nothing to look for.
async fn refused_without_password(target: &Target) -> Kind {
    let connector = Connector::new(target).unwrap();
    connector.connect().await.err().expect("a refusal").kind()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_database_says_how_to_make_it() {
    let database = Postgres::shared().database();
    let mut target = database.target();
    target.database = "no\"where".into();
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetDatabase);
    assert!(
        error.message().contains("CREATE DATABASE \"no\"\"where\""),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_port_and_an_unknown_host_are_unreachable() {
    let database = Postgres::shared().database();
    let mut target = database.target();
    target.port = 1;
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetUnreachable);
    assert!(error.message().contains("target.port"), "{error}");
    target.host = "no-such-host.invalid".into();
    assert_eq!(refused(&target).await.kind(), Kind::TargetUnreachable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_port_is_given_up_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let database = Postgres::shared().database();
    let mut target = database.target();
    target.host = "127.0.0.1".into();
    target.port = listener.local_addr().unwrap().port();
    target.connect_timeout = Duration::from_millis(300);
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetUnreachable);
    assert!(
        error.message().contains("target.connect_timeout"),
        "{error}"
    );
}

/// A cluster of ours, whatever `MIGRATE_TEST_PG` says: the certificate must be known.
fn tls_server() -> &'static Postgres {
    static SERVER: std::sync::OnceLock<Postgres> = std::sync::OnceLock::new();
    match std::env::var("MIGRATE_TEST_PG") {
        Ok(_) => SERVER.get_or_init(|| Postgres::start(Options { tls: true })),
        Err(_) => Postgres::shared(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sslmode_encrypts_as_libpq_does() {
    let database = tls_server().database();
    for (mode, host, tls) in [
        (SslMode::Disable, "127.0.0.1", false),
        (SslMode::Prefer, "127.0.0.1", true),
        (SslMode::Require, "127.0.0.1", true),
        (SslMode::VerifyCa, "127.0.0.1", true),
        (SslMode::VerifyFull, TLS_HOST, true),
    ] {
        let mut target = database.target();
        target.host = host.into();
        target.sslmode = mode;
        if matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull) {
            target.ca_file = Some(database.ca_file());
        }
        let session = connected(&target).await;
        assert_eq!(uses_tls(&session).await, tls, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_full_refuses_another_name() {
    let database = tls_server().database();
    let mut target = database.target();
    target.sslmode = SslMode::VerifyFull;
    target.ca_file = Some(database.ca_file());
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetTls);
    assert!(error.message().contains("subjectAltName"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_authority_is_refused() {
    let database = tls_server().database();
    let other = crate::support::certificate::make(TLS_HOST);
    let file = std::env::temp_dir().join(format!("migrate-other-ca-{}.pem", std::process::id()));
    std::fs::write(&file, other.authority).unwrap();
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        let mut target = database.target();
        target.host = TLS_HOST.into();
        target.sslmode = mode;
        target.ca_file = Some(file.clone());
        let error = refused(&target).await;
        assert_eq!(error.kind(), Kind::TargetTls, "{mode:?}");
        assert!(error.message().contains("target.ca_file"), "{error}");
    }
    std::fs::remove_file(file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let server = Postgres::start(Options { tls: false });
    let database = server.database();
    let mut target = database.target();
    target.sslmode = SslMode::Require;
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetTls);
    assert!(error.message().contains("does not offer TLS"), "{error}");
    target.sslmode = SslMode::Prefer;
    assert!(!uses_tls(&connected(&target).await).await);
}

/// Tag, contents and what follows of a DER element, whose length is of one, two or three bytes.
fn element(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (length, start) = match bytes[1] {
        0x82 => (usize::from(bytes[2]) << 8 | usize::from(bytes[3]), 4),
        0x81 => (usize::from(bytes[2]), 3),
        short => (usize::from(short), 2),
    };
    (
        bytes[0],
        &bytes[start..start + length],
        &bytes[start + length..],
    )
}

fn sequence(contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82][..], &length, contents].concat()
}

/// The same certificate without version and extensions, which makes it one of version 1. Its
/// signature is wrong then, which neither the server nor its clients look at.
fn of_version_1(certificate: &[u8]) -> Vec<u8> {
    let (_, body, _) = element(certificate);
    let (_, mut fields, signature) = element(body);
    let mut kept = Vec::new();
    while !fields.is_empty() {
        let (tag, _, after) = element(fields);
        if !matches!(tag, 0xa0 | 0xa3) {
            kept.extend_from_slice(&fields[..fields.len() - after.len()]);
        }
        fields = after;
    }
    sequence(&[sequence(&kept), signature.to_vec()].concat())
}

/// As `openssl req -x509` once made them by default, and PostgreSQL's own documentation with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_version_1_encrypts() {
    let server = Postgres::start(Options { tls: true });
    let file = server.cluster().directory().join("server.pem");
    let certificate = of_version_1(&CertificateDer::from_pem_file(&file).unwrap());
    let digits: String = certificate
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let encoded = server.sql(&format!("SELECT encode('\\x{digits}'::bytea, 'base64')"));
    let encoded = encoded[0][0].as_deref().unwrap();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
    std::fs::write(&file, pem).unwrap();
    server.cluster().restart(false);
    let database = server.database();
    let mut target = database.target();
    for mode in [SslMode::Prefer, SslMode::Require] {
        target.sslmode = mode;
        assert!(uses_tls(&connected(&target).await).await, "{mode:?}");
    }
    // No check takes it: the field that says which version a certificate is of is not there.
    target.sslmode = SslMode::VerifyCa;
    target.ca_file = Some(database.ca_file());
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetTls);
    assert!(error.message().contains("BadEncoding"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pg_hba_decides_and_the_advice_names_sslmode() {
    let database = tls_server().database();
    let mut target = database.target();
    target.password = Secret::new(PASSWORD);
    target.user = TLS_ONLY.into();
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::TargetLogin);
    assert!(error.message().contains("target.sslmode"), "{error}");
    target.sslmode = SslMode::Require;
    assert!(uses_tls(&connected(&target).await).await);
    target.user = PLAIN_ONLY.into();
    target.sslmode = SslMode::Prefer;
    assert!(!uses_tls(&connected(&target).await).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_or_empty_ca_file_is_named() {
    let mut target = Postgres::shared().database().target();
    target.sslmode = SslMode::VerifyFull;
    target.ca_file = Some("/nowhere/ca.pem".into());
    let error = refused(&target).await;
    assert_eq!(error.kind(), Kind::Io);
    assert!(error.message().contains("/nowhere/ca.pem"), "{error}");
    let file = std::env::temp_dir().join(format!("migrate-empty-ca-{}.pem", std::process::id()));
    std::fs::write(&file, "no certificate").unwrap();
    target.ca_file = Some(file.clone());
    assert_eq!(refused(&target).await.kind(), Kind::TargetTls);
    std::fs::remove_file(file).unwrap();
}

/// A full server takes no connection now, like one that is starting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_free_connection_says_which_limit_was_met() {
    let database = Postgres::shared().database();
    let role = format!("full_{}", database.name);
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 's3cret pass' CONNECTION LIMIT 0"
    ));
    let mut target = database.target();
    target.user = role.clone();
    target.password = Secret::new("s3cret pass");
    let error = refused(&target).await;
    database.sql(&format!("DROP ROLE {role}"));
    assert_eq!(error.kind(), Kind::TargetRefused, "{error}");
    assert!(error.message().contains("CONNECTION LIMIT"), "{error}");
}
