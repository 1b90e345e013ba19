//! Tables of which the login would read less than they hold: refused, unless the job takes that.

use crate::config::job::TableOverride;
use crate::error::{Error, Kind};
use crate::plan::objects::Remarks;
use crate::schema::{Database, Table};

/// Said where the login could not see a filter on its rows.
pub const FILTERS_HIDDEN: &str = "row-level security cannot be excluded: the login has neither VIEW \
    DEFINITION nor ALTER ANY SECURITY POLICY in the source database, so the server does not show \
    it the security policies there are; rows that such a policy hides are neither copied nor counted";

/// What nobody can find out with this login.
pub(super) fn unknown(database: &Database) -> Option<String> {
    database.filters_hidden.then(|| FILTERS_HIDDEN.to_owned())
}

/// Masks, row filters and columns that the login does not see, each a problem or, where the job
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
            let message = "the login has no SELECT permission on it";
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
    let mut whole = |there: bool, refused: &str, taken: &str| {
        if there && accept.filtered {
            remarks.notes.push(format!("{taken}, as the job accepts"));
        } else if there {
            problems.push(Error::new(Kind::SourceHidden, refused));
        }
    };
    whole(
        table.filtered_by_policy,
        "a security policy filters its rows: only those that the login sees would be copied",
        "a security policy filters its rows: only those that the login sees are copied",
    );
    whole(
        extras.hidden_columns,
        "SELECT is granted or denied by column, and the login does not see all columns: only those that it sees would be copied",
        "SELECT is granted or denied by column: only the columns that the login sees are copied",
    );
    if accept.filtered {
        for index in &extras.hidden_indexes {
            let reason = "the login does not see one of its columns";
            remarks.omit(format!("index {index}"), reason);
        }
    }
    problems
}
