//! A table's columns as they are created: type, name and order in the select list.
//!
//! Types and names are decided here, once; `transcode` encodes and `postgres::ddl` creates by what
//! is recorded in the [`ColumnPlan`]. The order in `columns` is that of the select list and of
//! COPY, and `position` that of CREATE TABLE.

use crate::config::job::{Job, TableOverride};
use crate::error::{Error, Kind, Result};
use crate::plan::object::ColumnClauses;
use crate::plan::table::{ColumnPlan, Strategy};
use crate::plan::types;
use tsql::names;
use tsql::schema::{Column, Index, IndexRole, Table};
use tsql::typemap::{self, TargetTypes};

/// What decides a column's type and name.
pub(super) struct ColumnRules<'a> {
    pub(super) job: &'a Job,
    /// The job's settings for the table.
    pub(super) override_: &'a TableOverride,
    /// Which extensions the target has: they decide what spatial columns and vectors become.
    pub(super) target: TargetTypes,
}

/// Plans the columns that the job keeps, in the table's order; what keeps one from being planned is added to
/// `problems`, with the column.
pub(super) fn plan_columns(
    table: &Table,
    rules: &ColumnRules<'_>,
    notes: &mut Vec<String>,
    problems: &mut Vec<Error>,
) -> Vec<ColumnPlan> {
    let mut columns = Vec::with_capacity(table.columns.len());
    let kept = table
        .columns
        .iter()
        .filter(|column| !rules.override_.exclude_columns.contains(&column.name));
    for (position, column) in kept.enumerate() {
        match plan_column(column, position, rules, notes) {
            Ok(plan) => columns.push(plan),
            Err(error) => problems.push(error.at_column(&column.name)),
        }
    }
    let pairs = columns
        .iter()
        .map(|column| (column.source.name.as_str(), column.target_name.as_str()));
    problems.extend(names::collisions(pairs).into_iter().map(|collision| {
        Error::new(
            Kind::Naming,
            format!(
                "columns {} and {} would both be named {}",
                collision.first, collision.second, collision.target
            ),
        )
    }));
    columns
}

/// # Errors
/// A type that cannot be carried, or a name that PostgreSQL cannot have. The column is added by the
/// caller.
fn plan_column(
    column: &Column,
    position: usize,
    rules: &ColumnRules<'_>,
    notes: &mut Vec<String>,
) -> Result<ColumnPlan> {
    let ColumnRules {
        job,
        override_,
        target,
    } = *rules;
    let target_type = types::target_type(column, override_, job, target)?;
    let name = match override_.rename_columns.get(&column.name) {
        Some(rename) => names::Name {
            text: names::given_column(rename)?,
            shortened: false,
        },
        None => names::target_column(&column.name, job.schema.names)?,
    };
    if name.shortened {
        notes.push(format!(
            "column {}: name shortened to {}",
            column.name, name.text
        ));
    } else if names::is_system_column(&names::fold(&column.name, job.schema.names)) {
        notes.push(format!(
            "column {}: named {}, because every table of PostgreSQL has a system column of its name",
            column.name, name.text
        ));
    }
    if let Some(note) = typemap::precision_note(column, &target_type) {
        notes.push(note);
    }
    Ok(ColumnPlan {
        source: column.clone(),
        position,
        target_name: name.text,
        target_type,
        identity: column.identity.clone().filter(|_| job.schema.identity),
        clauses: ColumnClauses::default(),
    })
}

/// Key columns lead the select list, so that a row's key is known before its long values; those of
/// the primary key if the table is not read by one.
pub(super) fn key_columns_first(columns: &mut [ColumnPlan], strategy: &Strategy, table: &Table) {
    let primary = |index: &&Index| index.role == IndexRole::PrimaryKey;
    let primary = table.indexes.iter().find(primary);
    let names = match (strategy, primary) {
        (Strategy::Keyset { key, .. }, _) => key.iter().map(|key| &key.column.name).collect(),
        (_, Some(index)) => index.key.iter().map(|key| &key.column).collect(),
        (_, None) => Vec::new(),
    };
    columns.sort_by_key(|column| {
        let place = names.iter().position(|name| **name == column.source.name);
        (place.unwrap_or(usize::MAX), column.position)
    });
}
