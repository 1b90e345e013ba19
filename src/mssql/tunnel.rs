//! The socket below TLS: wraps the handshake of TDS 7.x in PRELOGIN packets, then is the plain socket.
//!
//! It knows packet headers and TLS content types, and nothing of what is in them. `tls` does the
//! handshake on top of it; `transport` uses it as the plain socket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use futures::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use tds_copy::tds::packet::{
    DEFAULT_PACKET, HEADER_LENGTH, Header, PRELOGIN, RESPONSE, frame_message,
};

/// One receive of this many bytes serves many TLS records: rustls asks for one of 16 KiB at a time.
const RECEIVE: usize = 128 * 1024;

/// A TCP socket that can carry the TLS handshake inside TDS packets (MS-TDS 3.2.5.2).
pub(super) struct Tunnel {
    tcp: TcpStream,
    /// Whether what is written is handshake and must be wrapped.
    wrapping: bool,
    /// Whether TLS is above: what it asks for is a record, and would be a system call each.
    below_tls: bool,
    /// Handshake bytes since the last flush; a flush makes them one message.
    flight: BytesMut,
    /// Wrapped bytes that the socket did not take yet.
    outgoing: BytesMut,
    incoming: Incoming,
    /// Received and not yet handed on.
    received: BytesMut,
}

/// How received bytes are to be understood.
#[derive(Debug, Clone, Copy)]
enum Incoming {
    /// As they are.
    Plain,
    /// In a wrapping packet with this many payload bytes still to come.
    Wrapped(usize),
}

/// The state of a socket on which nothing is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glance {
    /// Open, and nothing has come.
    Quiet,
    /// Bytes came unasked: TLS housekeeping, or the server's last words.
    Talking,
    /// The peer has ended the connection, or it broke.
    Closed,
}

impl Tunnel {
    /// A plain socket: no TLS, or TLS from the first byte.
    pub(super) fn plain(tcp: TcpStream) -> Self {
        Self {
            tcp,
            wrapping: false,
            below_tls: false,
            flight: BytesMut::new(),
            outgoing: BytesMut::new(),
            incoming: Incoming::Plain,
            received: BytesMut::new(),
        }
    }

    /// From now on what is written and read is a TLS handshake in PRELOGIN packets.
    pub(super) fn wrap_handshake(&mut self) {
        self.wrapping = true;
        self.incoming = Incoming::Wrapped(0);
    }

    /// The handshake is over; TLS records follow without packets around them.
    ///
    /// Both forms are read until the first bare TLS record: a server may wrap the session
    /// tickets that TLS 1.3 sends after the handshake.
    pub(super) fn handshake_done(&mut self) {
        self.wrapping = false;
        self.below_tls = true;
    }

    /// TLS is over: what comes now are packets for the reader, even if they look like wrapping.
    pub(super) fn leave_tls(mut self) -> Self {
        self.incoming = Incoming::Plain;
        self.below_tls = false;
        self
    }

    /// What can be known of the peer without asking it: whether it closed, or sent something.
    pub(super) fn glance(&self) -> Glance {
        match self.tcp.peek(&mut [0]).now_or_never() {
            None => Glance::Quiet,
            Some(Ok(0) | Err(_)) => Glance::Closed,
            Some(Ok(_)) => Glance::Talking,
        }
    }

    /// Puts the handshake bytes since the last flush into PRELOGIN packets of the default size.
    fn wrap_flight(&mut self) {
        if self.flight.is_empty() {
            return;
        }
        let mut message = Vec::with_capacity(self.flight.len() + HEADER_LENGTH);
        frame_message(PRELOGIN, &self.flight, DEFAULT_PACKET, &mut message);
        self.flight.clear();
        self.outgoing.extend_from_slice(&message);
    }

