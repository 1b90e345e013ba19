//! TLS to PostgreSQL: libpq's `sslmode` words on top of rustls.

mod binding;
mod stream;
mod verifier;

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::config::job::{SslMode, Target};
use crate::error::{Error, Kind, Result};
use crate::postgres::tls::verifier::{AnyCertificate, Chain};

pub(super) use crate::postgres::tls::stream::{HandshakeError, Tls};

/// Builds the connector for a target. As in libpq, `require` with a CA file checks the chain.
pub(super) fn connector(target: &Target) -> Result<Tls> {
    let provider = Arc::new(ring::default_provider());
    let verifier = match (target.sslmode, &target.ca_file) {
        (SslMode::Disable | SslMode::Prefer, _) | (SslMode::Require, None) => {
            Arc::new(AnyCertificate::new(&provider)) as Arc<dyn ServerCertVerifier>
        }
        (SslMode::Require | SslMode::VerifyCa, _) => chain(target, &provider, false)?,
        (SslMode::VerifyFull, _) => chain(target, &provider, true)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| tls_error("could not set up TLS").because(error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Tls::new(Arc::new(config)))
}

fn chain(
    target: &Target,
    provider: &Arc<CryptoProvider>,
    check_name: bool,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let certificates = match &target.ca_file {
        Some(file) => from_file(file)?,
        None => from_system()?,
    };
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates.iter().cloned());
    if added == 0 {
        return Err(tls_error(
            "none of the trusted certificates can be read as X.509 version 3",
        ));
    }
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| tls_error("could not set up certificate checks").because(error))?;
    // Only a CA file is somebody's decision to trust one very certificate.
    let pinned = target.ca_file.as_ref().map(|_| certificates);
    Ok(Arc::new(Chain::new(
        inner,
        pinned.unwrap_or_default(),
        check_name,
    )))
}

fn from_file(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unreadable = |error| {
        Error::new(
            Kind::Io,
            format!(
                "could not read certificates from target.ca_file {}",
                file.display()
            ),
        )
        .because(error)
    };
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(tls_error(format!(
            "target.ca_file {} holds no PEM certificate",
            file.display()
        )));
    }
    Ok(certificates)
}

fn from_system() -> Result<Vec<CertificateDer<'static>>> {
    let found = rustls_native_certs::load_native_certs();
    if !found.certs.is_empty() {
        return Ok(found.certs);
    }
    let error = tls_error(
        "this system has no trusted certificate authorities: install them, or name one in target.ca_file",
    );
    Err(match found.errors.into_iter().next() {
        Some(cause) => error.because(cause),
        None => error,
    })
}

fn tls_error(message: impl Into<String>) -> Error {
    Error::new(Kind::TargetTls, message)
}
