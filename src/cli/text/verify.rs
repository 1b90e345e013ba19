//! A comparison as text.

use crate::cli::text::cause;
use crate::cli::text::figures::{count, counted, seconds, wrap};
use crate::cli::text::grid::{Align, Grid};
use crate::report::verify::{
    Checksums, ColumnDifference, Difference, RowDifference, VerifiedTable, VerifyReport,
};

/// The report as text.
pub(crate) fn render(report: &VerifyReport) -> String {
    let mut out = format!("job {}\n\n", report.job);
    lines(&mut out, report);
    out
}

/// Differences and failures by table, then the sum; the same for views.
pub(crate) fn lines(out: &mut String, report: &VerifyReport) {
    let what = if report.by_checksum() {
        "row count and checksum"
    } else {
        "row count"
    };
    side_by_side(out, &report.tables, "table");
    out.push_str(&format!(
        "{} of {} equal in {what}, compared in {}\n",
        equal(&report.tables),
        counted(report.tables.len(), "table"),
        seconds(report.seconds)
    ));
    if !report.views.is_empty() {
        out.push('\n');
        side_by_side(out, &report.views, "view");
        out.push_str(&format!(
            "{} of {} equal in row count and checksum\n",
            equal(&report.views),
            counted(report.views.len(), "view"),
        ));
    }
}

fn equal(compared: &[VerifiedTable]) -> usize {
    compared.iter().filter(|table| table.equal()).count()
}

fn side_by_side(out: &mut String, compared: &[VerifiedTable], kind: &str) {
    let mut grid = Grid::new(&[
        (kind, Align::Left),
        ("source rows", Align::Right),
        ("target rows", Align::Right),
        ("rejected", Align::Right),
        ("", Align::Left),
    ]);
    let side = |rows: Option<u64>| rows.map_or_else(|| "?".to_owned(), count);
    for table in compared {
        grid.row(vec![
            table.table.clone(),
            side(table.source_rows),
            side(table.target_rows),
            count(table.rejected),
            word(table).to_owned(),
        ]);
    }
    out.push_str(&grid.render());
    for table in compared {
        if let Some(checksums) = table.checksums.as_ref().filter(|sums| !sums.equal()) {
            differences(out, &table.table, checksums);
        }
        if let Some(why) = &table.cause {
            cause(out, &table.table, why);
        }
    }
}

fn word(table: &VerifiedTable) -> &'static str {
    if table.equal() {
        "equal"
    } else if table.cause.is_some() {
        "FAILED"
    } else {
        "DIFFERENT"
    }
}

/// Every row that was listed: it is what the reader came for.
fn differences(out: &mut String, table: &str, checksums: &Checksums) {
    let sums = format!(
        "{table}: checksum {} at the source, {} at the target",
        checksums.source, checksums.target
    );
    out.push_str(&wrap(&sums, "  ", "    "));
    for row in &checksums.differences {
        out.push_str(&wrap(&row_line(row), "    ", "      "));
    }
    if checksums.unlisted > 0 {
        let more = format!("at least {} more rows differ", count(checksums.unlisted));
        out.push_str(&wrap(&more, "    ", "      "));
    }
    for note in &checksums.notes {
        out.push_str(&wrap(note, "    ", "      "));
    }
}

/// `Id 17: changed in Body, Title`.
fn row_line(row: &RowDifference) -> String {
    let key = row
        .key
        .iter()
        .map(|part| format!("{} {}", part.column, value(part.value.as_deref())));
    let key = match &row.row {
        Some(hash) => format!("a row without a key (hash {hash})"),
        None => key.collect::<Vec<_>>().join(", "),
    };
    let (source, target) = (count(row.source_rows), count(row.target_rows));
    let changed = row.difference == Difference::Changed;
    let columns = row
        .columns
        .iter()
        .map(|one| column(one, changed))
        .collect::<Vec<_>>()
        .join(", ");
    let what = match row.difference {
        Difference::Missing if row.target_rows == 0 => "missing at the target".to_owned(),
        Difference::Missing => format!("{source} times at the source, {target} at the target"),
        Difference::Extra => "not at the source".to_owned(),
        Difference::Doubled => format!("doubled: {source} at the source, {target} at the target"),
        Difference::Changed if row.columns.is_empty() => "changed".to_owned(),
        Difference::Changed => return format!("{key}: changed in {columns}"),
    };
    match columns.as_str() {
        "" => format!("{key}: {what}"),
        columns => format!("{key}: {what}: {columns}"),
    }
}

