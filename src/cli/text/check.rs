//! What `check` found, as text.

use crate::cli::text::figures::{counted, fit, wrap};
use crate::cli::text::grid::{Align, Grid};
use crate::config::setting::{Origin, Setting};
use crate::report::Endpoint;
use crate::report::check::{CheckReport, Finding, Severity};

/// Findings first, the worst at the top; then the settings that are not defaults, or all of them.
pub(crate) fn render(report: &CheckReport, all_settings: bool) -> String {
    let mut out = found(report);
    settings(&mut out, report, all_settings);
    out.push_str(&match report.problems() {
        0 => "\nready to run.\n".to_owned(),
        problems => format!("\nNOT ready to run: {}.\n", counted(problems, "problem")),
    });
    out
}

/// Both servers and what was found there.
pub(crate) fn found(report: &CheckReport) -> String {
    let mut out = format!("job {}\n\n", report.job);
    side(&mut out, "source: SQL Server", report.source.as_ref());
    side(&mut out, "target: PostgreSQL", report.target.as_ref());
    out.push('\n');
    for (severity, word) in [
        (Severity::Problem, "PROBLEM"),
        (Severity::Warning, "WARNING"),
        (Severity::Note, "note"),
        (Severity::Good, "ok"),
    ] {
        let findings = report.findings.iter();
        for finding in findings.filter(|finding| finding.severity == severity) {
            say(&mut out, word, finding);
        }
    }
    out
}

fn say(out: &mut String, word: &str, finding: &Finding) {
    out.push_str(&wrap(&finding.finding, &format!("{word:8}"), "        "));
    if !finding.advice.is_empty() {
        let advice = format!("advice: {}", finding.advice);
        out.push_str(&wrap(&advice, "        ", "        "));
    }
}

fn settings(out: &mut String, report: &CheckReport, all: bool) {
    let shown = |setting: &&Setting| all || setting.origin != Origin::Default;
    let shown: Vec<_> = report.settings.iter().filter(shown).collect();
    out.push_str("\nsettings in force\n");
    let mut grid = Grid::new(&[
        ("key", Align::Left),
        ("value", Align::Left),
        ("from", Align::Left),
    ]);
    for setting in &shown {
        let origin = match setting.origin {
            Origin::Default => "default",
            Origin::File => "job file",
            Origin::Environment(name) => name,
        };
        let value = match setting.value.as_str() {
            "" => "-".to_owned(),
            value => fit(value, 40),
        };
        grid.row(vec![setting.key.clone(), value, origin.to_owned()]);
    }
    out.push_str(&grid.render());
    let defaults = report.settings.len() - shown.len();
    if defaults > 0 {
        out.push_str(&format!(
            "and {} at their defaults (-v shows them)\n",
            counted(defaults, "setting")
        ));
    }
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
