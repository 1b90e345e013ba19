//! Takes samples of the real job at several settings, and leaves both servers as they were.
//!
//! Rows of one real table go the way of a run, from its SELECT to COPY, into a scratch table that
//! is dropped at the end. Samples commit as the job would, because commits are part of what a
//! setting costs; what a partition records beside its rows is not written.

mod estimate;
mod ranges;
mod sample;
mod tried;

pub use estimate::estimate;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::config::job::{Job, VerifyLevel};
use crate::error::{Error, Kind, Result};
use crate::mssql::large_rows::LargeRows;
use crate::pipeline::connections::{self, Connections, source_endpoint};
use crate::pipeline::load::cut_points::CutFinder;
use crate::pipeline::machine;
use crate::pipeline::options::{RunOptions, TuneOptions};
use crate::pipeline::shutdown::{Ended, cancel_on_stop, drop_on_stop, finish_within_grace};
use crate::pipeline::survey::{self, Survey};
use crate::pipeline::tune::ranges::Ranges;
use crate::pipeline::tune::sample::{STOPPED, Sampler, Setting, Task};
use crate::pipeline::tune::tried::{commit_sizes, counts};
use crate::plan::layout::row_layout;
use crate::plan::slices::slices;
use crate::plan::table::{Slice, Strategy, TablePlan};
use crate::postgres::copy::CopyTable;
use crate::postgres::lock::JobLock;
use crate::postgres::scratch::Scratch;
use crate::report::tune::advice::knee;
use crate::report::tune::{Sample, SampledTable, Settings, TuneFacts, TuneReport};

/// How long a `tune` that was stopped waits for its scratch table to be dropped.
const DROP_GRACE: Duration = Duration::from_secs(1);

const STEPS: u32 = 6;

/// Measures one table of the job. `options.only_tables` names it; none means the largest that is
/// read by a key.
///
/// # Errors
/// What kept it from measuring, and `Stopped` after a signal. A scratch table that could not be
/// dropped is a note of the report.
pub async fn tune(
    job: &Job,
    options: &RunOptions,
    tuning: TuneOptions,
    cancel: CancellationToken,
) -> Result<TuneReport> {
    begin(1, "connecting to both servers");
    let connections = drop_on_stop(&cancel, STOPPED, Connections::open_to_write(job)).await?;
    let tuning = Tuning {
        job,
        options,
        tuning,
        connections: &connections,
        began: Instant::now(),
    };
    let measure = async |cancel: &CancellationToken| tuning.measure(cancel).await;
    let outcome = tuning.locked(&cancel, measure).await;
    connections.close().await;
    outcome
}

fn begin(number: u32, name: &'static str) {
    tracing::info!(step = number, of = STEPS, "{name}");
}

/// One command.
struct Tuning<'a> {
    job: &'a Job,
    options: &'a RunOptions,
    tuning: TuneOptions,
    connections: &'a Connections,
    began: Instant,
}

/// All samples of a command.
struct Samples {
    /// In the order 1, 2, 4, ... and the cap.
    by_connections: Vec<Sample>,
    /// Empty if sizes of commits cannot be told apart.
    by_commits: Vec<Sample>,
    /// How often the table was read from its beginning; above 1, samples may have read from memory.
    passes: u32,
    /// What kept the scratch table from being dropped, and what to do about it.
    left_behind: Option<String>,
}

