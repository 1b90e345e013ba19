//! A bare TDS client: builds requests byte by byte and walks the tokens of the answers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::script::PASSWORD;

/// How the client asks for encryption.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Encryption {
    Off = 0,
    On = 1,
    NotSupported = 2,
    Strict = 4,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, Tunnel>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// TLS records in PRELOGIN packets while `wrapping`.
struct Tunnel {
    socket: TcpStream,
    wrapping: bool,
    left: usize,
}

impl Read for Tunnel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.wrapping {
            return self.socket.read(buffer);
        }
        while self.left == 0 {
            let mut header = [0; 8];
            self.socket.read_exact(&mut header)?;
            assert_eq!(header[0], 0x12, "TLS outside of PRELOGIN");
            self.left = usize::from(u16::from_be_bytes([header[2], header[3]])) - 8;
        }
        let count = buffer.len().min(self.left);
        let count = self.socket.read(&mut buffer[..count])?;
        self.left -= count;
        Ok(count)
    }
}

impl Write for Tunnel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.wrapping {
            self.socket.write_all(&packet(0x12, 1, bytes))?;
            return Ok(bytes.len());
        }
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

pub(crate) struct Client {
    stream: Stream,
    /// The packet sizes of the last answer.
    pub(crate) packet_sizes: Vec<usize>,
}

/// A login as the tests vary it.
pub(crate) struct Login<'a> {
    pub(crate) encryption: Encryption,
    pub(crate) password: &'a str,
    pub(crate) database: &'a str,
    pub(crate) packet_size: u32,
    pub(crate) ca_pem: &'a str,
}

impl Default for Login<'_> {
    fn default() -> Self {
        Self {
            encryption: Encryption::NotSupported,
            password: PASSWORD,
            database: "",
            packet_size: 4096,
            ca_pem: "",
        }
    }
}

impl Client {
    /// A connection on which nothing was said.
    pub(crate) fn bare(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self {
            stream: Stream::Plain(socket),
            packet_sizes: Vec::new(),
        })
    }

    /// Sends packets as they are and gives the payload of the answer.
    pub(crate) fn exchange(&mut self, packets: &[u8]) -> io::Result<Vec<u8>> {
        self.send_raw(packets)?;
        self.receive()
    }

    pub(crate) fn send_raw(&mut self, packets: &[u8]) -> io::Result<()> {
        self.stream.write_all(packets)?;
        self.stream.flush()
    }

    /// Logs in; the answer to LOGIN7 comes back with the client.
    pub(crate) fn login(address: SocketAddr, login: &Login<'_>) -> io::Result<(Self, Vec<Token>)> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let stream = if login.encryption == Encryption::Strict {
            Stream::Tls(Box::new(tls(
                Tunnel {
                    socket,
                    wrapping: false,
                    left: 0,
                },
                login.ca_pem,
                true,
            )?))
        } else {
            Stream::Plain(socket)
        };
        let mut client = Self {
            stream,
            packet_sizes: Vec::new(),
        };
        let encryption = if login.encryption == Encryption::Strict {
            2
        } else {
            login.encryption as u8
        };
        client.send(0x12, 1, &[1, 0, 6, 0, 1, 0xFF, encryption])?;
        let answer = client.receive()?;
        // ENCRYPTION is the second option of the answer.
        let at = usize::from(u16::from_be_bytes([answer[6], answer[7]]));
        let agreed = answer[at];
        if login.encryption != Encryption::Strict && agreed != 2 {
            client.start_tls(login.ca_pem)?;
        }
        client.send(0x10, 1, &login7(login))?;
        if login.encryption == Encryption::Off && agreed == 0 {
            client.drop_tls();
        }
        let answer = client.receive()?;
        Ok((client, tokens(&answer)))
    }

    fn start_tls(&mut self, ca_pem: &str) -> io::Result<()> {
        let Stream::Plain(socket) = &self.stream else {
            panic!("TLS twice")
        };
        let tunnel = Tunnel {
            socket: socket.try_clone()?,
            wrapping: true,
            left: 0,
        };
        let mut stream = tls(tunnel, ca_pem, false)?;
        stream.sock.wrapping = false;
        self.stream = Stream::Tls(Box::new(stream));
        Ok(())
    }

    fn drop_tls(&mut self) {
        let Stream::Tls(stream) = &self.stream else {
            panic!("no TLS to drop")
        };
        let socket = stream.sock.socket.try_clone().unwrap();
        self.stream = Stream::Plain(socket);
    }

    pub(crate) fn batch(&mut self, text: &str) -> io::Result<Vec<Token>> {
        self.start_batch(text, 1)?;
        Ok(tokens(&self.receive()?))
    }

    /// Sends a batch with these status bits and does not wait.
    pub(crate) fn start_batch(&mut self, text: &str, status: u8) -> io::Result<()> {
        let mut payload = ALL_HEADERS.to_vec();
        payload.extend(utf16(text));
        self.send(0x01, status, &payload)
    }

    pub(crate) fn request(&mut self, kind: u8, body: &[u8]) -> io::Result<Vec<Token>> {
        self.send(kind, 1, &[&ALL_HEADERS, body].concat())?;
        Ok(tokens(&self.receive()?))
    }

    pub(crate) fn send(&mut self, kind: u8, status: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&packet(kind, status, payload))?;
        self.stream.flush()
    }

    /// The payload of one message.
    pub(crate) fn receive(&mut self) -> io::Result<Vec<u8>> {
        self.packet_sizes.clear();
        let mut payload = Vec::new();
        loop {
            let mut header = [0; 8];
            self.stream.read_exact(&mut header)?;
            assert_eq!(header[0], 0x04, "not a response");
            let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
            self.packet_sizes.push(length);
            let start = payload.len();
            payload.resize(start + length - 8, 0);
            self.stream.read_exact(&mut payload[start..])?;
            if header[1] & 1 == 1 {
                return Ok(payload);
            }
        }
    }

    /// Everything up to the end of the connection.
    pub(crate) fn receive_raw(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset instead of an end is a lost connection too.
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }
}

