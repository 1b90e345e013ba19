//! What a table still needs when its rows are there: its key, its identity, its statistics.

use crate::error::Result;
use crate::pipeline::context::{Run, TableLoad};
use crate::pipeline::retry::Backoff;
use crate::postgres::{finish as shore, state};

/// Makes the table whole and records it as done, in one transaction. A stop does not drop it: the
/// statement would go on at the server with nobody to cancel it.
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
    shore::finish(&mut lease, &table.key, run.id, &table.plan).await
}

/// Keeps the cause of a failure with the table's state.
pub async fn record_failure(run: &Run, table: &TableLoad, text: &str) -> Result<()> {
    let lease = run.target.acquire().await?;
    state::set_failed(&lease, &table.key, run.id, text).await
}
