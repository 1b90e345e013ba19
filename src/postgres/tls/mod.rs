//! TLS to PostgreSQL: libpq's `sslmode` words on top of rustls.
//!
//! Which checks a word means is libpq's table (PostgreSQL documentation, "SSL Support"); the checks
//! themselves are `crate::tls`. The stream hands many records to the socket at once (`coalesce`),
//! and gives the login the certificate's hash (`binding`).

mod binding;
mod coalesce;
mod identity;
mod stream;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};

use crate::config::job::{SslMode, Target};
use crate::error::{Error, Kind, Result};
use crate::tls::{self, Expected, Trusted};

pub(super) use crate::postgres::tls::stream::{HandshakeError, Tls};

/// Builds the connector for a target. As in libpq, `require` with a CA file checks the chain.
///
/// # Errors
/// `TargetTls` or `Io`: the authorities cannot be read, or there are none.
pub(super) fn connector(target: &Target) -> Result<Tls> {
    let provider = Arc::new(ring::default_provider());
    let verifier = match (target.sslmode, &target.ca_file) {
        (SslMode::Disable | SslMode::Prefer, _) | (SslMode::Require, None) => {
            tls::any_certificate(&provider)
        }
        (SslMode::Require | SslMode::VerifyCa, _) => chain(target, &provider, Expected::AnyName)?,
        (SslMode::VerifyFull, _) => chain(target, &provider, Expected::Host)?,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| tls_error("could not set up TLS").because(error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match &target.options.certificate {
        Some(files) => {
            let (chain, key) = identity::read(files)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                tls_error("target.sslkey is not the key of target.sslcert, or of a kind that TLS does not have here")
                    .because(error)
            })?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(Tls::new(Arc::new(config)))
}

fn chain(
    target: &Target,
    provider: &Arc<CryptoProvider>,
    expected: Expected,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let trusted = match &target.ca_file {
        Some(file) => from_file(file)?,
        None => from_system()?,
    };
    tls::chain(trusted, expected, provider)
        .map_err(|error| tls_error(error.to_string()).because(error))
}

fn from_file(file: &Path) -> Result<Trusted> {
    let shown = file.display();
    let trusted = tls::from_file(file).map_err(|error| {
        let message = format!("could not read certificates from target.ca_file {shown}");
        Error::new(Kind::Io, message).because(error)
    })?;
    if trusted.certificates.is_empty() {
        return Err(tls_error(format!(
            "target.ca_file {shown} holds no PEM certificate"
        )));
    }
    Ok(trusted)
}

fn from_system() -> Result<Trusted> {
    let (trusted, errors) = tls::from_system();
    if !trusted.certificates.is_empty() {
        return Ok(trusted);
    }
    let error = tls_error(
        "this system has no trusted certificate authorities: install them, or name one in target.ca_file",
    );
    Err(match errors.into_iter().next() {
        Some(cause) => error.because(cause),
        None => error,
    })
}

fn tls_error(message: impl Into<String>) -> Error {
    Error::new(Kind::TargetTls, message)
}
