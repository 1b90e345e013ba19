//! What three drivers take to read the same rows from the same server: `DRIVERS_JOB=job.yaml drivers`.
//!
//! Each of the job's tables is read whole over one connection by each driver in turns, and the CPU
//! of this process, user and system, is taken from the first byte of the statement to the last of
//! the answer: logging in is not in it, receiving is. The kernel knows the sum to the microsecond
//! and its two parts only to a tick, so the sum is what is printed: a line for each table and
//! driver, with the rows and the nanoseconds per row of each of `DRIVERS_ROUNDS` (5).

mod microsoft;
mod own;
mod tiberius_rows;

use std::path::Path;

use migrate::config::job::{Job, Source};
use migrate::mssql::catalog;
use migrate::mssql::pool::SourcePool;
use migrate::plan::table::{Slice, TablePlan};
use migrate::plan::{build, query};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// The largest packet of TDS 7.x, which the tool asks for.
const PACKET: u16 = 32_767;

/// Why nothing was measured.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// CPU seconds of this process since it began.
fn cpu() -> Result<f64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// Rows that were read, and the CPU seconds that it took.
type Read = Result<(u64, f64), Failure>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let path = std::env::var("DRIVERS_JOB").map_err(|_| "DRIVERS_JOB names no job file")?;
    let rounds = std::env::var("DRIVERS_ROUNDS").map_or(Ok(5), |rounds| rounds.parse::<u32>())?;
    let job = migrate::config::load(Path::new(&path), &|name| std::env::var_os(name))?;
    let pool = SourcePool::open(&job.source, job.transfer.consistency).await?;
    let mut connection = pool.acquire().await?;
    let database = catalog::load(&mut connection).await?;
    drop(connection);
    let planned = build::build(&database, &job, Default::default());
    for plan in planned.map_err(|errors| format!("{errors:?}"))?.tables {
        let (job, pool, plan) = (&job, &pool, &plan);
        Table { job, pool, plan }.measure(rounds).await?;
    }
    pool.close().await;
    Ok(())
}

const NAMES: [&str; 4] = [
    "migrate",
    "mssql-tds",
    "mssql-tds, text to UTF-8",
    "tiberius",
];

/// A table, and where it is.
struct Table<'a> {
    job: &'a Job,
    pool: &'a SourcePool,
    plan: &'a TablePlan,
}

impl Table<'_> {
    async fn measure(&self, rounds: u32) -> Result<(), Failure> {
        let mut taken = [const { Vec::new() }; NAMES.len()];
        let mut expected = None;
        for _ in 0..rounds {
            for (driver, taken) in taken.iter_mut().enumerate() {
                let (rows, seconds) = self.read(driver).await?;
                if *expected.get_or_insert(rows) != rows {
                    return Err(format!("{} read {rows} rows", NAMES[driver]).into());
                }
                taken.push(format!("{:.1}", seconds * 1e9 / rows.max(1) as f64));
            }
        }
        let (table, rows) = (self.plan.full_name(), expected.unwrap_or_default());
        for (name, taken) in NAMES.iter().zip(taken) {
            println!("{table}\t{name}\t{rows}\t{}", taken.join(" "));
        }
        Ok(())
    }

    async fn read(&self, driver: usize) -> Read {
        let source: &Source = &self.job.source;
        let sql = query::read(
            self.plan,
            &Slice::Whole,
            None,
            self.job.transfer.consistency,
        );
        match driver {
            0 => own::read(self.job, self.pool, self.plan, &sql).await,
            1 => microsoft::read(source, &sql, false).await,
            2 => microsoft::read(source, &sql, true).await,
            _ => tiberius_rows::read(source, &sql).await,
        }
    }
}
