//! What a server's certificate must prove, for both shores: authorities, pinned certificates, names.

pub mod der;
mod names;
mod possession;
mod verifier;

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, ServerName};

pub use crate::tls::possession::is_provable;
use crate::tls::verifier::{AnyCertificate, Chain};

/// Which name a certificate must be made out to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The host that was connected to.
    Host,
    /// Another one, which the job names.
    Name(ServerName<'static>),
    /// Any: the chain alone is checked.
    Anybody,
}

/// Whom a shore trusts.
#[derive(Debug, Clone)]
pub struct Trusted {
    pub certificates: Vec<CertificateDer<'static>>,
    pub pinned: Pinned,
}

/// Whether a server is trusted for showing one of the trusted certificates, byte for byte. A server's
/// own self-signed certificate is not an authority's, so a check of chains would refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinned {
    No,
    /// If it is made out to the expected name, as libpq's `verify-full` wants it.
    ByName,
    /// Whatever name it carries: that of a self-signed certificate is often of no host.
    ByItself,
}

/// Why certificates cannot be the basis of a check.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("none of the trusted certificates can be read as X.509 version 3")]
    NoneReadable,
    #[error("certificate checks cannot be set up")]
    NoChecks(#[source] rustls::client::VerifierBuilderError),
}

/// The PEM certificates of a file; none is for the caller to judge.
///
/// # Errors
/// The file cannot be read or is not PEM.
pub fn of_file(file: &Path) -> Result<Trusted, pem::Error> {
    let certificates = CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>()?;
    Ok(Trusted {
        certificates,
        pinned: Pinned::ByName,
    })
}

/// The authorities of this machine, and what kept some of them from being read.
pub fn of_system() -> (Trusted, Vec<rustls_native_certs::Error>) {
    let found = rustls_native_certs::load_native_certs();
    let trusted = Trusted {
        certificates: found.certs,
        pinned: Pinned::No,
    };
    (trusted, found.errors)
}

/// Encryption against eavesdroppers, without proof of who answers: whoever does has the key of the
/// certificate that it shows, where [`is_provable`] says so of that certificate.
pub fn anybody(provider: &CryptoProvider) -> Arc<dyn ServerCertVerifier> {
    Arc::new(AnyCertificate::new(provider))
}

/// Checks a certificate's chain up to what is trusted, and its name.
///
/// # Errors
/// [`Unusable`].
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
        let found = of_file(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(found.certificates.is_empty());
        assert_eq!(found.pinned, Pinned::ByName);
        assert!(of_file(&file).is_err());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let refused = chain(found, Expected::Host, &provider).unwrap_err();
        assert!(matches!(refused, Unusable::NoneReadable));
    }
}
