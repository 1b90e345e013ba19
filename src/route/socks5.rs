//! A connection through a SOCKS5 proxy (RFC 1928), with a password (RFC 1929) or without. The proxy resolves the host.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::job::Socks5;

/// RFC 1928: the version, methods, the command CONNECT, and kinds of address.
const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const BY_PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// RFC 1929: the version of the login.
const LOGIN_VERSION: u8 = 1;

/// # Errors
/// What went wrong, with the proxy's name.
pub(super) async fn open(proxy: &Socks5, host: &str, port: u16) -> Result<TcpStream, String> {
    let at = format!("the SOCKS5 proxy {}:{}", proxy.host, proxy.port);
    let stream = TcpStream::connect((proxy.host.as_str(), proxy.port)).await;
    let mut stream = stream.map_err(|cause| format!("{at} cannot be connected to: {cause}"))?;
    let asked = converse(&mut stream, proxy, host, port).await;
    asked.map_err(|refused| match refused {
        Refused::Broken(cause) => {
            format!("{at} ended the connection, or is no SOCKS5 proxy: {cause}")
        }
        Refused::Said(what) => format!("{at} {what}"),
    })?;
    Ok(stream)
}

/// Why there is no connection.
enum Refused {
    Broken(std::io::Error),
    /// Completes the proxy's name.
    Said(String),
}

impl From<std::io::Error> for Refused {
    fn from(cause: std::io::Error) -> Self {
        Self::Broken(cause)
    }
}

fn said(what: &str) -> Refused {
    Refused::Said(what.to_owned())
}

async fn converse<S>(stream: &mut S, proxy: &Socks5, host: &str, port: u16) -> Result<(), Refused>
where
    S: AsyncReadExt + AsyncWriteExt + Unpin,
{
    match &proxy.user {
        None => stream.write_all(&[VERSION, 1, NO_LOGIN]).await?,
        Some(_) => {
            let offered = [VERSION, 2, NO_LOGIN, BY_PASSWORD];
            stream.write_all(&offered).await?;
        }
    }
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    match (chosen, &proxy.user) {
        ([VERSION, NO_LOGIN], _) => {}
        ([VERSION, BY_PASSWORD], Some(user)) => log_in(stream, user, proxy).await?,
        ([VERSION, NONE_ACCEPTABLE], None) => {
            return Err(said(
                "asks for a login: set socks5.user and socks5.password",
            ));
        }
        ([VERSION, NONE_ACCEPTABLE], Some(_)) => {
            return Err(said(
                "takes neither a password nor a connection without one",
            ));
        }
        _ => return Err(said("does not answer as one")),
    }
    stream.write_all(&request(host, port)?).await?;
    let mut answer = [0; 4];
    let answered = stream.read_exact(&mut answer).await;
    // OpenSSH's own proxy says nothing if it does not reach the host.
    answered.map_err(|cause| {
        Refused::Said(format!(
            "does not connect to {host}:{port}, and ended the connection: {cause}"
        ))
    })?;
    let [VERSION, code, _, kind] = answer else {
        return Err(said("does not answer as one"));
    };
    if code != 0 {
        return Err(Refused::Said(format!(
            "does not connect to {host}:{port}: {}",
            reason(code)
        )));
    }
    // The address that it connected from, which is of no use here, and a port.
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(stream.read_u8().await?),
        _ => return Err(said("does not answer as one")),
    };
    let mut rest = vec![0; length + 2];
    stream.read_exact(&mut rest).await?;
    Ok(())
}

async fn log_in<S>(stream: &mut S, user: &str, proxy: &Socks5) -> Result<(), Refused>
where
    S: AsyncReadExt + AsyncWriteExt + Unpin,
{
    let mut login = zeroize::Zeroizing::new(vec![LOGIN_VERSION]);
    for part in [user, proxy.password.expose()] {
        let length = u8::try_from(part.len());
        login.push(length.map_err(|_| said("takes a user and a password of at most 255 bytes"))?);
        login.extend_from_slice(part.as_bytes());
    }
    stream.write_all(&login).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    match answer {
        [_, 0] => Ok(()),
        _ => Err(said(
            "refuses the login: check socks5.user and socks5.password",
        )),
    }
}

/// CONNECT to an address, or to a name that the proxy resolves.
fn request(host: &str, port: u16) -> Result<Vec<u8>, Refused> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
        Err(_) => {
            let length = u8::try_from(host.len());
            request.push(NAME);
            request.push(length.map_err(|_| said("takes names of at most 255 bytes"))?);
            request.extend(host.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    Ok(request)
}

/// RFC 1928, section 6.
fn reason(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "its rules do not allow it",
        3 => "the network is unreachable",
        4 => "the host is unreachable, or its name is not known there",
        5 => "the connection was refused",
        6 => "it took too long",
        _ => "it does not say why",
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::config::job::Secret;

    /// What is sent to a proxy that answers with these bytes, and how it ends.
    async fn exchange(
        user: Option<&str>,
        host: &str,
        answers: &[u8],
    ) -> (Vec<u8>, Result<(), String>) {
        let proxy = Socks5 {
            host: "proxy".into(),
            port: 1080,
            user: user.map(str::to_owned),
            password: Secret::new("s3cret"),
        };
        let (mut ours, mut theirs) = duplex(1024);
        theirs.write_all(answers).await.unwrap();
        let ended = converse(&mut ours, &proxy, host, 1433).await;
        drop(ours);
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        let ended = ended.map_err(|refused| match refused {
            Refused::Broken(cause) => cause.to_string(),
            Refused::Said(what) => what,
        });
        (sent, ended)
    }

    #[tokio::test]
    async fn bytes_are_those_of_the_two_documents() {
        let granted = [5, 0, 5, 0, 0, 1, 127, 0, 0, 1, 0, 80];
        let (sent, ended) = exchange(None, "sql01", &granted).await;
        ended.unwrap();
        assert_eq!(sent, b"\x05\x01\x00\x05\x01\x00\x03\x05sql01\x05\x99");
        let by_password = [5, 2, 1, 0, 5, 0, 0, 3, 1, b'x', 0, 80];
        let (sent, ended) = exchange(Some("me"), "10.0.0.7", &by_password).await;
        ended.unwrap();
        let expected =
            b"\x05\x02\x00\x02\x01\x02me\x06s3cret\x05\x01\x00\x01\x0a\x00\x00\x07\x05\x99";
        assert_eq!(sent, expected);
        let (sent, _) = exchange(None, "::1", &granted).await;
        assert_eq!(sent[6], IPV6);
        assert_eq!(sent.len(), 3 + 4 + 16 + 2);
    }

    #[tokio::test]
    async fn each_refusal_is_said() {
        for (user, answers, part) in [
            (None, &[5, 0xff][..], "asks for a login"),
            (Some("me"), &[5, 0xff], "neither a password"),
            (Some("me"), &[5, 2, 1, 1], "refuses the login"),
            (None, &[5, 2], "does not answer as one"),
            (None, b"HT", "does not answer as one"),
            (None, &[5, 0, 5, 2, 0, 1], "its rules do not allow it"),
            (
                None,
                &[5, 0, 5, 5, 0, 1],
                "sql01:1433: the connection was refused",
            ),
        ] {
            let (sent, ended) = exchange(user, "sql01", answers).await;
            let text = ended.unwrap_err();
            assert!(text.contains(part), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
            assert!(!sent.is_empty());
        }
    }
}
