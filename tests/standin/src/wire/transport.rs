//! One connection's byte stream: plain TCP, TLS tunnelled in PRELOGIN packets, or TLS from the start.

use std::io::{self, BufRead, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustls::{ProtocolVersion, ServerConfig, ServerConnection};

use crate::wire::packet::{self, DEFAULT_PACKET, HEADER, Header, kind, status};

/// Bytes of a TLS record header (RFC 8446 5.1).
const RECORD_HEADER: usize = 5;
/// Content type of a record that carries application data (RFC 8446 5.1).
const APPLICATION_DATA: u8 = 0x17;

/// The connection's stream with the encryption that is in force now.
pub(crate) struct Transport {
    socket: TcpStream,
    tls: Option<Box<ServerConnection>>,
    /// The longest packet that the client may send, its header included.
    packet_size: usize,
}

impl Transport {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            tls: None,
            packet_size: DEFAULT_PACKET,
        }
    }

    /// From the login on.
    pub(crate) fn set_packet_size(&mut self, packet_size: usize) {
        self.packet_size = packet_size;
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// The next byte without taking it; `None` at the end of the stream.
    pub(crate) fn peek_plain(&self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.socket.peek(&mut byte)? == 1).then_some(byte[0]))
    }

    /// Whether bytes already decrypted wait to be read.
    pub(crate) fn has_decrypted(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else {
            return Ok(false);
        };
        let state = tls.process_new_packets().map_err(io::Error::other)?;
        Ok(state.plaintext_bytes_to_read() > 0)
    }

    /// TDS 8.0: TLS is the first thing on the wire.
    pub(crate) fn start_strict(&mut self, config: Arc<ServerConfig>) -> io::Result<()> {
        let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            while tls.wants_write() {
                tls.write_tls(&mut self.socket)?;
            }
            // Record by record: the client's first packet may come with the end of its handshake.
            if tls.is_handshaking() && read_record(&mut tls, &mut self.socket)?.is_none() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        while tls.wants_write() {
            tls.write_tls(&mut self.socket)?;
        }
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    /// TDS 7.x: the handshake travels inside PRELOGIN packets (MS-TDS 2.2.6.5).
    pub(crate) fn start_tunnelled(&mut self, config: Arc<ServerConfig>) -> io::Result<()> {
        let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut tunnel = Tunnel {
            socket: &mut self.socket,
            left: 0,
            out: Vec::new(),
        };
        while tls.is_handshaking() {
            tls.complete_io(&mut tunnel)?;
        }
        while tls.wants_write() {
            tls.write_tls(&mut tunnel)?;
        }
        tunnel.flush()?;
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    /// After an encrypted login, the rest is plain when the client asked for ENCRYPT_OFF.
    pub(crate) fn drop_tls(&mut self) {
        self.tls = None;
    }

    /// Sends `parts` (packet headers and payloads) in as few system calls as possible.
    pub(crate) fn send(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            return send_vectored(&mut self.socket, parts);
        };
        for part in parts {
            let mut rest = *part;
            while !rest.is_empty() {
                let taken = tls.writer().write(rest)?;
                rest = &rest[taken..];
                while tls.wants_write() {
                    tls.write_tls(&mut self.socket)?;
                }
            }
        }
        Ok(())
    }

    /// Takes an attention that has already arrived, without waiting for one.
    ///
    /// Anything else on the wire while a response runs breaks the protocol and is an error, as is
    /// a closed connection.
    pub(crate) fn poll_attention(&mut self) -> io::Result<bool> {
        self.socket.set_nonblocking(true)?;
        let waiting = self.peek_packet();
        self.socket.set_nonblocking(false)?;
        if !waiting? {
            return Ok(false);
        }
        let message = packet::read_message(self)?;
        if message.kind == kind::ATTENTION {
            return Ok(true);
        }
        Err(packet::invalid("request sent while a response was running"))
    }

    /// Whether the client has sent something; the socket does not block here.
    fn peek_packet(&mut self) -> io::Result<bool> {
        if self.has_decrypted()? {
            return Ok(true);
        }
        match self.socket.peek(&mut [0]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Tells the client that nothing more comes, cleanly.
    pub(crate) fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            while tls.wants_write() && tls.write_tls(&mut self.socket).is_ok() {}
        }
        // The peer may already be gone; then there is nobody to tell.
        self.socket.shutdown(Shutdown::Both).ok();
    }

    /// Ends the connection as a crash would: no close_notify.
    pub(crate) fn cut(&mut self) {
        self.socket.shutdown(Shutdown::Both).ok();
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.socket.read(buffer);
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            // Record by record, so that plain bytes after an encrypted login stay in the socket.
            let Some(content) = read_record(tls, &mut self.socket)? else {
                return Ok(0);
            };
            check_record(content, tls, self.packet_size)?;
        }
    }
}

