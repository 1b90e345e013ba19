//! Triggers for what SQL Server does by itself, if the job asks for them: rowversions that grow, and
//! the history of system-versioned tables.
//!
//! Both are made after a table's rows. A rowversion's sequence begins above the last number that
//! the whole source database has given out; the history trigger does what SYSTEM_VERSIONING does at
//! the source.

use crate::config::job::{History, Job, RowVersion};
use crate::plan::object::{TriggerAction, TriggerPlan};
use crate::plan::objects::filled::end_of_time;
use crate::plan::table::{ColumnPlan, Omission, TablePlan};
use tsql::schema::objects::{Period, Temporal};
use tsql::schema::{Database, SqlType, Table};
use tsql::typemap::PgType;

/// Plans the triggers of all tables, once all are known; what can have none is listed.
pub(in crate::plan) fn plan_all(database: &Database, tables: &mut [TablePlan], job: &Job) {
    if job.schema.rowversion == RowVersion::Counter {
        for plan in tables.iter_mut() {
            row_version(database, plan);
        }
    }
    if job.schema.history == History::Trigger {
        for at in 0..tables.len() {
            match history(database, &tables[at], tables) {
                Some(Ok(trigger)) => {
                    tables[at].notes.push(format!(
                        "system-versioned at the source: a trigger writes the old row of every UPDATE and DELETE into the history table here (trigger {})",
                        trigger.name
                    ));
                    tables[at].objects.triggers.push(trigger);
                }
                Some(Err(omission)) => tables[at].omissions.push(omission),
                None => {}
            }
        }
    }
}

/// Plans the counter, or lists it as left out if the job gave the column another type than `bytea`.
fn row_version(database: &Database, plan: &mut TablePlan) {
    let mut columns = plan.columns.iter();
    // SQL Server allows one of a table.
    let Some(column) = columns.find(|column| column.source.ty == SqlType::RowVersion) else {
        return;
    };
    let (name, source) = (&column.target_name, &column.source.name);
    if column.target_type != PgType::Bytea {
        plan.omissions.push(Omission {
            object: format!("counter of rowversion {source}"),
            reason: format!(
                "a counter has 8 bytes, and the column is {}",
                column.target_type
            ),
            text: None,
        });
        return;
    }
    plan.notes.push(format!(
        "column {source}: a rowversion; new rows and updates get the next number of a sequence here, above the source's, one sequence for each table"
    ));
    plan.objects.triggers.push(TriggerPlan {
        name: format!("{}_{name}_rowversion", plan.target.table),
        source: format!("rowversion {source}"),
        does: TriggerAction::RowVersion {
            column: name.clone(),
            sequence: format!("{}_{name}_seq", plan.target.table),
            above: database.last_rowversion.unwrap_or(0),
        },
    });
}

/// `None` for a table that is not the current half of a pair.
fn history(
    database: &Database,
    plan: &TablePlan,
    tables: &[TablePlan],
) -> Option<Result<TriggerPlan, Omission>> {
    let table = source_table(database, plan)?;
    let Some(Temporal::Current { history }) = &table.extras.temporal else {
        return None;
    };
    let omit = |reason: String| {
        Some(Err(Omission {
            object: "trigger for the history".to_owned(),
            reason,
            text: None,
        }))
    };
    let name = history.as_deref().unwrap_or_default();
    let Some(old) = tables.iter().find(|plan| plan.full_name() == name) else {
        return omit(format!(
            "the history table {name} is not among the tables of the job"
        ));
    };
    let end = |wanted: Period| {
        let mut columns = plan.columns.iter();
        columns.find(|column| column.source.extras.period == Some(wanted))
    };
    let (Some(start), Some(end)) = (end(Period::Start), end(Period::End)) else {
        return omit("a period column is excluded by the job".to_owned());
    };
    let PgType::Timestamp(digits) = end.target_type else {
        return omit(format!("the period columns are {}", end.target_type));
    };
    let mut columns: Vec<&ColumnPlan> = plan.all_columns().collect();
    columns.sort_by_key(|column| column.position);
    let mut pairs = Vec::with_capacity(columns.len());
    for column in columns {
        let mut known = old.columns.iter();
        let Some(other) = known.find(|other| other.source.name == column.source.name) else {
            return omit(format!("{name} has no column {} here", column.source.name));
        };
        pairs.push((column.target_name.clone(), other.target_name.clone()));
    }
    Some(Ok(TriggerPlan {
        name: format!("{}_history", plan.target.table),
        source: format!("history {name}"),
        does: TriggerAction::History {
            table: old.target.clone(),
            columns: pairs,
            start: start.target_name.clone(),
            end: end.target_name.clone(),
            end_of_time: end_of_time(digits).to_owned(),
        },
    }))
}

/// `None` does not happen for a planned table; the caller then plans nothing.
fn source_table<'a>(database: &'a Database, plan: &TablePlan) -> Option<&'a Table> {
    let mut tables = database.tables.iter();
    tables.find(|table| table.schema == plan.schema && table.name == plan.name)
}
