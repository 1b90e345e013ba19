//! Opens connections to PostgreSQL, set up for loading.
//!
//! Pool, job lock and probes all connect through [`Connector`], so that each session has the
//! settings of `settings`, and each refusal the words of `refusal`. The task that moves a
//! connection's bytes is spawned here; it ends with the connection.

mod own_session;
mod refusal;
mod settings;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode as DriverMode;
use tokio_postgres::{CancelToken, Client, Config};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::config::job::{SslMode, Target};
use crate::error::{Error, Kind, Result};
use crate::postgres::connect::refusal::Server;
use crate::postgres::fault;
use crate::postgres::tls::{self, Tls};

/// A silent peer is noticed after about `KEEPALIVE_IDLE + 3 * KEEPALIVE_INTERVAL`: sooner than
/// the ten minutes after which firewalls commonly forget a quiet connection.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// Bytes that stay unacknowledged for this long end the connection; the system would try
/// for a quarter of an hour and keepalive waits its turn. It also ends one whose server reads
/// nothing for so long, so it outlasts a disk that hangs for a while.
const USER_TIMEOUT: Duration = Duration::from_secs(180);

/// How long an end in good manners may take; the socket is closed without them then.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// Knows how to reach the target; clones share everything.
#[derive(Clone)]
pub struct Connector(Arc<Inner>);

struct Inner {
    /// Host, user, password and keepalives. Never shown: it holds the password.
    config: Config,
    tls: Tls,
    /// `target.connect_timeout`, for the connection and its settings together.
    timeout: Duration,
    /// For messages.
    server: Server,
}

/// What is said to the server when a session opens.
#[derive(Debug, Clone, Copy)]
enum Opening {
    /// The settings that this tool depends on.
    WithSettings,
    /// Nothing.
    Bare,
}

impl Connector {
    /// Reads the CA file; connects to nothing. [`Kind::TargetTls`] or [`Kind::Io`].
    pub fn new(target: &Target) -> Result<Self> {
        let mut config = Config::new();
        config
            .host(&target.host)
            .port(target.port)
            .dbname(&target.database)
            .user(&target.user)
            .password(target.password.expose())
            .application_name("migrate")
            .connect_timeout(target.connect_timeout)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .tcp_user_timeout(USER_TIMEOUT)
            .ssl_mode(match target.sslmode {
                SslMode::Disable => DriverMode::Disable,
                SslMode::Prefer => DriverMode::Prefer,
                SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverMode::Require,
            });
        Ok(Self(Arc::new(Inner {
            config,
            tls: tls::connector(target)?,
            timeout: target.connect_timeout,
            server: Server {
                address: format!("{}:{}", target.host, target.port),
                database: target.database.clone(),
                user: target.user.clone(),
                sslmode: target.sslmode,
            },
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

    /// Connecting and settings share one time-out. A dropped call closes the socket.
    async fn session(&self, opening: Opening) -> Result<Session> {
        let ended = CancellationToken::new();
        let guard: Guard = Box::new({
            let ended = ended.clone();
            move || ended.clone().drop_guard()
        });
        let open = async {
            match opening {
                Opening::WithSettings => self.open(guard).await,
                Opening::Bare => self.dial(&guard).await,
            }
        };
        match tokio::time::timeout(self.0.timeout, open).await {
            Ok(Ok((client, task))) => Ok(Session {
                client,
                task,
                ended,
            }),
            Ok(Err(error)) => Err(self.refused(error)),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// The driver's own error, because the pool's interface takes no other. What `guard` makes is
    /// dropped when the connection's socket is.
    pub(super) async fn open<G: Send + 'static>(
        &self,
        guard: impl Fn() -> G,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        let (client, task) = self.dial(&guard).await?;
        settings::apply(&client).await?;
        Ok((client, task))
    }

    /// Connects, in the clear if `sslmode` is `prefer` and TLS cannot be had.
    async fn dial<G: Send + 'static>(
        &self,
        guard: &impl Fn() -> G,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        match self.attempt(&self.0.config, guard).await {
            Err(error)
                if self.0.server.sslmode == SslMode::Prefer && refusal::is_about_tls(&error) =>
            {
                // As libpq does: what cannot be had encrypted is tried in the clear.
                let mut plain = self.0.config.clone();
                plain.ssl_mode(DriverMode::Disable);
                self.attempt(&plain, guard).await.map_err(|_| error)
            }
            opened => opened,
        }
    }

    /// The guard is made once the connection is up, and is dropped when its task ends.
    async fn attempt<G: Send + 'static>(
        &self,
        config: &Config,
        guard: &impl Fn() -> G,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        let (client, connection) = config.connect(self.0.tls.clone()).await?;
        let guard = guard();
        let task = tokio::spawn(async move {
            let _guard = guard;
            // The user of the connection gets the error too; this is its reason.
            if let Err(error) = connection.await {
                debug!(error = %fault::from_driver(error, "keep the connection"), "target connection ended");
            }
        });
        Ok((client, task))
    }

    pub(super) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// `host:port`, for messages.
    pub(super) fn address(&self) -> &str {
        &self.0.server.address
    }

    /// Asks the server, on a connection of its own, to cancel what runs on another.
    /// It may arrive after the statement has ended, and then meets the connection's next one; so
    /// the connection must not be used again.
    pub(super) async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        token.cancel_query(self.0.tls.clone()).await
    }

    pub(super) fn driver_config(&self) -> Config {
        self.0.config.clone()
    }

    /// The error for an attempt that `target.connect_timeout` ended.
    pub(super) fn timed_out(&self) -> Error {
        Error::new(
            Kind::TargetUnreachable,
            format!(
                "no answer from PostgreSQL at {} within {:?}: check target.host, target.port and firewalls, or raise target.connect_timeout",
                self.0.server.address, self.0.timeout
            ),
        )
    }

    /// The error for an attempt that the server or the network ended.
    pub(super) fn refused(&self, error: tokio_postgres::Error) -> Error {
        refusal::explain(error, &self.0.server)
    }
}

/// Makes what is dropped with a connection's socket.
type Guard = Box<dyn Fn() -> tokio_util::sync::DropGuard + Send + Sync>;

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
