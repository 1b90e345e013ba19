//! TLS as old servers speak it, by OpenSSL: versions and cipher suites that rustls does not have.
//!
//! SQL Server takes its TLS from Windows. Up to Server 2012 R2 that has no suite of ECDHE, RSA
//! certificates and GCM together (MicrosoftDocs/win32, "TLS Cipher Suites in Windows 8.1"), and builds
//! of SQL Server 2014 and older from before KB 3135244 have TLS 1.0 alone.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use openssl::error::ErrorStack;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslVerifyMode, SslVersion,
};
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use super::tunnel::Tunnel;

/// Level 0, as OpenSSL 3 has TLS 1.0 and its SHA-1 nowhere else (SSL_CTX_set_security_level(3)). A suite
/// without a certificate is not taken.
const CIPHERS: &str = "DEFAULT:!aNULL:!eNULL:@SECLEVEL=0";
/// SSL_OP_LEGACY_SERVER_CONNECT: servers from before RFC 5746 (renegotiation) are connected to, and
/// not renegotiated with.
const LEGACY_SERVER_CONNECT: SslOptions = SslOptions::from_bits_retain(0x4);

pub(super) type LegacyStream = SslStream<Held>;

/// OpenSSL's side of the tunnel; empty once TLS is over.
pub(super) struct Held(pub(super) Option<Tunnel>);

/// Settings of a source, made once and shared by all its connections.
#[derive(Clone)]
pub(super) struct Legacy {
    context: SslContext,
    /// The certificate rules are those of [`crate::tls`], whichever library does the handshake.
    verifier: Arc<dyn ServerCertVerifier>,
}

impl Legacy {
    /// # Errors
    /// OpenSSL was built without what the settings ask for.
    pub(super) fn new(verifier: Arc<dyn ServerCertVerifier>) -> Result<Self, ErrorStack> {
        let mut context = SslContextBuilder::new(SslMethod::tls_client())?;
        context.set_min_proto_version(Some(SslVersion::TLS1))?;
        // What speaks TLS 1.3 has suites that rustls has.
        context.set_max_proto_version(Some(SslVersion::TLS1_2))?;
        context.set_cipher_list(CIPHERS)?;
        context.set_options(LEGACY_SERVER_CONNECT);
        // An empty record before each one hides the chained IV of TLS 1.0, and SQL Server drops the
        // connection for it (dotnet/corefx 5187): a record has to be a packet.
        context.set_options(SslOptions::DONT_INSERT_EMPTY_FRAGMENTS);
        // The certificate is checked after the handshake and before the first byte through it.
        context.set_verify(SslVerifyMode::NONE);
        Ok(Self {
            context: context.build(),
            verifier,
        })
    }

    /// An error of the certificate has a [`rustls::Error`] in it.
    /// `name` goes into SNI if it is a host name, and is what the certificate is checked for.
    pub(super) async fn handshake(
        &self,
        name: &ServerName<'_>,
        tunnel: Tunnel,
    ) -> io::Result<LegacyStream> {
        let mut ssl = Ssl::new(&self.context)?;
        if let ServerName::DnsName(host) = name {
            ssl.set_hostname(host.as_ref())?;
        }
        let mut stream = SslStream::new(ssl, Held(Some(tunnel)))?;
        let connected = Pin::new(&mut stream).connect().await;
        connected.map_err(|error| error.into_io_error().unwrap_or_else(io::Error::other))?;
        tracing::debug!(
            version = stream.ssl().version_str(),
            cipher = stream.ssl().current_cipher().map(|cipher| cipher.name()),
            "TLS as old servers speak it"
        );
        self.verify(&stream, name)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(stream)
    }

    /// The server's certificate comes first in the chain; the others may help to reach an
    /// authority.
    fn verify(&self, stream: &LegacyStream, name: &ServerName<'_>) -> Result<(), rustls::Error> {
        let mut certificates = Vec::new();
        for certificate in stream.ssl().peer_cert_chain().into_iter().flatten() {
            let der = certificate.to_der();
            let der = der.map_err(|error| rustls::Error::General(error.to_string()))?;
            certificates.push(CertificateDer::from(der));
        }
        let Some((certificate, intermediates)) = certificates.split_first() else {
            return Err(rustls::Error::NoCertificatesPresented);
        };
        let now = UnixTime::now();
        self.verifier
            .verify_server_cert(certificate, intermediates, name, &[], now)
            .map(|_| ())
    }
}

impl Held {
    fn poll<T>(
        self: Pin<&mut Self>,
        act: impl FnOnce(Pin<&mut Tunnel>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.get_mut().0 {
            Some(tunnel) => act(Pin::new(tunnel)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncRead for Held {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(|tunnel| tunnel.poll_read(cx, buf))
    }
}

impl AsyncWrite for Held {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(|tunnel| tunnel.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|tunnel| tunnel.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|tunnel| tunnel.poll_shutdown(cx))
    }
}
