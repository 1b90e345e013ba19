//! Starts a job over: registers the new run and discards all that earlier ones left, in one transaction.
//! What is recorded of a job can thus never be of another source than its runs say, and a start that
//! fails, or is cut off, leaves the job as it was.

use tokio_postgres::Client;

use crate::error::Result;
use crate::plan::table::TargetName;
use crate::plan::view::ViewPlan;
use crate::postgres::fault;
use crate::postgres::objects::drop_view_within;
use crate::postgres::state::{LeftoverTables, NewRun, RunId, register, wipe};

/// What is discarded besides the state of a job that starts over.
#[derive(Debug, Clone, Copy)]
pub struct Discarded<'a> {
    /// Views of the job, each after those that it reads: they keep their tables from being dropped.
    pub views: &'a [ViewPlan],
    /// What happens to the tables that the job made.
    pub tables: LeftoverTables,
}

/// Begins a run as `state::start_run` does, after discarding all that earlier runs left. Gives the tables
/// that were dropped too.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) as [`LeftoverTables::KeepRows`] says; what keeps a table
/// from being dropped.
pub async fn start_over(
    client: &mut Client,
    run: &NewRun,
    what: Discarded<'_>,
) -> Result<(RunId, Vec<TargetName>)> {
    let failed = |error| fault::from_driver(error, "start the job over");
    let mut transaction = client.transaction().await.map_err(failed)?;
    // First, so that the records of a process that lost the job wait for this, or fail.
    let id = register(&transaction, run).await?;
    for view in what.views.iter().rev() {
        drop_view_within(&mut transaction, view).await?;
    }
    let dropped = wipe(&transaction, &run.job, what.tables).await?;
    transaction.commit().await.map_err(failed)?;
    Ok((id, dropped))
}
