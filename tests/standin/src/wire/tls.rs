//! The server's certificate, made at start, and the two TLS configurations it is used in.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};

/// The ALPN name of TDS 8.0 (MS-TDS 2.1).
const ALPN: &[u8] = b"tds/8.0";

/// Why no certificate could be made.
#[derive(Debug)]
pub enum TlsError {
    Certificate(rcgen::Error),
    Config(rustls::Error),
}

impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Certificate(cause) => write!(f, "certificate: {cause}"),
            Self::Config(cause) => write!(f, "tls configuration: {cause}"),
        }
    }
}

impl std::error::Error for TlsError {}

impl From<rcgen::Error> for TlsError {
    fn from(cause: rcgen::Error) -> Self {
        Self::Certificate(cause)
    }
}

impl From<rustls::Error> for TlsError {
    fn from(cause: rustls::Error) -> Self {
        Self::Config(cause)
    }
}

/// A certificate authority made for one run of the server, and the server's certificate from it.
#[derive(Clone)]
pub struct Tls {
    /// Certificate of the authority in PEM form; clients verify with it.
    ca_pem: String,
    /// Certificate of the server itself in PEM form; clients that pin it compare with it.
    server_pem: String,
    /// TLS inside PRELOGIN packets. TLS 1.2 only: after the last flight of a 1.3 handshake the
    /// server still sends session tickets, which TDS 7.x has no place for.
    tunnelled: Arc<ServerConfig>,
    /// TLS before TDS.
    strict: Arc<ServerConfig>,
}

impl Tls {
    /// Makes an authority and a certificate for `names` (DNS names or addresses).
    pub fn generate(names: &[String]) -> Result<Self, TlsError> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority
            .distinguished_name
            .push(DnType::CommonName, "stand-in test authority");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new(names.to_vec())?;
        let common_name = names.first().map_or("localhost", String::as_str);
        server
            .distinguished_name
            .push(DnType::CommonName, common_name);
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let certificate = server.signed_by(&key, &authority)?;

        let config = |versions: &[&'static rustls::SupportedProtocolVersion]| {
            let chain = vec![certificate.der().clone()];
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
            let mut config =
                ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                    .with_protocol_versions(versions)?
                    .with_no_client_auth()
                    .with_single_cert(chain, key)?;
            config.session_storage = Arc::new(NoServerSessionStorage {});
            Ok::<_, rustls::Error>(config)
        };
        let tunnelled = config(&[&TLS12])?;
        let mut strict = config(&[&TLS13, &TLS12])?;
        strict.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self {
            ca_pem: authority.pem(),
            server_pem: certificate.pem(),
            tunnelled: Arc::new(tunnelled),
            strict: Arc::new(strict),
        })
    }

    /// The authority's certificate in PEM form, for the client's trust store.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The server's own certificate in PEM form, for clients that pin it.
    pub fn server_pem(&self) -> &str {
        &self.server_pem
    }

    pub(crate) fn tunnelled(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.tunnelled)
    }

    pub(crate) fn strict(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.strict)
    }
}
