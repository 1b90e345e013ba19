//! What the metrics say, read from the counters of the run at each scrape.
//!
//! Nothing here is written by workers: a scrape costs them nothing, and a run without one less than that.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::registry::Registry;

use crate::cli::metrics::families::{Families, Family, Labels, bytes, plain, seconds};
use crate::error::{Error, Kind, Result};
use crate::report::pool::PoolState;
use crate::report::progress::{Progress, ProgressTotals, TablePhase, TableProgress};
use crate::report::run::RunOutcome;
use crate::report::time::Activity;

/// Every name begins with it.
const PREFIX: &str = "migrate";

/// The metrics of one run in both text formats.
#[derive(Debug)]
pub(super) struct Exposition(Registry);

impl Exposition {
    pub(super) fn new(job: &str, progress: Arc<Progress>, per_table: bool) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(RunMetrics {
            progress,
            job: job.to_owned(),
            per_table,
        }));
        Self(registry)
    }

    /// In OpenMetrics 1.0.
    pub(super) fn open_metrics(&self) -> Result<String> {
        let mut out = String::new();
        text::encode(&mut out, &self.0).map_err(broken)?;
        Ok(out)
    }

    /// In Prometheus' text format 0.0.4, which node_exporter's textfile collector reads.
    pub(super) fn plain(&self) -> Result<String> {
        let mut out = String::new();
        prometheus_text::encode(&mut out, &self.0).map_err(broken)?;
        Ok(out)
    }
}

fn broken(cause: fmt::Error) -> Error {
    Error::new(Kind::Internal, "the metrics could not be encoded").because(cause)
}

/// Reads the run's counters when it is scraped.
#[derive(Debug)]
struct RunMetrics {
    progress: Arc<Progress>,
    job: String,
    per_table: bool,
}

impl Collector for RunMetrics {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut families = Families(encoder);
        let totals = self.progress.totals();
        self.run(&mut families)?;
        rows(&mut families, &totals)?;
        work(&mut families, &totals)?;
        self.time(&mut families)?;
        let pools = self.progress.pools();
        pool_gauges(&mut families, &pools)?;
        pool_counters(&mut families, &pools)?;
        if self.per_table {
            tables(&mut families, &self.progress.tables())?;
        }
        Ok(())
    }
}

impl RunMetrics {
    fn run(&self, out: &mut Families<'_>) -> fmt::Result {
        let labels = vec![
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("job_name", self.job.clone()),
        ];
        out.info(
            &plain("run", "The version of the tool and the job."),
            &labels,
        )?;
        let elapsed = self.progress.elapsed().as_secs_f64();
        let family = seconds("elapsed", "Time since the run began.");
        out.gauges(&family, one(elapsed))?;
        let step = self.progress.step();
        let family = plain(
            "step",
            "The numbered step that the run is in, as in the log.",
        );
        out.gauges(&family, one(step.number))?;
        let family = plain("steps", "How many numbered steps a run has.");
        out.gauges(&family, one(step.of))?;
        let family = plain(
            "outcome",
            "1 for how the run ended, and 0 for all else; all are 0 while it goes.",
        );
        let ended = self.progress.outcome();
        out.gauges(
            &family,
            RunOutcome::ALL.map(|outcome| {
                let label = labelled("outcome", outcome.as_str());
                (label, u32::from(ended == Some(outcome)))
            }),
        )
    }

    fn time(&self, out: &mut Families<'_>) -> fmt::Result {
        let limit = self.progress.concurrency().last;
        let family = plain(
            "partitions_limit",
            "Partitions that may be loaded at a time now.",
        );
        out.gauges(&family, one(limit as u64))?;
        let spent = self.progress.clock().read();
        let family = seconds(
            "worker",
            "Where the time of all workers went: waiting for a pool or for rows, in COPY or in commit.",
        );
        out.counters(
            &family,
            Activity::ALL.map(|activity| {
                let label = labelled("activity", activity.word());
                (label, spent.seconds(activity))
            }),
        )
    }
}

