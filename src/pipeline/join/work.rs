//! A member's workers: each takes a partition from the record and moves its rows.

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::error::{Error, Kind, Result};
use crate::mutex::lock;
use crate::pipeline::context::{Run, TableLoad};
use crate::pipeline::load::active::ActivePartition;
use crate::pipeline::load::concurrency::ConcurrencyController;
use crate::pipeline::load::queue::WorkQueue;
use crate::pipeline::load::transfer::{self, Transferred};
use crate::pipeline::load::{adapt, split};
use crate::pipeline::run::table_loads;
use crate::pipeline::shutdown::{Ended, STOP_GRACE, finish_within_grace};
use crate::postgres::state::{self, GiveBack, TableKey};
use crate::report::progress::TablePhase;

/// Time between two questions for a partition when there was none.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// An answer that takes longer counts as lost: what it would have said is not known then.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Tables that `status` names of a member.
const NAMED: usize = 2;

/// What the workers of a member share.
pub struct MemberWork {
    pub run: Arc<Run>,
    pub queue: WorkQueue,
    /// One worker asks at a time.
    claims: tokio::sync::Mutex<Claims>,
    /// Tables of which a partition could not be loaded here.
    left_out: Mutex<Vec<TableKey>>,
    /// Partitions that were loaded to their end.
    pub partitions: AtomicUsize,
    /// The record may say that a partition is held here that is not: only a new session ends that.
    in_doubt: AtomicBool,
}

#[derive(Default)]
struct Claims {
    /// Tables that were met so far.
    tables: HashMap<TableKey, Arc<TableLoad>>,
    /// When the record had no partition.
    empty: Option<Instant>,
}

/// What became of a question for a partition.
enum Next {
    Load(Arc<ActivePartition>),
    Nothing,
}

impl MemberWork {
    /// Nothing is taken yet.
    pub fn new(run: Arc<Run>, limit: usize) -> Arc<Self> {
        Arc::new(Self {
            run,
            queue: WorkQueue::for_member(limit),
            claims: tokio::sync::Mutex::default(),
            left_out: Mutex::default(),
            partitions: AtomicUsize::new(0),
            in_doubt: AtomicBool::new(false),
        })
    }

    /// Whether the record may hold a partition for this process that it does not load.
    pub fn is_in_doubt(&self) -> bool {
        self.in_doubt.load(Ordering::Relaxed)
    }

    /// What the process does, for `status`.
    pub fn doing(&self) -> String {
        let active = self.queue.active();
        if active.is_empty() {
            return "waits for a partition".to_owned();
        }
        let names = active.iter().map(|part| part.table.plan.full_name());
        let names = names.collect::<BTreeSet<_>>();
        let mut doing = format!("loads {}", active.len());
        for (at, name) in names.iter().take(NAMED).enumerate() {
            doing.push_str(if at == 0 { " of " } else { ", " });
            doing.push_str(name);
        }
        if names.len() > NAMED {
            doing.push_str(", ...");
        }
        doing
    }

    /// Loads partitions until the run is cancelled. What is committed then stays.
    pub async fn load(self: Arc<Self>, controller: Option<ConcurrencyController>) {
        let (run, width) = (&self.run, self.run.job.target.pool.max_connections);
        let mut workers = JoinSet::new();
        for _ in 0..width {
            workers.spawn(work(Arc::clone(&self)));
        }
        let all_joined = async {
            while let Some(joined) = workers.join_next().await {
                if let Err(panic) = joined {
                    tracing::error!(%panic, "internal error: a worker task panicked");
                    self.in_doubt.store(true, Ordering::Relaxed);
                }
            }
        };
        let adapted = async {
            match controller {
                Some(controller) => adapt::follow(run, &self.queue, controller).await,
                None => std::future::pending().await,
            }
        };
        let load = async {
            tokio::select! {
                () = all_joined => {}
                () = adapted => {}
                () = split::follow(run, &self.queue) => {}
            }
        };
        let ended = finish_within_grace(&run.target, &run.cancel, STOP_GRACE, load).await;
        if let Ended::Cancelled(_) = ended {
            tracing::warn!(
                "a statement took too long: it is cancelled, another process does it again"
            );
        }
        workers.abort_all();
    }

