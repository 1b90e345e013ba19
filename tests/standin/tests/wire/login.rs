//! Logging in: encryption, refusals, negotiation, the ports beside the main one.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use standin::server::{ServerHandle, ServerOptions};
use standin::wire::TlsMode;

use crate::client::{ALL_HEADERS, Client, Encryption, Login, Token, packet};
use crate::{connect, start};

fn numbers(tokens: &[Token]) -> Vec<i32> {
    tokens
        .iter()
        .filter_map(|token| {
            if let Token::Error(number) = token {
                Some(*number)
            } else {
                None
            }
        })
        .collect()
}

fn wait_for_no_connection(server: &ServerHandle) {
    let end = Instant::now() + Duration::from_secs(5);
    while server.counters().snapshot().connections > 0 {
        assert!(Instant::now() < end, "connections stay open");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn welcome_is_complete_and_in_order() {
    let (server, _) = start(ServerOptions::default());
    let login = Login {
        packet_size: 32767,
        ..Login::default()
    };
    let (_client, tokens) = Client::login(server.address(), &login).unwrap();
    let kinds: Vec<String> = tokens
        .iter()
        .map(|token| match token {
            Token::Env(kind, _) => format!("env {kind}"),
            other => format!("{other:?}"),
        })
        .collect();
    let expected = [
        "env 1",
        "Info(5701)",
        "env 7",
        "env 2",
        "Info(5703)",
        "LoginAck(1946157060)",
        "Features([10])",
        "env 4",
        "Done { kind: 253, status: 0, count: 0 }",
    ];
    assert_eq!(kinds, expected);
    let size: Vec<u8> = "32767".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(
        tokens
            .iter()
            .any(|token| matches!(token, Token::Env(4, value) if value[1..11] == size[..]))
    );
}

#[test]
fn every_encryption_carries_a_large_answer() {
    for (mode, encryption) in [
        (TlsMode::NotSupported, Encryption::Off),
        (TlsMode::Optional, Encryption::NotSupported),
        (TlsMode::Optional, Encryption::Off),
        (TlsMode::Optional, Encryption::On),
        (TlsMode::Required, Encryption::Off),
        (TlsMode::Required, Encryption::On),
        (TlsMode::Optional, Encryption::Strict),
        (TlsMode::Strict, Encryption::Strict),
    ] {
        let (server, _) = start(ServerOptions {
            tls: mode,
            ..ServerOptions::default()
        });
        let ca_pem = server.ca_pem().to_owned();
        let login = Login {
            encryption,
            ca_pem: &ca_pem,
            packet_size: 32767,
            ..Login::default()
        };
        let (mut client, _) = Client::login(server.address(), &login).unwrap();
        let tokens = client.batch("rows 50000").unwrap();
        let rows = tokens
            .iter()
            .filter(|token| matches!(token, Token::Row(_)))
            .count();
        assert_eq!(rows, 50_000, "{mode:?} {encryption:?}");
        let encrypted_after_login = encryption == Encryption::On
            || encryption == Encryption::Strict
            || (mode, encryption) == (TlsMode::Required, Encryption::Off);
        let cap = if encrypted_after_login { 16383 } else { 32767 };
        assert_eq!(client.packet_sizes[0], cap, "{mode:?} {encryption:?}");
    }
}

#[test]
fn disagreement_about_encryption_ends_the_connection() {
    for (mode, encryption) in [
        (TlsMode::Required, Encryption::NotSupported),
        (TlsMode::Strict, Encryption::NotSupported),
    ] {
        let (server, _) = start(ServerOptions {
            tls: mode,
            ..ServerOptions::default()
        });
        let ca_pem = server.ca_pem().to_owned();
        let login = Login {
            encryption,
            ca_pem: &ca_pem,
            ..Login::default()
        };
        assert!(
            Client::login(server.address(), &login).is_err(),
            "{mode:?} {encryption:?}"
        );
        assert_eq!(server.counters().snapshot().logins, 0);
    }
}

#[test]
fn refusals_name_their_reason_and_close() {
    let (server, _) = start(ServerOptions::default());
    let login = Login {
        password: "wrong",
        ..Login::default()
    };
    let (mut client, tokens) = Client::login(server.address(), &login).unwrap();
    assert_eq!(numbers(&tokens), [18456]);
    assert!(client.batch("rows 1").is_err());
    let login = Login {
        database: "nowhere",
        ..Login::default()
    };
    let (_, tokens) = Client::login(server.address(), &login).unwrap();
    assert_eq!(numbers(&tokens), [4060, 18456]);
    wait_for_no_connection(&server);
    let counters = server.counters().snapshot();
    assert_eq!(
        (
            counters.logins,
            counters.logins_failed,
            counters.peak_sessions
        ),
        (0, 2, 0)
    );
}

#[test]
fn connections_are_counted_and_the_handle_ends_them() {
    let (server, _) = start(ServerOptions::default());
    let mut clients: Vec<Client> = (0..3).map(|_| connect(&server)).collect();
    let counters = server.counters().snapshot();
    assert_eq!(
        (
            counters.connections,
            counters.peak_connections,
            counters.sessions
        ),
        (3, 3, 3)
    );
    clients.pop();
    clients.pop();
    let end = Instant::now() + Duration::from_secs(5);
    while server.counters().snapshot().connections > 1 {
        assert!(Instant::now() < end, "closed connections stay counted");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(server.counters().snapshot().peak_connections, 3);
    drop(server);
    assert!(clients[0].batch("rows 1").is_err());
}

#[test]
fn connections_say_who_they_are() {
    let (server, _) = start(ServerOptions::default());
    let login = Login {
        packet_size: 8000,
        ..Login::default()
    };
    let _client = Client::login(server.address(), &login).unwrap();
    let found = server.connections();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].login.as_str(), found[0].database.as_str()),
        ("sa", "master")
    );
    assert_eq!((found[0].packet_size, found[0].encrypted), (8000, false));
    assert_eq!(
        (found[0].client_address.as_str(), found[0].session_id),
        ("127.0.0.1", 51)
    );
}

