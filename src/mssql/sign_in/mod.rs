//! Logs in: LOGIN7, and the tokens of Windows logins that follow it.
//!
//! Runs before the driver gets the connection, which is then given the server's answer as the one to its
//! own login. `login7` is the request, `kerberos` and `ntlm` make the tokens, `token` looks at access
//! tokens.

mod kerberos;
mod login7;
mod ntlm;
mod token;

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gssapi::Credentials;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::io::AsyncWriteExt;
use zeroize::Zeroizing;

use crate::config::job::{ApplicationIntent, Auth, Secret, Source};
use crate::error::{Error, Kind, Result};
use tds_copy::tds::packet::{DEFAULT_PACKET, HEADER_LENGTH, LOGIN7, RESPONSE, SSPI, frame_message};

use super::address::Endpoint;
use super::message::read_message;
use super::prelogin::Answer;
use super::response;
use super::transport::Transport;
use kerberos::Kerberos;
use login7::{Login7, Proof};

/// The token that carries a Windows login's part (MS-TDS 2.2.7.22).
const TOKEN_SSPI: u8 = 0xed;
/// Tokens of a login; Kerberos needs one or two, NTLM two.
const MOST_STEPS: usize = 8;
/// The answer to a login has some hundred bytes.
const LONGEST_ANSWER: usize = 64 * 1024;
/// From 1601, where Windows' clock begins, to 1970.
const SINCE_1601: Duration = Duration::from_secs(11_644_473_600);

/// The client's side of a Windows login after its first token.
enum Exchange<'a> {
    /// Another kind of login: the server asks for no token.
    None,
    Ntlm {
        account: ntlm::Account<'a>,
        service: String,
        /// The server's challenge was answered.
        answered: bool,
    },
    Kerberos(Kerberos),
}

/// What one login needs to know.
pub(super) struct Request<'a> {
    pub(super) source: &'a Source,
    /// The password or access token of `source.auth`; empty for Kerberos.
    pub(super) secret: &'a Secret,
    pub(super) endpoint: &'a Endpoint,
    /// The server's answer to PRELOGIN.
    pub(super) answer: Answer,
    /// Bytes that packets may have afterwards.
    pub(super) packet_size: u32,
}

/// Logs in. Gives the server's last message with its packet headers, which may be a refusal.
///
/// # Errors
/// `SourceLogin`, `SourceNotReady`: no ticket or token. `SourceCut`: the server ended the connection.
pub(super) async fn sign_in(request: &Request<'_>, transport: &mut Transport) -> Result<Vec<u8>> {
    let source = request.source;
    let service = service(source, request.endpoint);
    let mut exchange = Exchange::None;
    let mut first = Vec::new();
    match source.auth {
        Auth::Sql => {}
        Auth::Ntlm => {
            first = ntlm::negotiate();
            exchange = Exchange::Ntlm {
                account: account(source, request.secret),
                service,
                answered: false,
            };
        }
        Auth::Kerberos => {
            let (login, token) = Kerberos::begin(service, credentials(source)).await?;
            first = token;
            exchange = Exchange::Kerberos(login);
        }
        Auth::Token => token::must_be_usable(request.secret)?,
    }
    let proof = match source.auth {
        Auth::Sql => Proof::Password {
            user: &source.user,
            password: request.secret.expose(),
        },
        Auth::Ntlm | Auth::Kerberos => Proof::Integrated(&first),
        Auth::Token => Proof::Token {
            token: request.secret.expose().trim(),
            required: request.answer.federated,
            nonce: request.answer.nonce,
        },
    };
    let host = &request.endpoint.host;
    let login = Login7 {
        packet_size: request.packet_size,
        client: &client_name(),
        program: "migrate",
        server: host,
        database: &source.database,
        read_only: source.application_intent == ApplicationIntent::ReadOnly,
        proof,
    };
    let sent = send(transport, LOGIN7, &login.payload()).await;
    sent.map_err(|cause| ended(host, cause))?;
    exchange.answer(host, transport).await
}

