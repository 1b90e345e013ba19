//! What `check` found, as text of one screen: 80 columns, and lists that name the first of many.

use std::cmp::Reverse;

use crate::cli::text::figures::{NARROW, count, counted, fit, mebibytes, seconds, wrap_to};
use crate::cli::text::grid::{Align, Grid};
use crate::cli::text::one_line;
use crate::config::setting::{Origin, Setting};
use crate::plan::changes::TypeChange;
use crate::report::check::{CheckReport, Finding, OneReader, Outlook, Severity};
use crate::report::estimate::Estimate;
use crate::report::server::ServerFacts;
use crate::report::{Endpoint, Omission};

/// Columns of the terminal for what one server says.
const FACT_WIDTH: usize = 32;

/// Columns of the terminal for the value of a setting.
const VALUE_WIDTH: usize = 28;

/// Lines of one list, at most, and names in one line; `-v` has all.
const MOST_LINES: usize = 5;
const MOST_NAMES: usize = 3;

/// Findings first, the worst at the top; then what a run would do with the data, and the settings that are
/// not defaults. `all`: every line of every list.
pub(crate) fn render(report: &CheckReport, all: bool) -> String {
    let mut out = found(report, all);
    outlook(&mut out, &report.outlook, all);
    settings(&mut out, report, all);
    out.push_str(&match report.problems() {
        0 => "\nready to run.\n".to_owned(),
        problems => format!("\nNOT ready to run: {}.\n", counted(problems, "problem")),
    });
    out
}

/// Both servers and what was found there.
pub(crate) fn found(report: &CheckReport, all: bool) -> String {
    let mut out = format!("job {}\n\n", report.job);
    side(&mut out, "source: SQL Server", report.source.as_ref());
    side(&mut out, "target: PostgreSQL", report.target.as_ref());
    facts(&mut out, report);
    if let Some(estimate) = &report.estimate {
        estimated(&mut out, estimate);
    }
    out.push('\n');
    for (severity, word) in [
        (Severity::Problem, "PROBLEM"),
        (Severity::Warning, "WARNING"),
        (Severity::Note, "note"),
        (Severity::Good, "ok"),
    ] {
        let findings = report.findings.iter();
        let findings = findings.filter(|finding| finding.severity == severity);
        let most = match severity {
            Severity::Note if !all => MOST_LINES,
            _ => usize::MAX,
        };
        let more = findings.clone().count().saturating_sub(most);
        findings
            .take(most)
            .for_each(|finding| say(&mut out, word, finding));
        if more > 0 {
            out.push_str(&format!("        and {more} more (-v shows them)\n"));
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
        row(
            "free space",
            &|facts| match (facts.free_bytes, &facts.free_unknown) {
                (Some(bytes), _) => mebibytes(bytes),
                (None, Some(_)) => "not known".to_owned(),
                (None, None) => "-".to_owned(),
            },
        );
        out.push('\n');
        out.push_str(&grid.render_to(NARROW));
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

/// How long the rows take, how that was found, and what it leaves out.
pub(crate) fn estimated(out: &mut String, estimate: &Estimate) {
    let Estimate {
        shortest_seconds,
        longest_seconds,
        samples,
        sampled_share,
        notes,
    } = estimate;
    out.push_str(&format!(
        "rows take: {} to {}\n",
        seconds(*shortest_seconds),
        seconds(*longest_seconds)
    ));
    let tables = samples.iter().map(|one| {
        let rates = one.bytes_per_second.iter().copied();
        let (least, most) = (
            rates.clone().fold(f64::INFINITY, f64::min),
            rates.fold(0.0, f64::max),
        );
        format!(
            "{} at {} to {}/s by {}",
            one.table,
            mebibytes(least as u64),
            mebibytes(most as u64),
            counted(one.connections, "connection")
        )
    });
    let lines = [
        format!("from two samples of half a second each: {}", tables.collect::<Vec<_>>().join("; ")),
        format!(
            "a sampled table ({:.0} % of the bytes) takes its bytes by its own two rates, any other by the \
             slowest and the fastest of all samples",
            sampled_share * 100.0
        ),
        "left out: cut points, keys, indexes, foreign keys and the comparison; a source that reads from disk \
         what it now had in memory; checkpoints of the target, which a second does not meet"
            .to_owned(),
    ];
    for line in lines.iter().chain(notes) {
        out.push_str(&wrap_to(NARROW, line, "  ", "    "));
    }
}

fn say(out: &mut String, word: &str, finding: &Finding) {
    out.push_str(&wrap_to(
        NARROW,
        &finding.finding,
        &format!("{word:8}"),
        "        ",
    ));
    if !finding.advice.is_empty() {
        let advice = format!("advice: {}", finding.advice);
        out.push_str(&wrap_to(NARROW, &advice, "        ", "        "));
    }
}

/// What a run would do with the tables and their values.
fn outlook(out: &mut String, outlook: &Outlook, all: bool) {
    let readers = outlook
        .one_reader
        .iter()
        .map(|group| one_reader(group, all));
    list(out, "read by one connection, and why", readers, all);
    changes(out, outlook, all);
    let risks = outlook.at_risk.iter().map(|group| {
        let columns = counted(group.columns.len(), "column");
        if all {
            format!("{}: {columns}: {}", group.risk, group.columns.join(", "))
        } else {
            format!("{}: {columns}", group.risk)
        }
    });
    list(out, "values at risk", risks, all);
    if all {
        let omissions = outlook.omissions.iter();
        let line = |one: &Omission| {
            let text = one
                .text
                .as_deref()
                .map(|text| format!(": {}", one_line(text)));
            let text = text.unwrap_or_default();
            format!("{}: {} ({}){text}", one.table, one.object, one.reason)
        };
        list(out, "left out", omissions.map(line), all);
    }
}

fn one_reader(group: &OneReader, all: bool) -> String {
    let most = if all { usize::MAX } else { MOST_NAMES };
    let tables = group.tables.iter().take(most);
    let tables = tables.map(|table| format!("{} ({})", table.table, mebibytes(table.bytes)));
    let named = tables.collect::<Vec<_>>().join(", ");
    match group.tables.len().saturating_sub(most) {
        0 => format!("{named}: {}", group.reason),
        more => format!("{named} and {more} more: {}", group.reason),
    }
}

/// Counted by type, the most frequent first; each column if all are asked for.
fn changes(out: &mut String, outlook: &Outlook, all: bool) {
    let columns = || {
        outlook.changed_columns.iter().flat_map(|table| {
            let columns = table.columns.iter();
            columns.map(|change| (&table.table, change))
        })
    };
    let heading = "columns whose type changes";
    if all {
        let line = |(table, change): (&String, &TypeChange)| {
            format!(
                "{table}.{}: {} -> {}",
                change.column, change.from, change.to
            )
        };
        return list(out, heading, columns().map(line), all);
    }
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for (_, change) in columns() {
        let kind = format!("{} -> {}", change.from, change.to);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, number)) => *number += 1,
            None => kinds.push((kind, 1)),
        }
    }
    kinds.sort_by_key(|(_, number)| Reverse(*number));
    let heading = format!(
        "{heading}: {} in {}",
        count(columns().count() as u64),
        counted(outlook.changed_columns.len(), "table")
    );
    let kinds = kinds.iter();
    let kinds = kinds.map(|(kind, number)| format!("{kind}: {}", counted(*number, "column")));
    list(out, &heading, kinds, all);
}

