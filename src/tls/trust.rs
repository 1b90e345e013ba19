//! What is trusted: certificates, and the name that a server's certificate must carry.
//!
//! Plain data: `mssql` and `postgres` each make it from their section of the job, and the verifier
//! reads it.

use rustls_pki_types::{CertificateDer, ServerName};

/// Which name a certificate must be made out to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The host that was connected to.
    Host,
    /// Another one, which the job names.
    Name(ServerName<'static>),
    /// Any: the chain alone is checked.
    AnyName,
}

/// Which certificates a connection trusts.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// Authorities, or servers' own certificates.
    pub certificates: Vec<CertificateDer<'static>>,
    pub pinned: Pinned,
}

/// Whether a server is trusted for showing one of the trusted certificates, byte for byte. A server's
/// own self-signed certificate is not an authority's, so a check of chains would refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinned {
    /// The chain decides.
    No,
    /// If it is made out to the expected name, as libpq's `verify-full` wants it.
    ByName,
    /// Whatever name it carries: a self-signed certificate often names no host.
    ByItself,
}
