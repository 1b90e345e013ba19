//! How a run went over time: its steps, which source connection moved which partition, how fast it was.

mod merge;
mod phases;
mod recorder;

use serde::Serialize;

use crate::report::time::TimeSpent;

pub use crate::report::timeline::phases::Phase;
pub use crate::report::timeline::recorder::{Lane, Look, Recorder, Transfer, Turn};

/// All times are seconds since the run began.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Timeline {
    pub steps: Vec<StepSpan>,
    /// How many source connections moved partitions at one time, at most.
    pub lanes: usize,
    /// In the order of their ends. Neighbours of a lane are merged when there are 2,000.
    pub bars: Vec<Bar>,
    /// When each table was loaded and finished, in the order of the run's progress.
    pub tables: Vec<TableSpan>,
    /// Seconds between two samples: 1, or more after a long run.
    pub sample_seconds: f64,
    /// Fewer than 600: every two become one when there are as many.
    pub samples: Vec<Sample>,
}

/// A numbered step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepSpan {
    /// From 1.
    pub number: u32,
    /// A lower-case fragment.
    pub name: String,
    pub start: f64,
    pub end: f64,
}

/// A source connection that moves a partition, or several partitions that were merged into one bar.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// The connection's place among those that moved partitions at that time, from 1.
    pub lane: u32,
    /// `dbo.Posts`; `None` for partitions of several tables.
    pub table: Option<String>,
    /// The partition's number in its table; `None` for several.
    pub partition: Option<u32>,
    /// How many partitions it stands for; a partition that was continued counts again.
    pub partitions: u32,
    /// The connection was taken.
    pub start: f64,
    /// It was given back.
    pub end: f64,
    /// The last of its rows was committed, or the attempt failed.
    pub committed: f64,
    /// Committed by it.
    pub rows: u64,
    pub bytes: u64,
    /// It ended with an error; another bar continues the partition.
    pub failed: bool,
    /// What the partition waited for. The waits for pools came before `start`.
    pub waits: TimeSpent,
}

/// A table from its first partition to its last index.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableSpan {
    /// `dbo.Posts`.
    pub table: String,
    /// A worker took its first partition; `None` if none did in this run.
    pub start: Option<f64>,
    /// All of its rows were there.
    pub loaded: Option<f64>,
    /// Its keys and indexes were there, or it failed.
    pub end: Option<f64>,
}

/// What a run did in the time before `at`: means over that time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Sample {
    pub at: f64,
    /// Sent, also what was sent again.
    pub rows_per_second: f64,
    pub bytes_per_second: f64,
    pub active_partitions: f64,
    pub source: PoolSample,
    pub target: PoolSample,
}

/// A pool in a sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PoolSample {
    pub in_use: f64,
    pub waiting: f64,
}
