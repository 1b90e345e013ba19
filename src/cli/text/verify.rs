//! A comparison as text.

use crate::cli::text::cause;
use crate::cli::text::figures::{count, counted, seconds};
use crate::cli::text::grid::{Align, Grid};
use crate::report::verify::{VerifiedTable, VerifyReport};

pub(crate) fn render(report: &VerifyReport) -> String {
    let mut out = format!("job {}\n\n", report.job);
    lines(&mut out, report);
    out
}

/// Differences and failures by table, then the sum.
pub(crate) fn lines(out: &mut String, report: &VerifyReport) {
    let mut grid = Grid::new(&[
        ("table", Align::Left),
        ("source rows", Align::Right),
        ("target rows", Align::Right),
        ("", Align::Left),
    ]);
    let side = |rows: Option<u64>| rows.map_or_else(|| "?".to_owned(), count);
    for table in &report.tables {
        grid.row(vec![
            table.table.clone(),
            side(table.source_rows),
            side(table.target_rows),
            word(table).to_owned(),
        ]);
    }
    out.push_str(&grid.render());
    for table in report.failures() {
        if let Some(why) = &table.cause {
            cause(out, &table.table, why);
        }
    }
    out.push_str(&format!(
        "{} of {} equal in row count, compared in {}\n",
        report.tables.iter().filter(|table| table.equal()).count(),
        counted(report.tables.len(), "table"),
        seconds(report.seconds)
    ));
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
