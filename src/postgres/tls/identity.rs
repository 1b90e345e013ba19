//! The client certificate that a login shows, and its private key.
//!
//! As libpq has it (PostgreSQL documentation, "Client Certificates", 34.19.2): the file of the certificate may hold
//! its chain, and a key that others may read is refused.

use std::fs;
use std::path::Path;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::config::job::{ClientCertificate, Secret};
use crate::error::{Error, Kind, Result};
use crate::tls::encrypted_key;

/// As PEM calls a key that a passphrase encrypts (RFC 7468, section 11), and one of PKCS #8 (section 10).
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const PLAIN: &str = "PRIVATE KEY";

/// Certificate with its chain, and key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// # Errors
/// `TargetTls`: a file cannot be read, holds something else, or is open to others.
pub(super) fn read(files: &ClientCertificate) -> Result<Identity> {
    let shown = files.certificate.display();
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|cause| {
            refused(format!("target.sslcert {shown} cannot be read as PEM")).because(cause)
        })?;
    if chain.is_empty() {
        return Err(refused(format!(
            "target.sslcert {shown} holds no certificate"
        )));
    }
    Ok((chain, key(&files.key, &files.password)?))
}

fn refused(message: String) -> Error {
    Error::new(Kind::TargetTls, message)
}

fn key(file: &Path, password: &Secret) -> Result<PrivateKeyDer<'static>> {
    let shown = file.display();
    must_be_private(file)?;
    let text = fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|cause| refused(format!("target.sslkey {shown} cannot be read")).because(cause))?;
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(refused(format!(
            "target.sslkey {shown} is encrypted in OpenSSL's old way: `openssl pkcs8 -topk8 -v2 aes-256-cbc` writes it \
             in the present one"
        )));
    }
    if !text.contains(&format!("-----BEGIN {ENCRYPTED}-----")) {
        return PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|cause| {
            refused(format!("target.sslkey {shown} holds no private key in PEM")).because(cause)
        });
    }
    if password.expose().is_empty() {
        return Err(refused(format!(
            "target.sslkey {shown} is encrypted, and target.sslpassword has no passphrase for it"
        )));
    }
    // The reader of PEM knows the other label; what is inside of it is not looked at.
    let plain = Zeroizing::new(text.replace(ENCRYPTED, PLAIN));
    let encrypted = PrivatePkcs8KeyDer::from_pem_slice(plain.as_bytes())
        .map_err(|cause| refused(format!("target.sslkey {shown} is not PEM")).because(cause))?;
    let decrypted = encrypted_key::decrypt(encrypted.secret_pkcs8_der(), password.expose())
        .map_err(|why| refused(format!("target.sslkey {shown} cannot be decrypted: {why}")))?;
    Ok(PrivatePkcs8KeyDer::from(decrypted.to_vec()).into())
}

/// libpq's rule: 0600 or less, or 0640 or less if it is root's.
#[cfg(unix)]
fn must_be_private(file: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let shown = file.display();
    let found = fs::metadata(file)
        .map_err(|cause| refused(format!("target.sslkey {shown} cannot be read")).because(cause))?;
    let open_to_others = match found.uid() {
        0 => 0o037,
        _ => 0o077,
    };
    if found.mode() & open_to_others == 0 {
        return Ok(());
    }
    Err(refused(format!(
        "target.sslkey {shown} may be read by others than its owner: chmod 0600"
    )))
}

/// Windows has no such bits.
#[cfg(not(unix))]
fn must_be_private(_: &Path) -> Result<()> {
    Ok(())
}
