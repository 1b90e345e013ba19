//! The query governor: refuses statements whose estimated cost exceeds a limit.
//!
//! SQL Server estimates seconds on a machine of its own (Microsoft, "Server configuration: query governor
//! cost limit"). Here a second is a thousand rows, so that a limit shows on the small tables of tests.

use crate::engine::error::{Result, error};
use crate::engine::eval::plan::Plan;

const ROWS_PER_SECOND: u64 = 1000;

/// Refuses a plan that costs more than `limit` seconds; 0 is no limit.
pub(crate) fn allow(plan: &Plan, limit: u64) -> Result<()> {
    if limit == 0 {
        return Ok(());
    }
    let cost = rows(plan) / ROWS_PER_SECOND;
    if cost <= limit {
        return Ok(());
    }
    Err(error(
        8649,
        17,
        format!(
            "The query has been canceled because the estimated cost of this query ({cost}) exceeds the configured \
             threshold of {limit}. Contact the system administrator."
        ),
    ))
}

/// Rows that the plan is estimated to read: whole tables, but for what a TOP without a sort leaves.
fn rows(plan: &Plan) -> u64 {
    match plan {
        Plan::One
        | Plan::Rows(_)
        | Plan::Series(_)
        | Plan::Values(_)
        | Plan::Expand(..)
        | Plan::Working(_) => 0,
        Plan::Recursive(recursive) => {
            let members: u64 = recursive.members.iter().map(rows).sum();
            rows(&recursive.anchor) + members
        }
        Plan::Scan(scan) => scan.table.row_count(),
        Plan::Sample(sample) => sample.rows(),
        Plan::Filter(input, _)
        | Plan::Project(input, _)
        | Plan::Sort(input, _)
        | Plan::Distinct(input, _)
        | Plan::Trim(input, _)
        | Plan::Gather(input, _)
        | Plan::Percent(input, ..) => rows(input),
        Plan::Invoke(_, body) => rows(body),
        Plan::Join(join) => rows(&join.left) + rows(&join.right),
        Plan::Aggregate(aggregate) => rows(&aggregate.input),
        Plan::Window(window) => rows(&window.input),
        Plan::Limit {
            input,
            offset,
            count: Some(count),
            ..
        } if streams(input) => rows(input).min(offset + count),
        Plan::Limit { input, .. } => rows(input),
        Plan::Union(inputs) => inputs.iter().map(rows).sum(),
        Plan::SetOperation { left, right, .. } => rows(left) + rows(right),
    }
}

/// Whether the first rows come before the last are read.
fn streams(plan: &Plan) -> bool {
    match plan {
        Plan::Scan(_) => true,
        Plan::Filter(input, _) | Plan::Project(input, _) | Plan::Trim(input, _) => streams(input),
        _ => false,
    }
}
