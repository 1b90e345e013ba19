//! How far a run is: counters that workers raise and a display reads, without either waiting.

mod table;

use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::mutex::lock;
use crate::report::concurrency::{Change, Concurrency};
use crate::report::pool::{PoolState, PoolWatch, Side};
use crate::report::run::RunOutcome;
use crate::report::time::Clock;
use crate::report::timeline::{Look, PoolSample, Recorder, Timeline};

pub use crate::report::progress::table::{Sent, TablePhase, TableProgress};

/// Shared by the pipeline, which writes, and the edge, which reads and draws.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    /// What the run is doing as a whole; set by the pipeline at each numbered step.
    step: Mutex<Step>,
    /// In the order in which they were added.
    tables: RwLock<Vec<Arc<TableProgress>>>,
    /// Where the workers' time goes.
    clock: Clock,
    /// How many partitions may be loaded at a time; written by the load that decides it.
    concurrency: Mutex<Concurrency>,
    /// Asks both pools how they are; set whenever they are opened, which a process that shares a run may do
    /// again.
    pools: Mutex<Option<Arc<PoolWatch>>>,
    /// What becomes of the time line.
    recorder: Arc<Recorder>,
    /// Set by the caller when the run has ended.
    outcome: OnceLock<RunOutcome>,
}

/// One of the numbered steps of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// From 1.
    pub number: u32,
    pub of: u32,
    /// A lower-case fragment, as `reading the catalog`.
    pub name: &'static str,
    /// Tables that the step is through with, of all that it goes through, if it goes table by
    /// table before or after the rows; 0 of 0 elsewhere.
    pub tables: (u32, u32),
}

impl Progress {
    /// Progress of a run that starts now.
    pub fn new() -> Arc<Self> {
        let started = Instant::now();
        Arc::new(Self {
            started,
            step: Mutex::new(Step {
                number: 0,
                of: 0,
                name: "starting",
                tables: (0, 0),
            }),
            tables: RwLock::default(),
            clock: Clock::default(),
            concurrency: Mutex::default(),
            pools: Mutex::default(),
            recorder: Recorder::new(started),
            outcome: OnceLock::new(),
        })
    }

    /// A new numbered step begins.
    pub fn begin(&self, number: u32, of: u32, name: &'static str) {
        *lock(&self.step) = Step {
            number,
            of,
            name,
            tables: (0, 0),
        };
        self.recorder.begin_step(number, name);
    }

    /// Sets how many tables the current step goes through.
    pub fn expect_tables(&self, tables: usize) {
        let mut step = lock(&self.step);
        step.tables = (0, u32::try_from(tables).unwrap_or(u32::MAX));
    }

    /// The current step is done with one more table.
    pub fn one_table_more(&self) {
        let mut step = lock(&self.step);
        step.tables.0 = step.tables.0.saturating_add(1);
    }

    /// The step that the run is in.
    pub fn step(&self) -> Step {
        *lock(&self.step)
    }

    /// Adds a table in state `Waiting`. `name` is `dbo.Posts`.
    pub fn add_table(&self, name: impl Into<String>, expected_rows: u64) -> Arc<TableProgress> {
        let table = Arc::new(TableProgress::new(name.into(), expected_rows));
        self.tables
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&table));
        table
    }

    /// Forgets all tables: the process works for another run, or leads one itself.
    pub fn clear_tables(&self) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.clear();
    }

    /// All tables so far, in the order in which they were added.
    pub fn tables(&self) -> Vec<Arc<TableProgress>> {
        self.tables
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Where workers add the time that they spend.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Since the run started.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Loading begins with up to `first` partitions at a time.
    pub fn begin_concurrency(&self, cap: usize, first: usize, pinned: bool) {
        let mut concurrency = lock(&self.concurrency);
        *concurrency = Concurrency {
            cap,
            pinned,
            first,
            last: first,
            changes: Vec::new(),
        };
    }

    /// From now on up to `to` partitions are loaded at a time.
    pub fn change_concurrency(&self, to: usize, why: String) {
        let at = self.elapsed().as_secs_f64();
        let mut concurrency = lock(&self.concurrency);
        let from = std::mem::replace(&mut concurrency.last, to);
        concurrency.changes.push(Change { at, from, to, why });
    }

    /// How many partitions may be loaded at a time, and every change so far.
    pub fn concurrency(&self) -> Concurrency {
        let concurrency = lock(&self.concurrency);
        concurrency.clone()
    }

    /// Lets [`Self::pools`] ask these pools from now on.
    pub fn watch_pools(&self, watch: PoolWatch) {
        *lock(&self.pools) = Some(Arc::new(watch));
    }

    /// Both pools as they are now; empty until they are open.
    pub fn pools(&self) -> Vec<PoolState> {
        let watch = lock(&self.pools).clone();
        watch.map(|watch| watch.look()).unwrap_or_default()
    }

    /// Where workers record which source connection moved which partition.
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// Adds to the samples of the time line; called about each second.
    pub fn look(&self) {
        let totals = self.totals();
        let mut look = Look {
            sent: totals.sent,
            active_partitions: totals.partitions.active,
            ..Look::default()
        };
        for pool in self.pools() {
            let sample = PoolSample {
                in_use: pool.in_use as f64,
                waiting: pool.waiting as f64,
            };
            match pool.side {
                Side::Source => look.source = sample,
                Side::Target => look.target = sample,
            }
        }
        self.recorder.look(look);
    }

    /// How the run went so far.
    pub fn timeline(&self) -> Timeline {
        let tables = self.tables();
        let tables = tables.iter().map(|table| table.span_since(self.started));
        self.recorder.read(tables.collect())
    }

    /// The run has ended.
    pub fn end(&self, outcome: RunOutcome) {
        let _first = self.outcome.set(outcome);
    }

    /// How the run ended; `None` while it goes.
    pub fn outcome(&self) -> Option<RunOutcome> {
        self.outcome.get().copied()
    }

    /// Sums over all tables, at this moment.
    pub fn totals(&self) -> ProgressTotals {
        let mut totals = ProgressTotals::default();
        for table in self.tables() {
            totals.add(&table);
        }
        totals
    }
}

