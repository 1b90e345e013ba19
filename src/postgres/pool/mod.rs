//! The pool of connections that carry rows into PostgreSQL: capped, fair, measured.
//!
//! deadpool keeps and lends connections; this adds the session's settings, errors that say what to
//! do, counters, and a list of leases so that a stop can cancel their statements. The job lock's
//! connection is not one of these.

mod dialer;
mod lease;
mod metrics;
mod running;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, RecyclingMethod, Runtime,
    TimeoutType, Timeouts,
};
use futures::future::{join_all, try_join_all};
use tokio_postgres::{Client, Config};

use crate::config::job::TargetPool as Settings;
use crate::error::{Error, Kind, Result};
use crate::postgres::connect::Connector;
use crate::postgres::fault;
use crate::postgres::pool::dialer::{Dialer, Failures};
use crate::postgres::pool::metrics::{Meter, Waiting};
use crate::postgres::pool::running::Running;

pub use crate::postgres::pool::lease::Lease;
pub use crate::postgres::pool::metrics::PoolMetrics;

/// How long a checkout waits for the answer to its test.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a stop may spend on asking the server to cancel, and then on sockets to be shut.
const CANCEL_WITHIN: Duration = Duration::from_secs(1);
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// All data connections of the process; clones share them. No connection is recycled for being
/// idle or old: a load uses all of them all the time.
#[derive(Clone)]
pub struct TargetPool {
    pool: Pool,
    /// For requests to cancel statements, which need connections of their own.
    connector: Connector,
    /// Counts what the pool does; also told by each lease.
    meter: Arc<Meter>,
    /// Why connections could not be opened.
    failures: Failures,
    /// The leases in use, so that a stop can cancel their statements.
    running: Arc<Running>,
    /// `target.pool.acquire_timeout`.
    acquire_timeout: Duration,
}

/// Rows are sent as UTF-8. A database of another encoding would refuse some texts in the middle of
/// the load, and count the characters of others as bytes (SQL_ASCII).
async fn must_hold_utf8(client: &Client) -> Result<()> {
    let asked = client
        .query_one("SELECT pg_catalog.current_setting('server_encoding')", &[])
        .await;
    let row = asked.map_err(|error| fault::from_driver(error, "read the database's encoding"))?;
    let encoding: String = row.get(0);
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::new(
        Kind::TargetDatabase,
        format!(
            "the target database has encoding {encoding}, which cannot hold every text of SQL Server: make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        ),
    ))
}

/// Whether it is a standby, and whether the server's own configuration makes transactions read-only:
/// the default of a role or a database is overridden, as it was meant for others, that of a whole
/// server is meant for all (a disk that is nearly full, a switch-over).
const READ_ONLY: &str = "\
SELECT pg_catalog.pg_is_in_recovery() AS standby, s.reset_val = 'on' AND NOT EXISTS (\
SELECT FROM pg_catalog.pg_db_role_setting r, pg_catalog.unnest(r.setconfig) AS c(text) \
WHERE r.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database \
WHERE datname = pg_catalog.current_database())) \
AND r.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)) \
AND pg_catalog.lower(c.text) LIKE 'default\\_transaction\\_read\\_only=%') AS read_only \
FROM pg_catalog.pg_settings s WHERE s.name = 'default_transaction_read_only'";

