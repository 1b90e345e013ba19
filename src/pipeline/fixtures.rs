//! Tables that are being loaded, for unit tests.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::parse;
use crate::pipeline::context::TableLoad;
use crate::plan::layout::row_layout;
use crate::plan::sample::{column, keyset, plan};
use crate::plan::table::{PrimaryKey, Slice, TablePlan};
use crate::postgres::state::{PartitionRecord, PartitionState, TableRecord, TableStage};
use crate::report::progress::Progress;
use tsql::key::KeyValue;
use tsql::schema::SqlType;
use tsql::typemap::PgType;

pub(super) const JOB: &str = "
job: j
source: {host: a, database: s, user: u, password: p}
target: {host: b, database: t, user: u, password: p}
transfer: {max_partitions_per_table: 4}
";

pub(super) fn int(value: i64) -> Vec<KeyValue> {
    vec![KeyValue::Int(value)]
}

/// `(after, upto]`.
pub(super) fn range(after: Option<i64>, upto: Option<i64>) -> Slice {
    Slice::Range {
        after: after.map(int),
        upto: upto.map(int),
    }
}

/// A table of `bytes` with a key of one integer, whose partitions, from 1, are in these states.
/// Finishing it has no weight, and it is finished alone.
pub(super) fn table(bytes: u64, partitions: &[PartitionState]) -> Arc<TableLoad> {
    table_with_rows(bytes, 0, partitions)
}

/// The same with `rows` entries in the index of its key.
pub(super) fn table_with_rows(
    bytes: u64,
    rows: u64,
    partitions: &[PartitionState],
) -> Arc<TableLoad> {
    let job = parse(JOB, "j", &|_| None).expect("a job");
    let plan = keyed(rows, bytes);
    let layout = row_layout(&plan, &job).expect("a layout");
    let partitions = partitions
        .iter()
        .zip(1..)
        .map(|(state, number)| PartitionRecord {
            number,
            slice: range(None, None),
            state: *state,
            progress: Default::default(),
            seconds: 0.0,
        });
    let record = TableRecord {
        partitions: partitions.collect(),
        plan,
        fingerprint: String::new(),
        state: TableStage::Created,
        created: true,
        rows: 0,
        bytes: 0,
        error: None,
    };
    let progress = Progress::new().add_table("dbo.Sample", 0);
    let mut load = TableLoad::new(&job, &CancellationToken::new(), record, layout, progress);
    Arc::get_mut(&mut load).expect("no other has it").can_share = false;
    load
}

/// The plan of a table with a key of one integer, and `rows` and `bytes` by the catalog.
pub(super) fn keyed(rows: u64, bytes: u64) -> TablePlan {
    let id = column("Id", SqlType::Int);
    let mut plan = plan(vec![id.clone()], keyset(&[(id, false)]));
    plan.columns[0].target_type = PgType::Integer;
    plan.primary_key = Some(PrimaryKey {
        name: "pk_sample".to_owned(),
        columns: vec!["Id".to_owned()],
    });
    (plan.estimated_rows, plan.estimated_bytes) = (rows, bytes);
    plan
}
