//! The PostgreSQL side of the job as meant.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::route::Route;
use crate::config::secret::{Secret, SecretCommand};

/// The PostgreSQL side: the section `target`.
#[derive(Debug, Clone)]
pub struct Target {
    /// The first server's name or address, or the folder of its Unix socket.
    pub host: String,
    /// TCP port, 5432 by default; for a Unix socket, the end of its name.
    pub port: u16,
    /// It must exist; the tool creates schemas and tables, never a database.
    pub database: String,
    pub user: String,
    /// Empty if there is none, or `password_command` is used.
    pub password: Secret,
    pub password_command: Option<SecretCommand>,
    pub sslmode: SslMode,
    /// PEM file with the certificate authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// For one server of the list.
    pub connect_timeout: Duration,
    pub options: TargetOptions,
    pub pool: TargetPool,
    /// Tables that are finished at a time, at least 1.
    pub finish_connections: usize,
    /// Bytes for each index build; more if the server's own setting is more.
    pub maintenance_work_mem: u64,
    /// Workers that help each index build.
    pub parallel_maintenance_workers: usize,
    /// Source schema to target schema; a schema without an entry keeps its name.
    pub schemas: BTreeMap<String, String>,
}

impl Target {
    /// Every server as `host:port`, in the order in which they are tried.
    pub fn address(&self) -> String {
        let first = address(&self.host, self.port);
        let others = self.options.others.iter();
        let others = others.map(|place| address(&place.host, place.port));
        std::iter::once(first)
            .chain(others)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// `host:port`, or the file of a Unix socket.
pub fn address(host: &str, port: u16) -> String {
    if host.starts_with('/') {
        format!("{host}/.s.PGSQL.{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// One of several servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    pub port: u16,
    /// Empty if there is none, or `password_command` is used.
    pub password: Secret,
}

/// What the job or libpq's own settings say beside address, login and encryption.
#[derive(Debug, Clone, Default)]
pub struct TargetOptions {
    /// Further servers, tried in this order after the first.
    pub others: Vec<Place>,
    pub session_attrs: SessionAttrs,
    pub certificate: Option<ClientCertificate>,
    pub channel_binding: ChannelBinding,
    /// In `pg_stat_activity`; `migrate` if there is none.
    pub application_name: Option<String>,
    pub route: Route,
    /// Command-line options for the server's process, as `-c work_mem=64MB`.
    pub startup: Option<String>,
}

/// Which of several servers is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SessionAttrs {
    /// The first that can be logged in to.
    #[default]
    Any,
    /// The first that takes writes: no standby, and none that is set to read-only.
    ReadWrite,
}

/// Whether SCRAM ties the login to the server's certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ChannelBinding {
    /// If both sides can.
    #[default]
    Prefer,
    /// No login without.
    Require,
    Disable,
}

/// PEM files of a certificate that the login shows.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate, and its chain if it has one.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Decrypts the key; empty if it is not encrypted.
    pub password: Secret,
}

/// libpq's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Plain TCP. Nothing notices bytes that change on the way.
    Disable,
    /// TLS if the server offers it, plain TCP otherwise; no certificate is checked.
    Prefer,
    /// TLS. Any certificate will do unless `ca_file` is set; then as `VerifyCa`, which is what
    /// libpq does.
    Require,
    /// TLS, with a certificate of a trusted authority, whatever name it has.
    VerifyCa,
    /// As `VerifyCa`, and the certificate names the host. The default.
    VerifyFull,
}

/// Connections to PostgreSQL: `target.pool`.
#[derive(Debug, Clone)]
pub struct TargetPool {
    /// Hard cap of data connections, at least 1. The job lock holds one connection more.
    pub max_connections: usize,
    /// How long a caller waits for a free connection before `TargetPoolTimeout`.
    pub acquire_timeout: Duration,
}
