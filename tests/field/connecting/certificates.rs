//! Certificates as SQL Servers have them: made by themselves, or by authorities that know no
//! subjectAltName (F11).

use std::sync::Arc;

use standin::server::ServerOptions;

use super::{PemFile, job, stand_in};
use crate::support::postgres::Postgres;
use crate::support::source::Source;

/// A server whose certificate has the common name `localhost` and no other.
fn without_alternative_name() -> Arc<Source> {
    stand_in(ServerOptions {
        certificate_names: Vec::new(),
        ..ServerOptions::default()
    })
}

/// What `check` says of a connection to this host.
fn checked(server: &Source, host: &str, encrypt: &str, trusted: &PemFile) -> (Option<i32>, String) {
    let target = Postgres::shared().database();
    let connection = format!(
        "  host: {host}\n  port: {}\n  encrypt: {encrypt}\n{}",
        server.port,
        trusted.line()
    );
    let answer = job(&connection, "master", &target, "").run(&["check"]);
    let said = answer.stdout + &answer.stderr;
    // `check` wraps its lines.
    let words: Vec<_> = said.split_whitespace().collect();
    (answer.code, words.join(" "))
}

/// F11: "Subject CN = FQDN" is all that SQL Server asks of a certificate.
#[test]
fn a_common_name_is_enough_where_there_is_no_other() {
    let server = without_alternative_name();
    let handle = &server.expect_stand_in().handle;
    let authority = PemFile::with(handle.ca_pem());
    for encrypt in ["required", "strict", "login_only"] {
        let (code, said) = checked(&server, "localhost", encrypt, &authority);
        assert_eq!(code, Some(0), "{encrypt}: {said}");
    }
    let (code, said) = checked(&server, "127.0.0.1", "required", &authority);
    assert_eq!(code, Some(3), "{said}");
    for part in [
        "made out to localhost",
        "127.0.0.1 was expected",
        "source.ca_file",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// F11: a name cannot help a certificate that is trusted for itself; the one that SQL Server makes at
/// its start is made out to no host.
#[test]
fn a_certificate_that_is_pinned_may_have_any_name() {
    for server in [
        without_alternative_name(),
        stand_in(ServerOptions {
            certificate_names: vec!["sql01.example.com".into()],
            ..ServerOptions::default()
        }),
    ] {
        let pinned = PemFile::with(server.expect_stand_in().handle.server_pem());
        for encrypt in ["required", "strict", "login_only"] {
            let (code, said) = checked(&server, "127.0.0.1", encrypt, &pinned);
            assert_eq!(code, Some(0), "{encrypt}: {said}");
        }
        // Of another server, with the same names.
        let other = PemFile::with(
            without_alternative_name()
                .expect_stand_in()
                .handle
                .server_pem(),
        );
        let (code, said) = checked(&server, "127.0.0.1", "required", &other);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("not trusted"), "{said}");
    }
}
