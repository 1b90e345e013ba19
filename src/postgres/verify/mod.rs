//! What the target says of itself, for comparison with the source.
//!
//! Only reads. `pipeline::verify` compares what comes from here with what the source sends through
//! the same encoder.

mod block_ranges;
mod columns;
mod copy_out;
mod longest_row;
mod show;

use tokio_postgres::Client;

use crate::error::{Error, Kind, Result};
use crate::plan::table::TargetName;
use crate::postgres::fault;
use tsql::names;

pub use crate::postgres::verify::block_ranges::{BlockRange, MIN_BLOCKS, block_ranges};
pub use crate::postgres::verify::copy_out::read_rows;
pub use crate::postgres::verify::longest_row::longest_row;
pub use crate::postgres::verify::show::{Field, show};

/// The exact number of rows of a table.
///
/// # Errors
/// The table cannot be read, or is not there.
pub async fn count_rows(client: &Client, table: &TargetName) -> Result<u64> {
    let name = names::qualified(table);
    let row = client
        .query_one(&format!("SELECT pg_catalog.count(*) FROM {name}"), &[])
        .await
        .map_err(|error| fault::from_driver(error, &format!("count the rows of {name}")))?;
    u64::try_from(row.get::<_, i64>(0))
        .map_err(|error| Error::new(Kind::Internal, "a count is negative").because(error))
}
