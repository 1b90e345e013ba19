//! Every way of encrypting a connection, up to a query through it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use migrate::config::job::{ApplicationIntent, Consistency, Encrypt, Source};
use migrate::error::Kind;
use migrate::mssql::pool::SourcePool;
use standin::server::ServerOptions;
use standin::wire::TlsMode;

use crate::scripted::{CaFile, all_gone, server, server_with, source};

/// Logs in, reads a result of many packets, and leaves nothing behind.
async fn works(source: &Source) {
    let pool = SourcePool::open(source, Consistency::Strict).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let rows = connection.query("SELECT 20000 ROWS").await.unwrap();
    assert_eq!(rows.len(), 20000);
    assert_eq!(rows[19999].need_int(0).unwrap(), 19999);
    drop(connection);
    pool.close().await;
}

fn with_tls(tls: TlsMode) -> ServerOptions {
    ServerOptions {
        tls,
        ..ServerOptions::default()
    }
}

#[tokio::test]
async fn plain() {
    let server = server();
    works(&source(&server)).await;
    all_gone(&server).await;
}

#[tokio::test]
async fn tls_with_a_trusted_authority() {
    for tls in [TlsMode::Optional, TlsMode::Required] {
        let server = server_with(with_tls(tls));
        let authority = CaFile::of(&server);
        works(&Source {
            encrypt: Encrypt::Required,
            ca_file: Some(authority.0.clone()),
            ..source(&server)
        })
        .await;
        all_gone(&server).await;
    }
}

#[tokio::test]
async fn tls_for_the_login_only() {
    // A server that forces encryption gets it, whatever was asked for.
    for tls in [TlsMode::Optional, TlsMode::Required] {
        let server = server_with(with_tls(tls));
        let authority = CaFile::of(&server);
        works(&Source {
            encrypt: Encrypt::LoginOnly,
            ca_file: Some(authority.0.clone()),
            ..source(&server)
        })
        .await;
    }
}

#[tokio::test]
async fn strict() {
    let server = server_with(with_tls(TlsMode::Strict));
    let authority = CaFile::of(&server);
    works(&Source {
        encrypt: Encrypt::Strict,
        ca_file: Some(authority.0.clone()),
        ..source(&server)
    })
    .await;
}

#[tokio::test]
async fn an_unknown_authority_on_request() {
    let server = server();
    works(&Source {
        encrypt: Encrypt::Required,
        trust_server_certificate: true,
        ..source(&server)
    })
    .await;
}

#[tokio::test]
async fn a_certificate_for_another_name_that_the_job_expects() {
    let server = server_with(ServerOptions {
        certificate_names: vec!["sql01.example.com".into()],
        ..ServerOptions::default()
    });
    let authority = CaFile::of(&server);
    works(&Source {
        encrypt: Encrypt::Required,
        ca_file: Some(authority.0.clone()),
        host_name_in_certificate: Some("sql01.example.com".into()),
        ..source(&server)
    })
    .await;
}

#[tokio::test]
async fn a_named_instance_is_found_through_the_browser() {
    let server = server_with(ServerOptions {
        instance: "SQLEXPRESS".into(),
        browser: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        ..ServerOptions::default()
    });
    works(&Source {
        port: None,
        instance: Some("SqlExpress".into()),
        browser_port: server.browser_address().unwrap().port(),
        ..source(&server)
    })
    .await;
}

#[tokio::test]
async fn the_session_is_set_up_before_its_first_query() {
    let server = server();
    server.counters().log_statements(true);
    let pool = SourcePool::open(&source(&server), Consistency::Relaxed)
        .await
        .unwrap();
    pool.acquire()
        .await
        .unwrap()
        .query("SELECT 7")
        .await
        .unwrap();
    let statements = server.counters().statements();
    assert!(statements[0].contains("READ UNCOMMITTED"), "{statements:?}");
    assert!(
        statements[0].contains("SET TEXTSIZE 2147483647"),
        "{statements:?}"
    );
    assert_eq!(statements[1].trim(), "SELECT 7", "{statements:?}");
    pool.close().await;
}

