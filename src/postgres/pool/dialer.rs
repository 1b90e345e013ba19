//! Lets deadpool open connections the way everything else here does.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use deadpool_postgres::Connect;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use crate::error::Error;
use crate::mutex::lock;
use crate::postgres::connect::Connector;
use crate::postgres::pool::metrics::Meter;

/// Why connections could not be opened: deadpool hands on errors of the driver only.
#[derive(Clone, Default)]
pub(super) struct Failures(Arc<Mutex<VecDeque<Error>>>);

impl Failures {
    /// The oldest. An acquisition takes one for each that the pool could not open for it.
    pub(super) fn take(&self) -> Option<Error> {
        lock(&self.0).pop_front()
    }

    fn put(&self, error: Error) {
        lock(&self.0).push_back(error);
    }
}

/// Opens connections for deadpool.
pub(super) struct Dialer {
    connector: Connector,
    meter: Arc<Meter>,
    failures: Failures,
}

type Dialled = Result<(Client, JoinHandle<()>), tokio_postgres::Error>;

impl Dialer {
    pub(super) fn new(connector: Connector, meter: Arc<Meter>, failures: Failures) -> Self {
        Self {
            connector,
            meter,
            failures,
        }
    }

    async fn dial(&self) -> Dialled {
        match self.connector.open(|| Meter::opened(&self.meter)).await {
            Ok(opened) => Ok(opened),
            Err(error) => {
                let stand_in = no_connection().await;
                self.failures.put(error);
                stand_in
            }
        }
    }
}

/// An error of the driver, which nothing else can make: it connects to nothing without a host.
async fn no_connection() -> Dialled {
    let (client, connection) = Config::new().connect(NoTls).await?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to nothing ended");
        }
    });
    Ok((client, task))
}

impl Connect for Dialer {
    fn connect(&self, _: &Config) -> Pin<Box<dyn Future<Output = Dialled> + Send + '_>> {
        let dialled: BoxFuture<'_, Dialled> = Box::pin(self.dial());
        dialled
    }
}