impl Exchange<'_> {
    /// Reads the server's answer, and answers its tokens until it has none.
    async fn answer(&mut self, host: &str, transport: &mut Transport) -> Result<Vec<u8>> {
        for _ in 0..MOST_STEPS {
            let received = read_message(transport, LONGEST_ANSWER).await;
            let message = received.map_err(|cause| ended(host, cause))?;
            let Some((token, rest)) = split_token(&message)? else {
                return self.accepted(host, &message);
            };
            let next = self.step(token).await?;
            if !rest.is_empty() {
                return self.accepted(host, rest);
            }
            // After the last token the server speaks again by itself.
            if !next.is_empty() {
                let sent = send(transport, SSPI, &next).await;
                sent.map_err(|cause| ended(host, cause))?;
            }
        }
        Err(Error::new(
            Kind::SourceProtocol,
            "the server asks for one login token after the other",
        ))
    }

    /// The server's answer for the driver. A welcome before the exchange is over is none: whoever answered has not
    /// shown that it is the service.
    fn accepted(&self, host: &str, answer: &[u8]) -> Result<Vec<u8>> {
        let packets = framed(answer);
        let over = match self {
            Self::None => true,
            Self::Ntlm { answered, .. } => *answered,
            Self::Kerberos(login) => login.is_over(),
        };
        if over || response::changes(&packets).server.is_none() {
            return Ok(packets);
        }
        Err(Error::new(
            Kind::SourceLogin,
            format!("{host} let the client in without showing that it is the server of this name"),
        )
        .advise("something else answers at this address: check source.host, source.port and the way to it."))
    }

    async fn step(&mut self, received: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::None => Err(Error::new(
                Kind::SourceProtocol,
                "the server asks for a Windows login's token, and this is none",
            )),
            Self::Ntlm {
                account,
                service,
                answered,
            } => {
                *answered = true;
                ntlm::authenticate(account, received, service, &fresh()?)
            }
            Self::Kerberos(login) => login.step(received).await,
        }
    }
}

/// The service principal name: the job's, or the one that SQL Server registers for itself.
pub(super) fn service(source: &Source, endpoint: &Endpoint) -> String {
    let named = source.spn.clone();
    named.unwrap_or_else(|| format!("MSSQLSvc/{}:{}", endpoint.host, endpoint.port))
}

fn credentials(source: &Source) -> Credentials {
    match &source.keytab {
        None => Credentials::Cache,
        Some(path) => Credentials::Keytab {
            path: path.clone(),
            principal: source.principal.clone(),
        },
    }
}

/// `DOMAIN\user`; `user@domain` has no domain of its own (MS-NLMP 3.3.2).
fn account<'a>(source: &'a Source, password: &'a Secret) -> ntlm::Account<'a> {
    let (domain, user) = source.user.split_once('\\').unwrap_or(("", &source.user));
    ntlm::Account {
        domain,
        user,
        password: password.expose(),
    }
}

fn fresh() -> Result<ntlm::Fresh> {
    let mut challenge = [0; 8];
    SystemRandom::new()
        .fill(&mut challenge)
        .map_err(|_| Error::new(Kind::Internal, "the system gives no random bytes"))?;
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = since_1970.unwrap_or_default() + SINCE_1601;
    Ok(ntlm::Fresh {
        challenge,
        time: (time.as_nanos() / 100) as u64,
    })
}

/// This machine, as the server lists it; empty if it is not known.
fn client_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if login7::fits(name) {
        name.to_owned()
    } else {
        String::new()
    }
}

/// Sends a message in packets of the size that holds before the login.
async fn send(transport: &mut Transport, kind: u8, payload: &[u8]) -> io::Result<()> {
    let headers = (payload.len() / (DEFAULT_PACKET - HEADER_LENGTH) + 1) * HEADER_LENGTH;
    // Never grown: a copy that is left behind would hold the password.
    let mut packets = Zeroizing::new(Vec::with_capacity(payload.len() + headers));
    frame_message(kind, payload, DEFAULT_PACKET, &mut packets);
    for packet in packets.chunks(DEFAULT_PACKET) {
        transport.write_all(packet).await?;
        transport.flush().await?;
        transport.login_packet_sent();
    }
    Ok(())
}

/// The token of a Windows login at the beginning of a message, and what follows it.
fn split_token(message: &[u8]) -> Result<Option<(&[u8], &[u8])>> {
    let Some((&TOKEN_SSPI, rest)) = message.split_first() else {
        return Ok(None);
    };
    let parts = rest
        .split_first_chunk::<2>()
        .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_le_bytes(*length))));
    parts.map(Some).ok_or_else(not_an_answer)
}

/// A message with packet headers, as the driver reads it.
fn framed(payload: &[u8]) -> Vec<u8> {
    let mut packets = Vec::new();
    frame_message(RESPONSE, payload, DEFAULT_PACKET, &mut packets);
    packets
}

fn not_an_answer() -> Error {
    Error::new(
        Kind::SourceProtocol,
        "the server's answer to the login could not be understood",
    )
}

/// The connection ended; the server's own log says why.
fn ended(host: &str, cause: io::Error) -> Error {
    if cause.kind() == io::ErrorKind::InvalidData {
        return not_an_answer().because(cause);
    }
    Error::new(
        Kind::SourceCut,
        format!("{host} ended the connection during the login: look into its error log"),
    )
    .because(super::fault::lost(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_split_from_what_follows_and_a_cut_one_is_an_error() {
        assert_eq!(
            split_token(&[0xed, 2, 0, 7, 8, 9]).unwrap(),
            Some((&[7, 8][..], &[9][..]))
        );
        assert_eq!(split_token(&[0xad, 2, 0]).unwrap(), None);
        assert_eq!(split_token(&[]).unwrap(), None);
        assert!(split_token(&[0xed, 2, 0, 7]).is_err());
        assert!(split_token(&[0xed, 2]).is_err());
    }
}
