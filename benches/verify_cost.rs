//! What comparing costs over reading: `VERIFY_JOB=job.yaml cargo bench --bench verify_cost`, on a
//! job that was run. `make proof` and `make bench` do it; `VERIFY_ROUNDS` is how often (5).
//!
//! A plain read takes the source's rows through the tool's own reader and drops them, and lets the
//! target's COPY run into nothing. It is as wide as the comparison: both pools are the job's, as many
//! tables are read side by side, the target's in the same parts, the source's by one connection a
//! table (a job with `max_partitions_per_table: 1` is compared like that). All of them begin with
//! connecting and the catalog.

#![allow(clippy::print_stdout, reason = "a benchmark's output is its result")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark stops where something is wrong"
)]

use std::path::Path;
use std::time::Instant;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use futures::{TryStreamExt, pin_mut};
use migrate::config::job::Job;
use migrate::mssql::pool::SourcePool;
use migrate::mssql::{catalog, read};
use migrate::pipeline::{ComparisonLevel, RunOptions, VerifyOptions, verify};
use migrate::plan::layout::columns;
use migrate::plan::table::{Slice, TablePlan};
use migrate::plan::{build, query};
use migrate::postgres::connect::Connector;
use migrate::postgres::pool::TargetPool;
use migrate::postgres::verify::{BlockRange, MIN_BLOCKS, block_ranges};
use tds_copy::transcode::RowLayout;
use tokio_util::sync::CancellationToken;
use tsql::names::{qualified, quote_ident};

const ROUNDS: usize = 5;
const NAMES: [&str; 3] = ["plain", "checksums", "rows"];

/// Kernel clock ticks per second in /proc (proc_pid_stat(5), USER_HZ).
const TICKS: f64 = 100.0;

fn main() {
    let Some(path) = std::env::var_os("VERIFY_JOB") else {
        println!("VERIFY_JOB names no job file: nothing was measured");
        return;
    };
    let job = migrate::config::load(Path::new(&path), &|name| std::env::var_os(name)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rounds = std::env::var("VERIFY_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut measured = [const { Vec::new() }; NAMES.len()];
    let mut rows = 0;
    for _ in 0..rounds {
        let compare = |level| compare(&job, level);
        let round = [
            timed(|| runtime.block_on(plain(&job))),
            timed(|| runtime.block_on(compare(ComparisonLevel::Checksums))),
            timed(|| runtime.block_on(compare(ComparisonLevel::Rows))),
        ];
        for (kept, (read, wall, cpu)) in measured.iter_mut().zip(round) {
            rows = read;
            kept.push((wall, cpu));
        }
    }
    report(&measured, rows);
}

/// Medians; each round's CPU seconds per million rows; and its wall time against the plain read of
/// the same round.
fn report(measured: &[Vec<(f64, f64)>; NAMES.len()], rows: u64) {
    for (name, runs) in NAMES.iter().zip(measured) {
        let wall = median(runs.iter().map(|run| run.0));
        let cpu = median(runs.iter().map(|run| run.1));
        let million = rows as f64 / 1e6;
        println!(
            "{name:12} {wall:6.2} s wall, {cpu:5.2} s CPU of the tool, {:.2} per million rows",
            cpu / million
        );
        println!(
            "cpu {name} {}",
            listed(runs.iter().map(|run| run.1 / million))
        );
    }
    for (name, runs) in NAMES.iter().zip(measured).skip(1) {
        let ratios = runs.iter().zip(&measured[0]);
        let ratios = ratios.map(|(run, plain)| run.0 / plain.0);
        println!("ratio {name} {}", listed(ratios));
    }
}

fn listed(values: impl Iterator<Item = f64>) -> String {
    let values = values.map(|value| format!("{value:.3}"));
    values.collect::<Vec<_>>().join(" ")
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted = values.collect::<Vec<_>>();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Rows, wall time and CPU time of this process.
fn timed(work: impl FnOnce() -> u64) -> (u64, f64, f64) {
    let (wall, cpu) = (Instant::now(), cpu());
    let rows = work();
    (rows, wall.elapsed().as_secs_f64(), self::cpu() - cpu)
}

/// User and system time: fields 14 and 15 of /proc/self/stat, counted behind the name in brackets.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().unwrap() / TICKS)
        .sum()
}

async fn compare(job: &Job, level: ComparisonLevel) -> u64 {
    let asked = VerifyOptions {
        level: Some(level),
        show_values: false,
        views: false,
    };
    let (options, cancel) = (RunOptions::default(), CancellationToken::new());
    let report = verify(job, &options, asked, cancel).await.unwrap();
    assert!(report.tables.iter().all(|table| table.equal()));
    report
        .tables
        .iter()
        .filter_map(|table| table.source_rows)
        .sum()
}

async fn plain(job: &Job) -> u64 {
    let source = SourcePool::open(&job.source, job.transfer.consistency)
        .await
        .unwrap();
    let connector = Connector::new(&job.target).unwrap();
    let target = TargetPool::open(connector, &job.target.pool, 1)
        .await
        .unwrap();
    let database = catalog::load(&mut source.acquire().await.unwrap())
        .await
        .unwrap();
    let plans = build::build(&database, job, Default::default())
        .unwrap()
        .tables;
    // As `pipeline::verify` does it.
    let (one, other) = (&job.source.pool, &job.target.pool);
    let width = one.max_connections.min(other.max_connections).max(1);
    let rows = stream::iter(plans)
        .map(|plan| table(job, &source, &target, plan))
        .buffer_unordered(width)
        .collect::<Vec<_>>()
        .await;
    tokio::join!(source.close(), target.close());
    rows.iter().sum()
}

/// Both sides of a table at once; its rows.
async fn table(job: &Job, source: &SourcePool, target: &TargetPool, plan: TablePlan) -> u64 {
    let most = job.target.pool.max_connections;
    let parts = {
        let lease = target.acquire().await.unwrap();
        block_ranges(&lease, &plan.target, most, MIN_BLOCKS)
            .await
            .unwrap()
    };
    let drains = parts
        .iter()
        .map(|part| tokio::spawn(drain(target.clone(), copy_out(&plan, part))))
        .collect::<Vec<_>>();
    let statements = query::read(&plan, &Slice::Whole, None, job.transfer.consistency);
    let layout = RowLayout::new(&columns(&plan.columns), &[], job.values).unwrap();
    let rows = tokio::spawn(discard(source.clone(), statements, layout));
    let rows = rows.await.unwrap();
    for drained in join_all(drains).await {
        drained.unwrap();
    }
    rows
}

async fn discard(source: SourcePool, statements: Vec<String>, layout: RowLayout) -> u64 {
    let mut connection = source.acquire().await.unwrap();
    let mut rows = 0;
    for sql in &statements {
        let stream = read::open(&mut connection, sql, layout.clone()).await;
        let mut stream = stream.unwrap();
        while let Some(batch) = stream.next_batch().await.unwrap() {
            rows += batch.rows;
        }
    }
    rows
}

fn copy_out(plan: &TablePlan, part: &BlockRange) -> String {
    let columns = plan
        .columns
        .iter()
        .map(|column| quote_ident(&column.target_name))
        .collect::<Vec<_>>();
    format!(
        "COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT binary)",
        columns.join(", "),
        qualified(&plan.target),
        part.predicate()
    )
}

async fn drain(target: TargetPool, sql: String) {
    let lease = target.acquire().await.unwrap();
    let stream = lease.copy_out(&sql).await.unwrap();
    pin_mut!(stream);
    while stream.try_next().await.unwrap().is_some() {}
}
