//! The way to a server: straight, through an SSH tunnel, or through a SOCKS5 proxy.
//!
//! Every way gives a TCP stream of this process. The host is resolved at its far end, so a server may have a name
//! that this machine does not know.

mod socks5;
mod ssh;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::job::{self, Socks5, Ssh};
use crate::error::{Error, Kind, Result};
use crate::route::ssh::Tunnel;

/// SSH logins at a time: sshd drops some of the connections that are not logged in yet from the tenth on
/// (sshd_config(5), MaxStartups 10:30:100), and other users log in too.
const LOGINS: usize = 4;

/// As for a connection without a proxy: sooner than firewalls forget a quiet connection.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

const SSH_ADVICE: &str = "run ssh by hand as the user that runs migrate: it must log in without a question, and the host \
     must be allowed to connect on.";
const SOCKS5_ADVICE: &str =
    "check host and port of socks5, and that the proxy lets this machine through to the server.";

/// A way that leads through something; clones share it.
#[derive(Clone)]
pub struct Route(Arc<Inner>);

struct Inner {
    through: Through,
    /// The kind of an error of the way.
    unreachable: Kind,
    logins: Arc<Semaphore>,
}

enum Through {
    Ssh(Ssh),
    Socks5(Socks5),
}

/// What is known of a way while the login at its end is under way.
pub struct Passage {
    /// What carries the connection, if that is a process. It lives as long as the stream, not as this.
    tunnel: Option<Tunnel>,
    /// The kind of an error of the way.
    unreachable: Kind,
    _login: OwnedSemaphorePermit,
}

impl Passage {
    /// The reason of a login that failed, if the way is to blame.
    pub async fn explain(self, error: Error) -> Error {
        let Some(tunnel) = self.tunnel else {
            return error;
        };
        match tunnel.why_ended().await {
            Some(why) => {
                let error = Error::new(self.unreachable, why).because(error);
                error.advise(SSH_ADVICE)
            }
            None => error,
        }
    }
}

impl Route {
    /// `None` if the way is straight. Errors are of the kind `unreachable`.
    pub fn new(route: &job::Route, unreachable: Kind) -> Option<Self> {
        let through = match route {
            job::Route::Direct => return None,
            job::Route::Ssh(ssh) => Through::Ssh(ssh.clone()),
            job::Route::Socks5(proxy) => Through::Socks5(proxy.clone()),
        };
        Some(Self(Arc::new(Inner {
            through,
            unreachable,
            logins: Arc::new(Semaphore::new(LOGINS)),
        })))
    }

    /// Connects. A tunnel may turn out to lead nowhere only when the stream is used: [`Passage::explain`].
    ///
    /// # Errors
    /// The kind that it was made with. The caller's time-out ends it.
    pub async fn open(&self, host: &str, port: u16) -> Result<(TcpStream, Passage)> {
        let login = self.0.logins.clone().acquire_owned().await;
        let login = login.map_err(|cause| self.failed("the way is closed").because(cause))?;
        let (stream, tunnel) = match &self.0.through {
            Through::Ssh(ssh) => {
                let opened = ssh::open(ssh, host, port).await;
                let (stream, tunnel) = opened.map_err(|cause| {
                    self.failed(
                        "ssh cannot be started: it must be installed and in PATH (openssh-client)",
                    )
                    .because(cause)
                    .advise(SSH_ADVICE)
                })?;
                (stream, Some(tunnel))
            }
            Through::Socks5(proxy) => {
                let opened = socks5::open(proxy, host, port).await;
                let opened = opened.map_err(|text| self.failed(&text).advise(SOCKS5_ADVICE));
                (opened?, None)
            }
        };
        prepare(&stream)
            .map_err(|cause| self.failed("the socket cannot be set up").because(cause))?;
        let passage = Passage {
            tunnel,
            unreachable: self.0.unreachable,
            _login: login,
        };
        Ok((stream, passage))
    }

    fn failed(&self, text: &str) -> Error {
        Error::new(self.0.unreachable, text)
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
