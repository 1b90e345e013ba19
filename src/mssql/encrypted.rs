//! TLS over a tunnel, by rustls or, for old servers, by OpenSSL.
//!
//! Both libraries end up as one stream, so that `transport` does not know which did the handshake.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

#[cfg(feature = "legacy-tls")]
use super::legacy::LegacyStream;
use super::tunnel::{Glance, Tunnel};

/// A stream whose handshake is done.
pub(super) enum Encrypted {
    /// TLS 1.2 or 1.3 by rustls.
    Modern(Box<TlsStream<Tunnel>>),
    /// TLS 1.0 to 1.2 by OpenSSL (`source.tls: legacy`).
    #[cfg(feature = "legacy-tls")]
    Legacy(Box<LegacyStream>),
}

impl Encrypted {
    /// `None` once OpenSSL's stream has given its tunnel away.
    fn held(&self) -> Option<&Tunnel> {
        match self {
            Self::Modern(stream) => Some(stream.get_ref().0),
            #[cfg(feature = "legacy-tls")]
            Self::Legacy(stream) => stream.get_ref().0.as_ref(),
        }
    }

    /// What the socket has to say, without reading it.
    pub(super) fn glance(&self) -> Glance {
        self.held().map_or(Glance::Closed, Tunnel::glance)
    }

    /// What lies below TLS.
    pub(super) fn tunnel(&mut self) -> Option<&mut Tunnel> {
        match self {
            Self::Modern(stream) => Some(stream.get_mut().0),
            #[cfg(feature = "legacy-tls")]
            Self::Legacy(stream) => stream.get_mut().0.as_mut(),
        }
    }

    /// Ends TLS without a word to the server.
    pub(super) fn into_tunnel(self) -> Option<Tunnel> {
        match self {
            Self::Modern(stream) => Some(stream.into_inner().0),
            #[cfg(feature = "legacy-tls")]
            Self::Legacy(mut stream) => stream.get_mut().0.take(),
        }
    }
}

macro_rules! delegate {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Encrypted::Modern(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            #[cfg(feature = "legacy-tls")]
            Encrypted::Legacy(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
        }
    };
}

impl AsyncRead for Encrypted {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_shutdown(cx))
    }
}
