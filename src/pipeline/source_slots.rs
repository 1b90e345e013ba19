//! Keeps the slots of `source.pool.scope: cluster`: takes one for each source connection that is to be
//! opened, and gives it back when that is closed.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::job::{Job, PoolScope};
use crate::error::Result;
use crate::mssql::pool::{Slot, SlotRequests};
use crate::postgres::connect::Connector;
use crate::postgres::slots::SlotSession;

/// Requests that wait to be read; all that a pool opens at a time.
const REQUESTS: usize = 64;

/// Pause between two tries for a slot, at least and at most: processes that wait must not try in step.
const PAUSE: (u64, u64) = (50, 150);

/// Pause before the session is opened again.
const REOPEN_AFTER: Duration = Duration::from_secs(1);

/// A wait that is worth a line in the log.
const LONG_WAIT: Duration = Duration::from_secs(10);

/// Starts the keeper, if the job's cap holds for all of its processes. It ends when the last request can
/// have been made.
///
/// # Errors
/// [`Kind::JobFile`](crate::error::Kind::JobFile) if another process of the job has another cap; what
/// keeps the session from being opened.
pub async fn start(job: &Job, connector: &Connector) -> Result<Option<SlotRequests>> {
    if job.source.pool.scope == PoolScope::Process {
        return Ok(None);
    }
    let cap = i32::try_from(job.source.pool.max_connections).unwrap_or(i32::MAX);
    let session = SlotSession::open(connector, &job.name, cap).await?;
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (back, given_back) = mpsc::unbounded_channel();
    let keeper = Keeper {
        connector: connector.clone(),
        job: job.name.clone(),
        cap,
        session,
        number: 0,
        lost: CancellationToken::new(),
        held: BTreeSet::new(),
        waiting: VecDeque::new(),
        back,
    };
    tokio::spawn(keeper.keep(asked, given_back));
    Ok(Some(SlotRequests(requests)))
}

struct Keeper {
    connector: Connector,
    job: String,
    cap: i32,
    session: SlotSession,
    /// Counts sessions: what an earlier one held is not given back to this one.
    number: u64,
    /// Cancelled with the session.
    lost: CancellationToken,
    held: BTreeSet<i32>,
    /// Who waits for a slot, and since when.
    waiting: VecDeque<(oneshot::Sender<Slot>, Instant)>,
    back: mpsc::UnboundedSender<(u64, i32)>,
}

impl Keeper {
    async fn keep(
        mut self,
        mut asked: mpsc::Receiver<oneshot::Sender<Slot>>,
        mut given_back: mpsc::UnboundedReceiver<(u64, i32)>,
    ) {
        let mut open = true;
        while open || !self.held.is_empty() {
            let outcome = tokio::select! {
                request = asked.recv(), if open => {
                    open = request.is_some();
                    self.waiting.extend(request.map(|answer| (answer, Instant::now())));
                    self.serve().await
                }
                Some((session, number)) = given_back.recv() => self.take_back(session, number).await,
                () = pause(), if !self.waiting.is_empty() => self.serve().await,
                () = self.session.ended() => Err(crate::error::Error::new(
                    crate::error::Kind::TargetLost,
                    "the session of the source's slots has ended",
                )),
            };
            if let Err(error) = outcome {
                self.reopen(&error).await;
            }
        }
        self.session.close().await;
    }

    /// Gives slots to those that wait, in their order, while there are any.
    async fn serve(&mut self) -> Result<()> {
        loop {
            self.waiting.retain(|(answer, _)| !answer.is_closed());
            if self.waiting.is_empty() {
                return Ok(());
            }
            let Some(number) = self.session.take(&self.free()).await? else {
                self.tell_of_long_waits();
                return Ok(());
            };
            self.held.insert(number);
            let slot = Slot {
                number,
                session: self.number,
                back: self.back.clone(),
                lost: self.lost.clone(),
            };
            if let Some((answer, _)) = self.waiting.pop_front() {
                // Not waited for any more: dropped, it comes back.
                drop(answer.send(slot));
            }
        }
    }

    async fn take_back(&mut self, session: u64, number: i32) -> Result<()> {
        if session != self.number || !self.held.remove(&number) {
            return Ok(());
        }
        self.session.give_back(number).await?;
        self.serve().await
    }

    /// The slots that this process does not hold, in a random order.
    fn free(&self) -> Vec<i32> {
        let mut numbers: Vec<i32> = (1..=self.cap).filter(|n| !self.held.contains(n)).collect();
        // Below the length, or 0 of none.
        let first = random(numbers.len().max(1) as u64) as usize;
        numbers.rotate_left(first);
        numbers
    }

    fn tell_of_long_waits(&mut self) {
        for (_, since) in &mut self.waiting {
            if since.elapsed() >= LONG_WAIT {
                *since = Instant::now();
                tracing::info!(
                    cap = self.cap,
                    "all source connections of the job are with other processes: waiting for one"
                );
            }
        }
    }

    /// Others may have the slots by now, so their connections are closed at once.
    async fn reopen(&mut self, error: &crate::error::Error) {
        tracing::warn!(%error, "the slots of the source are lost: its connections are closed and opened again");
        self.lost.cancel();
        self.lost = CancellationToken::new();
        self.held.clear();
        self.number += 1;
        loop {
            match SlotSession::open(&self.connector, &self.job, self.cap).await {
                Ok(session) => {
                    self.session = session;
                    return;
                }
                Err(error) => tracing::debug!(%error, "no session for the slots of the source"),
            }
            self.waiting.retain(|(answer, _)| !answer.is_closed());
            sleep(REOPEN_AFTER).await;
        }
    }
}

async fn pause() {
    let (least, most) = PAUSE;
    sleep(Duration::from_millis(least + random(most - least))).await;
}

/// A number below `bound` that differs between processes: the clock's nanoseconds are random enough here.
fn random(bound: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::from(now.unwrap_or_default().subsec_nanos()) % bound
}