/// If the row as such is missing or there too often, its value is that of the side that has it.
fn column(column: &ColumnDifference, changed: bool) -> String {
    match &column.values {
        None => column.column.clone(),
        Some(values) if !changed => {
            let either = values.source.as_deref().or(values.target.as_deref());
            format!("{} {}", column.column, value(either))
        }
        Some(values) => format!(
            "{} ({} -> {})",
            column.column,
            value(values.source.as_deref()),
            value(values.target.as_deref())
        ),
    }
}

/// Quoted, so that NULL, blanks and the empty string look like what they are; control characters
/// are escaped, because a value must not reach into the terminal.
fn value(value: Option<&str>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |text| format!("{text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::verify::{KeyPart, Taken, Values};

    fn row(
        difference: Difference,
        rows: (u64, u64),
        columns: Vec<ColumnDifference>,
    ) -> RowDifference {
        RowDifference {
            difference,
            key: vec![KeyPart {
                column: "Id".into(),
                value: Some("17".into()),
            }],
            row: None,
            source_rows: rows.0,
            target_rows: rows.1,
            columns,
        }
    }

    fn body(values: Option<Values>) -> Vec<ColumnDifference> {
        vec![ColumnDifference {
            column: "Body".into(),
            values,
        }]
    }

    #[test]
    fn every_kind_of_difference_reads_as_a_sentence() {
        let line = |difference, rows, columns| row_line(&row(difference, rows, columns));
        assert_eq!(
            line(Difference::Missing, (1, 0), Vec::new()),
            "Id \"17\": missing at the target"
        );
        assert_eq!(
            line(Difference::Doubled, (1, 2), Vec::new()),
            "Id \"17\": doubled: 1 at the source, 2 at the target"
        );
        assert_eq!(
            line(Difference::Changed, (1, 1), body(None)),
            "Id \"17\": changed in Body"
        );
        let values = Values {
            source: Some(String::new()),
            target: None,
        };
        assert_eq!(
            line(Difference::Changed, (1, 1), body(Some(values))),
            "Id \"17\": changed in Body (\"\" -> NULL)"
        );
        let one_side = Values {
            source: Some("1".into()),
            target: None,
        };
        assert_eq!(
            line(Difference::Missing, (2, 1), body(Some(one_side))),
            "Id \"17\": 2 times at the source, 1 at the target: Body \"1\""
        );
        let mut keyless = row(Difference::Extra, (0, 1), Vec::new());
        keyless.key.clear();
        keyless.row = Some("00ff".into());
        assert_eq!(
            row_line(&keyless),
            "a row without a key (hash 00ff): not at the source"
        );
    }

    #[test]
    fn differences_stand_under_the_table() {
        let report = VerifyReport {
            job: "demo".into(),
            tables: vec![VerifiedTable {
                table: "dbo.A".into(),
                target: "public.a".into(),
                source_rows: Some(5),
                target_rows: Some(5),
                rejected: 0,
                checksums: Some(Checksums {
                    source: "0a".into(),
                    target: "0b".into(),
                    source_taken: Taken::Comparing,
                    differences: vec![row(Difference::Changed, (1, 1), body(None))],
                    unlisted: 1234,
                    notes: vec!["a note".into()],
                }),
                cause: None,
            }],
            views: Vec::new(),
            seconds: 0.5,
        };
        let text = render(&report);
        for part in [
            "DIFFERENT",
            "dbo.A: checksum 0a at the source, 0b at the target",
            "    Id \"17\": changed in Body\n",
            "at least 1,234 more rows differ",
            "    a note\n",
            "0 of 1 table equal in row count and checksum",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
