//! How far one table is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::mutex::lock;
use crate::report::timeline::TableSpan;

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
    /// In the order of a table's life.
    pub const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Running,
        Self::Loaded,
        Self::Done,
        Self::Failed,
    ];

    /// The word in labels of metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Loaded => "loaded",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

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
    /// Partitions that workers are moving now.
    active: AtomicU32,
    /// Only ever grow: a rate can be computed from them.
    sent: Counters,
    committed: Counters,
    /// Rows kept as rejects, by commits of this run.
    rejected: AtomicU64,
    span: Mutex<Span>,
}

/// When a table came into its phases.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    running: Option<Instant>,
    loaded: Option<Instant>,
    over: Option<Instant>,
}

/// Rows and bytes of COPY.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    pub rows: u64,
    pub bytes: u64,
}

impl Sent {
    /// Adds what was sent elsewhere.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

#[derive(Debug, Default)]
struct Counters {
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    fn raise(&self, by: Sent) {
        self.rows.fetch_add(by.rows, Ordering::Relaxed);
        self.bytes.fetch_add(by.bytes, Ordering::Relaxed);
    }

    fn read(&self) -> Sent {
        Sent {
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

impl TableProgress {
    /// A table in state `Waiting`.
    pub(super) fn new(name: String, expected_rows: u64) -> Self {
        Self {
            name,
            state: AtomicU8::new(TablePhase::Waiting as u8),
            expected_rows: AtomicU64::new(expected_rows),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            resumed_rows: AtomicU64::new(0),
            partitions: AtomicU32::new(0),
            partitions_done: AtomicU32::new(0),
            splits: AtomicU32::new(0),
            retries: AtomicU32::new(0),
            active: AtomicU32::new(0),
            sent: Counters::default(),
            committed: Counters::default(),
            rejected: AtomicU64::new(0),
            span: Mutex::default(),
        }
    }

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
        let reached = match state {
            TablePhase::Waiting => return,
            TablePhase::Running => &mut span.running,
            TablePhase::Loaded => &mut span.loaded,
            TablePhase::Done | TablePhase::Failed => &mut span.over,
        };
        reached.get_or_insert_with(Instant::now);
    }

    /// From the first partition taken until now, or until the table was over.
    pub fn elapsed(&self) -> Duration {
        let span = *lock(&self.span);
        match (span.running, span.over) {
            (Some(from), Some(to)) => to.duration_since(from),
            (Some(from), None) => from.elapsed(),
            (None, _) => Duration::ZERO,
        }
    }

    /// When it came into its phases, in seconds since the run began.
    pub(super) fn span_since(&self, began: Instant) -> TableSpan {
        let span = *lock(&self.span);
        let seconds = |moment: Option<Instant>| {
            moment.map(|moment| moment.saturating_duration_since(began).as_secs_f64())
        };
        TableSpan {
            table: self.name.clone(),
            start: seconds(span.running),
            loaded: seconds(span.loaded),
            end: seconds(span.over),
        }
    }

    /// `rows` of an earlier run were found committed.
    pub fn resume(&self, rows: u64, bytes: u64) {
        self.resumed_rows.fetch_add(rows, Ordering::Relaxed);
        self.add(rows, bytes);
    }

    /// A batch was sent.
    pub fn send(&self, rows: u64, bytes: u64) {
        self.add(rows, bytes);
        self.sent.raise(Sent { rows, bytes });
    }

    /// What was sent before is committed, with this many rejected rows.
    pub fn commit(&self, rows: u64, bytes: u64, rejected: u64) {
        self.committed.raise(Sent { rows, bytes });
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
    }

    /// Sent by this run, also what had to be sent again.
    pub fn sent(&self) -> Sent {
        self.sent.read()
    }

    /// Committed by this run.
    pub fn committed(&self) -> Sent {
        self.committed.read()
    }

    /// Rows that this run kept as rejects.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Adds what is on the target, or on its way there.
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

    /// A worker took a partition.
    pub fn partition_taken(&self) {
        self.active.fetch_add(1, Ordering::AcqRel);
    }

    /// The worker gave it back.
    pub fn partition_released(&self) {
        self.active.fetch_sub(1, Ordering::AcqRel);
    }

    /// Partitions that workers are moving now.
    pub fn active_partitions(&self) -> u32 {
        self.active.load(Ordering::Acquire)
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
