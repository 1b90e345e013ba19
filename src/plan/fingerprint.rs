//! Tells whether a table is still the one that a checkpoint was made for.

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::plan::build::Planned;
use crate::plan::object::{SequencePlan, TableObjects, TriggerAction};
use crate::plan::table::{ColumnPlan, Strategy, TablePlan, TargetName};

/// What a checkpoint of a table depends on. Row estimates, notes, the primary key's name and what
/// is made after the rows do not belong to it: they change between two runs without changing a row's bytes or place.
#[derive(Serialize)]
struct Shape<'a> {
    schema: &'a str,
    name: &'a str,
    target: &'a TargetName,
    columns: Vec<(&'a str, String, &'a str, String, Option<&'a str>)>,
    filter: Option<&'a str>,
    /// Columns that are not copied because PostgreSQL computes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    generated: Vec<(&'a str, String, &'a str, String, Option<&'a str>)>,
}

/// 32 hexadecimal digits over the table's shape: names, types, order of columns, filter.
pub fn fingerprint(table: &TablePlan) -> String {
    let shape = Shape {
        schema: &table.schema,
        name: &table.name,
        target: &table.target,
        columns: by_position(&table.columns),
        filter: table.filter.as_deref(),
        generated: by_position(&table.generated),
    };
    // Plain strings and numbers always serialise.
    let text = serde_json::to_string(&shape).unwrap_or_default();
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

/// 32 hexadecimal digits over what a run makes beside rows. How far a sequence has come is not part
/// of it: that moves on without a change of the job.
pub fn of_objects(planned: &Planned) -> String {
    let unmoved = |sequence: &SequencePlan| SequencePlan {
        last_value: 0,
        used: false,
        ..sequence.clone()
    };
    let tables = planned.tables.iter();
    let unstamped = |objects: &TableObjects| {
        let mut objects = objects.clone();
        for trigger in &mut objects.triggers {
            if let TriggerAction::RowVersion { above, .. } = &mut trigger.does {
                *above = 0;
            }
        }
        objects
    };
    let of_tables =
        tables.map(|table| (table.full_name(), &table.target, unstamped(&table.objects)));
    let all = (
        of_tables.collect::<Vec<_>>(),
        planned.sequences.iter().map(unmoved).collect::<Vec<_>>(),
        &planned.views,
    );
    // Plain strings and numbers always serialise.
    let mut text = serde_json::to_string(&all).unwrap_or_default();
    if !planned.functions.is_empty() || !planned.helpers.is_empty() {
        let functions = (&planned.functions, &planned.helpers);
        text.push_str(&serde_json::to_string(&functions).unwrap_or_default());
    }
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

fn by_position(columns: &[ColumnPlan]) -> Vec<(&str, String, &str, String, Option<&str>)> {
    let mut sorted = columns.iter().collect::<Vec<_>>();
    sorted.sort_by_key(|column| column.position);
    sorted
        .into_iter()
        .map(|column| {
            let source = &column.source;
            let ty = format!("{:?} {}", source.ty, source.nullable);
            let target = column.target_type.to_string();
            (
                source.name.as_str(),
                ty,
                column.target_name.as_str(),
                target,
                source.collation.as_deref(),
            )
        })
        .collect()
}

/// Whether partitions that were cut for `recorded` may continue now that the choice would be
/// `current`: the key they run on must still be a key, and what needed a consistent view must
/// still have one. One statement is always right.
pub fn may_continue(recorded: &Strategy, current: &Strategy) -> bool {
    match (recorded, current) {
        (Strategy::Single, _) => true,
        (
            Strategy::Keyset {
                key: recorded,
                stored_by: function,
                ..
            },
            Strategy::Keyset {
                key: current,
                stored_by,
                ..
            },
        ) => {
            // Its partitions have the numbers that they had. Ranges of the key alone are always right.
            recorded == current && (function.is_none() || function == stored_by)
        }
        (Strategy::Clustered { key: recorded, .. }, Strategy::Clustered { key: current, .. }) => {
            recorded == current
        }
        (Strategy::RowNumber { order: recorded }, Strategy::RowNumber { order: current }) => {
            recorded == current
        }
        (Strategy::Hash { columns: recorded }, Strategy::Hash { columns: current }) => {
            recorded == current
        }
        _ => false,
    }
}