/// Reads one record into `tls` and gives its content type; `None` at the end of the stream.
fn read_record(tls: &mut ServerConnection, socket: &mut TcpStream) -> io::Result<Option<u8>> {
    let mut record = RecordReader { socket, left: None };
    while !record.at_end() {
        if tls.read_tls(&mut record)? == 0 {
            return Ok(None);
        }
    }
    let content = record.left.map(|(bytes, _)| bytes[0]);
    if let Err(cause) = tls.process_new_packets() {
        // The client is told by an alert, where it still listens.
        while tls.wants_write() && tls.write_tls(socket).is_ok() {}
        return Err(io::Error::other(cause));
    }
    Ok(content)
}

/// SQL Server expects one packet in each TLS record, and drops the connection without a word
/// otherwise ("individual TLS segments to never contain more data than the negotiated TDS packet
/// size", tediousjs/tedious PR 932; denisenkom/go-mssqldb 166 and 327; dotnet/SqlClient 2141). An
/// empty record, which OpenSSL and Java put before each one of a CBC suite, is no packet either.
fn check_record(content: u8, tls: &mut ServerConnection, packet_size: usize) -> io::Result<()> {
    let state = tls.process_new_packets().map_err(io::Error::other)?;
    let length = state.plaintext_bytes_to_read();
    if length == 0 {
        // TLS 1.3 sends its own messages as application data (RFC 8446 5.2).
        let hidden = tls.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        if content == APPLICATION_DATA && !hidden {
            return Err(packet::invalid("empty TLS record"));
        }
        return Ok(());
    }
    let mut reader = tls.reader();
    let header = reader.fill_buf()?.first_chunk::<HEADER>().copied();
    let header =
        header.ok_or_else(|| packet::invalid("TLS record shorter than a packet header"))?;
    let header = Header::parse(header)?;
    if !kind::REQUESTS.contains(&header.kind) || usize::from(header.length) != length {
        return Err(packet::invalid("TLS record that is not one packet"));
    }
    if length > packet_size {
        return Err(packet::invalid("TLS record longer than the packet size"));
    }
    Ok(())
}

/// Hands out exactly one TLS record.
struct RecordReader<'a> {
    socket: &'a mut TcpStream,
    /// The bytes still to give: the header first, then the body. `None` before the header.
    left: Option<(Vec<u8>, usize)>,
}

impl RecordReader<'_> {
    fn at_end(&self) -> bool {
        self.left
            .as_ref()
            .is_some_and(|(bytes, at)| *at == bytes.len())
    }
}

impl Read for RecordReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.is_none() {
            let mut record = vec![0; RECORD_HEADER];
            if self.socket.read(&mut record[..1])? == 0 {
                return Ok(0);
            }
            self.socket.read_exact(&mut record[1..])?;
            let body = usize::from(u16::from_be_bytes([record[3], record[4]]));
            record.resize(RECORD_HEADER + body, 0);
            self.socket.read_exact(&mut record[RECORD_HEADER..])?;
            self.left = Some((record, 0));
        }
        let (record, at) = self.left.as_mut().expect("set above");
        let count = buffer.len().min(record.len() - *at);
        buffer[..count].copy_from_slice(&record[*at..*at + count]);
        *at += count;
        Ok(count)
    }
}

/// The TLS handshake's view of the socket: payloads of PRELOGIN packets.
struct Tunnel<'a> {
    socket: &'a mut TcpStream,
    /// Payload bytes of the current packet not yet read.
    left: usize,
    /// Handshake bytes not yet sent; one flight goes out as one message.
    out: Vec<u8>,
}

impl Read for Tunnel<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.flush()?;
        while self.left == 0 {
            let mut bytes = [0; HEADER];
            self.socket.read_exact(&mut bytes)?;
            let header = Header::parse(bytes)?;
            if header.kind != kind::PRELOGIN {
                return Err(packet::invalid("TLS handshake outside of PRELOGIN packets"));
            }
            self.left = usize::from(header.length) - HEADER;
        }
        let count = buffer.len().min(self.left);
        let count = self.socket.read(&mut buffer[..count])?;
        self.left -= count;
        Ok(count)
    }
}

impl Write for Tunnel<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // 4096 is the packet size before one is agreed on.
        let chunks = self.out.chunks(4096 - HEADER);
        let last = chunks.len().saturating_sub(1);
        for (index, chunk) in chunks.enumerate() {
            let status = if index == last {
                status::END_OF_MESSAGE
            } else {
                0
            };
            let header = Header::bytes(kind::PRELOGIN, status, chunk.len() + HEADER, 0, 1);
            send_vectored(self.socket, &[&header, chunk])?;
        }
        self.out.clear();
        Ok(())
    }
}

/// Writes all parts, going on where a short write stopped.
fn send_vectored(socket: &mut TcpStream, parts: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = slices.as_mut_slice();
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match socket.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut rest, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
