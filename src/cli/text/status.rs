//! What the target knows of a job, as text.

use crate::cli::text::figures::{count, mebibytes, wrap};
use crate::cli::text::grid::{Align, Grid};
use crate::report::status::{RunStatus, StatusReport};

pub(crate) fn render(report: &StatusReport) -> String {
    let mut out = format!("job {}\n", report.job);
    match &report.held_by {
        Some(holder) => out.push_str(&format!("running now: {holder}\n")),
        None => out.push_str("not running now\n"),
    }
    match &report.run {
        Some(status) => run(&mut out, status),
        None => out.push_str("the target knows no run of this job\n"),
    }
    out
}

fn run(out: &mut String, run: &RunStatus) {
    let ended = run.ended.as_deref().unwrap_or("not ended");
    out.push_str(&format!(
        "last run {}: {}, {} to {ended}\n\n",
        run.run_id, run.state, run.started
    ));
    let mut grid = Grid::new(&[
        ("table", Align::Left),
        ("rows", Align::Right),
        ("size", Align::Right),
        ("partitions", Align::Right),
        ("state", Align::Left),
    ]);
    for table in &run.tables {
        grid.row(vec![
            table.table.clone(),
            count(table.rows),
            mebibytes(table.bytes),
            format!("{}/{}", table.partitions_done, table.partitions),
            table.state.clone(),
        ]);
    }
    out.push_str(&grid.render());
    for table in &run.tables {
        if let Some(cause) = &table.cause {
            out.push_str(&wrap(&format!("{}: {cause}", table.table), "  ", "    "));
        }
    }
}
