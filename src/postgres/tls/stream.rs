//! The stream that the driver sees: rustls over its socket.
//!
//! tokio-postgres asks [`Tls`] for a handshake with each connection, and [`Encrypted`] is what it
//! then reads and writes. Plain connections do not come through here.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as RustlsStream;

use crate::postgres::tls::binding;
use crate::postgres::tls::coalesce::CoalescingSocket;
use crate::tls::is_provable;

/// Encrypted bytes that may wait to be sent: more than the driver writes at once, so that all of
/// that is one send.
const WAITING: usize = 512 * 1024;

/// The driver's TLS connector: cheap to clone, one configuration for all connections.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn new(config: Arc<ClientConfig>) -> Self {
        Self { config }
    }

    /// For a connection whose socket is open already.
    pub(crate) fn handshake(&self, host: &str) -> Handshake {
        Handshake {
            config: Arc::clone(&self.config),
            host: host.to_owned(),
        }
    }
}

/// The handshake failed; its own type, so that it can be told from other connect errors.
#[derive(Debug)]
pub(crate) struct HandshakeError(pub(crate) io::Error);

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS handshake: {}", self.0)
    }
}

impl StdError for HandshakeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// One connection's worth of [`Tls`].
pub(crate) struct Handshake {
    config: Arc<ClientConfig>,
    host: String,
}

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type TlsConnect = Handshake;
    type Error = HandshakeError;

    // Called even when TLS is off, so a host that is not a valid name fails only in the handshake.
    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, HandshakeError> {
        Ok(self.handshake(host))
    }
}

impl<S> TlsConnect<S> for Handshake
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type Error = HandshakeError;
    type Future = Pin<Box<dyn Future<Output = Result<Encrypted<S>, HandshakeError>> + Send>>;

    /// The error is a [`HandshakeError`], with the verdict of rustls as its cause.
    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(|error| {
                HandshakeError(io::Error::new(io::ErrorKind::InvalidInput, error))
            })?;
            let connector = TlsConnector::from(Arc::clone(&self.config));
            let handshake = connector.connect(name, CoalescingSocket::new(stream));
            let mut stream = handshake.await.map_err(HandshakeError)?;
            let session = stream.get_mut().1;
            session.set_buffer_limit(Some(WAITING));
            let end_point = end_point(session, &self.config);
            Ok(Encrypted { stream, end_point })
        })
    }
}

/// What SCRAM may bind the login to. `None` if the server did not prove to have the certificate's key: the
/// server would take the binding as a proof that no one is in the middle.
fn end_point(session: &ClientConnection, config: &ClientConfig) -> Option<Vec<u8>> {
    let certificate = session.peer_certificates()?.first()?;
    let algorithms = &config.crypto_provider().signature_verification_algorithms;
    let end_point = is_provable(certificate, algorithms)
        .then(|| binding::end_point(certificate))
        .flatten();
    if end_point.is_none() {
        tracing::debug!("the login is not bound to the server's certificate");
    }
    end_point
}

/// An encrypted connection.
pub(crate) struct Encrypted<S> {
    stream: RustlsStream<CoalescingSocket<S>>,
    end_point: Option<Vec<u8>>,
}

#[cfg(test)]
impl<S> Encrypted<S> {
    pub(super) fn is_bound(&self) -> bool {
        self.end_point.is_some()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let end_point = self.end_point.clone();
        end_point.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
