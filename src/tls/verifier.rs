//! The two checks of a certificate: none at all, or of its chain, pin and name.
//!
//! rustls asks these during a handshake. An error ends it, and the side that connects turns it into
//! `SourceTls` or `TargetTls`. Both checks verify the handshake's signature if that can be done.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::tls::names::Names;
use crate::tls::possession::is_provable;
use crate::tls::trust::{Expected, Pinned, Trusted};

/// `trust_server_certificate`, and sslmode `prefer` and `require`: encryption against eavesdroppers,
/// no proof of who answers.
///
/// The signature of the handshake is checked all the same: channel binding proves the certificate to
/// the login, and an attacker in the middle could show the server's own, which is public, without its
/// key. If [`is_provable`] says that it cannot be checked, nothing may be built on the certificate.
#[derive(Debug)]
pub(super) struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyCertificate {
    pub(super) fn new(provider: &CryptoProvider) -> Self {
        Self {
            algorithms: provider.signature_verification_algorithms,
        }
    }

    /// Checks the signature, or lets it pass if it cannot be checked by anything.
    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        verify: impl FnOnce(&WebPkiSupportedAlgorithms) -> Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if is_provable(certificate, &self.algorithms) {
            return verify(&self.algorithms);
        }
        tracing::debug!(
            "the server's certificate is of a form that no signature can be checked by"
        );
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check(certificate, |algorithms| {
            verify_tls12_signature(message, certificate, signature, algorithms)
        })
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check(certificate, |algorithms| {
            verify_tls13_signature(message, certificate, signature, algorithms)
        })
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The chain, then the name.
#[derive(Debug)]
pub(super) struct Chain {
    inner: Arc<WebPkiServerVerifier>,
    /// A server's own self-signed certificate may be among them; as it is not an authority's, the
    /// chain check would refuse it. Trusted byte for byte instead, its dates included.
    trusted: Trusted,
    expected: Expected,
}

impl Chain {
    pub(super) fn new(
        inner: Arc<WebPkiServerVerifier>,
        trusted: Trusted,
        expected: Expected,
    ) -> Self {
        Self {
            inner,
            trusted,
            expected,
        }
    }

    /// The name to look for; `None` if any will do.
    fn name<'a>(&'a self, host: &'a ServerName<'_>) -> Option<&'a ServerName<'a>> {
        match &self.expected {
            Expected::Host => Some(host),
            Expected::Name(name) => Some(name),
            Expected::AnyName => None,
        }
    }

    /// Whether the certificate is one of the trusted ones, byte for byte.
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        let mut trusted = self.trusted.certificates.iter();
        self.trusted.pinned != Pinned::No && trusted.any(|pinned| pinned == certificate)
    }

    /// Only the name of a pinned certificate can still be wrong, and only if the job wants it
    /// checked.
    fn check_pinned(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
    ) -> Result<ServerCertVerified, Error> {
        match self.name(name) {
            Some(name) if self.trusted.pinned == Pinned::ByName => {
                let parsed = ParsedCertificate::try_from(certificate)?;
                let checked = rustls::client::verify_server_name(&parsed, name);
                checked
                    .map(|()| ServerCertVerified::assertion())
                    .or_else(|error| by_common_name(certificate, name, error))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }
}

/// Gives a certificate without an alternative name a second chance by its common name; `error` is
/// what the check of its alternative names said.
fn by_common_name(
    certificate: &CertificateDer<'_>,
    expected: &ServerName<'_>,
    error: Error,
) -> Result<ServerCertVerified, Error> {
    let Error::InvalidCertificate(
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
    ) = error
    else {
        return Err(error);
    };
    let names = Names::from_certificate(certificate);
    if names.common_name_fits(expected) {
        tracing::debug!("the certificate has no subjectAltName; its common name was checked");
        return Ok(ServerCertVerified::assertion());
    }
    Err(Error::InvalidCertificate(
        CertificateError::NotValidForNameContext {
            expected: expected.to_owned(),
            presented: names.shown(),
        },
    ))
}

impl ServerCertVerifier for Chain {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.is_pinned(certificate) {
            return self.check_pinned(certificate, name);
        }
        let expected = self.name(name);
        let checked = self.inner.verify_server_cert(
            certificate,
            intermediates,
            expected.unwrap_or(name),
            ocsp,
            now,
        );
        // The name is checked last, so everything else about the chain is right by then.
        match (checked, expected) {
            (
                Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName
                    | CertificateError::NotValidForNameContext { .. },
                )),
                None,
            ) => Ok(ServerCertVerified::assertion()),
            (Err(error), Some(expected)) => by_common_name(certificate, expected, error),
            (checked, _) => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
