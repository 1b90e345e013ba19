//! Compares views: both sides are read in full, and their rows are summed whatever their order.
//!
//! A view has no key and no partitions here: each side is one statement. The target's may be a
//! plain or a materialized view; rows are those at the moment of reading.

use futures::stream::{self, StreamExt};

use crate::pipeline::options::ComparisonLevel;
use crate::pipeline::policy::cause;
use crate::pipeline::survey;
use crate::pipeline::verify::checksums::Comparing;
use crate::pipeline::verify::{Comparison, nothing_known};
use crate::plan::view::ViewPlan;
use crate::report::verify::VerifiedTable;

/// In the order of their names.
pub(super) async fn compare(comparison: &Comparison<'_>, views: &[ViewPlan]) -> Vec<VerifiedTable> {
    let mut compared = stream::iter(views)
        .map(|view| one(comparison, view))
        .buffer_unordered(survey::width(comparison.job))
        .collect::<Vec<_>>()
        .await;
    compared.sort_by(|one, other| one.table.cmp(&other.table));
    compared
}

async fn one(comparison: &Comparison<'_>, view: &ViewPlan) -> VerifiedTable {
    let plan = view.as_table();
    let comparing = Comparing {
        job: comparison.job,
        reads: &comparison.reads,
        level: ComparisonLevel::Checksums,
        show_values: comparison.show_values,
        trust_load: false,
        rejected: 0,
        shared: false,
    };
    match comparing.table(&plan, None).await {
        Ok(outcome) => VerifiedTable {
            source_rows: Some(outcome.source.rows + outcome.met),
            target_rows: Some(outcome.target.rows),
            checksums: Some(outcome.checksums),
            ..nothing_known(&plan)
        },
        Err(error) => VerifiedTable {
            cause: Some(cause(&error.at_table(plan.full_name()))),
            ..nothing_known(&plan)
        },
    }
}
