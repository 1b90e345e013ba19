//! From the job's host, port and instance to a connected TCP socket.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::config::job::Source;
use crate::error::{Error, Kind, Result};

use super::browser;

/// SQL Server's default port.
const DEFAULT_PORT: u16 = 1433;
/// A dead peer is noticed after idle + 4 probes = 70 s, even if a statement may run for hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 4;

/// Where to connect: the job's server, or the one that it redirected the login to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

/// Finds out host and port, asking the browser service if only an instance is named.
///
/// # Errors
/// `SourceUnreachable`: the host has no address, or the browser service gives no port for the
/// instance.
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

/// Time until `deadline`, at least a millisecond, so that a time-out of what is left still asks
/// once.
fn left(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .max(Duration::from_millis(1))
}

/// # Errors
/// `SourceUnreachable` if the name has no address, or was not resolved in time.
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

/// Connects to the host's addresses, all at once: the first that answers wins, and the others are
/// closed. The listener of an availability group over two subnets has an address of which nobody
/// answers, which is what MultiSubnetFailover of Microsoft's drivers is for.
///
/// # Errors
/// `SourceUnreachable`, with what the first address answered, or that none answered before
/// `deadline`.
pub(super) async fn connect_tcp(endpoint: &Endpoint, deadline: Instant) -> Result<TcpStream> {
    let addresses = resolve(&endpoint.host, endpoint.port, deadline).await?;
    let stream = connect_any(&addresses, deadline)
        .await
        .map_err(|cause| unreachable_error(endpoint, cause))?;
    tune(&stream).map_err(|cause| unreachable_error(endpoint, Some(cause)))?;
    Ok(stream)
}

/// The error is the first that an address answered; there is none if no address answered.
async fn connect_any(
    addresses: &[SocketAddr],
    deadline: Instant,
) -> std::result::Result<TcpStream, Option<io::Error>> {
    let mut connecting: FuturesUnordered<_> = addresses.iter().map(TcpStream::connect).collect();
    let mut first = None;
    let any = async {
        while let Some(connected) = connecting.next().await {
            match connected {
                Ok(stream) => return Some(stream),
                Err(cause) => first = first.take().or(Some(cause)),
            }
        }
        None
    };
    match timeout(left(deadline), any).await {
        Ok(Some(stream)) => Ok(stream),
        Ok(None) | Err(_) => Err(first),
    }
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

/// `cause` is `None` if no address answered at all; then a firewall is the most likely reason.
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
    use socket2::{Domain, Socket, Type};
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

    /// A listener whose queue is full: who connects gets no answer at all.
    fn black_hole() -> (SocketAddr, Vec<Socket>) {
        let full = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        full.listen(0).unwrap();
        let address = full.local_addr().unwrap();
        let mut held = vec![full];
        for _ in 0..4 {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            client.set_nonblocking(true).unwrap();
            // In progress, which is all that is wanted.
            let _ = client.connect(&address);
            held.push(client);
        }
        std::thread::sleep(Duration::from_millis(100));
        (address.as_socket().unwrap(), held)
    }

    /// F14: one address after the other cost a connection to a listener over two subnets seconds.
    #[tokio::test]
    async fn an_address_that_does_not_answer_costs_no_time() {
        let (silent, _held) = black_hole();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let answering = listener.local_addr().unwrap();
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(30);
        for addresses in [
            vec![silent, closed, answering],
            vec![answering, silent],
            vec![closed, answering],
        ] {
            let stream = connect_any(&addresses, deadline).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), answering);
        }
        assert!(begun.elapsed() < Duration::from_secs(2));
        // What an address answered is told, though another one said nothing.
        let soon = Instant::now() + Duration::from_millis(300);
        let cause = connect_any(&[silent, closed], soon).await.unwrap_err();
        let kind = cause.map(|cause| cause.kind());
        assert_eq!(kind, Some(io::ErrorKind::ConnectionRefused));
        let soon = Instant::now() + Duration::from_millis(300);
        assert!(connect_any(&[silent], soon).await.unwrap_err().is_none());
    }
}
