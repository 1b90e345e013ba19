//! How far a run is: counters that workers raise and a display reads, without either waiting.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::mutex::lock;
use crate::report::concurrency::{Change, Concurrency};
use crate::report::time::Clock;

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

/// The phase of a table's load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TablePhase {
    /// From the start, until a worker takes one of its partitions.
    Waiting = 0,
    /// By the first worker that takes one of its partitions.
    Running = 1,
    /// By the worker that ends its last partition.
    Loaded = 2,
    /// By the worker that has made its keys and indexes; from the start if an earlier run had.
    Done = 3,
    /// By the worker that meets its first permanent error.
    Failed = 4,
}

impl TablePhase {
    fn from_u8(state: u8) -> Self {
        match state {
            1 => Self::Running,
            2 => Self::Loaded,
            3 => Self::Done,
            4 => Self::Failed,
            // Only `set_state` writes the byte, so what is left is 0.
            _ => Self::Waiting,
        }
    }

    /// No further row will come.
    pub fn over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// Counters of one table. Workers raise them after each batch and commit.
#[derive(Debug)]
pub struct TableProgress {
    name: String,
    state: AtomicU8,
    /// What the catalog estimates; may be off either way.
    expected_rows: AtomicU64,
    /// Sent to the target, committed or not. Falls back when a partition is retried.
    rows: AtomicU64,
    bytes: AtomicU64,
    /// The part of `rows` that an earlier run had committed; no rate of this run counts it.
    resumed_rows: AtomicU64,
    partitions: AtomicU32,
    partitions_done: AtomicU32,
    /// Times that a partition was cut while it was loaded.
    splits: AtomicU32,
    retries: AtomicU32,
    /// When it was set to `Running`, and when to a state that is over.
    span: Mutex<(Option<Instant>, Option<Instant>)>,
}

impl Progress {
    /// Progress of a run that starts now.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            step: Mutex::new(Step {
                number: 0,
                of: 0,
                name: "starting",
                tables: (0, 0),
            }),
            tables: RwLock::default(),
            clock: Clock::default(),
            concurrency: Mutex::default(),
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
        let table = Arc::new(TableProgress {
            name: name.into(),
            state: AtomicU8::new(TablePhase::Waiting as u8),
            expected_rows: AtomicU64::new(expected_rows),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            resumed_rows: AtomicU64::new(0),
            partitions: AtomicU32::new(0),
            partitions_done: AtomicU32::new(0),
            splits: AtomicU32::new(0),
            retries: AtomicU32::new(0),
            span: Mutex::default(),
        });
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

    /// Sums over all tables, at this moment.
    pub fn totals(&self) -> ProgressTotals {
        let mut totals = ProgressTotals::default();
        for table in self.tables() {
            let state = table.state();
            totals.tables += 1;
            totals.tables_over += u64::from(state.over());
            totals.tables_failed += u64::from(state == TablePhase::Failed);
            totals.rows += table.rows();
            totals.bytes += table.bytes();
            totals.resumed_rows += table.resumed_rows();
            totals.expected_rows += table.expected_rows();
        }
        totals
    }
}

/// What the total bar shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProgressTotals {
    pub tables: u64,
    pub tables_over: u64,
    pub tables_failed: u64,
    pub rows: u64,
    pub bytes: u64,
    pub resumed_rows: u64,
    pub expected_rows: u64,
}

impl ProgressTotals {
    /// Rows that this run itself moved: what its speed is computed from.
    pub fn moved(&self) -> u64 {
        self.rows.saturating_sub(self.resumed_rows)
    }
}

impl TableProgress {
    /// `dbo.Posts`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The phase that the table is in.
    pub fn state(&self) -> TablePhase {
        TablePhase::from_u8(self.state.load(Ordering::Relaxed))
    }

    /// See [`TablePhase`] for who sets what.
    pub fn set_state(&self, state: TablePhase) {
        self.state.store(state as u8, Ordering::Relaxed);
        let mut span = lock(&self.span);
        if state == TablePhase::Running {
            span.0.get_or_insert_with(Instant::now);
        }
        if state.over() {
            span.1.get_or_insert_with(Instant::now);
        }
    }

    /// From the first partition taken until now, or until the table was over.
    pub fn elapsed(&self) -> Duration {
        let (from, to) = *lock(&self.span);
        match (from, to) {
            (Some(from), Some(to)) => to.duration_since(from),
            (Some(from), None) => from.elapsed(),
            (None, _) => Duration::ZERO,
        }
    }

    /// `rows` of an earlier run were found committed.
    pub fn resume(&self, rows: u64, bytes: u64) {
        self.resumed_rows.fetch_add(rows, Ordering::Relaxed);
        self.add(rows, bytes);
    }

    /// A batch was sent.
    pub fn add(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes back what was sent but not committed, before a retry sends it again.
    pub fn take_back(&self, rows: u64, bytes: u64) {
        let lower = |counter: &AtomicU64, by: u64| {
            let mut seen = counter.load(Ordering::Relaxed);
            while let Err(now) = counter.compare_exchange_weak(
                seen,
                seen.saturating_sub(by),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                seen = now;
            }
        };
        lower(&self.rows, rows);
        lower(&self.bytes, bytes);
    }

    /// Rows sent, those of earlier runs included.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows that an earlier run had committed.
    pub fn resumed_rows(&self) -> u64 {
        self.resumed_rows.load(Ordering::Relaxed)
    }

    /// COPY bytes sent, those of earlier runs included.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// A better figure than the catalog's estimate is known.
    pub fn expect_rows(&self, rows: u64) {
        self.expected_rows.store(rows, Ordering::Relaxed);
    }

    /// Never less than the rows that came; no more than these once the table is over.
    pub fn expected_rows(&self) -> u64 {
        let expected = self.expected_rows.load(Ordering::Relaxed);
        if self.state().over() {
            self.rows()
        } else {
            expected.max(self.rows())
        }
    }

    /// Sets how many partitions the table has.
    pub fn set_partitions(&self, partitions: u32) {
        self.partitions.store(partitions, Ordering::Relaxed);
    }

    /// Partitions that were cut off others.
    pub fn add_partitions(&self, partitions: u32) {
        self.partitions.fetch_add(partitions, Ordering::Relaxed);
    }

    /// A partition was cut while it was loaded.
    pub fn add_split(&self) {
        self.splits.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a partition was cut while it was loaded.
    pub fn splits(&self) -> u32 {
        self.splits.load(Ordering::Relaxed)
    }

    /// One more partition is done.
    pub fn partition_done(&self) {
        self.partitions_done.fetch_add(1, Ordering::Relaxed);
    }

    /// Done, of all.
    pub fn partitions(&self) -> (u32, u32) {
        (
            self.partitions_done.load(Ordering::Relaxed),
            self.partitions.load(Ordering::Relaxed),
        )
    }

    /// A partition was taken up again after a transient fault.
    pub fn add_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a partition was taken up again after a transient fault.
    pub fn retries(&self) -> u32 {
        self.retries.load(Ordering::Relaxed)
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
        posts.add(25, 2500);
        posts.take_back(10, 1000);
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
