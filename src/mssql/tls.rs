//! TLS to SQL Server: what is trusted, which name is expected, and errors that say what to do.
//!
//! Which checks a certificate passes is decided in `crate::tls`; here the job's settings choose
//! among them. `source.ca_file` replaces the system's authorities, it does not add to them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::config::job::{self, Encrypt, Source};
use crate::error::{Error, Kind, Result};
use crate::tls::{self, Expected, Pinned, Trusted};

use super::encrypted::Encrypted;
#[cfg(feature = "legacy-tls")]
use super::legacy::Legacy;
use super::tunnel::Tunnel;

/// ALPN name of TDS 8.0 (MS-TDS 2.2.6.5).
const ALPN_TDS8: &[u8] = b"tds/8.0";

/// TLS settings of a source, made once and shared by all its connections.
#[derive(Clone)]
pub(super) enum Tls {
    Modern(Arc<ClientConfig>),
    #[cfg(feature = "legacy-tls")]
    Legacy(Legacy),
}

impl Tls {
    /// Reads the trusted authorities. Warns here, once, if certificates are not checked.
    ///
    /// # Errors
    /// `SourceTls`: the authorities cannot be read, there are none, or `tls: legacy` is not in this
    /// build.
    pub(super) fn new(source: &Source) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(source, &provider)?;
        if source.tls == job::Tls::Legacy {
            return Self::legacy(verifier);
        }
        // Only TLS 1.2 leaves the stream without a byte after the handshake, which going back to
        // plain TDS after the login needs.
        let versions: &[_] = if source.encrypt == Encrypt::LoginOnly {
            &[&rustls::version::TLS12]
        } else {
            rustls::ALL_VERSIONS
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|cause| tls_error("the TLS settings do not fit together").because(cause))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        // Connections live as long as the run: resumption would only save some handshakes.
        config.resumption = rustls::client::Resumption::disabled();
        if source.encrypt == Encrypt::Strict {
            config.alpn_protocols = vec![ALPN_TDS8.to_vec()];
        }
        Ok(Self::Modern(Arc::new(config)))
    }

    #[cfg(feature = "legacy-tls")]
    fn legacy(verifier: Arc<dyn ServerCertVerifier>) -> Result<Self> {
        tracing::warn!("TLS 1.0 and old ciphers are accepted from the source (tls: legacy)");
        let legacy = Legacy::new(verifier);
        legacy
            .map(Self::Legacy)
            .map_err(|cause| tls_error("OpenSSL does not take the settings").because(cause))
    }

    #[cfg(not(feature = "legacy-tls"))]
    fn legacy(_: Arc<dyn ServerCertVerifier>) -> Result<Self> {
        Err(tls_error(
            "source.tls: legacy is not in this build of migrate",
        ))
    }

    /// Does the handshake with `host` over the tunnel.
    ///
    /// # Errors
    /// `SourceTls` if TLS itself refused something, `SourceTlsCut` if the connection broke
    /// meanwhile.
    pub(super) async fn handshake(
        &self,
        host: &str,
        encrypt: Encrypt,
        tunnel: Tunnel,
    ) -> Result<Encrypted> {
        let name = server_name(host)?;
        let shaken = match self {
            Self::Modern(config) => modern_handshake(config, name, tunnel).await,
            #[cfg(feature = "legacy-tls")]
            Self::Legacy(legacy) => {
                let stream = legacy.handshake(&name, tunnel).await;
                stream.map(|stream| Encrypted::Legacy(Box::new(stream)))
            }
        };
        let mut stream =
            shaken.map_err(|cause| handshake_error(host, encrypt, self.spoken(), cause))?;
        if let Some(tunnel) = stream.tunnel() {
            tunnel.handshake_done();
        }
        Ok(stream)
    }

    /// Which of the job's two settings this is, for the message of an error.
    fn spoken(&self) -> job::Tls {
        match self {
            Self::Modern(_) => job::Tls::Modern,
            #[cfg(feature = "legacy-tls")]
            Self::Legacy(_) => job::Tls::Legacy,
        }
    }
}

async fn modern_handshake(
    config: &Arc<ClientConfig>,
    name: ServerName<'static>,
    tunnel: Tunnel,
) -> io::Result<Encrypted> {
    let connecting = TlsConnector::from(config.clone()).connect(name, tunnel);
    match connecting.into_fallible().await {
        Ok(stream) => Ok(Encrypted::Modern(Box::new(stream))),
        Err((cause, mut tunnel)) => {
            // The alert is written and not flushed; the server's log says with it what was wrong.
            if let Err(error) = tunnel.flush().await {
                tracing::debug!(%error, "the server was not told why the handshake failed");
            }
            Err(cause)
        }
    }
}

fn tls_error(message: impl Into<String>) -> Error {
    Error::new(Kind::SourceTls, message)
}

