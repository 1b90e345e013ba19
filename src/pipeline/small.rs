//! Which tables are small enough to be finished together with others.
//!
//! Each such table costs a handful of round trips, and almost no work at the server; together they
//! cost one transaction. Both limits must hold.

use crate::config::job::Job;
use crate::plan::table::TablePlan;

/// Tables that are finished together: a kill costs the keys and indexes of this many at most.
pub const TOGETHER: usize = 32;

/// Rows and bytes up to which a table is small: its keys and indexes take milliseconds.
const SMALL_ROWS: u64 = 10_000;
const SMALL_BYTES: u64 = 4 * 1024 * 1024;

/// Whether a table of this many rows and bytes of COPY is small.
pub fn is_small(rows: u64, bytes: u64) -> bool {
    rows <= SMALL_ROWS && bytes <= SMALL_BYTES
}

/// Whether tables of this plan can be finished with others: they do not become LOGGED first, and have no
/// trigger, whose sequence needs a look at the rows.
pub fn can_share(job: &Job, plan: &TablePlan) -> bool {
    !job.transfer.unlogged_load && plan.objects.triggers.is_empty()
}
