//! A small HTTP server that knows one answer: GET /metrics.
//!
//! Connections, the length of a request and its time are bounded, no body is read, and each connection
//! is closed after its answer: whatever comes in, a run pays next to nothing for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cli::metrics::exposition::Exposition;
use crate::error::{Error, Kind, Result};

/// Two Prometheus servers and a person with curl, and some to spare.
const MOST_CONNECTIONS: usize = 8;
/// Prometheus sends about 400 bytes.
const LONGEST_REQUEST: usize = 4096;
/// For a request to be there as a whole, and again for its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(5);
/// After a failure to accept, such as no free descriptor.
const PAUSE: Duration = Duration::from_millis(100);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Listens on the address, and says so in the log.
///
/// # Errors
/// `Io`.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener> {
    let failed = |cause| {
        Error::new(Kind::Io, format!("cannot listen on {address}"))
            .advise(
                "give another address or port to --metrics-listen, or end the program that has it.",
            )
            .because(cause)
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(
        url = format!("http://{address}/metrics"),
        "metrics are served"
    );
    Ok(listener)
}

/// Answers until it is dropped. What comes in while all connections are in use is closed at once.
pub(super) async fn serve(listener: TcpListener, exposition: Arc<Exposition>) {
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection for metrics was not accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
            let exposition = Arc::clone(&exposition);
            connections.spawn(async move {
                answer(stream, &exposition).await;
                drop(slot);
            });
        }
    }
}

/// Reads one request and answers it; a peer that is slow or gone is left alone.
async fn answer(mut stream: TcpStream, exposition: &Exposition) {
    let mut head = Vec::with_capacity(LONGEST_REQUEST);
    let response = match timeout(PATIENCE, read_head(&mut stream, &mut head)).await {
        Ok(Head::Whole) => respond(&head, exposition),
        Ok(Head::TooLong) => refusal("431 Request Header Fields Too Large", ""),
        Ok(Head::Gone) => return,
        Err(_) => refusal("408 Request Timeout", ""),
    };
    let sent = async {
        stream.write_all(&response).await?;
        stream.shutdown().await?;
        // What a peer still sends would reset the connection, and with it the answer.
        while stream.read(&mut [0; 512]).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    if !matches!(timeout(PATIENCE, sent).await, Ok(Ok(()))) {
        tracing::debug!("a request for metrics ended before its answer was taken");
    }
}

enum Head {
    Whole,
    TooLong,
    Gone,
}

/// Reads up to the empty line that ends the head (RFC 9112, section 2.1).
async fn read_head(stream: &mut TcpStream, head: &mut Vec<u8>) -> Head {
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() >= LONGEST_REQUEST {
            return Head::TooLong;
        }
        let mut part = [0; 1024];
        let room = part.len().min(LONGEST_REQUEST - head.len());
        match stream.read(&mut part[..room]).await {
            Ok(read) if read > 0 => head.extend_from_slice(&part[..read]),
            _ => return Head::Gone,
        }
    }
    Head::Whole
}

fn respond(head: &[u8], exposition: &Exposition) -> Vec<u8> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = words[..] else {
        return refusal("400 Bad Request", "");
    };
    if !version.starts_with("HTTP/1.") {
        return refusal("505 HTTP Version Not Supported", "");
    }
    let path = target.split('?').next().unwrap_or_default();
    if path != "/metrics" {
        return refusal("404 Not Found", "");
    }
    if method != "GET" {
        return refusal("405 Method Not Allowed", "Allow: GET\r\n");
    }
    let (kind, body) = if takes_open_metrics(lines) {
        (OPEN_METRICS, exposition.open_metrics())
    } else {
        (PLAIN, exposition.plain())
    };
    match body {
        Ok(body) => response("200 OK", &format!("Content-Type: {kind}\r\n"), &body),
        Err(_) => refusal("500 Internal Server Error", ""),
    }
}

/// Whether the peer asks for OpenMetrics, as Prometheus does; others get the older plain format.
fn takes_open_metrics<'a>(mut headers: impl Iterator<Item = &'a str>) -> bool {
    headers.any(|header| {
        let header = header.to_ascii_lowercase();
        header.starts_with("accept:") && header.contains("application/openmetrics-text")
    })
}

fn refusal(status: &str, headers: &str) -> Vec<u8> {
    let headers = format!("{headers}Content-Type: text/plain; charset=utf-8\r\n");
    response(status, &headers, &format!("{status}\n"))
}

fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::progress::Progress;

    /// A listener of its own, and what it answers to the text.
    async fn ask(request: &[u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let exposition = Exposition::new("demo", Progress::new(), false);
        let server = tokio::spawn(serve(listener, Arc::new(exposition)));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        server.abort();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn prometheus_gets_open_metrics_and_others_the_plain_format() {
        let scrape = "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text;\
                      version=1.0.0;q=0.9,*/*;q=0.1\r\n\r\n";
        let answer = ask(scrape.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(
            answer.contains(OPEN_METRICS) && answer.ends_with("# EOF\n"),
            "{answer}"
        );
        let answer = ask(b"GET /metrics?x=1 HTTP/1.0\r\n\r\n").await;
        assert!(
            answer.contains(PLAIN) && !answer.contains("# EOF"),
            "{answer}"
        );
        assert!(answer.contains("migrate_run_info{"), "{answer}");
    }

    #[tokio::test]
    async fn everything_else_is_refused() {
        for (request, status) in [
            ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
            ("GET / HTTP/1.1\r\n\r\n", "404"),
            ("GET /metrics HTTP/2\r\n\r\n", "505"),
            ("nonsense\r\n\r\n", "400"),
        ] {
            let answer = ask(request.as_bytes()).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{request}: {answer}"
            );
            assert!(answer.contains("Connection: close"), "{answer}");
        }
        let long = format!(
            "GET /metrics HTTP/1.1\r\nX: {}",
            "x".repeat(2 * LONGEST_REQUEST)
        );
        let answer = ask(long.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }

    #[tokio::test]
    async fn idle_peers_keep_no_more_than_their_share() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let exposition = Exposition::new("demo", Progress::new(), false);
        let server = tokio::spawn(serve(listener, Arc::new(exposition)));
        let mut idle = Vec::new();
        for _ in 0..MOST_CONNECTIONS {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let mut one_more = TcpStream::connect(address).await.unwrap();
        let closed = timeout(PATIENCE / 2, one_more.read(&mut [0; 1])).await;
        assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
        server.abort();
    }
}
