//! One connection's bytes: socket and TLS, lent in turn to the driver and to row streams.
//!
//! Logged in by `sign_in`. The driver, which comes after it, is told what it expects to hear: its PRELOGIN
//! and its LOGIN7 are answered here and go no further. After that exactly one of the driver and a row
//! stream has the transport at a time ([`Slot`]). Nothing here reads tokens; captured bytes are for `response`.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::encrypted::Encrypted;
use super::outgoing::Outgoing;
use super::prelogin::local_answer;
use super::tunnel::{Glance, Tunnel};

use crate::mutex::lock;

/// Bytes of a captured response that are kept: a login or a `BEGIN TRANSACTION` answers with some
/// hundred.
const CAPTURE_LIMIT: usize = 64 * 1024;

/// Socket and TLS of a connection whose PRELOGIN is done.
pub(super) struct Transport {
    stream: Stream,
    stage: Stage,
    /// What is written, packet by packet. Under TLS each is one write and one flush: SQL Server drops
    /// a connection whose TLS record holds more than a packet, or is longer than the packet size
    /// (tediousjs/tedious PR 932). TLS has sent all of the packet before when it gets the next, so
    /// it never has to cut one at the end of its buffer.
    outgoing: Outgoing,
    /// TLS ends with the first packet of LOGIN7.
    login_only: bool,
    /// Copy of what the server sends, between `start_capture` and `end_capture`.
    capture: Option<Vec<u8>>,
}

enum Stream {
    /// Without TLS, or after it has ended with the login.
    Plain(Tunnel),
    /// Everything is encrypted.
    Tls(Encrypted),
    /// Only while one becomes the other.
    Between,
}

/// How far the driver's login is.
enum Stage {
    /// Bytes go through as they are: to `sign_in`, and after the driver's login.
    Open,
    /// The driver writes a message that goes no further than here: PRELOGIN if `answers` holds two, then
    /// LOGIN7.
    Asked { answers: Vec<Vec<u8>> },
    /// It reads the answer that is kept here, from this byte on.
    Answer {
        answer: Vec<u8>,
        at: usize,
        answers: Vec<Vec<u8>>,
    },
}

impl Transport {
    pub(super) fn plain(tunnel: Tunnel) -> Self {
        Self::new(Stream::Plain(tunnel), false)
    }

    /// `login_only`: TLS ends with the login (MS-TDS 2.2.6.5, ENCRYPT_OFF on both sides).
    pub(super) fn tls(stream: Encrypted, login_only: bool) -> Self {
        Self::new(Stream::Tls(stream), login_only)
    }

    fn new(stream: Stream, login_only: bool) -> Self {
        Self {
            stream,
            stage: Stage::Open,
            outgoing: Outgoing::default(),
            login_only,
            capture: None,
        }
    }

    /// A packet of the login was sent. With TLS for the login only the first one is inside of it, and the rest of a long
    /// LOGIN7 is plain, as servers expect it (SqlClient, `TdsParserStateObject.WriteSni`: "Removing encryption post 1st
    /// packet is a hard-coded agreement between client and server").
    pub(super) fn login_packet_sent(&mut self) {
        if self.login_only {
            self.leave_tls();
        }
    }

    /// Plays the login again for the driver: it gets `answer`, which the server gave to the one that
    /// counted.
    pub(super) fn replay_login(&mut self, answer: Vec<u8>) {
        self.stage = Stage::Asked {
            answers: vec![answer, local_answer()],
        };
    }

    /// Keeps a copy of what the server sends from now on.
    pub(super) fn start_capture(&mut self) {
        self.capture = Some(Vec::new());
    }

    /// The copy so far, at most 64 KiB of it; empty if none was kept.
    pub(super) fn end_capture(&mut self) -> Vec<u8> {
        self.capture.take().unwrap_or_default()
    }

