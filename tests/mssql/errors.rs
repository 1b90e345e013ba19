//! Each way in which a connection can fail, as the operator reads it. The password is in none.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::time::Duration;

use migrate::config::job::{Consistency, Encrypt, Secret, Source};
use migrate::error::{Error, Kind};
use migrate::mssql::pool::SourcePool;
use standin::fault::{Action, FaultSpec};
use standin::server::ServerOptions;
use standin::wire::TlsMode;

use crate::scripted::{CaFile, LATE_USER, PASSWORD, server, server_with, source};

/// Opens a pool that must fail as `kind`, with all `parts` in its text.
async fn fails(source: &Source, kind: Kind, parts: &[&str]) -> Error {
    let Err(error) = SourcePool::open(source, Consistency::Strict).await else {
        panic!("the pool opened");
    };
    let text = format!("{error} / {error:?}");
    assert_eq!(error.kind(), kind, "{text}");
    for part in parts {
        assert!(
            error.to_string().contains(part),
            "{part} is missing in: {text}"
        );
    }
    assert!(
        !text.contains(PASSWORD) && !text.contains("wrong one"),
        "{text}"
    );
    error
}

/// Starting, stopping or full: no login is taken now, and that is not the login's fault.
#[tokio::test]
async fn a_server_that_takes_no_login_now_is_not_ready() {
    let server = server();
    let mut late = source(&server);
    late.user = LATE_USER.into();
    fails(&late, Kind::SourceNotReady, &["18401"]).await;
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let server = server();
    let mut wrong = source(&server);
    wrong.password = Secret::new("the wrong one");
    fails(&wrong, Kind::SourceLogin, &["18456", "source.password"]).await;
    assert_eq!(server.counters().snapshot().logins_failed, 1);
}

#[tokio::test]
async fn an_unknown_database() {
    let server = server();
    let mut wrong = source(&server);
    wrong.database = "Nowhere".into();
    fails(
        &wrong,
        Kind::SourceDatabaseUnavailable,
        &["4060", "Nowhere", "source.database"],
    )
    .await;
}

#[tokio::test]
async fn a_login_without_permission_for_the_database() {
    let server = server();
    server
        .faults()
        .add(FaultSpec::after_rows(Action::RefuseLogin(916), 0));
    fails(
        &source(&server),
        Kind::SourcePermission,
        &["916", "create a user"],
    )
    .await;
}

#[tokio::test]
async fn an_untrusted_certificate() {
    let (server, other) = (server(), server());
    let authority = CaFile::of(&other);
    let source = Source {
        encrypt: Encrypt::Required,
        ca_file: Some(authority.0.clone()),
        ..source(&server)
    };
    let parts = ["not trusted", "source.ca_file", "trust_server_certificate"];
    fails(&source, Kind::SourceTls, &parts).await;
    assert_eq!(server.counters().snapshot().logins, 0);
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let server = server_with(ServerOptions {
        certificate_names: vec!["sql01.example.com".into()],
        ..ServerOptions::default()
    });
    let authority = CaFile::of(&server);
    let mut source = source(&server);
    source.encrypt = Encrypt::Required;
    source.ca_file = Some(authority.0.clone());
    let parts = ["another name", "source.host_name_in_certificate"];
    fails(&source, Kind::SourceTls, &parts).await;
    source.host_name_in_certificate = Some("sql02.example.com".into());
    fails(&source, Kind::SourceTls, &parts).await;
}

#[tokio::test]
async fn encryption_that_the_two_sides_do_not_share() {
    for (tls, encrypt, part) in [
        (TlsMode::NotSupported, Encrypt::Required, "offers no TLS"),
        (TlsMode::NotSupported, Encrypt::LoginOnly, "offers no TLS"),
        (TlsMode::Required, Encrypt::Off, "source.encrypt: required"),
    ] {
        let server = server_with(ServerOptions {
            tls,
            ..ServerOptions::default()
        });
        let source = Source {
            encrypt,
            ..source(&server)
        };
        fails(&source, Kind::SourceTls, &[part]).await;
    }
}

#[tokio::test]
async fn strict_and_not_strict_do_not_meet() {
    let before_tds8 = server_with(ServerOptions {
        tls: TlsMode::NotSupported,
        ..ServerOptions::default()
    });
    let strict = Source {
        encrypt: Encrypt::Strict,
        connect_timeout: Duration::from_secs(3),
        ..source(&before_tds8)
    };
    fails(
        &strict,
        Kind::SourceTlsCut,
        &["TDS 8.0", "source.encrypt: required"],
    )
    .await;

    let tds8 = server_with(ServerOptions {
        tls: TlsMode::Strict,
        ..ServerOptions::default()
    });
    let plain = Source {
        connect_timeout: Duration::from_secs(3),
        ..source(&tds8)
    };
    fails(&plain, Kind::SourceTls, &["source.encrypt", "strict"]).await;
}

#[tokio::test]
async fn a_port_that_closes_at_once() {
    let closing = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = closing.local_addr().unwrap().port();
    std::thread::spawn(move || drop(closing.accept()));
    let server = server();
    let source = Source {
        port: Some(port),
        ..source(&server)
    };
    let parts = ["PRELOGIN", "source.encrypt: strict"];
    fails(&source, Kind::SourceCut, &parts).await;
}

#[tokio::test]
async fn nothing_listens_or_the_name_is_unknown() {
    let server = server();
    let mut gone = source(&server);
    drop(server);
    fails(&gone, Kind::SourceUnreachable, &["refused", "source.port"]).await;
    gone.host = "no-such-host.invalid".into();
    fails(
        &gone,
        Kind::SourceUnreachable,
        &["no-such-host.invalid", "DNS"],
    )
    .await;
}

#[tokio::test]
async fn a_port_that_accepts_and_says_nothing() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = server();
    let source = Source {
        port: Some(silent.local_addr().unwrap().port()),
        connect_timeout: Duration::from_millis(300),
        ..source(&server)
    };
    fails(&source, Kind::SourceUnreachable, &["connect_timeout"]).await;
}

#[tokio::test]
async fn a_connection_cut_during_the_login() {
    let server = server();
    server
        .faults()
        .add(FaultSpec::after_rows(Action::CloseLogin, 0));
    fails(&source(&server), Kind::SourceCut, &["during the login"]).await;
}

#[tokio::test]
async fn a_browser_that_does_not_know_the_instance() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = server();
    let source = Source {
        port: None,
        instance: Some("NOWHERE".into()),
        browser_port: silent.local_addr().unwrap().port(),
        connect_timeout: Duration::from_millis(600),
        ..source(&server)
    };
    fails(
        &source,
        Kind::SourceUnreachable,
        &["NOWHERE", "source.port", "firewall"],
    )
    .await;
}

#[tokio::test]
async fn a_ca_file_that_is_not_there() {
    let server = server();
    let mut source = source(&server);
    source.encrypt = Encrypt::Required;
    source.ca_file = Some("/nonexistent/ca.pem".into());
    fails(&source, Kind::SourceTls, &["/nonexistent/ca.pem"]).await;
}
