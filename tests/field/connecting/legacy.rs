//! `source.tls: legacy` against servers with the TLS of their time (F2).
//!
//! The server is the stand-in, and before it an acceptor of OpenSSL: rustls has neither TLS 1.0 nor a
//! cipher of CBC.

mod acceptor;

use std::sync::Arc;

use openssl::ssl::SslVersion;
use standin::server::ServerOptions;

use super::{PemFile, job, stand_in};
use crate::support::job::Answer;
use crate::support::postgres::Postgres;
use crate::support::source::Source;
use acceptor::{Acceptor, Identity, Refusal};

/// Windows Server 2012 R2 with an RSA certificate, and SQL Server 2008 R2 to 2014 before
/// KB 3135244.
const OLD: [(SslVersion, &str); 3] = [
    (
        SslVersion::TLS1_2,
        "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA",
    ),
    (SslVersion::TLS1_2, "AES128-SHA256"),
    (SslVersion::TLS1, "AES128-SHA"),
];

/// A job's connection to the acceptor.
fn connection(acceptor: &Acceptor, host: &str, encrypt: &str, more: &str) -> String {
    format!(
        "  host: {host}\n  port: {}\n  encrypt: {encrypt}\n{more}",
        acceptor.port
    )
}

fn checked(connection: &str) -> Answer {
    let target = Postgres::shared().database();
    job(connection, "master", &target, "").run(&["check"])
}

fn source() -> Arc<Source> {
    stand_in(ServerOptions::default())
}

/// F2: rows come, in statements of several packets, one TLS record each; the report and `check` say
/// what was accepted for it.
#[test]
fn legacy_tls_reads_from_old_servers() {
    let columns: Vec<_> = (0..300)
        .map(|n| format!("a_long_column_name_{n} int NULL"))
        .collect();
    let source = source();
    let database = source.database(&format!(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, {});\nGO\n\
         INSERT INTO dbo.T (Id) VALUES (1), (2), (3);\nGO\n",
        columns.join(", ")
    ));
    let identity = Identity::self_signed();
    let pinned = PemFile::with(&identity.certificate_pem());
    for (version, ciphers) in OLD {
        let acceptor = Acceptor::start(&source, &identity, version, ciphers, Refusal::Alert);
        for encrypt in ["required", "login_only"] {
            let target = Postgres::shared().database();
            let more = format!("  tls: legacy\n{}", pinned.line());
            let connection = connection(&acceptor, "127.0.0.1", encrypt, &more);
            let job = job(&connection, &database.name, &target, "");
            let said = job.ends(&["check"], 0);
            let words: Vec<_> = said.stdout.split_whitespace().collect();
            let words = words.join(" ");
            assert!(words.contains("source.tls is legacy"), "{words}");
            let report = job.report(&[], 0);
            assert_eq!(report["source"]["tls"], "legacy", "{ciphers}, {encrypt}");
            assert_eq!(target.value("SELECT count(*) FROM t"), "3");
        }
    }
}

/// F2: legacy has to be asked for, and what fails without it says so.
#[test]
fn without_legacy_tls_an_old_server_is_named() {
    let source = source();
    let identity = Identity::self_signed();
    for (version, ciphers) in OLD {
        for refusal in [Refusal::Alert, Refusal::Close] {
            let acceptor = Acceptor::start(&source, &identity, version, ciphers, refusal);
            let more = "  trust_server_certificate: true\n";
            let answer = checked(&connection(&acceptor, "127.0.0.1", "required", more));
            assert_eq!(answer.code, Some(3), "{ciphers}: {}", answer.stdout);
            let said = answer.stdout + &answer.stderr;
            let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in ["Windows Server 2012 R2", "set source.tls: legacy"] {
                assert!(words.contains(part), "{ciphers}: {words}");
            }
        }
    }
}

/// F2, F11: what a certificate must prove does not depend on who does the handshake.
#[test]
fn legacy_tls_checks_certificates_by_the_same_rules() {
    let source = source();
    let (version, ciphers) = OLD[2];
    let named = Identity::by_authority("localhost");
    let fallback = Identity::self_signed();
    let authority = PemFile::with(&named.authority_pem());
    let pinned = PemFile::with(&fallback.certificate_pem());
    for (identity, host, trust, expected) in [
        (&named, "localhost", authority.line(), None),
        (
            &named,
            "127.0.0.1",
            authority.line(),
            Some("made for another name"),
        ),
        (
            &fallback,
            "127.0.0.1",
            authority.line(),
            Some("is not trusted"),
        ),
        (&fallback, "127.0.0.1", pinned.line(), None),
        (&named, "127.0.0.1", pinned.line(), Some("is not trusted")),
        (
            &fallback,
            "127.0.0.1",
            String::new(),
            Some("is not trusted"),
        ),
        (
            &fallback,
            "127.0.0.1",
            "  trust_server_certificate: true\n".into(),
            None,
        ),
    ] {
        let acceptor = Acceptor::start(&source, identity, version, ciphers, Refusal::Alert);
        let more = format!("  tls: legacy\n{trust}");
        let answer = checked(&connection(&acceptor, host, "required", &more));
        let said = answer.stdout + &answer.stderr;
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            answer.code,
            Some(expected.map_or(0, |_| 3)),
            "{host}, {trust}: {words}"
        );
        assert!(
            words.contains(expected.unwrap_or_default()),
            "{host}, {trust}: {words}"
        );
        let logins = source.expect_stand_in().handle.counters().snapshot().logins;
        if expected.is_some() {
            assert_eq!(acceptor.logins(), 0, "no password is sent to it");
        } else {
            assert!(logins > 0);
        }
    }
}
