//! A process among those that share a run: a session whose lock says that the process lives.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::error::{Error, Kind, Result};
use crate::postgres::connect::{Connector, Session};
use crate::postgres::lock::{self, JobLock};
use crate::postgres::state::{self, CurrentRun, MemberId, NewMember};

/// How long the answer to a short question may take: as for the job lock, the connection counts as lost
/// then.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long leaving may take; the server notices the end of the session anyway.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// A process that lives. When its session ends, what it holds is free for others.
pub struct Member {
    session: Arc<Session>,
    pub id: MemberId,
}

/// What a member sees of its job.
pub struct View {
    /// The latest run, if there was one.
    pub run: Option<CurrentRun>,
    /// The server process that holds the job lock now.
    pub leader: Option<i32>,
}

impl Member {
    /// Opens the session and enters the job. The schema of the state must be there.
    pub async fn enter(connector: &Connector, member: NewMember<'_>) -> Result<Self> {
        let session = lock::open(connector).await?;
        let id = state::enter(&session, member).await?;
        Ok(Self { session, id })
    }

    /// For short statements.
    pub fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session)
    }

    /// Does a few short statements on the session.
    ///
    /// # Errors
    /// Theirs, and [`Kind::TargetLost`] if no answer comes.
    pub async fn ask<T>(&self, question: impl Future<Output = Result<T>>) -> Result<T> {
        let late = |_| Error::new(Kind::TargetLost, "the session of a member does not answer");
        timeout(ANSWER_WITHIN, question).await.map_err(late)?
    }

    /// Looks at the job.
    pub async fn look(&self, job: &str) -> Result<View> {
        self.ask(async {
            // The run after its leader: a leader that is gone may have recorded the end before.
            let leader = lock::holder_pid(&self.session, job).await?;
            let run = state::current_run(&self.session, job).await?;
            Ok(View { run, leader })
        })
        .await
    }

    /// Takes the job lock on the member's own session, if no other process has it.
    pub async fn try_to_lead(&self, job: &str) -> Result<Option<JobLock>> {
        self.ask(JobLock::take_on(&self.session, job)).await
    }

    /// Leaves the job. The session stays open if it carries the job lock.
    pub async fn leave(self) {
        let left = timeout(LEAVE_WITHIN, state::leave(&self.session, self.id)).await;
        if !matches!(left, Ok(Ok(()))) {
            tracing::debug!(
                "a member left without saying so; the server notices its session's end"
            );
        }
        if let Some(session) = Arc::into_inner(self.session) {
            session.close().await;
        }
    }
}
