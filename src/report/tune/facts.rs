//! What `tune` measured, under which settings, and the figures of each sample.
//!
//! `pipeline::tune` measures and fills it; nothing in it is advice. Rates and shares of a
//! [`Sample`] are computed once, in `Sample::new`, so that text and JSON agree.

use serde::Serialize;

use crate::report::Endpoint;
use crate::report::time::TimeSpent;

/// What was measured, and under which settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TuneFacts {
    pub job: String,
    pub source: Endpoint,
    pub target: Endpoint,
    pub table: SampledTable,
    pub settings: Settings,
    /// By connections, one first, with the job's `commit_every`.
    pub samples: Vec<Sample>,
    /// By `commit_every`, with the recommended connections; empty if it changes nothing.
    pub commit_samples: Vec<Sample>,
    /// What a reader of the figures must know.
    pub notes: Vec<String>,
    /// Duration of the whole command.
    pub seconds: f64,
}

/// The table whose rows were read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampledTable {
    /// `dbo.Posts`.
    pub table: String,
    /// One word, see [`crate::plan::table::Strategy::name`].
    pub strategy: String,
    /// By the source's catalog, without a count.
    pub estimated_rows: u64,
    /// Used pages at the source; 0 if the login may not see them.
    pub estimated_bytes: u64,
    /// Bytes of all tables of the job.
    pub job_bytes: u64,
    /// Into which it was cut for the samples.
    pub ranges: usize,
    /// The scratch table was UNLOGGED, as the job says.
    pub unlogged: bool,
}

/// What the job says today, and what it is run on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Settings {
    /// `source.pool.max_connections`.
    pub source_connections: usize,
    /// `source.pool.min_connections`, which must not be more than what is recommended.
    pub source_min_connections: usize,
    /// `target.pool.max_connections`.
    pub target_connections: usize,
    pub max_partitions_per_table: usize,
    /// Set if the job fixes it.
    pub partitions_in_flight: Option<usize>,
    /// Bytes.
    pub commit_every: u64,
    /// CPUs that this process may use.
    pub cores: usize,
    /// Length of a sample, as asked for.
    pub sample_seconds: f64,
}

impl Settings {
    /// Most connections that both pools can give at a time.
    pub fn cap(&self) -> usize {
        self.source_connections.min(self.target_connections)
    }
}

/// One sample as it was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Measured {
    /// Connections of each side.
    pub connections: usize,
    /// Bytes.
    pub commit_every: u64,
    /// Until the last connection had committed what it read.
    pub seconds: f64,
    /// Committed.
    pub rows: u64,
    /// COPY BINARY bytes of the rows.
    pub bytes: u64,
    pub batches: u64,
    pub commits: u64,
    /// Rows that PostgreSQL could not hold, under `values: reject`.
    pub rejected_rows: u64,
    /// Where the loading side's time went, added up over the connections.
    pub time: TimeSpent,
    /// Seconds in which the source's connections were at work on batches, added up.
    pub reading: f64,
    /// CPU seconds of this process; `None` if the system does not tell.
    pub tool_cpu: Option<f64>,
    /// How busy all CPUs of the machine were, 0.0 to 1.0, by all processes.
    pub machine_busy: Option<f64>,
    /// Some of the rows had been read before, so the source may have had them in memory.
    pub again: bool,
}

/// A sample with the figures that follow from it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sample {
    #[serde(flatten)]
    pub measured: Measured,
    /// Over all connections, in committed rows.
    pub rows_per_second: f64,
    /// Over all connections, in committed bytes of COPY BINARY.
    pub bytes_per_second: f64,
    /// Share of the connections' time spent waiting for the source, 0.0 to 1.0.
    pub waiting_for_source: f64,
    /// The same in COPY and in COMMIT.
    pub waiting_for_target: f64,
    /// Share of the CPUs that this process may use, 0.0 to 1.0.
    pub tool_cpu_share: Option<f64>,
    /// Mean time for which a batch keeps a connection of either side at work.
    pub source_ms_per_batch: f64,
    pub target_ms_per_batch: f64,
}

impl Sample {
    /// `cores`: CPUs that this process may use.
    pub fn new(measured: Measured, cores: usize) -> Self {
        let time = &measured.time;
        let source = time.source_rows + time.source_pool;
        let target = time.copy + time.commit;
        let batches = measured.batches as f64;
        Self {
            rows_per_second: ratio(measured.rows as f64, measured.seconds),
            bytes_per_second: ratio(measured.bytes as f64, measured.seconds),
            waiting_for_source: ratio(source, source + target),
            waiting_for_target: ratio(target, source + target),
            tool_cpu_share: measured
                .tool_cpu
                .map(|cpu| ratio(cpu, measured.seconds * cores as f64)),
            source_ms_per_batch: ratio(measured.reading, batches) * 1e3,
            target_ms_per_batch: ratio(target, batches) * 1e3,
            measured,
        }
    }

    /// Over all connections; 0 for a sample that took no time.
    pub fn batches_per_second(&self) -> f64 {
        ratio(self.measured.batches as f64, self.measured.seconds)
    }
}

/// 0 if there is nothing to divide by.
fn ratio(amount: f64, by: f64) -> f64 {
    if by > 0.0 { amount / by } else { 0.0 }
}
