//! From the job's host, port and instance to a connected TCP socket.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::config::job::Source;
use crate::error::{Error, Kind, Result};

use super::browser;

/// SQL Server's default port.
const DEFAULT_PORT: u16 = 1433;
/// A dead peer is noticed after idle + 4 probes = 70 s, even where a statement may run for hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 4;

/// Where to connect: the job's server, or the one that it redirected the login to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Finds out host and port, asking the browser service where only an instance is named.
pub(super) async fn endpoint(source: &Source, deadline: Instant) -> Result<Endpoint> {
    let port = match (source.port, &source.instance) {
        (Some(port), _) => port,
        (None, None) => DEFAULT_PORT,
        (None, Some(instance)) => {
            let addresses = resolve(&source.host, source.browser_port, deadline).await?;
            browser::port_of(instance, &addresses, left(deadline)).await?
        }
    };
    Ok(Endpoint {
        host: source.host.clone(),
        port,
    })
}

fn left(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .max(Duration::from_millis(1))
}

async fn resolve(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>> {
    let advice = "check source.host and this machine's DNS";
    let found = timeout(left(deadline), lookup_host((host, port)))
        .await
        .map_err(|_| {
            Error::new(
                Kind::SourceUnreachable,
                format!("resolving {host} took too long: {advice}"),
            )
        })?
        .map_err(|cause| {
            Error::new(
                Kind::SourceUnreachable,
                format!("cannot resolve {host}: {advice}"),
            )
            .because(cause)
        })?;
    let addresses: Vec<_> = found.collect();
    if addresses.is_empty() {
        return Err(Error::new(
            Kind::SourceUnreachable,
            format!("{host} has no address: {advice}"),
        ));
    }
    Ok(addresses)
}

/// Connects to the first of the host's addresses that answers. Each gets its share of the time, so
/// that an address without a route does not use it up.
pub(super) async fn connect_tcp(endpoint: &Endpoint, deadline: Instant) -> Result<TcpStream> {
    let addresses = resolve(&endpoint.host, endpoint.port, deadline).await?;
    let mut last = None;
    for (at, address) in addresses.iter().enumerate() {
        let share = left(deadline) / (addresses.len() - at) as u32;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                tune(&stream).map_err(|cause| unreachable_error(endpoint, Some(cause)))?;
                return Ok(stream);
            }
            Ok(Err(cause)) => last = Some(cause),
            Err(_) => last = last.or(None),
        }
    }
    Err(unreachable_error(endpoint, last))
}

/// The receive buffer keeps the kernel's own sizing: a fixed SO_RCVBUF is cut to `rmem_max`
/// (208 KiB by default) and ends the growth to `tcp_rmem`'s megabytes.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn unreachable_error(endpoint: &Endpoint, cause: Option<io::Error>) -> Error {
    let Endpoint { host, port } = endpoint;
    let Some(cause) = cause else {
        return Error::new(
            Kind::SourceUnreachable,
            format!(
                "no answer from {host} port {port}: a firewall drops the packets or the host is \
                 down; check source.host, source.port and the route (source.connect_timeout is how \
                 long was waited)"
            ),
        );
    };
    let advice = match cause.kind() {
        io::ErrorKind::ConnectionRefused => {
            "refused the connection: nothing listens there; check source.port, and that TCP/IP is \
             enabled for the instance"
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "has no route from here: check source.host and this machine's network"
        }
        _ => "could not be connected: check source.host and source.port",
    };
    Error::new(
        Kind::SourceUnreachable,
        format!("{host} port {port} {advice}"),
    )
    .because(cause)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test]
    async fn a_closed_port_is_named_with_advice() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let endpoint = Endpoint {
            host: "127.0.0.1".into(),
            port,
        };
        let error = connect_tcp(&endpoint, soon()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::SourceUnreachable);
        let text = error.to_string();
        assert!(
            text.contains(&port.to_string()) && text.contains("nothing listens"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_is_a_dns_failure() {
        let endpoint = Endpoint {
            host: "no-such-host.invalid".into(),
            port: 1433,
        };
        let error = connect_tcp(&endpoint, soon()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::SourceUnreachable);
        assert!(error.to_string().contains("DNS"), "{error}");
    }
}