    /// Ready when the socket has taken all wrapped bytes.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(Pin::new(&mut self.tcp).poll_write(cx, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Receives more; `false` at the end of the stream.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        self.received.reserve(RECEIVE);
        let n = ready!(tokio_util::io::poll_read_buf(
            Pin::new(&mut self.tcp),
            cx,
            &mut self.received
        ))?;
        Poll::Ready(Ok(n > 0))
    }

    /// Hands on what was received; `false` if more bytes are needed first.
    fn hand_on(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<bool> {
        // A loop, not a recursion: a server can send any number of empty packets.
        while let Incoming::Wrapped(0) = self.incoming {
            match self.received.first() {
                None => return Ok(false),
                // TLS content types (RFC 8446 5.1) and TDS packet types do not overlap.
                Some(0x14..=0x17) => self.incoming = Incoming::Plain,
                Some(&PRELOGIN | &RESPONSE) => {
                    let Some(header) = self.received.first_chunk::<HEADER_LENGTH>() else {
                        return Ok(false);
                    };
                    let header = Header::parse(*header)
                        .map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, cause))?;
                    self.received.advance(HEADER_LENGTH);
                    let payload = usize::from(header.length) - HEADER_LENGTH;
                    self.incoming = Incoming::Wrapped(payload);
                }
                Some(_) => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "neither a TLS record nor a TDS packet in the TLS handshake",
                    ));
                }
            }
        }
        let available = match self.incoming {
            Incoming::Plain => self.received.len(),
            Incoming::Wrapped(left) => left.min(self.received.len()),
        };
        let n = available.min(buf.remaining());
        buf.put_slice(&self.received[..n]);
        self.received.advance(n);
        if let Incoming::Wrapped(left) = &mut self.incoming {
            *left -= n;
        }
        Ok(n > 0)
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if buf.remaining() == 0 || this.hand_on(buf)? {
                return Poll::Ready(Ok(()));
            }
            // A row stream without TLS brings a large buffer of its own: no copy through ours.
            let plain = matches!(this.incoming, Incoming::Plain) && !this.below_tls;
            if plain && buf.remaining() >= 16 * 1024 {
                return Pin::new(&mut this.tcp).poll_read(cx, buf);
            }
            if !ready!(this.poll_receive(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.wrapping {
            this.flight.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(this.poll_outgoing(cx))?;
        Pin::new(&mut this.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.wrap_flight();
        ready!(this.poll_outgoing(cx))?;
        Pin::new(&mut this.tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_outgoing(cx))?;
        Pin::new(&mut this.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Tunnel, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        (Tunnel::plain(client), listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_flight_becomes_packets_of_one_message() {
        let (mut tunnel, mut server) = pair().await;
        tunnel.wrap_handshake();
        tunnel.write_all(&[7; 3000]).await.unwrap();
        tunnel.write_all(&[8; 3000]).await.unwrap();
        tunnel.flush().await.unwrap();
        let mut bytes = vec![0; 6000 + 2 * HEADER_LENGTH];
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(
            &bytes[..4],
            &[0x12, 0, 0x10, 0x00],
            "first packet: 4096 bytes, more follow"
        );
        let second = 4096;
        assert_eq!(bytes[second], 0x12);
        assert_eq!(bytes[second + 1], 1, "the last packet of the message");
    }

    #[tokio::test]
    async fn wrapped_and_bare_records_are_told_apart() {
        let (mut tunnel, mut server) = pair().await;
        tunnel.wrap_handshake();
        let mut sent = vec![0x12, 0, 0, 11, 0, 0, 0, 0, 0x16, 1, 2];
        sent.extend_from_slice(&[0x04, 1, 0, 10, 0, 0, 0, 0, 0x16, 3]);
        sent.extend_from_slice(&[0x17, 4, 5, 0x12]);
        for byte in sent {
            server.write_all(&[byte]).await.unwrap();
            server.flush().await.unwrap();
        }
        drop(server);
        let mut seen = Vec::new();
        tunnel.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, [0x16, 1, 2, 0x16, 3, 0x17, 4, 5, 0x12]);
    }

    /// A test's thread has 2 MiB of stack, as the runtime's workers have.
    #[tokio::test]
    async fn any_number_of_empty_packets_is_passed_over() {
        const EMPTY: [u8; HEADER_LENGTH] = [PRELOGIN, 0, 0, 8, 0, 0, 0, 0];
        let (mut tunnel, mut server) = pair().await;
        tunnel.wrap_handshake();
        tunnel.received.extend_from_slice(&EMPTY.repeat(1_000_000));
        server.write_all(&[0x16, 1, 2]).await.unwrap();
        drop(server);
        let mut seen = Vec::new();
        tunnel.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, [0x16, 1, 2]);
    }

    #[tokio::test]
    async fn another_protocol_in_the_handshake_is_an_error() {
        let (mut tunnel, mut server) = pair().await;
        tunnel.wrap_handshake();
        server.write_all(b"SSH-2.0-x").await.unwrap();
        let error = tunnel.read(&mut [0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
