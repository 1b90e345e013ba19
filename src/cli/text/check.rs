//! What `check` found, as text.

use crate::cli::text::figures::{count, counted, fit, mebibytes, wrap};
use crate::cli::text::grid::{Align, Grid};
use crate::config::setting::{Origin, Setting};
use crate::report::Endpoint;
use crate::report::check::{CheckReport, Finding, Severity};
use crate::report::server::ServerFacts;

/// Columns of the terminal for what one server says.
const FACT_WIDTH: usize = 40;

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
    facts(&mut out, report);
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

/// Both servers side by side, and how much there is to copy.
fn facts(out: &mut String, report: &CheckReport) {
    let sides = [&report.source_facts, &report.target_facts];
    if sides.iter().any(|side| side.is_some()) {
        let mut grid = Grid::new(&[
            ("", Align::Left),
            ("source", Align::Left),
            ("target", Align::Left),
        ]);
        let mut row = |name: &str, of: &dyn Fn(&ServerFacts) -> String| {
            let cell = |facts: &Option<ServerFacts>| facts.as_ref().map_or("-".to_owned(), of);
            let cells = sides.map(|side| fit(&cell(side), FACT_WIDTH));
            let [source, target] = cells;
            grid.row(vec![name.to_owned(), source, target]);
        };
        row("edition", &|facts| {
            facts.edition.clone().unwrap_or_else(|| "-".to_owned())
        });
        row("signed in as", &|facts| match &facts.sign_in {
            Some(way) => format!("{} ({way})", facts.login),
            None => facts.login.clone(),
        });
        row("encryption", &|facts| facts.encryption.clone());
        row("collation", &|facts| facts.collation.clone());
        row("isolation", &|facts| facts.isolation.clone());
        row("round trip", &|facts| {
            format!("{:.2} ms", facts.round_trip_ms)
        });
        row("clock", &|facts| match facts.clock_ahead_s {
            -1..=1 => "as this machine's".to_owned(),
            ahead @ 2.. => format!("{ahead} s ahead of this machine"),
            behind => format!("{} s behind this machine", -behind),
        });
        row("database", &|facts| {
            facts.database_bytes.map_or("-".to_owned(), mebibytes)
        });
        out.push('\n');
        out.push_str(&grid.render());
    }
    if let Some(volume) = &report.volume {
        out.push_str(&format!(
            "\nto copy: {}, about {} rows, {}\n",
            counted(volume.tables, "table"),
            count(volume.rows),
            mebibytes(volume.bytes)
        ));
    }
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
