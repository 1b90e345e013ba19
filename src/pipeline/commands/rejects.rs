//! Lists the rows that a job rejected.
//!
//! It only reads, so it may be asked while a run is loading. Totals count every row, the list ends
//! at the limit.

use crate::config::job::Job;
use crate::error::{Error, Kind, Result};
use crate::pipeline::connections::open_target;
use crate::postgres::pool::{Lease, TargetPool};
use crate::postgres::state::{self, RejectQuery, RejectRecord};
use crate::report::rejects::{RejectedRow, RejectedTable, RejectsReport};

/// Reads rejected rows of the job from the target; the source is not asked.
///
/// # Errors
/// [`Kind::Usage`] if a table is named that the job has no state of; what PostgreSQL says.
pub async fn rejects(job: &Job, wanted: &RejectQuery) -> Result<RejectsReport> {
    let target = open_target(job).await?;
    let read = read(job, wanted, &target).await;
    target.close().await;
    read
}

/// An empty report if the target has no state at all.
async fn read(job: &Job, wanted: &RejectQuery, target: &TargetPool) -> Result<RejectsReport> {
    let mut report = RejectsReport {
        job: job.name.clone(),
        tables: Vec::new(),
        rejects: Vec::new(),
    };
    let lease = target.acquire().await?;
    if !state::is_installed(&lease).await? {
        return Ok(report);
    }
    check_tables(job, wanted, &lease).await?;
    let counts = state::count_rejects(&lease, &job.name).await?;
    let named = |table: &String| {
        wanted.tables.is_empty()
            || wanted
                .tables
                .iter()
                .any(|name| name.to_lowercase() == table.to_lowercase())
    };
    let counted = counts.into_iter().filter(|(table, _)| named(table));
    report.tables = counted
        .map(|(table, rows)| RejectedTable { table, rows })
        .collect();
    report
        .tables
        .sort_by(|one, other| one.table.cmp(&other.table));
    if !report.tables.is_empty() {
        let found = state::list_rejects(&lease, &job.name, wanted).await?;
        report.rejects = found.into_iter().map(row).collect::<Result<_>>()?;
    }
    Ok(report)
}

/// Refuses a mistyped name: it must not read as "nothing was rejected".
async fn check_tables(job: &Job, wanted: &RejectQuery, client: &Lease) -> Result<()> {
    if wanted.tables.is_empty() {
        return Ok(());
    }
    let known = state::load(client, &job.name).await?;
    let is_known = |name: &String| {
        known
            .iter()
            .any(|record| record.plan.full_name().to_lowercase() == name.to_lowercase())
    };
    match wanted.tables.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            Kind::Usage,
            format!(
                "--table {name}: the target knows no such table of job {}",
                job.name
            ),
        )),
    }
}

/// # Errors
/// `Checkpoint` if the record's list of faults is not what the tool writes.
fn row(record: RejectRecord) -> Result<RejectedRow> {
    let faults = serde_json::from_value(record.faults).map_err(|error| {
        Error::new(
            Kind::Checkpoint,
            "the faults of a rejected row cannot be read: they were changed by hand",
        )
        .advise("read the table _migrate.rejects itself; a job that starts over with --restart creates it again.")
        .because(error)
    })?;
    Ok(RejectedRow {
        id: record.id,
        run_id: record.run.0.to_string(),
        table: record.table,
        partition: record.partition,
        key: record.key,
        faults,
        at: record.at,
        row: record.row,
    })
}