fn rows(out: &mut Families<'_>, totals: &ProgressTotals) -> fmt::Result {
    for (family, count) in [
        (
            plain(
                "sent_rows",
                "Rows sent to the target by this run, also those sent again.",
            ),
            totals.sent.rows,
        ),
        (
            bytes(
                "sent",
                "Bytes of COPY sent to the target by this run, also those sent again.",
            ),
            totals.sent.bytes,
        ),
        (
            plain(
                "committed_rows",
                "Rows committed on the target by this run.",
            ),
            totals.committed.rows,
        ),
        (
            bytes(
                "committed",
                "Bytes of COPY committed on the target by this run.",
            ),
            totals.committed.bytes,
        ),
        (
            plain(
                "rejected_rows",
                "Rows kept in _migrate.rejects by this run.",
            ),
            totals.rejected,
        ),
        (
            plain(
                "retries",
                "Partitions taken up again after a transient fault.",
            ),
            totals.retries,
        ),
        (
            plain("splits", "Partitions divided while they were loaded."),
            totals.splits,
        ),
    ] {
        out.counters(&family, one(count))?;
    }
    progress(out, totals)
}

/// How far the tables are.
fn progress(out: &mut Families<'_>, totals: &ProgressTotals) -> fmt::Result {
    for (family, count) in [
        (
            plain(
                "rows",
                "Rows sent and not taken back, those of earlier runs of the job included.",
            ),
            totals.rows,
        ),
        (
            plain(
                "expected_rows",
                "Rows that the tables are expected to have, by the catalog until they are there.",
            ),
            totals.expected_rows,
        ),
        (
            plain(
                "resumed_rows",
                "Rows that earlier runs of the job had committed.",
            ),
            totals.resumed_rows,
        ),
    ] {
        out.gauges(&family, one(count))?;
    }
    Ok(())
}

fn work(out: &mut Families<'_>, totals: &ProgressTotals) -> fmt::Result {
    let family = plain("tables", "Tables by state.");
    out.gauges(
        &family,
        TablePhase::ALL.map(|phase| {
            let label = labelled("state", phase.word());
            (label, totals.phases[phase as usize])
        }),
    )?;
    let family = plain(
        "partitions",
        "Partitions by state, of tables that are prepared.",
    );
    let partitions = totals.partitions;
    out.gauges(
        &family,
        [
            (labelled("state", "waiting"), partitions.waiting),
            (labelled("state", "active"), partitions.active),
            (labelled("state", "done"), partitions.done),
        ],
    )
}

/// What a family of the pools shows of each.
type OfPool = fn(&PoolState) -> u64;

fn pool_gauges(out: &mut Families<'_>, pools: &[PoolState]) -> fmt::Result {
    let families: [(Family, OfPool); 4] = [
        (
            plain("pool_max_connections", "The cap of the pool."),
            |pool| pool.max_connections,
        ),
        (
            plain("pool_connections_in_use", "Connections that are in use."),
            |pool| pool.in_use,
        ),
        (
            plain(
                "pool_connections_idle",
                "Connections that are open and not in use.",
            ),
            PoolState::idle,
        ),
        (
            plain(
                "pool_waiting",
                "Tasks that wait for a connection, because all are in use.",
            ),
            |pool| pool.waiting,
        ),
    ];
    for (family, value) in families {
        out.gauges(&family, pools.iter().map(|pool| (of(pool), value(pool))))?;
    }
    Ok(())
}

fn pool_counters(out: &mut Families<'_>, pools: &[PoolState]) -> fmt::Result {
    let families: [(Family, OfPool); 5] = [
        (
            plain("pool_acquisitions", "Connections handed out."),
            |pool| pool.acquisitions,
        ),
        (
            plain("pool_timeouts", "Waits that ended after acquire_timeout."),
            |pool| pool.timeouts,
        ),
        (plain("pool_connects", "Connections opened."), |pool| {
            pool.connects
        }),
        (
            plain(
                "pool_reconnects",
                "Connections opened in place of lost or discarded ones.",
            ),
            |pool| pool.reconnects,
        ),
        (
            plain(
                "pool_connect_errors",
                "Connections that could not be opened.",
            ),
            |pool| pool.connect_errors,
        ),
    ];
    for (family, value) in families {
        out.counters(&family, pools.iter().map(|pool| (of(pool), value(pool))))?;
    }
    let family = seconds(
        "pool_wait",
        "How long tasks waited for a connection of a full pool.",
    );
    out.histograms(&family, pools.iter().map(|pool| (of(pool), &pool.waits)))?;
    let family = seconds("pool_use", "How long connections were out of the pool.");
    out.histograms(&family, pools.iter().map(|pool| (of(pool), &pool.uses)))
}