/// Relays one connection to `server`; gives what the client sent when it has gone.
fn overheard(server: SocketAddr) -> (u16, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let relay = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut behind = TcpStream::connect(server).unwrap();
        let (mut back, mut answers) = (client.try_clone().unwrap(), behind.try_clone().unwrap());
        let answering = std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
        let (mut said, mut bytes) = (Vec::new(), [0; 4096]);
        while let Ok(read @ 1..) = client.read(&mut bytes) {
            said.extend_from_slice(&bytes[..read]);
            behind.write_all(&bytes[..read]).unwrap();
        }
        behind.shutdown(std::net::Shutdown::Both).ok();
        answering.join().unwrap().ok();
        said
    });
    (port, relay)
}

/// Bit 5 of TypeFlags, the byte 26 of LOGIN7, which is a message of type 16 (MS-TDS 2.2.6.4 and
/// 2.2.3.1.1).
#[tokio::test]
async fn the_login_says_that_it_only_reads() {
    for (intent, expected) in [
        (ApplicationIntent::ReadWrite, 0),
        (ApplicationIntent::ReadOnly, 0x20),
    ] {
        let server = server();
        let (port, relay) = overheard(server.address());
        let source = Source {
            port: Some(port),
            application_intent: intent,
            ..source(&server)
        };
        let pool = SourcePool::open(&source, Consistency::Strict)
            .await
            .unwrap();
        pool.close().await;
        let said = relay.join().unwrap();
        let prelogin = usize::from(u16::from_be_bytes([said[2], said[3]]));
        let login = &said[prelogin..];
        assert_eq!(login[0], 16, "LOGIN7 comes second");
        assert_eq!(login[8 + 26] & 0x20, expected);
    }
}

/// One packet of TDS: its payload.
fn packet(client: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 8];
    client.read_exact(&mut header).unwrap();
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let mut payload = vec![0; length - header.len()];
    client.read_exact(&mut payload).unwrap();
    payload
}

/// A response of one packet.
fn answer(client: &mut TcpStream, payload: &[u8]) {
    let length = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
    let header = [4, 1, length[0], length[1], 0, 0, 1, 0];
    client.write_all(&[&header[..], payload].concat()).unwrap();
}

/// A gateway that sends each login on to a port of this machine (MS-TDS 2.2.7.9, ENVCHANGE of type 20).
fn gateway(to: u16) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            packet(&mut client);
            // VERSION and ENCRYPTION, which it does not have (MS-TDS 2.2.6.5).
            let options = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff];
            let prelogin = [&options[..], &[16, 0, 0, 0, 0, 0], &[2]].concat();
            answer(&mut client, &prelogin);
            packet(&mut client);
            let host: Vec<u8> = "127.0.0.1"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect();
            let letters = u16::try_from(host.len() / 2).unwrap().to_le_bytes();
            let route = [&[0][..], &to.to_le_bytes(), &letters, &host].concat();
            let long = u16::try_from(route.len()).unwrap().to_le_bytes();
            let change = [&[20][..], &long, &route, &[0, 0]].concat();
            let whole = u16::try_from(change.len()).unwrap().to_le_bytes();
            let done = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            answer(&mut client, &[&[0xe3][..], &whole, &change, &done].concat());
        }
    });
    port
}

#[tokio::test]
async fn a_login_is_sent_on_by_a_gateway_and_a_blocked_port_behind_it_is_told() {
    let server = server();
    let behind = server.address().port();
    let through = |to| Source {
        port: Some(gateway(to)),
        ..source(&server)
    };
    works(&through(behind)).await;
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let refused = SourcePool::open(&through(closed), Consistency::Strict).await;
    let error = refused.err().expect("nothing listens there");
    assert_eq!(error.kind(), Kind::SourceUnreachable);
    let words = format!("redirected the login to 127.0.0.1 port {closed}, which cannot be reached");
    assert!(error.message().contains(&words), "{error}");
    assert!(
        error
            .own_advice()
            .is_some_and(|advice| advice.contains("11000 to 11999"))
    );
}