/// A heading and its first lines, and how many more there are; nothing if there are none.
fn list(out: &mut String, heading: &str, lines: impl Iterator<Item = String>, all: bool) {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("\n{heading}\n"));
    let most = if all { usize::MAX } else { MOST_LINES };
    for line in lines.iter().take(most) {
        out.push_str(&wrap_to(NARROW, line, "  ", "    "));
    }
    match lines.len().saturating_sub(most) {
        0 => {}
        more => out.push_str(&format!("  and {more} more (-v shows them)\n")),
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
            Origin::Connection => "target.connection",
            Origin::Service => "service file",
            Origin::Environment(name) => name,
        };
        let value = match setting.value.as_str() {
            "" => "-".to_owned(),
            value => fit(value, VALUE_WIDTH),
        };
        grid.row(vec![setting.key.clone(), value, origin.to_owned()]);
    }
    out.push_str(&grid.render_to(NARROW));
    let defaults = report.settings.len() - shown.len();
    if defaults > 0 {
        out.push_str(&format!(
            "and {} at their defaults (-v shows them)\n",
            counted(defaults, "setting")
        ));
    }
}

fn side(out: &mut String, name: &str, endpoint: Option<&Endpoint>) {
    let line = match endpoint {
        Some(endpoint) => format!(
            "{name} {} at {}, database {}",
            endpoint.version, endpoint.address, endpoint.database
        ),
        None => format!("{name}: not reached"),
    };
    out.push_str(&wrap_to(NARROW, &line, "", "  "));
}
