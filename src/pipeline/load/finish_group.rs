//! Finishes several small tables together: one transaction for all that each of them gets.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::Result;
use crate::pipeline::context::{Run, TableLoad};
use crate::pipeline::load::finish::set_maintenance;
use crate::pipeline::load::queue::WorkQueue;
use crate::pipeline::verify;
use crate::postgres::finish_group::finish_all;

/// Finishes those of the tables that can be finished together; gives their positions. The others, and all of
/// them if one cannot be finished, are finished one by one: an odd index costs no other table anything.
pub async fn finish_together(
    run: &Run,
    queue: &WorkQueue,
    tables: &[Arc<TableLoad>],
) -> BTreeSet<usize> {
    if tables.len() < 2 {
        return BTreeSet::new();
    }
    let finished = match attempt(run, tables).await {
        Ok(finished) => finished,
        Err(error) => {
            tracing::debug!(%error, tables = tables.len(), "tables are finished one by one");
            return BTreeSet::new();
        }
    };
    if verify::counts_early(&run.job) {
        for at in &finished {
            queue.add_count(&tables[*at]);
        }
    }
    finished
}

async fn attempt(run: &Run, tables: &[Arc<TableLoad>]) -> Result<BTreeSet<usize>> {
    let mut lease = run.target.acquire().await?;
    set_maintenance(run, &lease).await?;
    let plans = tables.iter().map(|table| &table.plan).collect::<Vec<_>>();
    finish_all(&mut lease, run.fence(), &plans).await
}
