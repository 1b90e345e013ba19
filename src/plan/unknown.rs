//! Names in the job file that the source does not have.
//!
//! A misspelt name would otherwise have no effect, and be noticed when the rows are there. Each is
//! an error of the kind `JobFile`, and planning finds all of them at once.

use crate::config::job::{Job, TableOverride};
use crate::error::{Error, Kind};
use crate::plan::selection;
use tsql::schema::{Database, Table};

/// Overrides of tables that the source does not have.
pub(super) fn unknown_overrides(database: &Database, job: &Job) -> Vec<Error> {
    let known = |name: &str| {
        database
            .tables
            .iter()
            .any(|table| table.full_name().eq_ignore_ascii_case(name))
    };
    job.tables
        .overrides
        .keys()
        .filter(|name| !known(name))
        .map(|name| {
            Error::new(
                Kind::JobFile,
                format!("tables.overrides names {name}, which the source does not have"),
            )
        })
        .collect()
}

/// A table that is named without a wildcard and is not there, or that the login may not see.
pub(super) fn unmatched_patterns(database: &Database, job: &Job) -> Vec<Error> {
    let named = |pattern: &&String| !pattern.contains(['*', '?']);
    let missing = |pattern: &&String| {
        let known = |table: &Table| selection::matches(pattern, &table.full_name());
        !database.tables.iter().any(known)
    };
    let patterns = job.tables.include.iter().filter(named).filter(missing);
    patterns
        .map(|pattern| {
            Error::new(
                Kind::JobFile,
                format!(
                    "tables.include names {pattern}, which database {} does not have or the login may not see",
                    database.name
                ),
            )
        })
        .collect()
}

/// Columns that an override names and the table does not have.
pub(super) fn unknown_columns(table: &Table, override_: &TableOverride) -> Vec<Error> {
    override_
        .types
        .keys()
        .chain(override_.values.keys())
        .chain(&override_.exclude_columns)
        .chain(override_.rename_columns.keys())
        .filter(|name| table.column(name).is_none())
        .map(|name| {
            Error::new(
                Kind::JobFile,
                "the override names a column that the table does not have",
            )
            .at_column(name)
        })
        .collect()
}