impl Tuning<'_> {
    /// Under the job's lock: a run of the job would be measured with it, and a second `tune` would
    /// write to the same scratch table.
    async fn locked<T>(
        &self,
        signal: &CancellationToken,
        measure: impl AsyncFnOnce(&CancellationToken) -> Result<T>,
    ) -> Result<T> {
        let taken = JobLock::take(&self.connections.connector, &self.job.name);
        let lock = drop_on_stop(signal, STOPPED, taken).await?;
        let cancel = signal.child_token();
        let outcome = {
            let measured = measure(&cancel);
            tokio::pin!(measured);
            tokio::select! {
                outcome = &mut measured => outcome,
                error = lock.lost() => {
                    cancel.cancel();
                    let measured = measured.await;
                    // What it says then is that it was stopped, if not by whom.
                    if signal.is_cancelled() { measured } else { Err(error) }
                }
            }
        };
        if let Err(error) = lock.release().await {
            tracing::debug!(%error, "the job lock was not released; the server releases it with its connection");
        }
        outcome
    }

    /// Everything but the lock: plan, cut points, scratch table, samples, report.
    async fn measure(&self, cancel: &CancellationToken) -> Result<TuneReport> {
        let (job, connections) = (self.job, self.connections);
        begin(2, "reading the catalog and planning");
        let surveyed = survey::survey(job, connections, self.options);
        let survey = drop_on_stop(cancel, STOPPED, surveyed).await?;
        let (plan, mut notes) = choose(&survey.planned.tables)?;
        begin(3, "finding cut points");
        let settings = self.settings();
        let slices = drop_on_stop(cancel, STOPPED, self.cut(plan, settings.cap())).await?;
        let ranges = slices.len();
        begin(4, "making the scratch table");
        let samples = async |sampler: &Sampler<'_>| {
            begin(5, "sampling");
            self.samples(sampler).await
        };
        let (mut samples, left_behind) = self.with_scratch(plan, slices, cancel, samples).await?;
        samples.left_behind = left_behind;
        notes.extend(remarks(plan, &samples, &settings));
        let target = connections::target_endpoint(job, &connections.target);
        let facts = TuneFacts {
            job: job.name.clone(),
            source: source_endpoint(job, &survey.database),
            target: drop_on_stop(cancel, STOPPED, target).await?,
            table: sampled(plan, &survey, ranges, job.transfer.unlogged_load),
            settings,
            samples: samples.by_connections,
            commit_samples: samples.by_commits,
            notes,
            seconds: self.began.elapsed().as_secs_f64(),
        };
        TuneReport::draw_up(facts).ok_or_else(|| nothing_moved(plan, self.tuning.sample))
    }

    fn settings(&self) -> Settings {
        let job = self.job;
        Settings {
            source_connections: job.source.pool.max_connections,
            source_min_connections: job.source.pool.min_connections,
            target_connections: job.target.pool.max_connections,
            max_partitions_per_table: job.transfer.max_partitions_per_table,
            partitions_in_flight: job.transfer.partitions_in_flight,
            commit_every: job.transfer.commit_every,
            cores: machine::cores().unwrap_or(1),
            sample_seconds: self.tuning.sample.as_secs_f64(),
        }
    }

    /// As a run cuts, into one range per connection at least.
    async fn cut(&self, plan: &TablePlan, cap: usize) -> Result<Vec<Slice>> {
        let mut plan = plan.clone();
        plan.wanted_partitions = plan.wanted_partitions.max(cap);
        plan.dense_partitions = plan.dense_partitions.max(cap);
        let cuts = match plan.strategy.ranges() {
            Some(key) if plan.asks_for_cuts() => {
                let look = CutFinder::for_table(self.job.transfer.consistency, &plan, key);
                let mut source = self.connections.source.acquire().await?;
                let found = look.first_cuts(&mut source).await;
                found.map_err(|error| error.at_table(plan.full_name()))?
            }
            _ => Vec::new(),
        };
        Ok(slices(&plan, cuts))
    }

    /// Makes the scratch table, and drops it whatever happens in between. Gives what was sampled, and what
    /// kept the table from being dropped.
    async fn with_scratch<T>(
        &self,
        plan: &TablePlan,
        slices: Vec<Slice>,
        cancel: &CancellationToken,
        sampling: impl AsyncFnOnce(&Sampler<'_>) -> Result<T>,
    ) -> Result<(T, Option<String>)> {
        let (job, target) = (self.job, &self.connections.target);
        let layout = row_layout(plan, job)
            .map_err(|error| error.at_table(plan.full_name()))?
            .with_checksums(job.verify == VerifyLevel::Checksums);
        let made = async {
            let mut lease = target.acquire().await?;
            let unlogged = job.transfer.unlogged_load;
            Scratch::make(&mut lease, &job.name, plan, unlogged).await
        };
        let (scratch, scratch_plan) = cancel_on_stop(target, cancel, STOPPED, made).await?;
        let copy = CopyTable::new(&job.name, &scratch_plan);
        let sampler = Sampler {
            source: &self.connections.source,
            target,
            scratch: &scratch,
            task: Arc::new(Task {
                source: self.connections.source.clone(),
                plan: plan.clone(),
                layout,
                copy: Arc::new(copy.flush_late(!job.transfer.synchronous_commit)),
                ranges: Ranges::new(slices),
                consistency: job.transfer.consistency,
                large_rows: LargeRows::default(),
            }),
            cancel: cancel.clone(),
        };
        let sampled = sampling(&sampler).await;
        begin(6, "dropping the scratch table");
        let removed = async { scratch.remove(&mut *target.acquire().await?).await };
        let removed = match finish_within_grace(target, cancel, DROP_GRACE, removed).await {
            Ended::Whole(removed) | Ended::Cancelled(Some(removed)) => removed,
            Ended::Cancelled(None) => Err(Error::new(
                Kind::Stopped,
                "a stop leaves no more time for it",
            )),
        };
        let left_behind = removed.err().map(|error| {
            let by_hand = scratch.drop_statement();
            tracing::error!(%error, by_hand, "the scratch table was not dropped");
            format!(
                "the scratch table was not dropped: {error}. The next run or tune of the job drops \
                 it, or you do: {by_hand}."
            )
        });
        // What was measured is good all the same.
        Ok((sampled?, left_behind))
    }

    /// A warm-up that is not counted, then by connections, then by size of commits.
    async fn samples(&self, sampler: &Sampler<'_>) -> Result<Samples> {
        let settings = self.settings();
        let cap = match &sampler.task.plan.strategy {
            // Its rows come in one statement, whatever the connections.
            Strategy::Single => 1,
            _ => settings.cap(),
        };
        let setting = |connections, commit_every| Setting {
            connections,
            commit_every,
            length: self.tuning.sample,
        };
        tracing::info!(connections = cap, "warming up");
        sampler.take(setting(cap, settings.commit_every)).await?;
        let mut by_connections = Vec::new();
        for connections in counts(cap) {
            let setting = setting(connections, settings.commit_every);
            by_connections.push(taken(sampler, setting, settings.cores).await?);
        }
        let mut by_commits = Vec::new();
        if let Some(best) = knee(&by_connections).filter(|_| sampler.task.plan.commits_midway()) {
            let connections = best.measured.connections;
            for size in commit_sizes(settings.commit_every, best) {
                let setting = setting(connections, size);
                by_commits.push(taken(sampler, setting, settings.cores).await?);
            }
        }
        Ok(Samples {
            by_connections,
            by_commits,
            passes: sampler.task.ranges.passes(),
            left_behind: None,
        })
    }
}

