//! The way from this machine to a server, as meant.

use std::path::PathBuf;

use crate::config::secret::Secret;

/// What lies between.
#[derive(Debug, Clone, Default)]
pub enum Route {
    #[default]
    Direct,
    /// `ssh -W` of the system, a process for each connection.
    Ssh(Ssh),
    Socks5(Socks5),
}

/// The host that SSH logs in to: what is not said here, ssh's own configuration says.
#[derive(Debug, Clone)]
pub struct Ssh {
    /// A name, an address, or a `Host` of that configuration.
    pub host: String,
    pub user: Option<String>,
    pub port: Option<u16>,
    /// Private key. Its passphrase is for the agent: nothing is asked.
    pub identity_file: Option<PathBuf>,
}

/// A proxy of RFC 1928.
#[derive(Debug, Clone)]
pub struct Socks5 {
    pub host: String,
    pub port: u16,
    /// `None`: without a login.
    pub user: Option<String>,
    pub password: Secret,
}
