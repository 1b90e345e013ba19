//! A second of samples of the largest tables, for `check --sample`.
//!
//! They go the way of `tune`: rows of the job's tables, from their SELECT to COPY, into a scratch table that
//! is dropped. Each table is sampled twice, because two rates tell how far one alone could be off.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::config::job::Job;
use crate::error::{Error, Kind, Result};
use crate::pipeline::connections::Connections;
use crate::pipeline::machine;
use crate::pipeline::options::{RunOptions, TuneOptions};
use crate::pipeline::shutdown::drop_on_stop;
use crate::pipeline::survey;
use crate::pipeline::tune::Tuning;
use crate::pipeline::tune::sample::{STOPPED, Sampler, Setting};
use crate::plan::table::{Strategy, TablePlan};
use crate::report::estimate::{self, Estimate, JobTable, TableSamples};
use crate::report::tune::Sample;

/// Half a second each: a table is sampled for a second in all.
const SAMPLE: Duration = Duration::from_millis(500);
const SAMPLES: usize = 2;

/// Tables, the largest of the job: their rates say how much tables differ.
const MOST_TABLES: usize = 3;

/// Connections of each side, as a run begins before it has measured anything.
const FIRST: (usize, usize) = (2, 4);

/// Samples the job and estimates how long its rows take. Holds the job's lock, and leaves nothing on the
/// target.
///
/// # Errors
/// What kept it from sampling: another process runs the job, no table has rows, a fault of either side.
pub async fn estimate(job: &Job, cancel: CancellationToken) -> Result<Estimate> {
    let connections = drop_on_stop(&cancel, STOPPED, Connections::open_to_write(job)).await?;
    let tuning = Tuning {
        job,
        options: &RunOptions::default(),
        tuning: TuneOptions { sample: SAMPLE },
        connections: &connections,
        began: Instant::now(),
    };
    let measure = async |cancel: &CancellationToken| sampled(&tuning, cancel).await;
    let outcome = tuning.locked(&cancel, measure).await;
    connections.close().await;
    outcome
}

async fn sampled(tuning: &Tuning<'_>, cancel: &CancellationToken) -> Result<Estimate> {
    let surveyed = survey::survey(tuning.job, tuning.connections, tuning.options);
    let survey = drop_on_stop(cancel, STOPPED, surveyed).await?;
    let plans = &survey.planned.tables;
    let (mut samples, mut notes) = (Vec::new(), Vec::new());
    for plan in largest(plans) {
        let (sample, left_behind) = table(tuning, plan, cancel).await?;
        samples.push(sample);
        notes.extend(left_behind);
    }
    let tables: Vec<_> = plans.iter().map(job_table).collect();
    let found = estimate::estimate(&tables, samples).ok_or_else(nothing)?;
    Ok(Estimate { notes, ..found })
}

fn nothing() -> Error {
    Error::new(
        Kind::Usage,
        "no table has rows and a size in the source's catalog, so there is nothing to sample",
    )
}

fn largest(plans: &[TablePlan]) -> Vec<&TablePlan> {
    let sized = |plan: &&TablePlan| plan.estimated_rows > 0 && plan.estimated_bytes > 0;
    let mut plans: Vec<_> = plans.iter().filter(sized).collect();
    plans.sort_by_key(|plan| Reverse(plan.estimated_bytes));
    plans.truncate(MOST_TABLES);
    plans
}

fn job_table(plan: &TablePlan) -> JobTable {
    JobTable {
        table: plan.full_name(),
        bytes: plan.estimated_bytes,
        one_reader: plan.strategy == Strategy::Single,
    }
}

/// Two samples of a table, and what kept its scratch table from being dropped.
async fn table(
    tuning: &Tuning<'_>,
    plan: &TablePlan,
    cancel: &CancellationToken,
) -> Result<(TableSamples, Option<String>)> {
    let cap = tuning.settings().cap();
    let cores = machine::cores().unwrap_or(FIRST.0);
    let connections = match plan.strategy {
        Strategy::Single => 1,
        _ => cores.clamp(FIRST.0, FIRST.1).min(cap),
    };
    let slices = drop_on_stop(cancel, STOPPED, tuning.cut(plan, connections)).await?;
    let setting = Setting {
        connections,
        commit_every: tuning.job.transfer.commit_every,
        length: SAMPLE,
    };
    let sampling = async |sampler: &Sampler<'_>| {
        let mut samples = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            samples.push(Sample::new(sampler.take(setting).await?, cores));
        }
        Ok(samples)
    };
    let (samples, left_behind) = tuning.with_scratch(plan, slices, cancel, sampling).await?;
    let row = plan.estimated_bytes as f64 / plan.estimated_rows as f64;
    let rows: Vec<f64> = samples.iter().map(|one| one.rows_per_second).collect();
    let sample = TableSamples {
        table: plan.full_name(),
        connections,
        bytes_per_second: rows.iter().map(|rate| rate * row).collect(),
        rows_per_second: rows,
    };
    Ok((sample, left_behind))
}