/// # Errors
/// `SourceTls`: neither a host name nor an address.
fn server_name(host: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).map_err(|cause| {
        tls_error(format!("{host} is not a name that a certificate can carry")).because(cause)
    })
}

/// The check that the job asks for, with its warning if that is none.
fn verifier(
    source: &Source,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    if source.trust_server_certificate {
        tracing::warn!(
            host = source.host,
            "the source's certificate is not checked (trust_server_certificate)"
        );
        return Ok(tls::any_certificate(provider));
    }
    let trusted = match &source.ca_file {
        Some(file) => trusted_by_file(file)?,
        None => trusted_by_system()?,
    };
    let expected = match &source.host_name_in_certificate {
        None => Expected::Host,
        Some(name) => Expected::Name(server_name(name)?),
    };
    tls::chain(trusted, expected, provider)
        .map_err(|error| tls_error(error.to_string()).because(error))
}

/// A certificate in the file is trusted for itself as well, whether or not it is an authority's.
fn trusted_by_file(file: &Path) -> Result<Trusted> {
    let shown = file.display();
    let mut trusted = tls::from_file(file).map_err(|cause| {
        tls_error(format!("source.ca_file {shown} cannot be read as PEM")).because(cause)
    })?;
    // The certificate that SQL Server makes for itself names no host (CN=SSL_Self_Signed_Fallback).
    trusted.pinned = Pinned::ByItself;
    if trusted.certificates.is_empty() {
        return Err(tls_error(format!(
            "source.ca_file {shown} contains no certificate"
        )));
    }
    Ok(trusted)
}

/// Single certificates that cannot be read do not matter, unless none is left.
fn trusted_by_system() -> Result<Trusted> {
    let (trusted, errors) = tls::from_system();
    if !trusted.certificates.is_empty() {
        return Ok(trusted);
    }
    let error = tls_error(
        "this machine has no certificate authorities to trust: install ca-certificates or set \
         source.ca_file",
    );
    Err(match errors.into_iter().next() {
        Some(cause) => error.because(cause),
        None => error,
    })
}

/// The message says what is most likely wrong with a server of this kind, and the setting that
/// helps.
fn handshake_error(host: &str, encrypt: Encrypt, spoken: job::Tls, cause: io::Error) -> Error {
    let strict = encrypt == Encrypt::Strict;
    let ended = matches!(
        cause.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    );
    let message = match rustls_cause(&cause) {
        Some(rustls::Error::InvalidCertificate(wrong)) => certificate_message(host, wrong),
        _ if spoken == job::Tls::Legacy => format!(
            "the TLS handshake with {host} failed under source.tls: legacy too: look into the \
             server's error log"
        ),
        Some(rustls::Error::PeerIncompatible(_) | rustls::Error::AlertReceived(_)) if strict => {
            format!(
                "{host} and this program have no TLS version and cipher in common: the server must \
                 offer TLS 1.2 or 1.3 with ECDHE (strict: with ALPN tds/8.0)"
            )
        }
        Some(rustls::Error::PeerIncompatible(_) | rustls::Error::AlertReceived(_)) => format!(
            "{host} and this program have no TLS version and cipher in common: {}",
            old_server()
        ),
        _ if strict => format!(
            "{host} does not speak TLS from the first byte: encrypt: strict needs TDS 8.0 (SQL \
             Server 2022 or later); for older servers set source.encrypt: required"
        ),
        _ if ended => format!(
            "{host} ended the connection in the TLS handshake, most often because it has no TLS \
             version and cipher in common with this program: {}. A server that forces strict \
             encryption ends it as well: source.encrypt: strict",
            old_server()
        ),
        _ => format!("the TLS handshake with {host} failed: look into the server's error log"),
    };
    // Without a verdict of TLS it is the connection that broke.
    let kind = match rustls_cause(&cause) {
        Some(_) => Kind::SourceTls,
        None => Kind::SourceTlsCut,
    };
    Error::new(kind, message).because(cause)
}

/// Which servers have none of rustls' suites, and the ways out.
fn old_server() -> String {
    let build = if cfg!(feature = "legacy-tls") {
        ""
    } else {
        " (in the released image, or a build with the feature legacy-tls)"
    };
    format!(
        "Windows Server 2012 R2 and older has no such cipher for SQL Server, and SQL Server 2014 and \
         older without its updates has TLS 1.0 only; set source.tls: legacy{build}, move the server to \
         a newer Windows, or, inside of an SSH or VPN tunnel, set source.encrypt: off"
    )
}

