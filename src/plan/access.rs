//! Tables of which the login would read less than they hold: refused, unless the job takes that.
//!
//! What the login sees was found by `mssql::catalog::access`; here is decided what follows. A table
//! that would arrive incomplete without a word is worse than one that fails, so each case is a
//! problem (`SourceHidden`) unless `tables.overrides.<table>.accept` names it.

use crate::config::job::TableOverride;
use crate::error::{Error, Kind};
use crate::plan::objects::Remarks;
use tsql::schema::{Database, Table};

/// Said if the login could not see a filter on its rows.
pub const FILTERS_HIDDEN: &str = "row-level security cannot be excluded: the login has neither VIEW \
    DEFINITION nor ALTER ANY SECURITY POLICY in the source database, so the server does not show \
    it the security policies there are; rows that such a policy hides are neither copied nor counted";

/// What cannot be found out with this login.
pub(super) fn unknown(database: &Database) -> Option<String> {
    database.filters_hidden.then(|| FILTERS_HIDDEN.to_owned())
}

/// The override with the columns that the login may not read excluded, if the job accepts that.
pub(super) fn without_denied(
    table: &Table,
    mut override_: TableOverride,
    remarks: &mut Remarks,
) -> TableOverride {
    if override_.accept.filtered {
        for column in &table.extras.denied_columns {
            if !override_.exclude_columns.contains(column) {
                remarks.notes.push(format!(
                    "column {column}: not copied, as the login has no SELECT permission on it and the job accepts that"
                ));
                override_.exclude_columns.push(column.clone());
            }
        }
    }
    override_
}

/// Masks, row filters and columns that the login may not read, each a problem or, if the job
/// accepts it, a note.
pub(super) fn refused(
    table: &Table,
    override_: &TableOverride,
    remarks: &mut Remarks,
) -> Vec<Error> {
    let mut problems = Vec::new();
    let (accept, extras) = (override_.accept, &table.extras);
    for column in &table.columns {
        if override_.exclude_columns.contains(&column.name) {
            continue;
        }
        if extras.denied_columns.contains(&column.name) {
            let message = "the login has no SELECT permission on this column";
            problems.push(Error::new(Kind::SourceHidden, message).at_column(&column.name));
        }
        if !column.masked {
            continue;
        }
        if accept.masked {
            remarks.notes.push(format!(
                "column {}: masked, and the login has no UNMASK: masked values are copied, as the job accepts",
                column.name
            ));
        } else {
            let message = "masked, and the login has no UNMASK: masked values would be copied";
            problems.push(Error::new(Kind::SourceHidden, message).at_column(&column.name));
        }
    }
    if table.filtered_by_policy && accept.filtered {
        let note = "a security policy filters its rows: only those that the login sees are copied, as the job accepts";
        remarks.notes.push(note.to_owned());
    } else if table.filtered_by_policy {
        let message =
            "a security policy filters its rows: only those that the login sees would be copied";
        problems.push(Error::new(Kind::SourceHidden, message));
    }
    problems
}