/// MS-TDS 4.6.
pub(crate) const ALL_HEADERS: [u8; 22] = [
    0x16, 0, 0, 0, 0x12, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
];

fn tls(
    mut tunnel: Tunnel,
    ca_pem: &str,
    alpn: bool,
) -> io::Result<StreamOwned<ClientConnection, Tunnel>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    if alpn {
        config.alpn_protocols = vec![b"tds/8.0".to_vec()];
    }
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut tunnel)?;
    }
    if alpn {
        assert_eq!(connection.alpn_protocol(), Some(b"tds/8.0".as_slice()));
    }
    Ok(StreamOwned::new(connection, tunnel))
}

fn login7(login: &Login<'_>) -> Vec<u8> {
    let mut fixed = vec![0; 94];
    let version: u32 = if login.encryption == Encryption::Strict {
        0x0800_0000
    } else {
        0x7400_0004
    };
    fixed[4..8].copy_from_slice(&version.to_le_bytes());
    fixed[8..12].copy_from_slice(&login.packet_size.to_le_bytes());
    let password: Vec<u8> = utf16(login.password)
        .iter()
        .map(|byte| byte.rotate_right(4) ^ 0xA5)
        .collect();
    for (at, data) in [
        (40, utf16("sa")),
        (44, password),
        (68, utf16(login.database)),
    ] {
        let offset = fixed.len() as u16;
        fixed[at..at + 2].copy_from_slice(&offset.to_le_bytes());
        fixed[at + 2..at + 4].copy_from_slice(&(data.len() as u16 / 2).to_le_bytes());
        fixed.extend(data);
    }
    // UTF8_SUPPORT and one feature that the server does not know.
    fixed[27] = 0x10;
    let extension = fixed.len() as u16;
    fixed[56..58].copy_from_slice(&extension.to_le_bytes());
    fixed[58..60].copy_from_slice(&4_u16.to_le_bytes());
    fixed.extend((u32::from(extension) + 4).to_le_bytes());
    fixed.extend([0x0A, 1, 0, 0, 0, 1, 0x0D, 1, 0, 0, 0, 1, 0xFF]);
    let length = fixed.len() as u32;
    fixed[..4].copy_from_slice(&length.to_le_bytes());
    fixed
}

pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(crate) fn packet(kind: u8, status: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 8).to_be_bytes();
    [&[kind, status, length[0], length[1], 0, 0, 1, 0], payload].concat()
}

/// What the tests look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Columns,
    /// The number in the first column.
    Row(i32),
    Done {
        kind: u8,
        status: u16,
        count: u64,
    },
    Error(i32),
    Info(i32),
    Env(u8, Vec<u8>),
    LoginAck(u32),
    Features(Vec<u8>),
    ReturnStatus(i32),
    ReturnInt(i32),
    /// No token; the rest cannot be read.
    Garbage,
}

pub(crate) fn tokens(bytes: &[u8]) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (token, next) = token(bytes, at);
        found.push(token);
        at = next;
    }
    found
}

fn int(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn short(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

/// The token at `at` and where the next begins.
fn token(bytes: &[u8], at: usize) -> (Token, usize) {
    let kind = bytes[at];
    let body = at + 1;
    match kind {
        // The two columns of the script: INT4 and NVARCHAR(20), names of one letter.
        0x81 => (Token::Columns, body + 2 + (4 + 2 + 1 + 3) + (4 + 2 + 8 + 3)),
        0xD1 => (
            Token::Row(int(bytes, body)),
            body + 4 + 2 + short(bytes, body + 4),
        ),
        0xD2 => {
            assert_eq!(bytes[body], 0b10, "only the text is ever NULL");
            (Token::Row(int(bytes, body + 1)), body + 5)
        }
        0xFD..=0xFF => {
            let count = u64::from_le_bytes(bytes[body + 4..body + 12].try_into().unwrap());
            (
                Token::Done {
                    kind,
                    status: short(bytes, body) as u16,
                    count,
                },
                body + 12,
            )
        }
        0x79 => (Token::ReturnStatus(int(bytes, body)), body + 4),
        0xAC => (Token::ReturnInt(int(bytes, body + 13)), body + 17),
        0xAE => {
            let mut ids = Vec::new();
            let mut next = body;
            while bytes[next] != 0xFF {
                ids.push(bytes[next]);
                next += 5 + int(bytes, next + 1) as usize;
            }
            (Token::Features(ids), next + 1)
        }
        0xAA | 0xAB | 0xE3 | 0xAD => {
            let end = body + 2 + short(bytes, body);
            let token = match kind {
                0xAA => Token::Error(int(bytes, body + 2)),
                0xAB => Token::Info(int(bytes, body + 2)),
                0xE3 => Token::Env(bytes[body + 2], bytes[body + 3..end].to_vec()),
                _ => Token::LoginAck(u32::from_be_bytes(
                    bytes[body + 3..body + 7].try_into().unwrap(),
                )),
            };
            (token, end)
        }
        _ => (Token::Garbage, bytes.len()),
    }
}
