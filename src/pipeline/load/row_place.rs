//! Where in a partition a faulty row is.

use crate::plan::table::{Strategy, TablePlan};

/// The row's number in its partition, and by which columns to count: an operator finds it without any
/// value being told. The partition's range is in `_migrate.partitions`.
pub fn row_place(row: &str, before: u64, plan: &TablePlan) -> String {
    let Ok(of_statement) = row.parse::<u64>() else {
        return row.to_owned();
    };
    let row = before + of_statement;
    match &plan.strategy {
        Strategy::Keyset {
            key, ordered: true, ..
        } => {
            let columns = key.iter().map(|key| key.column.name.as_str());
            let columns = columns.collect::<Vec<_>>().join(", ");
            format!("{row} of the partition by {columns}")
        }
        _ => format!("{row} of the partition as it was read"),
    }
}
