//! Runs SQL that the operator wrote, as one script.

use crate::error::Result;
use crate::postgres::fault;
use crate::postgres::pool::Lease;

/// Executes all statements of the script; the first error ends it. The connection may be left in a
/// transaction or with other settings, so the caller discards it.
///
/// # Errors
/// What PostgreSQL answered.
pub async fn execute(lease: &Lease, script: &str) -> Result<()> {
    let executed = lease.batch_execute(script).await;
    executed.map_err(|error| fault::from_driver(error, "execute the script"))
}
