//! Handshakes and the beginning of logins with a server of this process.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, SignatureAlgorithm};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ServerConfig, SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::job::{Secret, TargetOptions, TargetPool};
use crate::postgres::tls::stream::{Encrypted, HandshakeError};

/// A server's certificate, and the key that it signs handshakes with.
#[derive(Debug)]
struct Identity(Arc<CertifiedKey>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn self_signed(algorithm: &'static SignatureAlgorithm) -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.der().clone(), key)
}

/// Nothing checks that the certificate and the key belong together.
fn identity(certificate: CertificateDer<'static>, key: &KeyPair) -> Identity {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let key = ring::sign::any_supported_type(&key).unwrap();
    Identity(Arc::new(CertifiedKey::new(vec![certificate], key)))
}

/// One DER element; a long one has more than 127 bytes.
fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match contents.len() {
        length @ 0..128 => bytes.push(u8::try_from(length).unwrap()),
        length => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend_from_slice(contents);
    bytes
}

/// The same certificate as one of version 1, which has neither a version nor extensions. Its own
/// signature is wrong then, which is not checked.
fn of_version_1(certificate: &[u8]) -> CertificateDer<'static> {
    let (body, _) = tls::der::expect(0x30, certificate).unwrap();
    let (fields, signature) = tls::der::expect(0x30, body).unwrap();
    let (mut kept, mut rest) = (Vec::new(), fields);
    while let Some((tag, contents, after)) = tls::der::element(rest) {
        if !matches!(tag, 0xa0 | 0xa3) {
            kept.extend(element(tag, contents));
        }
        rest = after;
    }
    let body = [element(0x30, &kept), signature.to_vec()].concat();
    element(0x30, &body).into()
}

fn target(sslmode: SslMode) -> Target {
    Target {
        host: "localhost".into(),
        port: 5432,
        database: "db".into(),
        user: "u".into(),
        password: Secret::new("p"),
        password_command: None,
        sslmode,
        ca_file: None,
        connect_timeout: Duration::from_secs(5),
        options: TargetOptions::default(),
        pool: TargetPool {
            max_connections: 1,
            acquire_timeout: Duration::from_secs(5),
        },
        finish_connections: 1,
        maintenance_work_mem: 64 << 20,
        parallel_maintenance_workers: 0,
        schemas: std::collections::BTreeMap::new(),
    }
}

fn acceptor(identity: Identity, versions: &[&'static SupportedProtocolVersion]) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(identity));
    TlsAcceptor::from(Arc::new(config))
}

/// A handshake as `sslmode: require` without `ca_file` makes it.
async fn handshake(
    identity: Identity,
    version: &'static SupportedProtocolVersion,
) -> Result<Encrypted<DuplexStream>, HandshakeError> {
    let (near, far) = tokio::io::duplex(1 << 16);
    let accept = acceptor(identity, &[version]).accept(far);
    let mut tls = connector(&target(SslMode::Require)).unwrap();
    let connect = MakeTlsConnect::<DuplexStream>::make_tls_connect(&mut tls, "localhost").unwrap();
    let (connected, _accepted) = tokio::join!(connect.connect(near), accept);
    connected
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    for version in VERSIONS {
        let (certificate, _) = self_signed(&rcgen::PKCS_ECDSA_P256_SHA256);
        let other = KeyPair::generate().unwrap();
        let shaken = handshake(identity(certificate, &other), version).await;
        let HandshakeError(error) = shaken.err().expect("a refusal");
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        assert_eq!(
            cause,
            Some(&rustls::Error::InvalidCertificate(
                CertificateError::BadSignature
            )),
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_proved_encrypts_and_binds_nothing() {
    for version in VERSIONS {
        let (certificate, key) = self_signed(&rcgen::PKCS_ECDSA_P256_SHA256);
        let old = of_version_1(&certificate);
        let parsed = rustls::server::ParsedCertificate::try_from(&old);
        assert!(parsed.is_err(), "it is of version 1");
        // Its digest is at hand; its key was never shown.
        assert!(binding::end_point(&old).is_some());
        let shaken = handshake(identity(old, &key), version).await;
        let stream = shaken.unwrap_or_else(|error| panic!("{version:?}: {error}"));
        assert!(!stream.is_bound());
        let (certificate, key) = self_signed(&rcgen::PKCS_ECDSA_P256_SHA256);
        let shaken = handshake(identity(certificate, &key), version).await;
        assert!(shaken.is_ok_and(|stream| stream.is_bound()), "{version:?}");
    }
}

/// The mechanism and the first message of a login over TLS, at a server that offers both.
async fn login(identity: Identity) -> (String, String) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let serve = async move {
        let mut far = far;
        let mut request = [0; 8];
        far.read_exact(&mut request).await?;
        far.write_all(b"S").await?;
        let mut stream = acceptor(identity, &VERSIONS).accept(far).await?;
        let length = stream.read_u32().await?;
        let mut startup = vec![0; length as usize - 4];
        stream.read_exact(&mut startup).await?;
        // AuthenticationSASL
        let offered = b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
        stream.write_u8(b'R').await?;
        stream.write_u32(4 + 4 + offered.len() as u32).await?;
        stream.write_u32(10).await?;
        stream.write_all(offered).await?;
        stream.flush().await?;
        // SASLInitialResponse: mechanism, then the length of the message and the message.
        assert_eq!(stream.read_u8().await?, b'p');
        let length = stream.read_u32().await?;
        let mut response = vec![0; length as usize - 4];
        stream.read_exact(&mut response).await?;
        io::Result::Ok(response)
    };
    let mut tls = connector(&target(SslMode::Require)).unwrap();
    let connect = MakeTlsConnect::<DuplexStream>::make_tls_connect(&mut tls, "localhost").unwrap();
    let mut config = tokio_postgres::Config::new();
    config.user("u").password("p").dbname("db");
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    let (connected, response) = tokio::join!(config.connect_raw(near, connect), serve);
    assert!(connected.is_err(), "the server has said no more");
    let response = response.unwrap();
    let end = response.iter().position(|byte| *byte == 0).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&response[..end]), text(&response[end + 5..]))
}

/// RFC 5802, section 7: `p=` names a binding, `n` says that there is none.
#[tokio::test]
async fn logins_are_bound_to_what_the_server_has_proved() {
    let (certificate, key) = self_signed(&rcgen::PKCS_ECDSA_P256_SHA256);
    let old = of_version_1(&certificate);
    let (mechanism, message) = login(identity(certificate, &key)).await;
    assert_eq!(mechanism, "SCRAM-SHA-256-PLUS");
    assert!(message.starts_with("p=tls-server-end-point,,"), "{message}");
    let (undefined, ed25519) = self_signed(&PKCS_ED25519);
    for identity in [identity(old, &key), identity(undefined, &ed25519)] {
        let (mechanism, message) = login(identity).await;
        assert_eq!(mechanism, "SCRAM-SHA-256");
        assert!(message.starts_with("n,,"), "{message}");
    }
}
