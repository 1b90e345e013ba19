//! What `check` found, as text.

use crate::cli::text::figures::{counted, wrap};
use crate::cli::text::grid::{Align, Grid};
use crate::config::effective::Origin;
use crate::report::Endpoint;
use crate::report::check::{CheckReport, Severity};

pub(crate) fn render(report: &CheckReport) -> String {
    let mut out = format!("job {}\n\nsettings in force\n", report.job);
    let mut grid = Grid::new(&[
        ("key", Align::Left),
        ("value", Align::Left),
        ("from", Align::Left),
    ]);
    for setting in &report.settings {
        let origin = match setting.origin {
            Origin::Default => "default",
            Origin::File => "job file",
            Origin::Environment(name) => name,
        };
        let value = match setting.value.as_str() {
            "" => "-".to_owned(),
            value => crate::cli::text::figures::fit(value, 40),
        };
        grid.row(vec![setting.key.clone(), value, origin.to_owned()]);
    }
    out.push_str(&grid.render());
    out.push('\n');
    side(&mut out, "source: SQL Server", report.source.as_ref());
    side(&mut out, "target: PostgreSQL", report.target.as_ref());
    out.push('\n');
    for finding in &report.findings {
        let word = match finding.severity {
            Severity::Good => "ok",
            Severity::Warning => "WARNING",
            Severity::Problem => "PROBLEM",
        };
        let lead = format!("{word:8}");
        out.push_str(&wrap(&finding.finding, &lead, "        "));
        if !finding.advice.is_empty() {
            let advice = format!("advice: {}", finding.advice);
            out.push_str(&wrap(&advice, "        ", "        "));
        }
    }
    out.push_str(&match report.problems() {
        0 => "\nready to run.\n".to_owned(),
        problems => format!("\nNOT ready to run: {}.\n", counted(problems, "problem")),
    });
    out
}

fn side(out: &mut String, name: &str, endpoint: Option<&Endpoint>) {
    out.push_str(&match endpoint {
        Some(endpoint) => format!(
            "{name} {} at {}, database {}\n",
            endpoint.version, endpoint.address, endpoint.database
        ),
        None => format!("{name}: not reached\n"),
    });
}
