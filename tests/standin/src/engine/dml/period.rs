//! System-versioned tables under change: the period columns and the history rows.

use std::sync::Arc;

use crate::engine::error::{Result, error};
use crate::engine::model::facts::Facts;
use crate::engine::model::rows::Row;
use crate::engine::model::state::Database;
use crate::engine::model::table::{ColumnDef, GeneratedAlways, Table, Temporal};
use crate::engine::rules::check::Rules;
use crate::engine::value::calendar::{DAY, LAST_DAY};
use crate::types::{SqlType, Value};

const MOMENT: SqlType = SqlType::DateTime2 { scale: 7 };

fn now(facts: &Facts) -> Value {
    let (days, ticks) = facts.now;
    Value::DateTime2 { days, ticks }
}

/// # Errors
/// `number` (13536 for INSERT, 13537 for UPDATE) for a column that the server fills in.
pub(super) fn refuse_generated(column: &ColumnDef, number: i32) -> Result<()> {
    if column.generated == GeneratedAlways::No {
        return Ok(());
    }
    let message = format!(
        "Cannot insert or update the GENERATED ALWAYS column '{}'.",
        column.name
    );
    Err(error(number, 16, message))
}

/// Fills in the period columns: it starts now and lasts until the end of time.
pub(super) fn stamp(
    rules: &Rules,
    table: &Table,
    values: &mut [Value],
    facts: &Facts,
) -> Result<()> {
    for (at, column) in table.columns.iter().enumerate() {
        let moment = match column.generated {
            GeneratedAlways::No => continue,
            GeneratedAlways::RowStart => now(facts),
            GeneratedAlways::RowEnd => last_moment(&column.ty),
        };
        values[at] = rules.store(table, at, &moment, &column_type(column))?;
    }
    Ok(())
}

fn column_type(column: &ColumnDef) -> SqlType {
    match column.generated {
        GeneratedAlways::RowEnd => column.ty.clone(),
        _ => MOMENT,
    }
}

/// 9999-12-31 23:59:59.9999999 at the precision of the type.
fn last_moment(ty: &SqlType) -> Value {
    let scale = match ty {
        SqlType::DateTime2 { scale } => *scale,
        _ => 7,
    };
    let step = 10u64.pow(u32::from(7 - scale.min(7)));
    Value::DateTime2 {
        days: LAST_DAY,
        ticks: DAY - step,
    }
}

/// Puts rows that went or changed into the history table, ended now.
pub(super) fn keep_history(
    facts: &Facts,
    database: &mut Database,
    table: &Table,
    old: &[Arc<Row>],
) -> Result<()> {
    let (Temporal::Versioned(id), Some((_, end))) = (table.temporal, table.period) else {
        return Ok(());
    };
    let Some(history) = database.tables.get(&id).cloned() else {
        return Ok(());
    };
    let rules = Rules::new(facts, database, &history)?;
    let at = table.position(end);
    for row in old {
        let mut values = row.values.to_vec();
        values[at] = rules.store(&history, at, &now(facts), &MOMENT)?;
        let Some(stored) = database.table_mut(id) else {
            continue;
        };
        let row_id = stored.next_row;
        stored.next_row += 1;
        let kept = Row {
            id: row_id,
            values: values.into(),
        };
        rules.insert(stored, Arc::new(kept))?;
    }
    Ok(())
}
