//! Limits of PostgreSQL that a table's shape alone can break.

use crate::config::job::TableOverride;
use crate::error::{Error, Kind};
use crate::plan::selection::matches;
use tsql::schema::Table;

/// Columns of a table (PostgreSQL documentation, appendix "PostgreSQL Limits"). SQL Server has 1,024,
/// and 30,000 if a column set makes a table wide.
const MOST_COLUMNS: usize = 1600;

/// The override with columns in place of patterns, which spare writing the names of 1,700 columns.
/// A name that the table has is never a pattern. A pattern that matches nothing stays as it is, and
/// is then reported as an unknown column.
pub(super) fn without_patterns(table: &Table, mut override_: TableOverride) -> TableOverride {
    let mut excluded = Vec::new();
    for name in std::mem::take(&mut override_.exclude_columns) {
        let is_pattern = table.column(&name).is_none() && name.contains(['*', '?']);
        let columns = table.columns.iter();
        let fit = columns.filter(|column| is_pattern && matches(&name, &column.name));
        let fit: Vec<_> = fit.map(|column| column.name.clone()).collect();
        if fit.is_empty() {
            excluded.push(name)
        } else {
            excluded.extend(fit)
        }
    }
    override_.exclude_columns = excluded;
    override_
}

/// `kept`: columns that the target would have. The advice names the column set, if there is one,
/// since its sparse columns are what makes such a table wide.
pub(super) fn too_many_columns(table: &Table, kept: usize) -> Option<Error> {
    if kept <= MOST_COLUMNS {
        return None;
    }
    let sets = table.columns.iter();
    let set = sets.clone().find(|column| column.extras.column_set);
    let sparse = sets.filter(|column| column.extras.sparse).count();
    let alone = set.map_or_else(String::new, |set| {
        format!(
            ", or leave out its {sparse} sparse columns, which column set {} holds as one xml",
            set.name
        )
    });
    Some(Error::new(
        Kind::Unsupported,
        format!(
            "{kept} columns would be made, and a table of PostgreSQL has {MOST_COLUMNS} at most"
        ),
    )
    .advise(format!(
        "leave some out with tables.overrides.<table>.columns.exclude, which takes patterns as \"S*\"{alone}."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;
    use tsql::schema::SqlType;

    #[test]
    fn a_pattern_leaves_out_what_it_fits_and_a_name_itself_alone() {
        let columns = ["A1", "A2", "B*", "Bc"].map(|name| sample::column(name, SqlType::Int));
        let table = sample::table(columns.to_vec(), Vec::new(), 1);
        let left_out = |names: &[&str]| {
            let exclude_columns = names.iter().map(|name| (*name).to_owned()).collect();
            let given = TableOverride {
                exclude_columns,
                ..TableOverride::default()
            };
            without_patterns(&table, given).exclude_columns
        };
        assert_eq!(left_out(&["A*", "B*"]), ["A1", "A2", "B*"]);
        assert_eq!(left_out(&["X*"]), ["X*"]);
    }

    #[test]
    fn sixteen_hundred_columns_are_the_most() {
        let table = sample::table(Vec::new(), Vec::new(), 1);
        assert!(too_many_columns(&table, 1600).is_none());
        let error = too_many_columns(&table, 1601).unwrap();
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(error.message().contains("1601") && error.message().contains("1600"));
    }
}
