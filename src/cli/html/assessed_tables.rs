//! What the page of an assessment says of tables: size and time, types that change, notes.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cli::html::escape::escape;
use crate::cli::html::grids::{cell, number, sortable};
use crate::cli::text::figures::{count, counted, mebibytes, seconds};
use crate::report::estimate::Estimate;
use crate::report::planned::{PlanReport, PlannedTable};

/// Tables that share a line; the others are counted.
const MOST_NAMES: usize = 5;

/// Speeds for which a time is given, in MiB of the source per second.
const SPEEDS: [u64; 5] = [10, 25, 50, 100, 200];

/// Bytes of the largest table, and of all.
pub(super) fn totals(tables: &[PlannedTable]) -> (u64, u64) {
    let largest = tables.iter().map(|table| table.plan.estimated_bytes).max();
    let all = tables.iter().map(|table| table.plan.estimated_bytes).sum();
    (largest.unwrap_or(0), all)
}

/// How much there is, and how long its rows take.
pub(super) fn size(report: &PlanReport) -> String {
    let (largest, bytes) = totals(&report.tables);
    let mut out = format!(
        "<p>{} of rows in {}; the largest has {}. Indexes are created again at the target and are not counted.</p>\n",
        mebibytes(bytes),
        counted(report.tables.len(), "table"),
        mebibytes(largest)
    );
    if let Some(estimate) = &report.estimate {
        out.push_str(&sampled(estimate));
        return out;
    }
    let rows = SPEEDS.map(|speed| {
        let time = bytes as f64 / (speed << 20) as f64;
        format!(
            "<tr><td class=\"n\">{speed} MiB/s</td><td class=\"n\">{}</td></tr>",
            seconds(time)
        )
    });
    let _ = write!(
        out,
        "<p>How fast it goes is decided by both servers and the network between them, and was not measured. \
         <code>migrate plan --output html --sample</code> measures it for a second of each of the largest tables, \
         <code>migrate tune</code> closely. The rows would take, without keys, indexes and the comparison:</p>\n\
         <table class=\"few\"><thead><tr><th class=\"n\">at a speed of</th><th class=\"n\">time</th></tr></thead><tbody>{}</tbody></table>\n",
        rows.concat()
    );
    out
}

fn sampled(estimate: &Estimate) -> String {
    let rows = estimate.samples.iter().flat_map(|one| {
        one.bytes_per_second
            .iter()
            .zip(&one.rows_per_second)
            .map(|(bytes, rows)| {
                format!(
                    "<tr><td>{}</td>{}<td class=\"n\">{}/s</td><td class=\"n\">{}</td></tr>\n",
                    escape(&one.table),
                    cell(one.connections),
                    mebibytes(*bytes as u64),
                    count(*rows as u64)
                )
            })
    });
    let notes: String = estimate
        .notes
        .iter()
        .map(|note| format!("<p class=\"warn\">{}</p>\n", escape(note)))
        .collect();
    format!(
        "<p class=\"say\">The rows take {} to {}.</p>\n<p>By samples of half a second: a table that was sampled ({:.0} % of the bytes) takes \
         its bytes by its own two rates, any other by the slowest and the fastest of all. Left out: cut points, keys, indexes, foreign \
         keys and the comparison; a source that reads from disk what it now had in memory; checkpoints of the target.</p>\n\
         <table><thead><tr><th>sampled table</th><th class=\"n\">connections</th><th class=\"n\">of the source</th><th class=\"n\">rows/s</th></tr></thead><tbody>\n{}</tbody></table>\n{notes}",
        seconds(estimate.shortest_seconds),
        seconds(estimate.longest_seconds),
        estimate.sampled_share * 100.0,
        rows.collect::<String>()
    )
}

/// Each change of type with its columns counted.
pub(super) fn changes(tables: &[PlannedTable]) -> String {
    let mut kinds = BTreeMap::<(&str, &str), Vec<String>>::new();
    for table in tables {
        for change in &table.changes {
            let columns = kinds.entry((&change.from, &change.to)).or_default();
            columns.push(format!("{}.{}", table.plan.full_name(), change.column));
        }
    }
    if kinds.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = kinds
        .iter()
        .map(|((from, to), columns)| {
            format!(
                "<tr><td>{}</td><td>{}</td>{}<td>{}</td></tr>\n",
                escape(from),
                escape(to),
                number(columns.len() as f64, &count(columns.len() as u64)),
                first(columns)
            )
        })
        .collect();
    let heads = [
        ("in SQL Server", false),
        ("in PostgreSQL", false),
        ("columns", true),
        ("", false),
    ];
    sortable("filter-changes", &heads, &rows)
}

fn first(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMES).map(|name| escape(name));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The largest first.
pub(super) fn tables(tables: &[PlannedTable]) -> String {
    let mut shown: Vec<_> = tables.iter().collect();
    shown.sort_by_key(|table| Reverse(table.plan.estimated_bytes));
    let rows: Vec<_> = shown
        .into_iter()
        .map(|table| {
            let plan = &table.plan;
            format!(
                "<tr><td>{}<small>{}</small></td>{}{}{}{}<td>{}</td></tr>\n",
                escape(&plan.full_name()),
                escape(&plan.target.to_string()),
                number(plan.estimated_rows as f64, &count(plan.estimated_rows)),
                number(
                    plan.estimated_bytes as f64,
                    &mebibytes(plan.estimated_bytes)
                ),
                number(
                    plan.all_columns().count() as f64,
                    &count(plan.all_columns().count() as u64)
                ),
                number(
                    table.changes.len() as f64,
                    &count(table.changes.len() as u64)
                ),
                escape(plan.strategy.name()),
            )
        })
        .collect();
    let heads = [
        ("table", false),
        ("rows", true),
        ("size", true),
        ("columns", true),
        ("of another type", true),
        ("read by", false),
    ];
    sortable("filter-tables", &heads, &rows)
}

/// Each note once, with the tables that it is of.
pub(super) fn notes(report: &PlanReport) -> String {
    let mut notes = BTreeMap::<&str, Vec<String>>::new();
    for table in &report.tables {
        for note in &table.plan.notes {
            notes.entry(note).or_default().push(table.plan.full_name());
        }
    }
    let of_tables = notes.iter().map(|(note, tables)| {
        format!(
            "<li>{}<small>{}</small></li>\n",
            escape(note),
            first(tables)
        )
    });
    let others = report
        .notes
        .iter()
        .map(|note| format!("<li>{}</li>\n", escape(note)));
    let items: String = others.chain(of_tables).collect();
    if items.is_empty() {
        return items;
    }
    format!("<ul>{items}</ul>\n")
}
