//! One connection's bytes: socket and TLS, lent in turn to the driver and to row streams.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::prelogin::{HEADER, local_answer};
use super::tunnel::{Glance, Tunnel};

/// Of a captured response no more than this is kept: a login or a `BEGIN TRANSACTION` answers with
/// some hundred bytes.
const CAPTURE_LIMIT: usize = 64 * 1024;

/// Socket and TLS of a connection whose PRELOGIN is done.
pub(super) struct Transport {
    stream: Stream,
    stage: Stage,
    /// Go back to plain TDS once LOGIN7 is sent.
    login_only: bool,
    /// What the server sends, while somebody wants to look at it.
    capture: Option<Vec<u8>>,
}

enum Stream {
    Plain(Tunnel),
    Tls(Box<TlsStream<Tunnel>>),
    /// Only while one becomes the other.
    Between,
}

/// How far the driver's login is.
enum Stage {
    /// The driver writes its PRELOGIN, which goes no further than here.
    Prelogin(Vec<u8>),
    /// It reads the answer made here.
    Answer(Vec<u8>, usize),
    /// It writes LOGIN7, which is watched for its end.
    Login(PacketWatch),
    Open,
}

/// Follows packets in a byte stream to find where a message ends.
#[derive(Default)]
struct PacketWatch {
    head: Vec<u8>,
    left: usize,
    last: bool,
}

impl PacketWatch {
    /// Takes note of bytes on their way; `true` once a message is whole.
    fn pass(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.left == 0 {
                let take = (HEADER - self.head.len()).min(bytes.len());
                self.head.extend_from_slice(&bytes[..take]);
                bytes = &bytes[take..];
                if self.head.len() < HEADER {
                    return false;
                }
                let length = u16::from_be_bytes([self.head[2], self.head[3]]);
                self.left = usize::from(length).saturating_sub(HEADER);
                self.last = self.head[1] & 1 == 1;
                self.head.clear();
            }
            let take = self.left.min(bytes.len());
            self.left -= take;
            bytes = &bytes[take..];
            if self.left == 0 && self.last {
                return true;
            }
        }
        false
    }
}

impl Transport {
    pub(super) fn plain(tunnel: Tunnel) -> Self {
        Self::new(Stream::Plain(tunnel), false)
    }

    /// `login_only`: TLS ends with the login (MS-TDS 2.2.6.5, ENCRYPT_OFF on both sides).
    pub(super) fn tls(stream: TlsStream<Tunnel>, login_only: bool) -> Self {
        Self::new(Stream::Tls(Box::new(stream)), login_only)
    }

    fn new(stream: Stream, login_only: bool) -> Self {
        Self {
            stream,
            stage: Stage::Prelogin(Vec::new()),
            login_only,
            capture: None,
        }
    }

    /// Keeps a copy of what the server sends from now on.
    pub(super) fn start_capture(&mut self) {
        self.capture = Some(Vec::new());
    }

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
            Stream::Tls(stream) => stream.get_ref().0.glance(),
            Stream::Between => Glance::Closed,
        }
    }

    /// Says goodbye and waits until the server has closed its end too. Reads below TLS, because the
    /// server's closing alert comes before its socket is closed.
    pub(super) async fn close(mut self) -> io::Result<()> {
        self.shutdown().await?;
        let mut rest = [0; 1024];
        let tunnel = match &mut self.stream {
            Stream::Plain(tunnel) => tunnel,
            Stream::Tls(stream) => stream.get_mut().0,
            Stream::Between => return Ok(()),
        };
        while tunnel.read(&mut rest).await? > 0 {}
        Ok(())
    }

    fn leave_tls(&mut self) {
        self.stream = match std::mem::replace(&mut self.stream, Stream::Between) {
            Stream::Tls(stream) => Stream::Plain(stream.into_inner().0.leave_tls()),
            other => other,
        };
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
        if let Stage::Answer(answer, at) = &mut this.stage {
            let n = buf.remaining().min(answer.len() - *at);
            buf.put_slice(&answer[*at..*at + n]);
            *at += n;
            if *at == answer.len() {
                this.stage = Stage::Login(PacketWatch::default());
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
        if let Stage::Prelogin(sent) = &mut this.stage {
            sent.extend_from_slice(bytes);
            if PacketWatch::default().pass(sent) {
                this.stage = Stage::Answer(local_answer(), 0);
            }
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Between => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        })?;
        if let Stage::Login(watch) = &mut this.stage
            && watch.pass(&bytes[..written])
        {
            this.stage = Stage::Open;
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Between => Poll::Ready(Ok(())),
        })?;
        if this.login_only && matches!((&this.stage, &this.stream), (Stage::Open, Stream::Tls(_))) {
            this.leave_tls();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
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

    /// The transport, for a row stream to own; `None` where it is lent already or gone.
    pub(super) fn take(&self) -> Option<Transport> {
        self.with(Option::take)
    }

    pub(super) fn put(&self, transport: Transport) {
        self.with(|slot| *slot = Some(transport));
    }

    /// Runs something short on what is in the slot.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Option<Transport>) -> T) -> T {
        // A poll that panicked leaves a transport whose next use fails by itself.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_with_the_last_byte_of_its_last_packet() {
        let mut message = vec![0x10, 0, 0, 10, 0, 0, 0, 0, 1, 2];
        message.extend_from_slice(&[0x10, 1, 0, 9, 0, 0, 0, 0, 3]);
        for cut in 0..message.len() {
            let mut watch = PacketWatch::default();
            assert!(!watch.pass(&message[..cut]), "not whole after {cut} bytes");
            assert!(watch.pass(&message[cut..]), "whole after a cut at {cut}");
        }
    }
}
