//! What `tune` measured, and what follows from it.
//!
//! [`TuneReport`] is drawn up from [`TuneFacts`], so that its advice can never contradict its samples.

pub mod advice;
mod facts;
pub mod littles_law;

use serde::Serialize;

use crate::report::tune::advice::Recommendation;
use crate::report::tune::littles_law::LittlesLaw;

pub use crate::report::tune::facts::{Measured, Sample, SampledTable, Settings, TuneFacts};

/// What the whole job would take at the measured rate. An estimate: the other tables have other
/// rows, and keys, indexes and checks come on top.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Bytes of all tables of the job in the source's catalog.
    pub source_bytes: u64,
    /// Bytes of that kind at the recommended settings.
    pub source_bytes_per_second: f64,
    /// At that rate, without keys, indexes and checks.
    pub seconds: f64,
}

/// Facts and what follows from them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TuneReport {
    #[serde(flatten)]
    pub facts: TuneFacts,
    /// By the sample with the fewest connections that was as fast as any.
    pub recommendation: Recommendation,
    /// One line per side.
    pub littles_law: Vec<LittlesLaw>,
    /// `None` if the catalog has no sizes.
    pub estimate: Option<Estimate>,
}

impl TuneReport {
    /// `None` if no sample moved a row: nothing follows from that.
    pub fn draw_up(facts: TuneFacts) -> Option<Self> {
        let recommendation = advice::recommend(&facts)?;
        let chosen = advice::knee(&facts.samples)?;
        let mut moving = facts.samples.iter();
        let alone = moving.find(|sample| sample.measured.batches > 0)?;
        let littles_law = littles_law::both_sides(alone, chosen);
        let estimate = estimate(&facts.table, recommendation.rows_per_second);
        Some(Self {
            recommendation,
            littles_law,
            estimate,
            facts,
        })
    }
}

/// By bytes: the sampled rows' rate in bytes of the source, as large as its catalog says they are.
/// `None` if the catalog has no rows or sizes of the sampled table, or nothing moved.
fn estimate(table: &SampledTable, rows_per_second: f64) -> Option<Estimate> {
    if table.estimated_rows == 0 || table.estimated_bytes == 0 || rows_per_second <= 0.0 {
        return None;
    }
    let bytes_per_row = table.estimated_bytes as f64 / table.estimated_rows as f64;
    let source_bytes_per_second = bytes_per_row * rows_per_second;
    Some(Estimate {
        source_bytes: table.job_bytes,
        source_bytes_per_second,
        seconds: table.job_bytes as f64 / source_bytes_per_second,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::report::Endpoint;
    use crate::report::time::TimeSpent;

    /// A sample of ten seconds that moved this many MiB/s in rows of 1 KiB and batches of 256 KiB,
    /// whose connections spent this share of their time waiting for the source.
    pub(crate) fn sample(connections: usize, mib_per_second: f64, source: f64) -> Sample {
        let busy = connections as f64 * 10.0;
        let bytes = mib_per_second * 10.0 * f64::from(1 << 20);
        let measured = Measured {
            connections,
            commit_every: 64 << 20,
            seconds: 10.0,
            rows: (bytes / 1024.0) as u64,
            bytes: bytes as u64,
            batches: (bytes / f64::from(256 << 10)) as u64,
            commits: connections as u64,
            time: TimeSpent {
                source_rows: busy * source,
                copy: busy * (1.0 - source),
                ..TimeSpent::default()
            },
            reading: busy * source,
            tool_cpu: Some(2.0),
            machine_busy: Some(0.5),
            ..Measured::default()
        };
        Sample::new(measured, 4)
    }

    pub(crate) fn facts(samples: Vec<Sample>) -> TuneFacts {
        TuneFacts {
            job: "shop".into(),
            source: Endpoint::default(),
            target: Endpoint::default(),
            table: SampledTable {
                table: "dbo.Posts".into(),
                strategy: "keyset".into(),
                estimated_rows: 1_000_000,
                estimated_bytes: 2 << 30,
                job_bytes: 4 << 30,
                ranges: 8,
                unlogged: false,
            },
            settings: Settings {
                source_connections: 8,
                source_min_connections: 2,
                target_connections: 16,
                max_partitions_per_table: 8,
                partitions_in_flight: None,
                commit_every: 64 << 20,
                cores: 4,
                sample_seconds: 10.0,
            },
            samples,
            commit_samples: Vec::new(),
            notes: Vec::new(),
            seconds: 60.0,
        }
    }

    #[test]
    fn figures_follow_from_what_was_measured() {
        let sample = sample(2, 100.0, 0.75);
        assert_eq!(sample.bytes_per_second, 100.0 * 1_048_576.0);
        assert_eq!(sample.rows_per_second, 102_400.0);
        assert_eq!(sample.waiting_for_source, 0.75);
        assert_eq!(sample.waiting_for_target, 0.25);
        // 2 CPU seconds of 10 s times 4 CPUs.
        assert_eq!(sample.tool_cpu_share, Some(0.05));
        // 15 s of reading for 4,000 batches.
        assert_eq!(sample.source_ms_per_batch, 3.75);
        assert_eq!(sample.target_ms_per_batch, 1.25);
    }

    #[test]
    fn a_sample_without_rows_has_no_rate_and_gives_no_report() {
        let none = Sample::new(Measured::default(), 4);
        assert_eq!((none.bytes_per_second, none.waiting_for_source), (0.0, 0.0));
        assert!(TuneReport::draw_up(facts(vec![none])).is_none());
        assert!(TuneReport::draw_up(facts(Vec::new())).is_none());
    }

    /// A batch takes longer than a sample on a slow link, and a division by no batches is not a time.
    #[test]
    fn a_sample_without_a_batch_is_no_measure_of_batches() {
        let none = Measured {
            connections: 1,
            ..Measured::default()
        };
        let samples = vec![
            Sample::new(none, 4),
            sample(2, 1.0, 0.9),
            sample(4, 1.0, 0.9),
        ];
        let report = TuneReport::draw_up(facts(samples)).expect("a report");
        assert_eq!(report.littles_law[0].alone_connections, 2);
        assert!(report.littles_law[0].alone_ms > 0.0);
    }

    #[test]
    fn the_whole_job_is_estimated_by_the_bytes_of_its_tables() {
        let report = TuneReport::draw_up(facts(vec![sample(1, 100.0, 0.5)])).expect("a report");
        let estimate = report.estimate.expect("an estimate");
        // 102,400 rows/s of 2147.5 bytes at the source; the job has twice the table's bytes.
        let expected = 2.0 * 1_000_000.0 / 102_400.0;
        assert!(
            (estimate.seconds - expected).abs() < 1e-9,
            "{}",
            estimate.seconds
        );
        let mut unknown = facts(vec![sample(1, 100.0, 0.5)]);
        unknown.table.estimated_bytes = 0;
        assert_eq!(
            TuneReport::draw_up(unknown).expect("a report").estimate,
            None
        );
    }
}
