//! A server that has no TLS version and cipher of today.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// The alert handshake_failure (RFC 5246 7.2.2) in a packet, in answer to a ClientHello.
pub const HANDSHAKE_FAILURE: &[u8] = &[0x12, 1, 0, 15, 0, 0, 0, 0, 0x15, 3, 3, 0, 2, 2, 40];
/// No answer: the connection is closed.
pub const CLOSED: &[u8] = &[];

/// Reads one TDS packet.
fn packet(socket: &mut TcpStream) -> Vec<u8> {
    let mut packet = vec![0; 8];
    socket.read_exact(&mut packet).expect("a header");
    let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    packet.resize(length, 0);
    socket.read_exact(&mut packet[8..]).expect("a packet");
    packet
}

/// Answers PRELOGIN with ENCRYPT_ON (MS-TDS 2.2.6.5), and then a ClientHello with these bytes. Gives its
/// port; it listens until the process ends.
pub fn old_server(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.expect("a connection");
            packet(&mut socket);
            let prelogin = [
                4, 1, 0, 26, 0, 0, 0, 0, 0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 11, 0, 0, 0, 0, 0, 1,
            ];
            socket.write_all(&prelogin).expect("an answer");
            packet(&mut socket);
            socket.write_all(answer).expect("an answer");
        }
    });
    port
}
