//! Tells whether a table is still the one that a checkpoint was made for.
//!
//! The hash is recorded with the table in `_migrate.tables`. A run that continues compares it with
//! that of its own plan; if they differ, committed rows may have another shape than the rest would
//! get, and the run refuses with `Checkpoint`. What is hashed must stay as it is between releases:
//! a field more for every table would refuse all checkpoints there are (so `generated` is left out
//! if it is empty).

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::plan::build::Planned;
use crate::plan::object::{SequencePlan, TableObjects, TriggerAction};
use crate::plan::table::{ColumnPlan, Strategy, TablePlan, TargetName};
use tsql::schema::SqlType;

/// What a checkpoint of a table depends on. Row estimates, notes, the primary key's name and what
/// is made after the rows do not belong to it: they change between two runs without changing a row's bytes or place.
#[derive(Serialize)]
struct Shape<'a> {
    /// Schema and name at the source.
    schema: &'a str,
    name: &'a str,
    target: &'a TargetName,
    /// By their position in the table, so that another select order is not another shape.
    columns: Vec<ColumnShape<'a>>,
    /// The job's `where`.
    filter: Option<&'a str>,
    /// Columns that are not copied because PostgreSQL computes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    generated: Vec<ColumnShape<'a>>,
}

/// The types are written as the recorded plans have them, and no other way.
#[derive(Serialize)]
struct ColumnShape<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    ty: &'a SqlType,
    nullable: bool,
    target_name: &'a str,
    target_type: String,
    collation: Option<&'a str>,
}

/// 32 hexadecimal digits over the table's shape: names, types, order of columns, filter.
pub fn fingerprint(table: &TablePlan) -> String {
    format!("{:032x}", xxh3_128(written(table).as_bytes()))
}

/// Whether a recorded table has the shape of `current`. Earlier releases wrote types in another form, so their
/// fingerprints tell nothing; the plan that they recorded does.
pub fn is_same_shape(recorded: &str, recorded_plan: &TablePlan, current: &TablePlan) -> bool {
    let current = fingerprint(current);
    recorded == current || fingerprint(recorded_plan) == current
}

fn written(table: &TablePlan) -> String {
    let shape = Shape {
        schema: &table.schema,
        name: &table.name,
        target: &table.target,
        columns: by_position(&table.columns),
        filter: table.filter.as_deref(),
        generated: by_position(&table.generated),
    };
    // Plain strings and numbers always serialise.
    serde_json::to_string(&shape).unwrap_or_default()
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
    // A rowversion moves with every change at the source, as a sequence does.
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

fn by_position(columns: &[ColumnPlan]) -> Vec<ColumnShape<'_>> {
    let mut sorted = columns.iter().collect::<Vec<_>>();
    sorted.sort_by_key(|column| column.position);
    sorted
        .into_iter()
        .map(|column| {
            let source = &column.source;
            ColumnShape {
                name: &source.name,
                ty: &source.ty,
                nullable: source.nullable,
                target_name: &column.target_name,
                target_type: column.target_type.to_string(),
                collation: source.collation.as_deref(),
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::{column, plan};

    fn table(scale: u8) -> TablePlan {
        let at = column("At", SqlType::DateTime2 { scale });
        plan(vec![column("Id", SqlType::Int), at], Strategy::Single)
    }

    /// A new release must not refuse the checkpoints of the last one: the text that is hashed stays.
    #[test]
    fn the_shape_is_written_in_the_same_form_in_every_release() {
        let expected = serde_json::json!([
            {"name": "Id", "type": "int", "nullable": false, "target_name": "id", "target_type": "text",
             "collation": null},
            {"name": "At", "type": {"date_time2": {"scale": 7}}, "nullable": false, "target_name": "at",
             "target_type": "text", "collation": null},
        ]);
        let written: serde_json::Value = serde_json::from_str(&written(&table(7))).expect("JSON");
        assert_eq!(written["columns"], expected);
        let keys: Vec<&String> = written.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["columns", "filter", "name", "schema", "target"]);
    }

    #[test]
    fn a_job_that_an_earlier_release_began_is_known_by_its_plan() {
        let earlier = "0f4b1c6e8a9d4a3cb2f0d1e2c3b4a596";
        assert!(is_same_shape(earlier, &table(7), &table(7)));
        assert!(!is_same_shape(earlier, &table(7), &table(3)));
        assert!(is_same_shape(&fingerprint(&table(3)), &table(7), &table(3)));
    }
}
