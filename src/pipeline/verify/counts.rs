//! Counts the rows of a table on both sides, also while the table is finished.
//!
//! A worker of a run counts a table while others still load, so most counts cost no time at the
//! end. The number that the source keeps is believed only if it agrees with the target; if not,
//! both are counted.

use tokio_util::sync::CancellationToken;

use crate::config::job::{Job, Mode, VerifyLevel};
use crate::error::{Error, Kind, Result};
use crate::mssql::cuts;
use crate::mssql::pool::SourcePool;
use crate::pipeline::context::{Counts, Run};
use crate::plan::table::TablePlan;
use crate::plan::{kept, query};
use crate::postgres::verify::count_rows;

/// Whether the tables of a run are counted while they are finished. In mode `append` a count needs what is
/// recorded as committed, and a user's own table may be changed by others or be UNLOGGED; checksums count
/// by themselves.
pub fn counts_early(job: &Job) -> bool {
    let own = matches!(job.transfer.mode, Mode::Create | Mode::Replace);
    job.verify == VerifyLevel::Counts && own
}

/// Counts both sides of a table at once, until `cancel`. When one side fails, the other is not waited
/// for.
///
/// # Errors
/// What one of them says, or `Stopped`.
pub async fn count(run: &Run, plan: &TablePlan, cancel: &CancellationToken) -> Result<Counts> {
    let (source, consistency) = (&run.source, run.job.transfer.consistency);
    let stop = cancel.child_token();
    let kept = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(not_counted()),
        kept = kept_count(source, plan) => kept?,
    };
    let mut counted = None;
    if let Some(kept) = kept {
        let target = count_target_until(run, plan, &stop).await?;
        if kept == target {
            return Ok(Counts {
                source: kept,
                target,
            });
        }
        counted = Some(target);
    }
    let sql = query::count(plan, consistency);
    let source_side = async {
        let counted = tokio::select! {
            biased;
            () = stop.cancelled() => Err(not_counted()),
            counted = count_source(source, plan, &sql) => counted,
        };
        counted.inspect_err(|_| stop.cancel())
    };
    let target_side = async {
        if let Some(target) = counted {
            return Ok(target);
        }
        let counted = count_target_until(run, plan, &stop).await;
        counted.inspect_err(|_| stop.cancel())
    };
    match tokio::join!(source_side, target_side) {
        (Ok(source), Ok(target)) => Ok(Counts { source, target }),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        // The side that was stopped for the other one has nothing to say.
        (Err(one), Err(other)) if one.kind() == Kind::Stopped => Err(other),
        (Err(one), Err(_)) => Err(one),
    }
}

fn not_counted() -> Error {
    Error::new(Kind::Stopped, "stopped while the table was counted")
}

/// Counts the rows of the target. A stop cancels the count at the server: otherwise the connection would
/// go back to the pool with the count still running, and its next user would wait for that.
async fn count_target_until(run: &Run, plan: &TablePlan, stop: &CancellationToken) -> Result<u64> {
    let lease = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(not_counted()),
        lease = run.target.acquire() => lease?,
    };
    let counted = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        counted = count_rows(&lease, &plan.target) => Some(counted),
    };
    match counted {
        Some(counted) => counted.map_err(|error| error.at_table(plan.full_name())),
        None => {
            run.target.cancel_and_close(lease).await;
            Err(not_counted())
        }
    }
}

/// The count that the source keeps by itself, if that is of all rows of the table and the login may see it:
/// no page of the table is read for it.
///
/// # Errors
/// A lost connection; a login that may not see it gets `None`.
pub(super) async fn kept_count(source: &SourcePool, plan: &TablePlan) -> Result<Option<u64>> {
    if !plan.counts_all_rows() {
        return Ok(None);
    }
    let sql = kept::kept_count(plan);
    let counted = async {
        let mut source = source.acquire().await?;
        cuts::count_if_known(&mut source, &sql).await
    };
    counted
        .await
        .map_err(|error| error.at_table(plan.full_name()))
}

/// Counts the rows of the source by `sql`, which is [`query::count`].
pub(super) async fn count_source(source: &SourcePool, plan: &TablePlan, sql: &str) -> Result<u64> {
    let counted = async { cuts::count(&mut *source.acquire().await?, sql).await };
    counted
        .await
        .map_err(|error| error.at_table(plan.full_name()))
}