    async fn next(&self) -> Next {
        let mut claims = self.claims.lock().await;
        let waits = claims.empty.is_some_and(|at| at.elapsed() < ASK_EVERY);
        if waits || !self.queue.has_room() || self.run.cancel.is_cancelled() {
            return Next::Nothing;
        }
        let taken = match self.take().await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::debug!(%error, "no partition could be taken");
                self.in_doubt.store(true, Ordering::Relaxed);
                None
            }
        };
        self.queue.set_more(taken.is_some());
        let Some((key, number)) = taken else {
            claims.empty = Some(Instant::now());
            return Next::Nothing;
        };
        match self.table(&mut claims, &key).await {
            Ok(table) => Next::Load(self.queue.begin(table, number)),
            Err(error) => {
                self.hand_over(&key, number, &error).await;
                Next::Nothing
            }
        }
    }

    async fn take(&self) -> Result<Option<(TableKey, u32)>> {
        let run = &self.run;
        let Some(session) = run.lock_session.get() else {
            return Ok(None);
        };
        let left_out = lock(&self.left_out).clone();
        let taken = state::take_next(&session, &run.job.name, run.claimant(), &left_out);
        timeout(ANSWER_WITHIN, taken).await.map_err(late)?
    }

    /// The table as it is recorded: its columns and how it is read are the run's, not planned again here.
    async fn table(&self, claims: &mut Claims, key: &TableKey) -> Result<Arc<TableLoad>> {
        if let Some(known) = claims.tables.get(key) {
            return Ok(Arc::clone(known));
        }
        let run = &self.run;
        let record = run.on_target(|target| async move { state::load_one(&target, key).await });
        let record = record.await?.ok_or_else(|| {
            Error::new(Kind::Checkpoint, "the table is not recorded any more")
                .at_table(key.full_name())
        })?;
        let table = table_loads::from_record(run, record)?;
        claims.tables.insert(key.clone(), Arc::clone(&table));
        Ok(table)
    }

    /// Moves the partition and says what became of it.
    async fn move_rows(&self, partition: &Arc<ActivePartition>) {
        let (run, table) = (&self.run, &partition.table);
        if table.progress.state() == TablePhase::Waiting {
            table.progress.set_state(TablePhase::Running);
        }
        let moved = AssertUnwindSafe(transfer::transfer(run, &self.queue, partition));
        let moved = moved.catch_unwind().await.unwrap_or_else(|_| {
            let panicked = "internal error: a worker task panicked";
            Err(Error::new(Kind::Internal, panicked).at_table(table.plan.full_name()))
        });
        match moved {
            Ok(Transferred::Whole) => {
                self.partitions.fetch_add(1, Ordering::Relaxed);
                table.progress.partition_done();
            }
            Ok(Transferred::Parked | Transferred::Elsewhere) => {
                self.give_back(&table.key, partition.number, GiveBack::ToAll)
                    .await;
            }
            // All are given back together when a process stops.
            Err(_) if run.cancel.is_cancelled() => {}
            Err(error) if matches!(error.kind(), Kind::Checkpoint | Kind::JobHeld) => {
                tracing::info!(%error, "a partition was taken over by another process");
                self.give_back(&table.key, partition.number, GiveBack::ToAll)
                    .await;
            }
            Err(error) => self.hand_over(&table.key, partition.number, &error).await,
        }
    }

    /// Leaves a partition to the leader, with all others of its table. It meets what is wrong itself, and
    /// its report says so; or it does not, if that is wrong on this machine only.
    async fn hand_over(&self, table: &TableKey, number: u32, error: &Error) {
        tracing::warn!(kind = ?error.kind(), %error, "a partition cannot be loaded here: the process that leads the run tries it");
        lock(&self.left_out).push(table.clone());
        self.give_back(table, number, GiveBack::ToLeader).await;
    }

    async fn give_back(&self, table: &TableKey, number: u32, to: GiveBack) {
        let claimant = self.run.claimant();
        let Some(session) = self.run.lock_session.get() else {
            return;
        };
        let given = state::give_back(&session, (table, number), claimant, to);
        let given = timeout(ANSWER_WITHIN, given).await;
        if let Err(error) = given.map_err(late).and_then(|given| given) {
            tracing::debug!(%error, "a partition could not be given back");
            self.in_doubt.store(true, Ordering::Relaxed);
        }
    }
}

fn late(_: tokio::time::error::Elapsed) -> Error {
    Error::new(Kind::TargetLost, "the session of a member does not answer")
}

/// One worker: takes partitions until the run is cancelled.
async fn work(shared: Arc<MemberWork>) {
    let MemberWork { run, queue, .. } = &*shared;
    while !run.cancel.is_cancelled() {
        let changed = queue.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        match shared.next().await {
            Next::Load(partition) => {
                shared.move_rows(&partition).await;
                queue.loaded(&partition);
            }
            Next::Nothing => {
                let _idle = queue.idle();
                tokio::select! {
                    () = run.cancel.cancelled() => return,
                    () = changed => {}
                    () = sleep(ASK_EVERY) => {}
                }
            }
        }
    }
}