#[test]
fn garbage_instead_of_a_login_closes_the_connection() {
    let (server, _) = start(ServerOptions::default());
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".as_slice(),
        &[0x12, 1, 0, 9, 0, 0, 1, 0, 0x00],
        &[0x16, 3, 1, 0, 1, 0],
    ] {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        socket.write_all(bytes).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        // An end or a reset, but no time-out.
        if let Err(error) = std::io::Read::read_to_end(&mut socket, &mut rest) {
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset,
                "{bytes:?}"
            );
        }
    }
    wait_for_no_connection(&server);
    connect(&server);
}

#[test]
fn browser_names_the_port_of_the_instance() {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = ServerOptions {
        instance: "EXPRESS".to_owned(),
        browser: Some(local),
        ..ServerOptions::default()
    };
    let (server, _) = start(options);
    let socket = UdpSocket::bind(local).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    socket
        .send_to(b"\x04express\0", server.browser_address().unwrap())
        .unwrap();
    let mut answer = [0; 1024];
    let length = socket.recv(&mut answer).unwrap();
    let text = String::from_utf8(answer[3..length].to_vec()).unwrap();
    assert!(
        text.contains(&format!(";tcp;{};;", server.address().port())),
        "{text}"
    );
}

#[test]
fn admin_port_steers_the_server() {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (server, _) = start(ServerOptions {
        admin: Some(local),
        ..ServerOptions::default()
    });
    let socket = TcpStream::connect(server.admin_address().unwrap()).unwrap();
    let mut lines = BufReader::new(socket.try_clone().unwrap());
    let mut ask = |line: &str| {
        writeln!(&socket, "{line}").unwrap();
        let mut answer = String::new();
        lines.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    };
    assert_eq!(ask("log on"), "ok");
    assert_eq!(ask("fault error:number=50001,match=MINE"), "ok");
    assert!(ask("fault nonsense").starts_with("error: "));
    let mut client = connect(&server);
    client.batch("rows 2").unwrap();
    assert_eq!(numbers(&client.batch("not mine").unwrap()), [50001]);
    assert_eq!(ask("log"), "[\"rows 2\",\"not mine\"]");
    let stats = ask("stats");
    assert!(
        stats.contains("\"batches\":2") && stats.contains("\"faults\":1"),
        "{stats}"
    );
}

/// What clients were dropped for by real servers; see `wire/transport.rs`.
#[test]
fn a_tls_record_that_is_not_one_packet_ends_the_connection() {
    for (encryption, most_packet) in [(Encryption::On, 512), (Encryption::Strict, 16383)] {
        let (server, _) = start(ServerOptions {
            most_packet,
            ..ServerOptions::default()
        });
        let ca_pem = server.ca_pem().to_owned();
        let login = Login {
            encryption,
            ca_pem: &ca_pem,
            packet_size: 32767,
            ..Login::default()
        };
        let body = most_packet as usize - 8;
        let whole = [ALL_HEADERS.to_vec(), vec![0x20, 0].repeat((body - 22) / 2)].concat();
        let half = whole.len() / 2;
        let mut first = packet(0x01, 0, &whole);
        let two = packet(0x01, 1, &[0x20, 0]);
        let together = [packet(0x01, 0, &whole[..half]), two.clone()].concat();
        for records in [
            // A packet in two records, two packets in one, and one longer than agreed.
            vec![first.split_off(half), first],
            vec![together],
            vec![packet(0x01, 1, &[whole.clone(), vec![0; 2]].concat())],
            vec![b"no packet".to_vec()],
        ] {
            let (mut client, _) = Client::login(server.address(), &login).unwrap();
            for record in records {
                // The server may be gone before the last.
                let _ = client.send_raw(&record);
            }
            assert_eq!(client.receive_raw(), [], "{encryption:?}");
        }
        let (mut client, _) = Client::login(server.address(), &login).unwrap();
        for record in [packet(0x01, 0, &whole), two] {
            client.send_raw(&record).unwrap();
        }
        assert!(client.receive().is_ok(), "{encryption:?}");
    }
}
