//! What the certificate of either server must prove: authorities, pinned certificates, names.

pub mod der;
pub mod encrypted_key;
mod names;
mod possession;
mod trust;
mod verifier;

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject};

pub use crate::tls::possession::is_provable;
pub use crate::tls::trust::{Expected, Pinned, Trusted};
use crate::tls::verifier::{AnyCertificate, Chain};

/// Why certificates cannot be the basis of a check.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("none of the trusted certificates can be read as X.509 version 3")]
    NoneReadable,
    #[error("certificate checks cannot be set up")]
    NoChecks(#[source] rustls::client::VerifierBuilderError),
}

/// The PEM certificates of a file, which may be none.
///
/// # Errors
/// The file cannot be read or is not PEM.
pub fn from_file(file: &Path) -> Result<Trusted, pem::Error> {
    let certificates = CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>()?;
    Ok(Trusted {
        certificates,
        pinned: Pinned::ByName,
    })
}

/// The authorities of this machine, and what kept some of them from being read.
pub fn from_system() -> (Trusted, Vec<rustls_native_certs::Error>) {
    let found = rustls_native_certs::load_native_certs();
    let trusted = Trusted {
        certificates: found.certs,
        pinned: Pinned::No,
    };
    (trusted, found.errors)
}

/// Encryption against eavesdroppers, without proof of who answers: the server has the key of the
/// certificate that it shows, if [`is_provable`] says so of that certificate.
pub fn any_certificate(provider: &CryptoProvider) -> Arc<dyn ServerCertVerifier> {
    Arc::new(AnyCertificate::new(provider))
}

/// Checks a certificate's chain up to what is trusted, and its name.
///
/// # Errors
/// [`Unusable`] if no certificate can be read, or rustls refuses them all.
pub fn chain(
    trusted: Trusted,
    expected: Expected,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Unusable> {
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(trusted.certificates.iter().cloned());
    tracing::debug!(added, ignored, "certificate authorities loaded");
    if added == 0 {
        return Err(Unusable::NoneReadable);
    }
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(Unusable::NoChecks)?;
    Ok(Arc::new(Chain::new(inner, trusted, expected)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_certificates_is_no_basis() {
        let file = std::env::temp_dir().join(format!("migrate-no-pem-{}", std::process::id()));
        std::fs::write(&file, "no certificate here\n").unwrap();
        let found = from_file(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(found.certificates.is_empty());
        assert_eq!(found.pinned, Pinned::ByName);
        assert!(from_file(&file).is_err());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let refused = chain(found, Expected::Host, &provider).unwrap_err();
        assert!(matches!(refused, Unusable::NoneReadable));
    }
}
