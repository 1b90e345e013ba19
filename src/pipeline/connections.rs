//! Opens the pools of both servers, and closes them so that neither server is left with a connection.
//!
//! Every command opens its pools here, so all of them retry the first contact in the same way, and
//! a command that writes refuses a standby before it does anything.

use crate::config::job::{Consistency, Job, Source, Tls};
use crate::error::{Error, Kind, Result};
use crate::mssql::pool::{SlotRequests, SourcePool};
use crate::pipeline::retry::retry_first_contact;
use crate::pipeline::source_slots;
use crate::postgres::connect::Connector;
use crate::postgres::pool::TargetPool;
use crate::postgres::rights;
use crate::report::Endpoint;
use crate::report::pool::{PoolReport, PoolWatch};
use tsql::schema::Database;

/// Both pools, connected.
pub struct Connections {
    pub source: SourcePool,
    pub target: TargetPool,
    /// For connections beside the pool: the job lock.
    pub connector: Connector,
}

impl Connections {
    /// Connects to both at once; the first error that does not pass by itself comes back as the server
    /// gave it.
    ///
    /// # Errors
    /// What a server answered, once `transfer.retry.at_start` has passed for those faults that may
    /// pass.
    pub async fn open(job: &Job) -> Result<Self> {
        let connector = Connector::new(&job.target)?;
        let source = async {
            let slots =
                retry_first_contact(&job.transfer.retry, || source_slots::start(job, &connector));
            open_source_with(job, slots.await?).await
        };
        let (source, target) = tokio::try_join!(source, connect_target(job, connector.clone()))?;
        Ok(Self {
            source,
            target,
            connector,
        })
    }

    /// As [`Self::open`], for a command that writes to the target.
    ///
    /// # Errors
    /// [`Kind::TargetReadOnly`] too.
    pub async fn open_to_write(job: &Job) -> Result<Self> {
        let connections = Self::open(job).await?;
        let asked = retry_first_contact(&job.transfer.retry, || {
            connections.target.must_be_writable()
        });
        match asked.await {
            Ok(()) => Ok(connections),
            Err(error) => {
                connections.close().await;
                Err(error)
            }
        }
    }

    /// Closes every connection of both pools.
    pub async fn close(&self) {
        tokio::join!(self.source.close(), self.target.close());
    }

    /// Looks at both pools while the run goes.
    pub fn watch(&self) -> PoolWatch {
        let (source, target) = (self.source.clone(), self.target.clone());
        PoolWatch::new(move || vec![source.metrics().state(), target.metrics().state()])
    }

    /// What both pools did, for a run's report.
    pub fn reports(&self) -> Vec<PoolReport> {
        vec![
            self.source.metrics().report(),
            self.target.metrics().report(),
        ]
    }
}

/// Opens the source's pool, retrying as [`retry_first_contact`] does. For commands that open a connection or
/// two and may have no target: they take no slot of `source.pool.scope: cluster`.
pub async fn open_source(job: &Job) -> Result<SourcePool> {
    open_source_with(job, None).await
}

async fn open_source_with(job: &Job, slots: Option<SlotRequests>) -> Result<SourcePool> {
    retry_first_contact(&job.transfer.retry, || {
        SourcePool::open_with(&job.source, job.transfer.consistency, slots.clone())
    })
    .await
}

/// Opens the target's pool in the same way.
pub async fn open_target(job: &Job) -> Result<TargetPool> {
    connect_target(job, Connector::new(&job.target)?).await
}

async fn connect_target(job: &Job, connector: Connector) -> Result<TargetPool> {
    retry_first_contact(&job.transfer.retry, || {
        TargetPool::open(connector.clone(), &job.target.pool, 1)
    })
    .await
}

/// `host:port` or `host\INSTANCE`, as the job names the source.
pub fn source_address(source: &Source) -> String {
    match (&source.instance, source.port) {
        (Some(instance), _) => format!("{}\\{instance}", source.host),
        (None, port) => format!("{}:{}", source.host, port.unwrap_or(1433)),
    }
}

/// The source as its own catalog describes it.
pub fn source_endpoint(job: &Job, database: &Database) -> Endpoint {
    Endpoint {
        address: source_address(&job.source),
        database: database.name.clone(),
        version: database.version.clone(),
        tls: (job.source.tls == Tls::Legacy).then(|| job.source.tls.word().to_owned()),
    }
}

/// The target as the job names it, with the version that its server states.
///
/// # Errors
/// The target cannot be asked.
pub async fn target_endpoint(job: &Job, target: &TargetPool) -> Result<Endpoint> {
    let lease = target.acquire().await?;
    Ok(Endpoint {
        address: job.target.address(),
        database: job.target.database.clone(),
        version: rights::server_version(&lease).await?,
        tls: None,
    })
}

/// Refuses a consistency that the source cannot give.
///
/// # Errors
/// `SourceConsistency`, with the statement that allows it.
pub fn require_consistency(job: &Job, database: &Database) -> Result<()> {
    if job.transfer.consistency == Consistency::Snapshot && !database.snapshot_isolation {
        return Err(Error::new(
            Kind::SourceConsistency,
            format!(
                "transfer.consistency is snapshot, but database {} does not allow it: run ALTER DATABASE {} SET \
                 ALLOW_SNAPSHOT_ISOLATION ON there",
                database.name,
                tsql::names::bracket(&database.name)
            ),
        ));
    }
    Ok(())
}
