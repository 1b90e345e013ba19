//! What the writers of a table have in common.

use std::time::Duration;

use crate::plan::table::TablePlan;
use crate::postgres::copy::place::Columns;
use crate::postgres::state::TableKey;
use tsql::names::{qualified, quote_ident};

/// What all writers of a table share.
pub struct CopyTable {
    /// The table in the state tables.
    pub(super) key: TableKey,
    /// The COPY statement.
    pub(super) copy: String,
    /// Quoted, with its schema.
    pub(super) target: String,
    pub(super) columns: Columns,
    /// Commits within a partition do not wait for the log to be on disk.
    pub(super) flush_late: bool,
}

impl CopyTable {
    /// Columns are copied in the plan's order.
    pub fn new(job: &str, plan: &TablePlan) -> Self {
        let target = qualified(&plan.target);
        let columns: Vec<String> = plan
            .columns
            .iter()
            .map(|column| quote_ident(&column.target_name))
            .collect();
        Self {
            key: TableKey::for_plan(job, plan),
            copy: format!(
                "COPY {target} ({}) FROM STDIN (FORMAT binary)",
                columns.join(", ")
            ),
            target,
            columns: Columns::for_plan(plan),
            flush_late: false,
        }
    }

    /// Lets commits within a partition return before they are on disk. A crash of PostgreSQL takes
    /// back the last of them, rows and checkpoint alike, and the next claim reads what is left. The
    /// commit that ends a partition waits, and with it every earlier one, as the log is one.
    #[must_use]
    pub fn flush_late(mut self, late: bool) -> Self {
        self.flush_late = late;
        self
    }
}

/// What a commit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// More rows follow; the rows so far end with a whole key.
    More,
    /// These were the last: the partition is done.
    Partition,
}

/// How a writer's time was spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteTiming {
    /// Time in COPY: until the driver took the rows, and until the server had stored the last.
    pub send: Duration,
    /// Time for the checkpoint and COMMIT.
    pub commit: Duration,
}
