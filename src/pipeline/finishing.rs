//! What a table still needs when its rows are there: its keys, indexes and checks, its identity, its
//! statistics.

use crate::error::{Error, Kind, Result};
use crate::pipeline::context::{Run, TableLoad};
use crate::pipeline::retry::Backoff;
use crate::postgres::objects::{self, Of};
use crate::postgres::{finish as shore, state};

/// Makes the table whole and records it as done: every index and check in a transaction of its own,
/// the rest in one. A stop does not drop it: the statement would go on at the server with nobody to
/// cancel it.
pub async fn finish(run: &Run, table: &TableLoad) -> Result<()> {
    let mut backoff = Backoff::new(&run.job.transfer.retry);
    loop {
        let Err(error) = attempt(run, table).await else {
            return Ok(());
        };
        backoff.after(error, &run.cancel).await?;
    }
}

async fn attempt(run: &Run, table: &TableLoad) -> Result<()> {
    let mut lease = run.target.acquire().await?;
    state::set_loaded(&lease, &table.key).await?;
    shore::settle(&mut lease, &table.key, run.id, &table.plan).await?;
    let of = Of {
        table: &table.key,
        run: run.id,
        plan: &table.plan,
    };
    for index in &table.plan.objects.indexes {
        go_on(run)?;
        objects::make_index(&mut lease, &of, index).await?;
    }
    for check in &table.plan.objects.checks {
        go_on(run)?;
        objects::make_check(&mut lease, &of, check).await?;
    }
    shore::finish(&mut lease, &table.key, run.id, &table.plan).await
}

/// Between two objects a run may stop.
fn go_on(run: &Run) -> Result<()> {
    if run.cancel.is_cancelled() {
        return Err(Error::new(Kind::Stopped, "stopped between two indexes"));
    }
    Ok(())
}

/// Keeps the cause of a failure with the table's state.
pub async fn record_failure(run: &Run, table: &TableLoad, text: &str) -> Result<()> {
    let lease = run.target.acquire().await?;
    state::set_failed(&lease, &table.key, run.id, text).await
}