    /// Whether rows are encrypted; the server then takes packets of 16383 bytes at most.
    pub(super) fn encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_)) && !self.login_only
    }

    /// What can be known of the server without asking it.
    pub(super) fn glance(&self) -> Glance {
        match &self.stream {
            Stream::Plain(tunnel) => tunnel.glance(),
            Stream::Tls(stream) => stream.glance(),
            Stream::Between => Glance::Closed,
        }
    }

    /// Says goodbye and waits until the server has closed its end too. Reads below TLS, because the
    /// server's closing alert comes before its socket is closed.
    pub(super) async fn close(mut self) -> io::Result<()> {
        self.shutdown().await?;
        let mut rest = [0; 1024];
        let tunnel = match &mut self.stream {
            Stream::Plain(tunnel) => Some(tunnel),
            Stream::Tls(stream) => stream.tunnel(),
            Stream::Between => None,
        };
        let Some(tunnel) = tunnel else {
            return Ok(());
        };
        while tunnel.read(&mut rest).await? > 0 {}
        Ok(())
    }

    /// Drops the TLS session without its closing alert, as MS-TDS has it after the login packet.
    fn leave_tls(&mut self) {
        self.stream = match std::mem::replace(&mut self.stream, Stream::Between) {
            Stream::Tls(stream) => match stream.into_tunnel() {
                Some(tunnel) => Stream::Plain(tunnel.leave_tls()),
                None => Stream::Between,
            },
            other => other,
        };
    }

    /// Sends the packet that is whole, all of it, into TLS and out of it; one that is not waits.
    fn poll_packet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Stream::Tls(stream) = &mut self.stream else {
            return Poll::Ready(Ok(()));
        };
        if !self.outgoing.is_whole() {
            return Poll::Ready(Ok(()));
        }
        while !self.outgoing.unsent().is_empty() {
            let unsent = self.outgoing.unsent();
            let count = ready!(Pin::new(&mut *stream).poll_write(cx, unsent))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.sent(count);
        }
        ready!(Pin::new(stream).poll_flush(cx))?;
        self.outgoing.clear();
        Poll::Ready(Ok(()))
    }

    /// Takes what the driver writes before it is logged in; its answer is next once the message is whole.
    fn swallow(&mut self, bytes: &[u8]) -> usize {
        let taken = self.outgoing.take(bytes);
        if !self.outgoing.is_whole() {
            return taken;
        }
        let last = self.outgoing.ends_message();
        self.outgoing.clear();
        if let Stage::Asked { answers } = &mut self.stage
            && last
        {
            let mut answers = std::mem::take(answers);
            self.stage = match answers.pop() {
                None => Stage::Open,
                Some(answer) => Stage::Answer {
                    answer,
                    at: 0,
                    answers,
                },
            };
        }
        taken
    }

    fn poll_read_stream(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Between => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Stage::Answer {
            answer,
            at,
            answers,
        } = &mut this.stage
        {
            let n = buf.remaining().min(answer.len() - *at);
            buf.put_slice(&answer[*at..*at + n]);
            *at += n;
            if *at == answer.len() {
                let answers = std::mem::take(answers);
                this.stage = if answers.is_empty() {
                    Stage::Open
                } else {
                    Stage::Asked { answers }
                };
            }
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(this.poll_read_stream(cx, buf))?;
        if let Some(capture) = &mut this.capture {
            let room = CAPTURE_LIMIT - capture.len();
            let new = &buf.filled()[before..];
            capture.extend_from_slice(&new[..new.len().min(room)]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if matches!(this.stage, Stage::Asked { .. }) {
            return Poll::Ready(Ok(this.swallow(bytes)));
        }
        match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(_) => {
                ready!(this.poll_packet(cx))?;
                let taken = this.outgoing.take(bytes);
                // The bytes are taken, whether the socket takes the packet now or later.
                match this.poll_packet(cx) {
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(taken)),
                }
            }
            Stream::Between => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_packet(cx))?;
        match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Between => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_packet(cx))?;
        match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Between => Poll::Ready(Ok(())),
        }
    }
}

/// Where a connection keeps its transport while no row stream owns it.
#[derive(Clone)]
pub(super) struct Slot(Arc<Mutex<Option<Transport>>>);

impl Slot {
    pub(super) fn new(transport: Transport) -> Self {
        Self(Arc::new(Mutex::new(Some(transport))))
    }

    /// The transport, for a row stream to own; `None` if it is lent already or gone.
    pub(super) fn take(&self) -> Option<Transport> {
        self.with(Option::take)
    }

    /// Gives the transport back; the driver can use it again.
    pub(super) fn put(&self, transport: Transport) {
        self.with(|slot| *slot = Some(transport));
    }

    /// Runs something short on what is in the slot.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Option<Transport>) -> T) -> T {
        // A poll that panicked leaves a transport whose next use fails by itself.
        act(&mut lock(&self.0))
    }

    fn poll<T>(
        &self,
        act: impl FnOnce(Pin<&mut Transport>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.with(|slot| match slot {
            Some(transport) => act(Pin::new(transport)),
            None => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "a row stream holds or has closed this connection",
            ))),
        })
    }
}

/// The driver's end of the slot.
pub(super) struct Handle(pub(super) Slot);

impl futures::io::AsyncRead for Handle {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll(|transport| {
            let mut buf = ReadBuf::new(bytes);
            ready!(transport.poll_read(cx, &mut buf))?;
            Poll::Ready(Ok(buf.filled().len()))
        })
    }
}

impl futures::io::AsyncWrite for Handle {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll(|transport| transport.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll(|transport| transport.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll(|transport| transport.poll_shutdown(cx))
    }
}
