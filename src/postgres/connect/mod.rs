//! Opens connections to PostgreSQL, set up for loading.
//!
//! Pool, job lock and probes all connect through [`Connector`], so that each session has the
//! settings of `settings`, and each refusal the words of `refusal`. The task that moves a
//! connection's bytes is spawned here; it ends with the connection.

mod own_session;
mod refusal;
mod server;
mod settings;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode as DriverMode;
use tokio_postgres::{CancelToken, Client, Config, Connection};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::config::job::{Secret, SessionAttrs, SslMode, Target};
use crate::error::{Error, Kind, Result};
use crate::postgres::connect::server::Server;
use crate::postgres::fault;
use crate::postgres::tls::{self, Tls};
use crate::route::Route;

/// How long an end in good manners may take; the socket is closed without them then.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// Knows how to reach the target; clones share everything.
#[derive(Clone)]
pub struct Connector(Arc<Inner>);

struct Inner {
    /// In the order in which they are tried; at least one.
    servers: Vec<Server>,
    tls: Tls,
    session_attrs: SessionAttrs,
    /// `None` if the way is straight.
    route: Option<Route>,
    /// The server that was connected to last: requests to cancel go there.
    last: AtomicUsize,
    /// `target.connect_timeout`, for the connection and its settings together, at one server.
    timeout: Duration,
    /// All servers, for messages.
    address: String,
}

/// Completes "could not ...".
const CANCEL: &str = "ask for a statement to be cancelled";

