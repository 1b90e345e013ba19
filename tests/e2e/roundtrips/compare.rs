//! Both sides' own texts of a table, row by row, as multisets.

use serde_json::Value;

use super::kind::Form;
use super::moment;
use super::name::{bracket, quote};
use super::table::Table;
use crate::support::postgres::Database;
use crate::support::source::SourceDatabase;

type Rows = Vec<Vec<Option<String>>>;

/// Panics with the first row that one side has and the other has not.
pub(super) fn equal(
    table: &Table,
    source: &SourceDatabase,
    target: &Database<'_>,
    report: &Value,
    seed: u64,
) {
    let name = target_name(table, report);
    let columns = target.sql(&format!(
        "SELECT attname FROM pg_attribute WHERE attrelid = '{}'::regclass AND attnum > 0 ORDER BY attnum",
        name.replace('\'', "''")
    ));
    assert_eq!(
        columns.len(),
        table.columns.len(),
        "{seed}: columns of {name}"
    );
    let (mut from, mut to, mut forms) = (Vec::new(), Vec::new(), Vec::new());
    for (column, target) in table.columns.iter().zip(&columns) {
        let target = quote(target[0].as_deref().expect("a name"));
        if let Some((left, right, form)) = column.kind.texts(&bracket(&column.name), &target) {
            from.push(left);
            to.push(right);
            forms.push(form);
        }
    }
    if from.is_empty() {
        return;
    }
    let mut expected = source.texts(
        &format!("SELECT {} FROM {}", from.join(", "), table.name),
        from.len(),
    );
    for row in &mut expected {
        for (text, form) in row.iter_mut().zip(&forms) {
            if *form == Form::Moment {
                *text = text.as_deref().map(moment::microseconds);
            }
        }
    }
    let mut found = target.sql(&format!("SELECT {} FROM {name}", to.join(", ")));
    expected.sort();
    found.sort();
    let (lost, extra) = (without(&expected, &found), without(&found, &expected));
    if let (Some(lost), Some(extra)) = (lost.first(), extra.first()) {
        for (at, (left, right)) in lost.iter().zip(extra).enumerate() {
            if left != right {
                eprintln!("{seed}: {}: {left:?} became {right:?}", from[at]);
            }
        }
    }
    assert!(
        lost.is_empty() && extra.is_empty(),
        "{seed}: {name} of {} has {} rows, not {}; lost: {}, extra: {}",
        table.name,
        found.len(),
        expected.len(),
        lost.len(),
        extra.len()
    );
}

/// The table's name in PostgreSQL, quoted, as the report has it.
fn target_name(table: &Table, report: &Value) -> String {
    let full = format!("{}.{}", table.schema, table.plain);
    let found = report["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .find(|entry| entry["table"] == full.as_str())
        .unwrap_or_else(|| panic!("{full} is in the report: {report:#}"));
    let target = found["target"].as_str().expect("a name");
    let schemas = ["public", "Odd.Schema", "odd.schema", "odd_schema"];
    let schema = schemas
        .into_iter()
        .find(|schema| target.starts_with(&format!("{schema}.")))
        .unwrap_or_else(|| panic!("a known schema in {target}"));
    format!("{}.{}", quote(schema), quote(&target[schema.len() + 1..]))
}

/// The rows of one sorted side that the other has not, or has less often.
fn without(these: &Rows, those: &Rows) -> Rows {
    let mut rest = those.iter().peekable();
    let mut only = Rows::new();
    for row in these {
        while rest.next_if(|other| *other < row).is_some() {}
        if rest.next_if(|other| *other == row).is_none() {
            only.push(row.clone());
        }
    }
    only
}