impl TargetPool {
    /// Opens `warm` connections, as [`Self::warm_up`] does. The first goes alone, so that a wrong
    /// setting comes back at once and as what it is.
    ///
    /// # Errors
    /// [`Kind::TargetPooler`] before anything is set; [`Kind::TargetDatabase`] for an encoding.
    pub async fn open(connector: Connector, settings: &Settings, warm: usize) -> Result<Self> {
        connector.must_keep_sessions().await?;
        let cap = settings.max_connections.max(1);
        let meter = Arc::new(Meter::new(cap));
        let failures = Failures::default();
        let dialer = Dialer::new(connector.clone(), meter.clone(), failures.clone());
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Verified,
        };
        let manager = Manager::from_connect(Config::new(), dialer, recycling);
        let pool = Pool::builder(manager)
            .max_size(cap)
            // A backend that has just copied has the table's pages mapped and its catalog at hand.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| {
                Error::new(Kind::Internal, "could not build the target pool").because(error)
            })?;
        let opened = Self {
            pool,
            connector,
            meter,
            failures,
            running: Arc::default(),
            acquire_timeout: settings.acquire_timeout,
        };
        let first = opened.acquire().await?;
        must_hold_utf8(&first).await?;
        drop(first);
        opened.warm_up(warm).await?;
        Ok(opened)
    }

    /// Refuses a target to which nothing can be written.
    ///
    /// # Errors
    /// [`Kind::TargetReadOnly`].
    pub async fn must_be_writable(&self) -> Result<()> {
        let lease = self.acquire().await?;
        let asked = lease.query_one(READ_ONLY, &[]).await;
        let row = asked.map_err(|error| {
            fault::from_driver(error, "find out whether the target is read-only")
        })?;
        let address = self.connector.address();
        let text = match (row.get("standby"), row.get("read_only")) {
            (true, _) => format!("PostgreSQL at {address} is a standby, which takes no rows"),
            (false, true) => format!(
                "PostgreSQL at {address} is set to read-only transactions as a whole (default_transaction_read_only): if this job may write there all the same, ALTER ROLE ... SET default_transaction_read_only = off"
            ),
            (false, false) => return Ok(()),
        };
        Err(Error::new(Kind::TargetReadOnly, text))
    }

    /// Opens connections until there are `connections`, at least one and at most the cap. An `acquire`
    /// meanwhile may have to wait for the last of them.
    pub async fn warm_up(&self, connections: usize) -> Result<()> {
        let wanted = connections.clamp(1, self.meter.cap());
        let leases = try_join_all((0..wanted).map(|_| self.acquire())).await?;
        drop(leases);
        self.meter.reset_leases();
        Ok(())
    }

    /// Waits for a connection, first come first served. It has just answered a test.
    /// Cancel safe: a dropped wait takes no connection.
    ///
    /// # Errors
    /// `TargetPoolTimeout` if all are in use for `acquire_timeout`, `Stopped` once the pool is
    /// closed; otherwise why a new connection could not be opened.
    pub async fn acquire(&self) -> Result<Lease> {
        let at_once = match self.get(Duration::ZERO).await {
            Err(PoolError::Timeout(TimeoutType::Wait)) => None,
            other => Some(other),
        };
        let outcome = match at_once {
            Some(outcome) => outcome,
            None => self.wait().await,
        };
        match outcome {
            Ok(object) => Ok(Lease::new(object, self.meter.clone(), &self.running)),
            Err(error) => Err(self.explain(error)),
        }
    }

    async fn wait(&self) -> Result<Object, PoolError> {
        let _waiting = Waiting::new(&self.meter);
        self.get(self.acquire_timeout).await
    }

    /// Time-outs of their own for waiting, connecting and testing.
    async fn get(&self, wait: Duration) -> Result<Object, PoolError> {
        let timeouts = Timeouts {
            wait: Some(wait),
            // The connector has a time-out of its own, and another one for a command that prints the password.
            create: None,
            recycle: Some(PATIENCE),
        };
        self.pool.timeout_get(&timeouts).await
    }

    /// The error of an acquisition, counted.
    fn explain(&self, error: PoolError) -> Error {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => {
                self.meter.timed_out();
                Error::new(
                    Kind::TargetPoolTimeout,
                    format!(
                        "no target connection came free within {:?}: all {} are in use: raise target.pool.max_connections or target.pool.acquire_timeout",
                        self.acquire_timeout,
                        self.meter.cap()
                    ),
                )
            }
            PoolError::Backend(error) => {
                self.meter.connect_failed();
                self.failures.take().unwrap_or_else(|| {
                    fault::from_driver(error, "open a connection for the target pool")
                })
            }
            PoolError::Closed => Error::new(Kind::Stopped, "the target pool is closed"),
            error @ (PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle)
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_)) => {
                Error::new(Kind::Internal, "the target pool is not set up").because(error)
            }
        }
    }

    /// A snapshot of the pool's counters.
    pub fn metrics(&self) -> PoolMetrics {
        self.meter.snapshot()
    }

    /// Asks the server to cancel the statement of every lease in use, for a stop that cannot wait:
    /// they fail with [`Kind::TargetQuery`] (SQLSTATE 57014). These leases are not given back, as
    /// the request may arrive late and would meet another statement. Takes a second at most.
    pub async fn cancel_running(&self) {
        let requests = self
            .running
            .mark_for_close()
            .into_iter()
            .map(|token| async move {
                if let Err(error) = self.connector.cancel(&token).await {
                    tracing::debug!(%error, "a statement could not be cancelled");
                }
            });
        let asked = tokio::time::timeout(CANCEL_WITHIN, join_all(requests)).await;
        if asked.is_err() {
            tracing::debug!("the target is slow to take requests to cancel");
        }
    }

    /// Asks the server to cancel what runs on one lease, and closes its connection: for a statement whose
    /// answer is not needed any more. Takes a second at most.
    pub async fn cancel_and_close(&self, mut lease: Lease) {
        lease.close_on_drop();
        let token = lease.cancel_token();
        let asked = tokio::time::timeout(CANCEL_WITHIN, self.connector.cancel(&token)).await;
        if !matches!(asked, Ok(Ok(()))) {
            tracing::debug!("a statement whose answer is not needed could not be cancelled");
        }
    }

    /// Closes idle connections now and leased ones when they come back, and waits up to two seconds
    /// for their sockets to be shut.
    pub async fn close(&self) {
        self.pool.close();
        let shut = tokio::time::timeout(CLOSE_WITHIN, self.meter.all_shut()).await;
        if shut.is_err() {
            tracing::warn!(
                open = self.meter.snapshot().open,
                "target connections still open"
            );
        }
    }
}
