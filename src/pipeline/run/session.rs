//! What a run is given and has opened, for everything that it does before it is registered.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::connections::Connections;
use crate::pipeline::options::RunOptions;
use crate::pipeline::outage::Outage;
use crate::pipeline::retry::retry_before_load;
use crate::pipeline::shutdown::{cancel_on_stop, drop_on_stop};
use crate::postgres::pool::Lease;
use crate::report::progress::Progress;

/// Steps of a run, as the log and the progress number them.
pub const STEPS: u32 = 8;

/// What a run says that a signal ended before it loaded anything.
pub const TOO_EARLY: &str = "stopped before the load began";

/// A run before it is registered, and what outlives its tasks.
pub struct Session<'a> {
    pub job: &'a Job,
    pub options: RunOptions,
    /// Cancelled by a signal, or when the job lock is lost.
    pub cancel: CancellationToken,
    /// Read by the caller while the run goes.
    pub progress: Arc<Progress>,
    pub connections: Connections,
    /// The registered run's: a server that stays away.
    pub outage: Arc<Outage>,
}

impl Session<'_> {
    /// Acquires a target connection and does `work` on it, again from the start while faults are
    /// transient and `transfer.retry.at_start` lasts. `work` may be done twice.
    ///
    /// # Errors
    /// The first permanent error, or the last transient one.
    pub async fn on_target<T, F: Future<Output = Result<T>>>(
        &self,
        work: impl Fn(Lease) -> F,
    ) -> Result<T> {
        let target = &self.connections.target;
        retry_before_load(&self.job.transfer.retry, || async {
            work(target.acquire().await?).await
        })
        .await
    }

    /// Drops `work`, which changes nothing on either side, when the run is to stop.
    ///
    /// # Errors
    /// [`Kind::Stopped`](crate::error::Kind::Stopped), and those of `work`.
    pub async fn drop_on_stop<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        drop_on_stop(&self.cancel, TOO_EARLY, work).await
    }

    /// Cancels the statements of `work` at the target when the run is to stop.
    ///
    /// # Errors
    /// [`Kind::Stopped`](crate::error::Kind::Stopped), and those of `work`.
    pub async fn cancel_on_stop<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        cancel_on_stop(&self.connections.target, &self.cancel, TOO_EARLY, work).await
    }
}

/// Tells the log and the progress that a step of the run begins.
pub fn begin_step(progress: &Progress, number: u32, name: &'static str) {
    tracing::info!(step = number, of = STEPS, "{name}");
    progress.begin(number, STEPS, name);
}
