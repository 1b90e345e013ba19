//! Opens a connection: TCP, PRELOGIN, TLS, login and session settings.
//!
//! Called by the pool alone. PRELOGIN, TLS and the login are done before tiberius sees the socket; the
//! transport then plays the login again for it. What a read depends on is
//! set for each session, and never taken from the login's or the server's defaults.

use std::sync::Arc;
use std::time::Instant;

use tiberius::{AuthMethod, Config, EncryptionLevel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::job::{Auth, Consistency, Encrypt, Secret, Source};
use crate::credential::Credential;
use crate::error::{Error, Kind, Result};
use crate::route::Route;
use tds_copy::tds::packet::DEFAULT_PACKET;
use tds_copy::tds::session::ServerVersion;

use super::address::{self, Endpoint};
use super::connection::{Connection, Patience};
use super::fault;
use super::message::read_message;
use super::pool::ticket::Ticket;
use super::prelogin::{self, Agreed, Answer};
use super::response;
use super::sign_in::{self, Request};
use super::tls::Tls;
use super::transport::{Handle, Slot, Transport};
use super::tunnel::Tunnel;

/// Largest packet of TDS (MS-TDS 2.2.3.1.3), and the most that the server takes under TLS.
const PACKET_SIZE: u32 = 32767;
const PACKET_SIZE_TLS: u32 = 16383;
/// Azure SQL sends a login on to another host once; more is a loop.
const MOST_REDIRECTS: usize = 3;
/// SQL Server 2012.
const LEAST_VERSION: u8 = 11;
/// A PRELOGIN answer has some dozen bytes.
const LONGEST_PRELOGIN: usize = 4096;

/// Everything that opening a connection needs, made once.
pub(super) struct Connector {
    source: Source,
    /// `None` if the job wants no TLS: then no authorities need to be there.
    tls: Option<Tls>,
    password: Credential,
    /// `None` if the way is straight.
    route: Option<Route>,
    setup: String,
}

impl Connector {
    /// # Errors
    /// `SourceTls`: authorities cannot be read, or there are none.
    pub(super) fn new(source: &Source, consistency: Consistency) -> Result<Self> {
        Ok(Self {
            source: source.clone(),
            tls: match source.encrypt {
                Encrypt::Off => None,
                Encrypt::Required | Encrypt::Strict | Encrypt::LoginOnly => Some(Tls::new(source)?),
            },
            password: Credential::new(
                &source.password,
                source.password_command.as_ref(),
                Kind::SourceSecret,
            ),
            route: Route::new(&source.route, Kind::SourceUnreachable),
            setup: session_setup(consistency),
        })
    }

    /// Opens a logged-in connection with its session settings. `ticket` counts it while it lives.
    ///
    /// # Errors
    /// `SourceUnreachable`, `SourceTls`, `SourceCut`, `SourceTlsCut`, `SourceLogin`,
    /// `SourceNotReady`, `SourceVersion`, `SourceSecret`: the step that failed decides. A dropped
    /// connect closes its socket.
    pub(super) async fn connect(&self, ticket: Arc<Ticket>) -> Result<Connection> {
        let password = self.password.get().await?;
        let refused = match self.attempt(&password, ticket.clone()).await {
            Err(error) if error.kind() == Kind::SourceLogin => error,
            opened => return opened,
        };
        match self.password.after_refusal(&password).await? {
            Some(other) => self.attempt(&other, ticket).await,
            None => Err(refused),
        }
    }

    /// One attempt, within the job's time-out.
    async fn attempt(&self, password: &Secret, ticket: Arc<Ticket>) -> Result<Connection> {
        let patience = self.source.connect_timeout;
        let opened = tokio::time::timeout(patience, self.open(password, ticket)).await;
        opened.unwrap_or_else(|_| {
            Err(Error::new(
                Kind::SourceUnreachable,
                format!(
                    "{} did not finish the login within {} s: it is overloaded, or the port \
                     belongs to another service; source.connect_timeout allows more",
                    self.source.host,
                    patience.as_secs()
                ),
            ))
        })
    }

    async fn open(&self, password: &Secret, ticket: Arc<Ticket>) -> Result<Connection> {
        // TCP has its own, earlier deadline, so that its error is the one that is told.
        let deadline = Instant::now() + self.source.connect_timeout.mul_f32(0.9);
        let mut endpoint = address::endpoint(&self.source, deadline).await?;
        let mut redirected = false;
        for _ in 0..MOST_REDIRECTS {
            let login = self.login(&endpoint, password, deadline, &ticket).await;
            let login = match login {
                Err(error) if redirected => return Err(self.redirected(error, &endpoint)),
                login => login?,
            };
            match login {
                Login::Done(connection) => {
                    let mut connection = *connection;
                    connection.set_up(&self.setup).await?;
                    return Ok(connection);
                }
                Login::Redirect(to) => {
                    tracing::debug!(host = to.host, port = to.port, "login redirected");
                    endpoint = to;
                    redirected = true;
                }
            }
        }
        Err(Error::new(
            Kind::SourceUnreachable,
            format!("{} redirects the login in a circle", self.source.host),
        ))
    }

    /// A host that only the server's gateway knows is most often behind a firewall that lets the gateway through
    /// (Microsoft, "Azure SQL Database connectivity architecture": policy Redirect, ports 11000 to 11999).
    fn redirected(&self, error: Error, to: &Endpoint) -> Error {
        if error.kind() != Kind::SourceUnreachable {
            return error;
        }
        let text = format!(
            "{} redirected the login to {} port {}, which cannot be reached: {}",
            self.source.host,
            to.host,
            to.port,
            error.message()
        );
        Error::new(Kind::SourceUnreachable, text).because(error).advise(
            "let this machine reach TCP ports 11000 to 11999 of Azure's region, or set the connection policy of the \
             server to Proxy.",
        )
    }

    /// One attempt at one host: a connection, or the host that the server sends the login to.
    async fn login(
        &self,
        endpoint: &Endpoint,
        password: &Secret,
        deadline: Instant,
        ticket: &Arc<Ticket>,
    ) -> Result<Login> {
        let (tcp, passage) = match &self.route {
            None => (address::connect_tcp(endpoint, deadline).await?, None),
            Some(route) => {
                let (tcp, passage) = route.open(&endpoint.host, endpoint.port).await?;
                (tcp, Some(passage))
            }
        };
        match (
            self.log_in_over(tcp, endpoint, password, ticket).await,
            passage,
        ) {
            (Err(error), Some(passage)) => Err(passage.explain(error).await),
            (login, _) => login,
        }
    }

    /// PRELOGIN, TLS and login over a socket.
    async fn log_in_over(
        &self,
        tcp: TcpStream,
        endpoint: &Endpoint,
        password: &Secret,
        ticket: &Arc<Ticket>,
    ) -> Result<Login> {
        ticket.occupy(&tcp).map_err(|cause| {
            Error::new(
                Kind::SourceLost,
                "the new connection's socket is not to be had",
            )
            .because(cause)
        })?;
        let (mut transport, answer) = self.secure(&endpoint.host, tcp).await?;
        let request = Request {
            source: &self.source,
            secret: password,
            endpoint,
            answer,
            packet_size: if transport.encrypted() {
                PACKET_SIZE_TLS
            } else {
                PACKET_SIZE
            },
        };
        let answer = sign_in::sign_in(&request, &mut transport).await?;
        let changes = response::changes(&answer);
        transport.replay_login(answer);
        let slot = Slot::new(transport);
        match tiberius::Client::connect(driver_config(), Handle(slot.clone())).await {
            Ok(client) => {
                if let Some(server) = changes.server {
                    refuse_older(&endpoint.host, server)?;
                }
                let packet_size = changes.packet_size.unwrap_or(DEFAULT_PACKET);
                Ok(Login::Done(Box::new(Connection::new(
                    client,
                    slot,
                    packet_size,
                    Patience::new(self.source.first_row_timeout, self.source.read_timeout),
                    ticket.clone(),
                ))))
            }
            Err(tiberius::error::Error::Routing { host, port }) => {
                // Azure writes `host\instance`; the port says which instance.
                let host = host.split('\\').next().unwrap_or_default().to_owned();
                Ok(Login::Redirect(Endpoint { host, port }))
            }
            Err(error) => Err(login_error(&endpoint.host, self.source.auth, error)),
        }
    }

    /// PRELOGIN and TLS in the order that the setting asks for.
    async fn secure(&self, host: &str, tcp: TcpStream) -> Result<(Transport, Answer)> {
        let encrypt = self.source.encrypt;
        let asked = prelogin::request(encrypt, self.source.auth == Auth::Token);
        let mut tunnel = Tunnel::plain(tcp);
        let Some(tls) = &self.tls else {
            let answer = ask_prelogin(host, &asked, &mut tunnel).await?;
            prelogin::agree(encrypt, answer.encryption)?;
            return Ok((Transport::plain(tunnel), answer));
        };
        if encrypt == Encrypt::Strict {
            let mut stream = tls.handshake(host, encrypt, tunnel).await?;
            let answer = ask_prelogin(host, &asked, &mut stream).await?;
            prelogin::agree(encrypt, answer.encryption)?;
            return Ok((Transport::tls(stream, false), answer));
        }
        let answer = ask_prelogin(host, &asked, &mut tunnel).await?;
        let agreed = prelogin::agree(encrypt, answer.encryption)?;
        tunnel.wrap_handshake();
        let stream = tls.handshake(host, encrypt, tunnel).await?;
        Ok((Transport::tls(stream, agreed == Agreed::LoginOnly), answer))
    }
}

/// What tiberius is told: others log in, encrypt and time.
fn driver_config() -> Config {
    let mut config = Config::new();
    config.authentication(AuthMethod::None);
    config.encryption(EncryptionLevel::NotSupported);
    // Both time-outs are kept here, with errors that say more; the driver's own 30 s for a
    // command would end long scans.
    config.handshake_timeout(None);
    config.command_timeout(None);
    // A name that is not UTF-16 must not end a catalog query.
    config.lossy_utf16_decoding(true);
    config
}

/// How an attempt to log in ended, if not with an error.
enum Login {
    Done(Box<Connection>),
    Redirect(Endpoint),
}

/// Sends PRELOGIN and reads the answer, which decides about encryption.
async fn ask_prelogin<S>(host: &str, request: &[u8], stream: &mut S) -> Result<Answer>
where
    S: AsyncReadExt + AsyncWriteExt + Unpin,
{
    let asked = async {
        stream.write_all(request).await?;
        stream.flush().await?;
        read_message(stream, LONGEST_PRELOGIN).await
    };
    let answer = asked.await.map_err(|cause| {
        // Something else than TDS stays so; a connection that was cut may not be the next time.
        let kind = if cause.kind() == std::io::ErrorKind::InvalidData {
            Kind::SourceUnreachable
        } else {
            Kind::SourceCut
        };
        Error::new(
            kind,
            format!(
                "{host} did not answer PRELOGIN: is it a SQL Server port? A server that forces \
                 strict encryption needs source.encrypt: strict"
            ),
        )
        .because(cause)
    })?;
    prelogin::answer_of(&answer)
}

/// The catalog is asked in the views and columns of SQL Server 2012, which is version 11; Azure SQL
/// Database and Managed Instance call themselves 12 (Microsoft, `@@VERSION`).
fn refuse_older(host: &str, server: ServerVersion) -> Result<()> {
    if server.major >= LEAST_VERSION {
        return Ok(());
    }
    let product = match (server.major, server.minor) {
        (8, _) => " (SQL Server 2000)",
        (9, _) => " (SQL Server 2005)",
        (10, 0) => " (SQL Server 2008)",
        (10, _) => " (SQL Server 2008 R2)",
        _ => "",
    };
    Err(Error::new(
        Kind::SourceVersion,
        format!(
            "{host} is SQL Server version {}.{}.{}{product}: the oldest that is supported is \
             {LEAST_VERSION}.0 (SQL Server 2012)",
            server.major, server.minor, server.build
        ),
    ))
}

/// A refused login, in the words of its kind.
fn login_error(host: &str, auth: Auth, error: tiberius::error::Error) -> Error {
    let error = fault::login_error(auth, error);
    match error.kind() {
        // Starting, shutting down, paused, moving or out of connections.
        Kind::SourceBusy | Kind::SourceLost => Error::new(
            Kind::SourceNotReady,
            format!("{host} takes no login now: {}", error.message()),
        ),
        _ => error,
    }
}

/// Settings of every session. What a result depends on is set, not hoped for: server and login
/// defaults differ.
fn session_setup(consistency: Consistency) -> String {
    let isolation = match consistency {
        Consistency::Strict | Consistency::DatabaseSnapshot => "READ COMMITTED",
        Consistency::Snapshot => "SNAPSHOT",
        Consistency::Relaxed => "READ UNCOMMITTED",
    };
    // ARITHABORT to QUOTED_IDENTIFIER: what indexed views and computed-column indexes need.
    // QUERY_GOVERNOR_COST_LIMIT: a server may forbid expensive statements (8649), which reading a large
    // table is; lifting it for a session needs no permission (Microsoft, "SET QUERY_GOVERNOR_COST_LIMIT").
    // TEXTSIZE: anything else would cut (max) values. LANGUAGE: dates in a job's predicate are not
    // read in the order of the login's language. DEADLOCK_PRIORITY: the application wins.
    format!(
        "SET ARITHABORT ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; \
         SET CONCAT_NULL_YIELDS_NULL ON; SET QUOTED_IDENTIFIER ON; SET NUMERIC_ROUNDABORT OFF; \
         SET ROWCOUNT 0; SET QUERY_GOVERNOR_COST_LIMIT 0; SET TEXTSIZE 2147483647; SET LANGUAGE us_english; \
         SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT 60000; \
         SET TRANSACTION ISOLATION LEVEL {isolation};"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relaxed_reads_uncommitted_rows() {
        for (consistency, level) in [
            (Consistency::Strict, "LEVEL READ COMMITTED;"),
            (Consistency::DatabaseSnapshot, "LEVEL READ COMMITTED;"),
            (Consistency::Snapshot, "LEVEL SNAPSHOT;"),
            (Consistency::Relaxed, "LEVEL READ UNCOMMITTED;"),
        ] {
            assert!(session_setup(consistency).ends_with(level));
        }
    }

    #[tokio::test]
    async fn a_foreign_or_endless_prelogin_answer_is_refused() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            &[4, 1, 0, 4, 0, 0, 0, 0],
            &[4, 0, 0xff, 0xff, 0, 0, 0, 0],
            &[4, 1, 0, 9, 0, 0, 0, 0],
        ] {
            let mut bytes = bytes;
            assert!(read_message(&mut bytes, LONGEST_PRELOGIN).await.is_err());
        }
        let mut endless = &[4, 0, 0, 9, 0, 0, 0, 0, 7].repeat(5000)[..];
        assert!(read_message(&mut endless, LONGEST_PRELOGIN).await.is_err());
    }
}