/// What a family of the tables shows of each.
type OfTable = fn(&TableProgress) -> u64;

fn tables(out: &mut Families<'_>, tables: &[Arc<TableProgress>]) -> fmt::Result {
    let label = |table: &Arc<TableProgress>| labelled("table", table.name());
    let counters: [(Family, OfTable); 3] = [
        (
            plain(
                "table_committed_rows",
                "Rows of the table committed by this run.",
            ),
            |table| table.committed().rows,
        ),
        (
            plain(
                "table_rejected_rows",
                "Rows of the table kept as rejects by this run.",
            ),
            TableProgress::rejected,
        ),
        (
            plain("table_retries", "Partitions of the table taken up again."),
            |table| u64::from(table.retries()),
        ),
    ];
    for (family, value) in counters {
        out.counters(
            &family,
            tables.iter().map(|table| (label(table), value(table))),
        )?;
    }
    let gauges: [(Family, OfTable); 2] = [
        (
            plain(
                "table_rows",
                "Rows of the table sent and not taken back, earlier runs included.",
            ),
            TableProgress::rows,
        ),
        (
            plain(
                "table_expected_rows",
                "Rows that the table is expected to have.",
            ),
            TableProgress::expected_rows,
        ),
    ];
    for (family, value) in gauges {
        out.gauges(
            &family,
            tables.iter().map(|table| (label(table), value(table))),
        )?;
    }
    Ok(())
}

/// The only sample of a family.
fn one<V>(value: V) -> [(Labels, V); 1] {
    [(Labels::new(), value)]
}

fn labelled(name: &'static str, value: &str) -> Labels {
    vec![(name, value.to_owned())]
}

fn of(pool: &PoolState) -> Labels {
    labelled("pool", pool.side.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed(per_table: bool) -> String {
        let progress = Progress::new();
        let table = progress.add_table("dbo.\"Posts\"\nDROP", 100);
        table.set_state(TablePhase::Running);
        table.set_partitions(4);
        table.partition_taken();
        table.send(30, 3000);
        table.take_back(10, 1000);
        table.commit(20, 2000, 1);
        progress.end(RunOutcome::Rejected);
        let exposition = Exposition::new("the \"job\"", progress, per_table);
        exposition.open_metrics().expect("metrics")
    }

    #[test]
    fn counters_of_the_run_are_said() {
        let text = exposed(false);
        for line in [
            "migrate_run_info{version=\"0.1.0\",job_name=\"the \\\"job\\\"\"} 1",
            "migrate_sent_rows_total 30",
            "# UNIT migrate_committed_bytes bytes",
            "migrate_committed_bytes_total 2000",
            "migrate_rejected_rows_total 1",
            "migrate_rows 20",
            "migrate_tables{state=\"running\"} 1",
            "migrate_partitions{state=\"waiting\"} 3",
            "migrate_partitions{state=\"active\"} 1",
            "migrate_outcome{outcome=\"rejected\"} 1",
            "migrate_outcome{outcome=\"done\"} 0",
            "migrate_worker_seconds_total{activity=\"source_rows\"} 0.0",
        ] {
            assert!(
                text.lines().any(|said| said == line),
                "{line} is not in\n{text}"
            );
        }
        assert!(!text.contains("Posts"), "{text}");
    }

    #[test]
    fn a_table_has_series_of_its_own_only_if_asked_for() {
        let text = exposed(true);
        let line = "migrate_table_committed_rows_total{table=\"dbo.\\\"Posts\\\"\\nDROP\"} 20";
        assert!(text.lines().any(|said| said == line), "{text}");
    }
}
