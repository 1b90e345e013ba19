//! The servers of a target: what the driver is told of each, and the password for it.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding as DriverBinding, SslMode as DriverMode};

use crate::config::job::{self, ChannelBinding, Secret, SslMode, Target};
use crate::credential::Credential;
use crate::error::Kind;
use crate::postgres::connect::refusal::Names;

/// A silent peer is noticed after about `KEEPALIVE_IDLE + 3 * KEEPALIVE_INTERVAL`: sooner than
/// the ten minutes after which firewalls commonly forget a quiet connection.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// Bytes that stay unacknowledged for this long end the connection; the system would try
/// for a quarter of an hour and keepalive waits its turn. It also ends one whose server reads
/// nothing for so long, so it outlasts a disk that hangs for a while.
const USER_TIMEOUT: Duration = Duration::from_secs(180);

/// One server.
pub(super) struct Server {
    /// As the job names it, for a way that is not straight and for TLS.
    pub(super) host: String,
    pub(super) port: u16,
    /// Host, user and keepalives; no password.
    config: Config,
    pub(super) password: Credential,
    /// For messages.
    pub(super) names: Names,
}

impl Server {
    /// With a password, if there is one: the server may ask for none.
    pub(super) fn config_with(&self, password: &Secret) -> Config {
        let mut config = self.config.clone();
        if !password.expose().is_empty() {
            config.password(password.expose());
        }
        config
    }
}

/// The target's servers, in the order in which they are tried. What a command prints is for all of them.
pub(super) fn all(target: &Target) -> Vec<Server> {
    let command = target.password_command.as_ref();
    let credential = |password| Credential::new(password, command, Kind::TargetSecret);
    let shared = credential(&target.password);
    let mut servers = vec![server(target, &target.host, target.port, shared.clone())];
    for place in &target.options.others {
        let password = match command {
            Some(_) => shared.clone(),
            None => credential(&place.password),
        };
        servers.push(server(target, &place.host, place.port, password));
    }
    servers
}

fn server(target: &Target, host: &str, port: u16, password: Credential) -> Server {
    let options = &target.options;
    let mut config = Config::new();
    config
        .host(host)
        .port(port)
        .dbname(&target.database)
        .user(&target.user)
        .application_name(options.application_name.as_deref().unwrap_or("migrate"))
        .connect_timeout(target.connect_timeout)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES)
        .tcp_user_timeout(USER_TIMEOUT)
        .ssl_mode(ssl_mode(host, target.sslmode))
        .channel_binding(match options.channel_binding {
            ChannelBinding::Prefer => DriverBinding::Prefer,
            ChannelBinding::Require => DriverBinding::Require,
            ChannelBinding::Disable => DriverBinding::Disable,
        });
    if let Some(startup) = &options.startup {
        config.options(startup);
    }
    Server {
        host: host.to_owned(),
        port,
        config,
        password,
        names: Names {
            address: job::address(host, port),
            database: target.database.clone(),
            user: target.user.clone(),
            sslmode: target.sslmode,
        },
    }
}

/// A Unix socket has no TLS, whatever the mode says (PostgreSQL documentation, `sslmode`).
fn ssl_mode(host: &str, mode: SslMode) -> DriverMode {
    match mode {
        _ if host.starts_with('/') => DriverMode::Disable,
        SslMode::Disable => DriverMode::Disable,
        SslMode::Prefer => DriverMode::Prefer,
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverMode::Require,
    }
}