/// `None` for an error of the socket, or of OpenSSL.
fn rustls_cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Names what the certificate carries, and the setting that accepts it.
fn certificate_message(host: &str, wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let expected = expected.to_str();
            let names = match presented.join(", ") {
                none if none.is_empty() => "it has no name".to_owned(),
                names => format!("it is made out to {names}"),
            };
            format!(
                "the certificate of {host} was made for another name: {names}, and {expected} was \
                 expected; connect by the name in it, set source.host_name_in_certificate, or trust \
                 this very certificate, whatever its name, as source.ca_file"
            )
        }
        CertificateError::NotValidForName => format!(
            "the certificate of {host} was made for another name: connect by the name in it, \
             or set source.host_name_in_certificate"
        ),
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => format!(
            "the certificate of {host} is expired or not valid yet: renew it, or check this \
             machine's clock"
        ),
        CertificateError::Revoked => format!("the certificate of {host} is revoked: renew it"),
        // Of its authority, or of the handshake: that one is checked whatever is trusted.
        CertificateError::BadSignature => format!(
            "the certificate of {host} is not trusted: give its authority as source.ca_file, or, \
             on a network that you trust, set source.trust_server_certificate: true; if that is \
             set already, the server that answered does not have the certificate's own key: another machine may be \
             answering in its place"
        ),
        _ => format!(
            "the certificate of {host} is not trusted: give its authority, or the certificate \
             itself, as source.ca_file, or, on a network that you trust, set \
             source.trust_server_certificate: true"
        ),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn told(error: rustls::Error, encrypt: Encrypt) -> String {
        let error = handshake_error(
            "sql01",
            encrypt,
            job::Tls::Modern,
            io::Error::new(io::ErrorKind::InvalidData, error),
        );
        assert_eq!(error.kind(), Kind::SourceTls);
        error.to_string()
    }

    #[test]
    fn each_certificate_problem_names_its_own_setting() {
        for (wrong, advice) in [
            (CertificateError::UnknownIssuer, "source.ca_file"),
            (
                CertificateError::NotValidForName,
                "host_name_in_certificate",
            ),
            (CertificateError::Expired, "clock"),
            (CertificateError::BadEncoding, "trust_server_certificate"),
            (CertificateError::BadSignature, "source.ca_file"),
            (CertificateError::BadSignature, "own key"),
        ] {
            let text = told(rustls::Error::InvalidCertificate(wrong), Encrypt::Required);
            assert!(text.contains(advice), "{text}");
        }
    }

    #[test]
    fn a_server_before_tds_8_is_told_from_a_bad_certificate() {
        let cut = io::Error::from(io::ErrorKind::UnexpectedEof);
        let error = handshake_error("sql01", Encrypt::Strict, job::Tls::Modern, cut);
        assert!(error.to_string().contains("TDS 8.0"), "{error}");
    }

    /// F2: what Windows Server 2012 R2 and older answer, with an alert or by closing.
    #[test]
    fn an_old_server_is_named_with_the_ways_out() {
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::HandshakeFailure);
        let alert = io::Error::new(io::ErrorKind::InvalidData, alert);
        for cause in [
            alert,
            io::ErrorKind::UnexpectedEof.into(),
            io::ErrorKind::ConnectionReset.into(),
        ] {
            let error = handshake_error("sql01", Encrypt::Required, job::Tls::Modern, cause);
            let text = error.to_string();
            for part in ["2012 R2", "TLS 1.0", "source.tls: legacy", "encrypt: off"] {
                assert!(text.contains(part), "{text}");
            }
        }
    }

    #[test]
    fn a_ca_file_without_certificates_is_an_error() {
        let file = std::env::temp_dir().join(format!("migrate-empty-ca-{}", std::process::id()));
        std::fs::write(&file, "no certificate here\n").unwrap();
        let error = trusted_by_file(&file).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        assert!(error.to_string().contains("no certificate"), "{error}");
        assert_eq!(trusted_by_file(&file).unwrap_err().kind(), Kind::SourceTls);
    }

    #[tokio::test]
    async fn the_server_is_told_why_a_wrapped_handshake_failed() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(tls::any_certificate(&provider))
            .with_no_client_auth();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await;
        let mut tunnel = Tunnel::plain(socket.unwrap());
        tunnel.wrap_handshake();
        let serve = async {
            let (mut server, _) = listener.accept().await.unwrap();
            // A ServerHello without anything in it.
            let empty = [0x12, 1, 0, 17, 0, 0, 0, 0, 0x16, 3, 3, 0, 4, 2, 0, 0, 0];
            server.write_all(&empty).await.unwrap();
            let mut heard = Vec::new();
            server.read_to_end(&mut heard).await.unwrap();
            heard
        };
        let client = Tls::Modern(Arc::new(config));
        let (shaken, heard) =
            tokio::join!(client.handshake("sql01", Encrypt::Required, tunnel), serve);
        assert_eq!(
            shaken.err().map(|error| error.kind()),
            Some(Kind::SourceTls)
        );
        // Fatal, decode_error (RFC 8446 6), in a packet of its own.
        let alert = [0x12, 1, 0, 15, 0, 0, 1, 0, 0x15, 3, 3, 0, 2, 2, 50];
        assert!(heard.ends_with(&alert), "{heard:x?}");
    }
}