/// Partitions by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionCounts {
    /// No worker has them, and their table did not fail.
    pub waiting: u64,
    /// Workers are moving them.
    pub active: u64,
    pub done: u64,
}

/// Sums over all tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProgressTotals {
    pub tables: u64,
    pub tables_over: u64,
    pub tables_failed: u64,
    pub rows: u64,
    pub bytes: u64,
    pub resumed_rows: u64,
    pub expected_rows: u64,
    /// By [`TablePhase`], in its order.
    pub phases: [u64; TablePhase::ALL.len()],
    pub partitions: PartitionCounts,
    /// By this run; these grow only.
    pub sent: Sent,
    pub committed: Sent,
    pub rejected: u64,
    pub retries: u64,
    pub splits: u64,
}

impl ProgressTotals {
    fn add(&mut self, table: &TableProgress) {
        let phase = table.state();
        self.tables += 1;
        self.tables_over += u64::from(phase.over());
        self.tables_failed += u64::from(phase == TablePhase::Failed);
        self.phases[phase as usize] += 1;
        self.rows += table.rows();
        self.bytes += table.bytes();
        self.resumed_rows += table.resumed_rows();
        self.expected_rows += table.expected_rows();
        let (done, all) = table.partitions();
        let active = table.active_partitions();
        self.partitions.done += u64::from(done);
        self.partitions.active += u64::from(active);
        if phase != TablePhase::Failed {
            let waiting = all.saturating_sub(done).saturating_sub(active);
            self.partitions.waiting += u64::from(waiting);
        }
        self.sent.add(table.sent());
        self.committed.add(table.committed());
        self.rejected += table.rejected();
        self.retries += u64::from(table.retries());
        self.splits += u64::from(table.splits());
    }

    /// Rows that this run itself moved: what its speed is computed from.
    pub fn moved(&self) -> u64 {
        self.rows.saturating_sub(self.resumed_rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_follow_the_workers() {
        let progress = Progress::new();
        let posts = progress.add_table("dbo.Posts", 100);
        let empty = progress.add_table("dbo.Empty", 0);
        posts.set_state(TablePhase::Running);
        posts.resume(5, 500);
        posts.set_partitions(3);
        posts.partition_taken();
        posts.send(25, 2500);
        posts.take_back(10, 1000);
        posts.commit(15, 1500, 2);
        empty.set_state(TablePhase::Done);
        assert_eq!(
            progress.totals(),
            ProgressTotals {
                tables: 2,
                tables_over: 1,
                tables_failed: 0,
                rows: 20,
                bytes: 2000,
                resumed_rows: 5,
                expected_rows: 100,
                phases: [0, 1, 0, 1, 0],
                partitions: PartitionCounts {
                    waiting: 2,
                    active: 1,
                    done: 0,
                },
                sent: Sent {
                    rows: 25,
                    bytes: 2500,
                },
                committed: Sent {
                    rows: 15,
                    bytes: 1500,
                },
                rejected: 2,
                retries: 0,
                splits: 0,
            }
        );
    }

    #[test]
    fn a_step_counts_its_tables_and_the_next_one_begins_anew() {
        let progress = Progress::new();
        progress.begin(3, 7, "making tables");
        progress.expect_tables(5000);
        progress.one_table_more();
        assert_eq!(progress.step().tables, (1, 5000));
        progress.begin(4, 7, "loading");
        assert_eq!(progress.step().tables, (0, 0));
    }

    #[test]
    fn the_expectation_is_never_below_what_came() {
        let progress = Progress::new();
        let posts = progress.add_table("dbo.Posts", 100);
        posts.set_state(TablePhase::Running);
        posts.add(150, 1);
        assert_eq!(posts.expected_rows(), 150);
        posts.expect_rows(500);
        assert_eq!(posts.expected_rows(), 500);
        posts.set_state(TablePhase::Done);
        assert_eq!(posts.expected_rows(), 150);
    }
}
