//! The tool's own reader: rows to COPY batches, which are dropped.

use std::hint::black_box;

use migrate::config::job::Job;
use migrate::mssql::pool::SourcePool;
use migrate::mssql::read;
use migrate::plan::layout::columns;
use migrate::plan::table::TablePlan;
use tds_copy::transcode::RowLayout;

use crate::{Read, cpu};

/// The statement's rows, and what reading and transcoding them took.
pub async fn read(job: &Job, pool: &SourcePool, plan: &TablePlan, sql: &str) -> Read {
    let layout = RowLayout::new(&columns(&plan.columns), &[], job.values)?;
    let mut connection = pool.acquire().await?;
    let before = cpu()?;
    let mut stream = read::open(&mut connection, sql, layout).await?;
    let mut rows = 0;
    while let Some(batch) = stream.next_batch().await? {
        rows += batch.rows;
        drop(black_box(batch));
    }
    Ok((rows, cpu()? - before))
}