/// One sample, with its figures in the log.
async fn taken(sampler: &Sampler<'_>, setting: Setting, cores: usize) -> Result<Sample> {
    let sample = Sample::new(sampler.take(setting).await?, cores);
    tracing::info!(
        connections = setting.connections,
        commit_every = setting.commit_every,
        rows = sample.measured.rows,
        rows_per_second = sample.rows_per_second.round(),
        mib_per_second = (sample.bytes_per_second / f64::from(1 << 20)).round(),
        "a sample was taken"
    );
    Ok(sample)
}

/// The largest table that is read by a key, else the largest; with what to know of the choice.
fn choose(plans: &[TablePlan]) -> Result<(&TablePlan, Vec<String>)> {
    let size = |plan: &&TablePlan| (plan.estimated_bytes, plan.estimated_rows);
    let by_key = |plan: &&TablePlan| matches!(plan.strategy, Strategy::Keyset { .. });
    let keyed = plans.iter().filter(by_key).max_by_key(size);
    let plan = keyed
        .or_else(|| plans.iter().max_by_key(size))
        .ok_or_else(|| Error::new(Kind::JobFile, "the job selects no table to sample"))?;
    let mut notes = Vec::new();
    if plan.strategy == Strategy::Single {
        notes.push(format!(
            "{} is read by one statement, so more than one connection was not tried; choose a \
             table with a key by --table.",
            plan.full_name()
        ));
    }
    Ok((plan, notes))
}

/// What was not as a reader might think.
fn remarks(plan: &TablePlan, samples: &Samples, settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if samples.passes > 1 {
        notes.push(format!(
            "the ranges of {} were begun again {} times: samples marked \"again\" read rows that the \
             source may have had in memory, which the job will not; choose a larger table or fewer \
             --seconds.",
            plan.full_name(),
            samples.passes - 1
        ));
    }
    if !plan.commits_midway() {
        notes.push(
            "partitions of this table commit as a whole, so commit_every changes nothing here."
                .to_owned(),
        );
    } else if samples.by_commits.is_empty() {
        notes.push(
            "a connection moves too little in a sample to tell sizes of commits apart; more \
             --seconds would."
                .to_owned(),
        );
    }
    let mut all = samples.by_connections.iter().chain(&samples.by_commits);
    if all.any(|sample| sample.measured.rejected_rows > 0) {
        notes.push("rows that PostgreSQL cannot hold were left out of the samples.".to_owned());
    }
    if settings.cores == 1 {
        notes.push("the tool may use one CPU only.".to_owned());
    }
    notes.extend(samples.left_behind.clone());
    notes
}

fn sampled(plan: &TablePlan, survey: &Survey, ranges: usize, unlogged: bool) -> SampledTable {
    let all = survey.database.tables.iter();
    let tables = all.filter(|table| !survey.planned.skipped.contains(&table.full_name()));
    SampledTable {
        table: plan.full_name(),
        strategy: plan.strategy.name().to_owned(),
        estimated_rows: plan.estimated_rows,
        estimated_bytes: plan.estimated_bytes,
        job_bytes: tables.map(|table| table.estimated_bytes).sum(),
        ranges,
        unlogged,
    }
}

/// The table is empty, or its first batch takes longer than the longest sample.
fn nothing_moved(plan: &TablePlan, sample: Duration) -> Error {
    Error::new(
        Kind::Usage,
        format!(
            "no row of {} arrived in samples of {} s: choose another table by --table, or raise --seconds",
            plan.full_name(),
            sample.as_secs()
        ),
    )
}
