//! Holds the job lock for as long as a run needs it.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind, Result};
use crate::pipeline::lock_session::LockSession;
use crate::pipeline::retry::Backoff;
use crate::pipeline::run::session::Session;
use crate::postgres::lock::JobLock;
use crate::postgres::state::RunId;

/// Holds the job lock for a run, across a restart of the target.
pub struct JobLockGuard<'a> {
    pub session: &'a Session<'a>,
    /// `None` while it is lost and not taken again.
    pub lock: Option<JobLock>,
    /// Set once the run is registered; others read from its record which process holds the job.
    pub run: &'a OnceLock<RunId>,
    /// Where the run finds the lock's session.
    pub lock_session: Arc<LockSession>,
}

/// What a run knows of its lock.
pub struct LockInfo<'a> {
    /// The server process that holds the lock.
    pub pid: i32,
    /// Set by the run once it is registered.
    pub run: &'a OnceLock<RunId>,
    /// Where the run finds the lock's session.
    pub session: Arc<LockSession>,
}

impl JobLockGuard<'_> {
    /// Takes the lock again whenever its connection breaks, as patiently as any other work is
    /// tried again. Meanwhile the workers continue: a partition's claim fences them off if another
    /// process takes the job, so no row can be doubled.
    ///
    /// Returns only when the lock could not be taken again. Cancel safe.
    pub async fn hold(&mut self) -> Error {
        let never = CancellationToken::new();
        loop {
            let Some(lock) = &self.lock else {
                return Error::new(Kind::Internal, "no job lock to hold");
            };
            let former = lock.backend_pid();
            let mut error = lock.lost().await;
            tracing::warn!(%error, "the job lock was lost: taking it again");
            self.lock_session.set(None);
            self.lock = None;
            let mut backoff = Backoff::new(&self.session.job.transfer.retry);
            while self.lock.is_none() {
                if let Err(error) = backoff.after(error, &never).await {
                    return error;
                }
                error = match self.retake(former).await {
                    Ok(lock) => {
                        self.lock_session.set(Some(lock.session()));
                        self.lock = Some(lock);
                        break;
                    }
                    Err(again) => again,
                };
            }
        }
    }

    async fn retake(&self, former: i32) -> Result<JobLock> {
        let Session {
            job, connections, ..
        } = self.session;
        let lock = JobLock::retake(&connections.connector, &job.name, former).await?;
        if let Some(run) = self.run.get()
            && let Err(error) = lock.record(*run).await
        {
            // Only `status` misses it; a connection that broke is noticed by itself.
            tracing::warn!(%error, "the job lock was taken again, and not recorded with the run");
        }
        Ok(lock)
    }

    /// Gives the lock back, and closes its connection.
    pub async fn release(self) {
        self.lock_session.set(None);
        let Some(lock) = self.lock else { return };
        if let Err(error) = lock.release().await {
            tracing::debug!(%error, "the job lock was not released; the server releases it with its connection");
        }
    }
}
