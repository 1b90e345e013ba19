//! The leader's side of a run that several processes share: it looks for members, opens tables to them,
//! and asks the record what they have loaded. Without members that is one short question now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::error::Result;
use crate::pipeline::context::Run;
use crate::pipeline::load::queue::WorkQueue;
use crate::postgres::connect::Session;
use crate::postgres::state::{self, MemberId, NewMember, OpenTable};

/// Time between two looks. A member that has just come waits for about as long.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// An answer that takes longer is not waited for; a session that broke is replaced by who holds the lock.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What `status` says of the leader.
const LEADS: &str = "leads the run";

/// Looks again and again, for as long as it is polled.
pub async fn follow(run: &Run, queue: &WorkQueue) {
    let mut sharing = Sharing::default();
    loop {
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = queue.asked() => {}
        }
        let Some(session) = run.lock_session.get() else {
            continue;
        };
        match timeout(ANSWER_WITHIN, sharing.look(run, queue, &session)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the members of the run were not asked for"),
            Err(_) => tracing::debug!("no answer about the members of the run"),
        }
    }
}

/// What the leader knows of the members.
#[derive(Default)]
struct Sharing {
    /// The leader's own place among them, and the session that holds it.
    own: Option<(Arc<Session>, MemberId)>,
    looked: Option<Instant>,
}

impl Sharing {
    async fn look(&mut self, run: &Run, queue: &WorkQueue, session: &Arc<Session>) -> Result<()> {
        let due = self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        if due {
            self.look_for_members(run, queue, session).await?;
            self.looked = Some(Instant::now());
        }
        let tables = queue.tables_elsewhere();
        if tables.is_empty() {
            return Ok(());
        }
        let keys = tables.iter().map(|table| &table.key).collect::<Vec<_>>();
        let parts = state::shared_partitions(session, &run.job.name, &keys).await?;
        queue.answer(&tables, &parts);
        Ok(())
    }

    async fn look_for_members(
        &mut self,
        run: &Run,
        queue: &WorkQueue,
        session: &Arc<Session>,
    ) -> Result<()> {
        let own = self.own.as_ref().map(|(_, id)| *id);
        let members = state::living_members(session, &run.job.name).await?;
        let others = members.iter().filter(|member| Some(member.id) != own);
        let others = others.collect::<Vec<_>>();
        queue.set_idle_elsewhere(others.iter().map(|member| member.idle).sum());
        if others.is_empty() && own.is_none() {
            return Ok(());
        }
        let own = self.enter(run, session).await?;
        if !others.is_empty() {
            // Before members can take one: from then on they may split it.
            queue.set_members();
            open(run, queue, session).await?;
        }
        state::note(session, own, LEADS, queue.room()).await
    }

    /// Enters the leader itself, again if its session was replaced.
    async fn enter(&mut self, run: &Run, session: &Arc<Session>) -> Result<MemberId> {
        if let Some((entered, id)) = &self.own
            && Arc::ptr_eq(entered, session)
        {
            return Ok(*id);
        }
        let new = NewMember {
            job: &run.job.name,
            leads: true,
        };
        let id = state::enter(session, new).await?;
        tracing::info!("other processes have come: the run is shared with them");
        self.own = Some((Arc::clone(session), id));
        Ok(id)
    }
}

/// Opens the tables that are not open yet.
async fn open(run: &Run, queue: &WorkQueue, session: &Session) -> Result<()> {
    let tables = queue.unopened();
    if tables.is_empty() {
        return Ok(());
    }
    let open = tables.iter().map(|table| OpenTable {
        table: &table.key,
        weight: table.weight_of_partition(),
    });
    let open = open.collect::<Vec<_>>();
    state::open_tables(session, &run.job.name, run.id, &open).await?;
    queue.set_opened(tables.len());
    Ok(())
}
