//! Where in a COPY PostgreSQL found an error: column and line, never a value.
//!
//! PostgreSQL says both in CONTEXT, beside the value that it could not read. Only what is a number,
//! or the name of a column of this COPY, is taken from there.

use tokio_postgres::error::DbError;

use crate::plan::table::TablePlan;
use crate::postgres::state::PartitionProgress;

/// The columns of a COPY, by both names.
pub(super) struct Columns(Vec<Names>);

struct Names {
    target: String,
    source: String,
}

/// As far as PostgreSQL says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// By its source name.
    pub(super) column: Option<String>,
    /// Row of this COPY, from 1.
    pub(super) line: Option<u64>,
}

impl Columns {
    pub(super) fn for_plan(plan: &TablePlan) -> Self {
        let names = plan.columns.iter().map(|column| Names {
            target: column.target_name.clone(),
            source: column.source.name.clone(),
        });
        Self(names.collect())
    }

    /// Adds what was changed in each column, in the order of the COPY, to `progress`.
    pub(super) fn add(&self, changed: &[u64], progress: &mut PartitionProgress) {
        for (names, count) in self.0.iter().zip(changed).filter(|(_, count)| **count > 0) {
            progress.changed_values += count;
            let column = progress.changed_columns.entry(names.source.clone());
            *column.or_default() += count;
        }
    }

    /// An answer that names a column itself is trusted more than its context.
    pub(super) fn place(&self, answer: &DbError) -> Place {
        let mut place = answer
            .where_()
            .map(|text| self.parse(text))
            .unwrap_or_default();
        if let Some(named) = answer.column() {
            place.column = Some(self.source_of(named).unwrap_or(named).to_owned());
        }
        place
    }

    /// `None` for a column that is not part of the COPY.
    fn source_of(&self, target: &str) -> Option<&str> {
        let column = self.0.iter().find(|column| column.target == target)?;
        Some(&column.source)
    }

    /// `COPY posts, line 5, column body`, in the server's language: an unknown one gives nothing.
    /// What may follow a column is a value, so a column is taken only if it is one of ours.
    fn parse(&self, context: &str) -> Place {
        let Some(context) = context.lines().find(|line| line.starts_with("COPY ")) else {
            return Place::default();
        };
        let Some((_, rest)) = context.split_once(", line ") else {
            return Place::default();
        };
        let digits = rest
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap_or_default();
        Place {
            line: digits.parse().ok(),
            column: rest[digits.len()..]
                .strip_prefix(", column ")
                .and_then(|rest| self.longest(rest))
                .map(str::to_owned),
        }
    }

    /// The longest column name that the text begins with: one name may begin another.
    fn longest(&self, text: &str) -> Option<&str> {
        self.0
            .iter()
            .filter(|column| {
                text.strip_prefix(column.target.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            })
            .max_by_key(|column| column.target.len())
            .map(|column| column.source.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_gives_line_and_column_but_no_value() {
        let columns = Columns(vec![
            Names {
                target: "body".into(),
                source: "Body".into(),
            },
            Names {
                target: "body: x".into(),
                source: "Odd".into(),
            },
        ]);
        let place = |text: &str| columns.parse(text);
        assert_eq!(
            place("COPY posts, line 5, column body"),
            Place {
                column: Some("Body".into()),
                line: Some(5)
            }
        );
        assert_eq!(
            place("COPY posts, line 7, column body: \"secret\"")
                .column
                .as_deref(),
            Some("Body")
        );
        assert_eq!(
            place("COPY posts, line 7, column body: x")
                .column
                .as_deref(),
            Some("Odd")
        );
        assert_eq!(
            place("COPY posts, line 12: \"secret\""),
            Place {
                column: None,
                line: Some(12)
            }
        );
        assert_eq!(place("COPY posts, Zeile 12"), Place::default());
        assert_eq!(place("COPY posts, line 1, column other: 5").column, None);
    }
}
