//! Binds TABLESAMPLE.

use std::sync::Arc;

use sqlparser::ast;

use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::plan::Sample;
use crate::engine::model::table::Table;

/// What 475 says of everything that is not a table's name.
pub(crate) fn only_tables() -> crate::types::SqlError {
    let message = "Invalid SAMPLE clause. Only table names in the FROM clause of SELECT, UPDATE, and DELETE queries may be sampled.";
    error(475, 16, message)
}

/// Msg 494, for views and tables of other servers.
pub(crate) fn only_local() -> crate::types::SqlError {
    let message = "The TABLESAMPLE clause can only be used with local tables.";
    error(494, 16, message)
}

pub(crate) fn not_positive(table: &Table) -> crate::types::SqlError {
    let message = format!(
        "Invalid ROWS value or REPEATABLE seed in the TABLESAMPLE clause for table \"{}\". The value or seed must be greater than 0.",
        table.name
    );
    error(477, 16, message)
}

/// # Errors
/// 476 and 477 for numbers out of range; anything but SYSTEM with a constant is not T-SQL.
pub(crate) fn bind(table: &Arc<Table>, clause: &ast::TableSample) -> Result<Sample> {
    let quantity = match clause {
        ast::TableSample {
            modifier: ast::TableSampleModifier::TableSample,
            name: None | Some(ast::TableSampleMethod::System),
            quantity: Some(quantity),
            bucket: None,
            offset: None,
            ..
        } if quantity.parenthesized => quantity,
        other => return Err(unsupported(format!("'{other}'"))),
    };
    let number = quantity.value.to_string();
    let number: f64 = number
        .parse()
        .map_err(|_| unsupported(format!("TABLESAMPLE of '{number}'")))?;
    let part = match quantity.unit {
        Some(ast::TableSampleUnit::Rows) if number <= 0.0 => return Err(not_positive(table)),
        // Made a percentage of the rows that the table is known to have.
        Some(ast::TableSampleUnit::Rows) => number / table.row_count().max(1) as f64,
        _ if !(0.0..=100.0).contains(&number) => {
            let message = format!(
                "Invalid PERCENT tablesample size \"{number:.6}\" for table \"{}\". The PERCENT tablesample size must be between 0 and 100.",
                table.name
            );
            return Err(error(476, 16, message));
        }
        _ => number / 100.0,
    };
    let seed = match &clause.seed {
        None => None,
        Some(seed) => match seed.value.value.to_string().parse::<u64>() {
            Ok(0) | Err(_) => return Err(not_positive(table)),
            Ok(seed) => Some(seed),
        },
    };
    Ok(Sample {
        table: Arc::clone(table),
        part,
        seed,
    })
}