/// Why there is no connection.
enum Failed {
    /// By the driver, whose words `refusal` explains.
    Driver(tokio_postgres::Error),
    /// Explained already.
    Way(Error),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

/// Moves the bytes of a connection until it ends; then the guard is dropped.
fn keep<S, T, G>(connection: Connection<S, T>, guard: G) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    G: Send + 'static,
{
    tokio::spawn(async move {
        let _guard = guard;
        // The user of the connection gets the error too; this is its reason.
        if let Err(error) = connection.await {
            debug!(error = %fault::from_driver(error, "keep the connection"), "target connection ended");
        }
    })
}

/// A connection, and the task that moves its bytes.
type Opened = (Client, JoinHandle<()>);

/// What is said to the server when a session opens.
#[derive(Debug, Clone, Copy)]
enum Opening {
    /// The settings that this tool depends on.
    WithSettings,
    /// Nothing.
    Bare,
}

impl Connector {
    /// Reads certificates; connects to nothing. [`Kind::TargetTls`] or [`Kind::Io`].
    pub fn new(target: &Target) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            servers: server::all(target),
            tls: tls::connector(target)?,
            session_attrs: target.options.session_attrs,
            route: Route::new(&target.options.route, Kind::TargetUnreachable),
            last: AtomicUsize::new(0),
            timeout: target.connect_timeout,
            address: target.address(),
        })))
    }

    /// Opens a connection outside the pool.
    ///
    /// # Errors
    /// The kind that `refusal` gives the server's answer, or `TargetUnreachable` after the
    /// time-out.
    pub async fn connect(&self) -> Result<Session> {
        self.session(Opening::WithSettings).await
    }

    /// The same without any setting: they would stay with a pooler's server connection.
    async fn connect_bare(&self) -> Result<Session> {
        self.session(Opening::Bare).await
    }

    /// A dropped call closes the socket.
    async fn session(&self, opening: Opening) -> Result<Session> {
        let ended = CancellationToken::new();
        let guard = || ended.clone().drop_guard();
        let (client, task) = self.opened(opening, &guard).await?;
        Ok(Session {
            client,
            task,
            ended,
        })
    }

    /// Opens a connection of the pool. What `guard` makes is dropped when the connection's socket is.
    pub(super) async fn open<G: Send + 'static>(&self, guard: impl Fn() -> G) -> Result<Opened> {
        self.opened(Opening::WithSettings, &guard).await
    }

    /// Tries one server after the other, as libpq does: one that answers and refuses the login ends it.
    async fn opened<G: Send + 'static>(
        &self,
        opening: Opening,
        guard: &impl Fn() -> G,
    ) -> Result<Opened> {
        let mut failed: Option<Error> = None;
        for (index, server) in self.0.servers.iter().enumerate() {
            let error = match self.log_in(server, opening, guard).await {
                Ok(opened) => {
                    self.0.last.store(index, Relaxed);
                    return Ok(opened);
                }
                Err(error) => error,
            };
            let is_last = !refusal::lets_try_another(error.kind());
            failed = Some(match failed {
                Some(before) => error.and(&format!("; before that, {}", before.message())),
                None => error,
            });
            if is_last {
                break;
            }
        }
        Err(failed.unwrap_or_else(|| Error::new(Kind::Internal, "the target has no server")))
    }

    /// With the password of the moment, and once more with another one if the server refuses it.
    async fn log_in<G: Send + 'static>(
        &self,
        server: &Server,
        opening: Opening,
        guard: &impl Fn() -> G,
    ) -> Result<Opened> {
        let password = server.password.get().await?;
        let refused = match self.attempt(server, &password, opening, guard).await {
            Err(error) if error.kind() == Kind::TargetLogin => error,
            opened => return opened,
        };
        match server.password.after_refusal(&password).await? {
            Some(other) => self.attempt(server, &other, opening, guard).await,
            None => Err(refused),
        }
    }

    /// One attempt. Connecting and settings share one time-out.
    async fn attempt<G: Send + 'static>(
        &self,
        server: &Server,
        password: &Secret,
        opening: Opening,
        guard: &impl Fn() -> G,
    ) -> Result<Opened> {
        let open = async {
            let config = server.config_with(password);
            let opened = self.dial(server, &config, guard).await?;
            let writable = match self.0.session_attrs {
                SessionAttrs::Any => true,
                SessionAttrs::ReadWrite => settings::takes_writes(&opened.0).await?,
            };
            match opening {
                Opening::WithSettings => settings::apply(&opened.0).await?,
                Opening::Bare => {}
            }
            Ok::<_, Failed>((opened, writable))
        };
        let address = &server.names.address;
        match tokio::time::timeout(self.0.timeout, open).await {
            Ok(Ok((opened, true))) => Ok(opened),
            Ok(Ok((_, false))) => Err(Error::new(
                Kind::TargetNotReady,
                format!(
                    "PostgreSQL at {address} takes no writes, which target.target_session_attrs asks for"
                ),
            )),
            Ok(Err(Failed::Driver(error))) => Err(refusal::explain(error, &server.names)),
            Ok(Err(Failed::Way(error))) => Err(error),
            Err(_) => Err(self.timed_out(address)),
        }
    }

    /// Connects, in the clear if `sslmode` is `prefer` and TLS cannot be had.
    async fn dial<G: Send + 'static>(
        &self,
        server: &Server,
        config: &Config,
        guard: &impl Fn() -> G,
    ) -> Result<Opened, Failed> {
        match self.connect_driver(server, config, guard).await {
            Err(Failed::Driver(error))
                if server.names.sslmode == SslMode::Prefer && refusal::is_about_tls(&error) =>
            {
                // As libpq does: what cannot be had encrypted is tried in the clear.
                let mut plain = config.clone();
                plain.ssl_mode(DriverMode::Disable);
                let opened = self.connect_driver(server, &plain, guard).await;
                opened.map_err(|_| error.into())
            }
            opened => opened,
        }
    }

    /// The guard is made once the connection is up, and is dropped when its task ends.
    async fn connect_driver<G: Send + 'static>(
        &self,
        server: &Server,
        config: &Config,
        guard: &impl Fn() -> G,
    ) -> Result<Opened, Failed> {
        let Some(route) = &self.0.route else {
            let (client, connection) = config.connect(self.0.tls.clone()).await?;
            return Ok((client, keep(connection, guard())));
        };
        let way = route.open(&server.host, server.port).await;
        let (stream, passage) = way.map_err(Failed::Way)?;
        match config
            .connect_raw(stream, self.0.tls.handshake(&server.host))
            .await
        {
            Ok((client, connection)) => Ok((client, keep(connection, guard()))),
            Err(error) => {
                let error = passage
                    .explain(refusal::explain(error, &server.names))
                    .await;
                Err(Failed::Way(error))
            }
        }
    }

    /// How long an attempt may take at most.
    pub(super) fn patience(&self) -> Duration {
        let servers = self.0.servers.iter();
        let each = servers.map(|server| self.0.timeout + server.password.patience());
        each.sum()
    }

    /// Every server as `host:port`, for messages.
    pub(super) fn address(&self) -> &str {
        &self.0.address
    }

    /// Asks the server, on a connection of its own, to cancel what runs on another.
    /// It may arrive after the statement has ended, and then meets the connection's next one; so
    /// the connection must not be used again.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<()> {
        let Some(route) = &self.0.route else {
            let asked = token.cancel_query(self.0.tls.clone()).await;
            return asked.map_err(|error| fault::from_driver(error, CANCEL));
        };
        let last = self.0.servers.get(self.0.last.load(Relaxed));
        let Some(server) = last else { return Ok(()) };
        let (stream, _passage) = route.open(&server.host, server.port).await?;
        let tls = self.0.tls.handshake(&server.host);
        let asked = token.cancel_query_raw(stream, tls).await;
        asked.map_err(|error| fault::from_driver(error, CANCEL))
    }

    /// The error for an attempt that `target.connect_timeout` ended.
    fn timed_out(&self, address: &str) -> Error {
        Error::new(
            Kind::TargetUnreachable,
            format!(
                "no answer from PostgreSQL at {address} within {:?}: check target.host, target.port and firewalls, or raise target.connect_timeout",
                self.0.timeout
            ),
        )
    }
}

/// A connection of its own, closed when dropped.
pub struct Session {
    client: Client,
    /// Moves the bytes; ends when the connection does.
    task: JoinHandle<()>,
    /// Cancelled by the end of `task`.
    ended: CancellationToken,
}

impl Session {
    /// Resolves when the connection is gone.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Says goodbye and waits until the socket is shut, at most a second.
    pub(super) async fn close(mut self) {
        drop(self.client);
        // An error of the task is a panic or a cancellation: closed as well.
        if tokio::time::timeout(CLOSE_WITHIN, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}
