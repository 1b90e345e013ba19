//! Finds the port of a named instance through the SQL Server Browser service (MC-SQLR).

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::error::{Error, Kind, Result};

/// CLNT_UCAST_INST (MC-SQLR 2.2.3).
const ASK_INSTANCE: u8 = 0x04;
/// SVR_RESP (MC-SQLR 2.2.5).
const ANSWER: u8 = 0x05;
/// Longest RESP_DATA of an answer about one instance (MC-SQLR 2.2.5), with its three bytes of head.
const LONGEST_ANSWER: usize = 3 + 1024;
/// UDP gets lost: the question is repeated.
const TRIES: u32 = 3;

/// Asks all addresses at once for the TCP port of `instance`; the first answer counts. Waits `patience`
/// in all.
///
/// # Errors
/// `SourceUnreachable`: no answer, an answer about another instance, or one without a TCP port.
pub(super) async fn port_of(
    instance: &str,
    addresses: &[SocketAddr],
    patience: Duration,
) -> Result<u16> {
    for _ in 0..TRIES {
        // A lost datagram, a closed port and a foreign answer all mean: ask again, then give up with
        // an error that names all three.
        if let Ok(Some(answer)) = timeout(patience / TRIES, ask_any(instance, addresses)).await {
            return parse(&answer, instance);
        }
    }
    Err(Error::new(
        Kind::SourceUnreachable,
        format!(
            "no answer from the SQL Server Browser about instance {instance}: there is no such \
             instance, the browser service is stopped, or a firewall drops UDP; start the service \
             or set source.port instead of source.instance"
        ),
    ))
}

/// The first answer of any address; `None` if every address failed.
async fn ask_any(instance: &str, addresses: &[SocketAddr]) -> Option<Vec<u8>> {
    let mut asking: FuturesUnordered<_> = addresses
        .iter()
        .map(|address| ask(instance, *address))
        .collect();
    while let Some(answer) = asking.next().await {
        if let Ok(answer) = answer {
            return Some(answer);
        }
    }
    None
}

/// One question and one answer, without a time-out of its own.
async fn ask(instance: &str, address: SocketAddr) -> std::io::Result<Vec<u8>> {
    let any: SocketAddr = if address.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0; 8], 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    // A connected socket takes answers from the asked address only.
    socket.connect(address).await?;
    let mut question = vec![ASK_INSTANCE];
    question.extend_from_slice(instance.as_bytes());
    question.push(0);
    socket.send(&question).await?;
    let mut answer = vec![0; LONGEST_ANSWER];
    let n = socket.recv(&mut answer).await?;
    answer.truncate(n);
    Ok(answer)
}

/// Reads the port out of `05 length ServerName;X;InstanceName;Y;...;tcp;1433;;`.
///
/// # Errors
/// The bytes are not of the protocol, or name another instance or no port.
fn parse(answer: &[u8], instance: &str) -> Result<u16> {
    let text = match answer {
        [ANSWER, low, high, data @ ..] => {
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            String::from_utf8_lossy(&data[..length.min(data.len())]).into_owned()
        }
        _ => return Err(unusable(instance, "is not one of the SQL Server Browser")),
    };
    let mut words = text.split(';');
    let mut found = None;
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if name.eq_ignore_ascii_case("InstanceName") && !value.eq_ignore_ascii_case(instance) {
            return Err(unusable(instance, "is about another instance"));
        }
        if name.eq_ignore_ascii_case("tcp") {
            found = value.parse().ok().filter(|port| *port != 0);
        }
    }
    found.ok_or_else(|| {
        unusable(
            instance,
            "names no TCP port: enable TCP/IP for the instance in SQL Server Configuration Manager",
        )
    })
}

fn unusable(instance: &str, why: &str) -> Error {
    Error::new(
        Kind::SourceUnreachable,
        format!("the browser service's answer about instance {instance} {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Vec<u8> {
        let mut bytes = vec![ANSWER];
        bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    #[test]
    fn the_answer_of_the_specification_gives_its_port() {
        // The form of MC-SQLR 4.2.
        let bytes = answer(
            "ServerName;ILSUNG1;InstanceName;YUKONSTD;IsClustered;No;Version;9.00.1399.06;\
             tcp;57137;;",
        );
        assert_eq!(parse(&bytes, "yukonstd").unwrap(), 57137);
    }

    #[test]
    fn answers_that_do_not_help_are_errors() {
        for (bytes, part) in [
            (
                answer("ServerName;A;InstanceName;B;np;\\\\A\\pipe\\sql;;"),
                "TCP/IP",
            ),
            (
                answer("ServerName;A;InstanceName;C;tcp;1433;;"),
                "another instance",
            ),
            (
                answer("ServerName;A;InstanceName;B;tcp;99999;;"),
                "no TCP port",
            ),
            (vec![ANSWER, 0xff], "not one of"),
            (vec![], "not one of"),
        ] {
            let error = parse(&bytes, "B").unwrap_err();
            assert_eq!(error.kind(), Kind::SourceUnreachable);
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_error_or_a_port(mut bytes: Vec<u8>, text: String) {
            for bytes in [std::mem::take(&mut bytes), answer(&format!("{text};tcp;{text}"))] {
                match parse(&bytes, "B") {
                    Ok(port) => assert_ne!(port, 0),
                    Err(error) => assert_eq!(error.kind(), Kind::SourceUnreachable),
                }
            }
        }
    }

    #[test]
    fn a_length_beyond_the_datagram_is_cut() {
        let mut bytes = answer("ServerName;A;InstanceName;B;tcp;1444;;");
        bytes[1] = 0xff;
        bytes[2] = 0xff;
        assert_eq!(parse(&bytes, "B").unwrap(), 1444);
    }

    #[tokio::test]
    async fn the_browser_is_asked_over_udp() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let mut question = [0; 64];
            // The first question is lost.
            server.recv_from(&mut question).await.unwrap();
            let (n, from) = server.recv_from(&mut question).await.unwrap();
            let text = answer("ServerName;A;InstanceName;SQLEXPRESS;tcp;50123;;");
            server.send_to(&text, from).await.unwrap();
            question[..n].to_vec()
        });
        let port = port_of("SQLEXPRESS", &[address], Duration::from_secs(6))
            .await
            .unwrap();
        assert_eq!(port, 50123);
        assert_eq!(asked.await.unwrap(), b"\x04SQLEXPRESS\0");
    }

    /// F14: some addresses of a cluster's listener never answer.
    #[tokio::test]
    async fn the_first_address_that_answers_gives_the_port() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addresses = [silent.local_addr().unwrap(), server.local_addr().unwrap()];
        let serving = async {
            let (_, from) = server.recv_from(&mut [0; 64]).await.unwrap();
            let text = answer("ServerName;A;InstanceName;B;tcp;50124;;");
            server.send_to(&text, from).await.unwrap();
        };
        let begun = std::time::Instant::now();
        let asking = port_of("B", &addresses, Duration::from_secs(30));
        let (port, ()) = tokio::join!(asking, serving);
        assert_eq!(port.unwrap(), 50124);
        assert!(begun.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test]
    async fn a_silent_browser_says_what_to_do() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let error = port_of("NONE", &[address], Duration::from_millis(90))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::SourceUnreachable);
        assert!(error.to_string().contains("source.port"), "{error}");
    }
}
