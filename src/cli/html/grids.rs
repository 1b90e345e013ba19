//! The tables of the page: tables of the run, their comparison, rejects, settings.

use crate::cli::html::escape::escape;
use crate::cli::text::figures::{count, mebibytes, seconds};
use crate::config::setting::{Origin, Setting};
use crate::report::table::{Cause, TableOutcome, TableReport};
use crate::report::verify::{VerifiedTable, VerifyReport};

/// From this many rows on a table has a box of its own to scroll in.
const LONG: usize = 30;

/// A table that sorts by its columns, and filters if it is long. Columns of numbers have the class `n`.
pub(super) fn sortable(id: &str, heads: &[(&str, bool)], rows: &[String]) -> String {
    let heads: String = heads
        .iter()
        .map(|(head, number)| {
            format!(
                "<th{}>{head}</th>",
                if *number { " class=\"n\"" } else { "" }
            )
        })
        .collect();
    let table = format!(
        "<table class=\"sorts\" data-tools=\"{id}\"><thead><tr>{heads}</tr></thead><tbody>\n{}</tbody></table>\n",
        rows.concat()
    );
    if rows.len() < LONG {
        return table;
    }
    format!(
        "<div class=\"tools\" id=\"{id}\" hidden><input type=\"search\" placeholder=\"filter\" aria-label=\"filter\"> \
         <output class=\"dim\"></output></div><div class=\"scroll\">{table}</div>\n"
    )
}

/// A cell that sorts by `value`.
pub(super) fn number(value: f64, shown: &str) -> String {
    format!("<td class=\"n\" data-v=\"{value}\">{shown}</td>")
}

/// A number, and nothing for none: a page full of zeros hides the others.
pub(super) fn cell(number: usize) -> String {
    let shown = match number {
        0 => String::new(),
        number => count(number as u64),
    };
    format!("<td class=\"n\">{shown}</td>")
}

/// Every table but those that the job leaves out, the longest first.
pub(super) fn tables(tables: &[TableReport]) -> String {
    let mut shown: Vec<_> = tables
        .iter()
        .filter(|table| table.outcome != TableOutcome::Skipped)
        .collect();
    shown.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    let rows: Vec<_> = shown.into_iter().map(row).collect();
    let heads = [
        ("table", false),
        ("rows", true),
        ("size", true),
        ("time", true),
        ("rows/s", true),
        ("partitions", true),
        ("read by", false),
        ("state", false),
    ];
    sortable("filter-tables", &heads, &rows)
}

fn row(table: &TableReport) -> String {
    let rate = table.rows_per_second();
    let class = match table.outcome {
        TableOutcome::Done => "ok",
        TableOutcome::Failed => "bad",
        TableOutcome::Skipped | TableOutcome::Unfinished => "warn",
    };
    let cause = table
        .cause
        .as_ref()
        .map(|cause| format!("<small>{}</small>", escape(&cause.message)));
    format!(
        "<tr><td>{}<small>{}</small></td>{}{}{}{}{}<td>{}</td><td class=\"{class}\">{}{}</td></tr>\n",
        escape(&table.table),
        escape(&table.target),
        number(table.rows as f64, &count(table.rows)),
        number(table.bytes as f64, &mebibytes(table.bytes)),
        number(table.seconds, &seconds(table.seconds)),
        number(
            rate.unwrap_or(-1.0),
            &rate.map_or_else(String::new, |rate| count(rate as u64))
        ),
        number(f64::from(table.partitions), &table.partitions.to_string()),
        escape(&table.strategy),
        table.outcome.as_str(),
        cause.unwrap_or_default(),
    )
}

/// What the comparison found, unequal tables first.
pub(super) fn verification(verification: Option<&VerifyReport>) -> String {
    let Some(verification) = verification else {
        return "<p>Both sides were not compared: the job says <code>verify: none</code>, or the run ended before. \
                <code>migrate verify</code> does it at any time.</p>\n"
            .to_owned();
    };
    let how = if verification.by_checksum() {
        "row count and checksum"
    } else {
        "row count"
    };
    let mut all: Vec<_> = verification
        .tables
        .iter()
        .chain(&verification.views)
        .collect();
    all.sort_by_key(|table| table.equal());
    let rows: Vec<_> = all.into_iter().map(compared).collect();
    let heads = [
        ("table", false),
        ("source rows", true),
        ("target rows", true),
        ("rejected", true),
        ("", false),
    ];
    format!(
        "<p>By {how}, in {}.</p>\n{}",
        seconds(verification.seconds),
        sortable("filter-compared", &heads, &rows)
    )
}

fn compared(table: &VerifiedTable) -> String {
    let side = |rows: Option<u64>| match rows {
        Some(rows) => number(rows as f64, &count(rows)),
        None => number(-1.0, "?"),
    };
    let failed = |cause: &Cause| {
        (
            "bad",
            format!("not compared<small>{}</small>", escape(&cause.message)),
        )
    };
    let (class, word) = if table.equal() {
        ("ok", "equal".to_owned())
    } else {
        table
            .cause
            .as_ref()
            .map_or(("bad", "different".to_owned()), failed)
    };
    format!(
        "<tr><td>{}</td>{}{}{}<td class=\"{class}\">{word}</td></tr>\n",
        escape(&table.table),
        side(table.source_rows),
        side(table.target_rows),
        number(table.rejected as f64, &count(table.rejected)),
    )
}

/// Tables with rejected rows; nothing if there are none.
pub(super) fn rejects(tables: &[TableReport]) -> String {
    let rejecting = tables.iter().filter(|table| table.rejected > 0);
    let rows: Vec<_> = rejecting
        .map(|table| {
            let command = format!("migrate rejects --table {}", table.table);
            format!(
                "<tr><td>{}</td>{}<td><code>{}</code></td></tr>\n",
                escape(&table.table),
                number(table.rejected as f64, &count(table.rejected)),
                escape(&command)
            )
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = [
        ("table", false),
        ("rejected rows", true),
        ("lists them with their keys", false),
    ];
    format!(
        "<p>Rows with values that PostgreSQL cannot hold. They are kept in <code>_migrate.rejects</code>.</p>\n{}",
        sortable("filter-rejects", &heads, &rows)
    )
}

/// What the job file and the environment set, and below it the defaults.
pub(super) fn settings(settings: &[Setting]) -> String {
    let of = |is_default: bool| {
        let shown = settings
            .iter()
            .filter(move |setting| (setting.origin == Origin::Default) == is_default);
        let rows: String = shown.map(setting).collect();
        format!(
            "<table><thead><tr><th>key</th><th>value</th><th>from</th></tr></thead><tbody>\n{rows}</tbody></table>\n"
        )
    };
    format!(
        "{}<details><summary>defaults</summary>{}</details>\n",
        of(false),
        of(true)
    )
}

fn setting(setting: &Setting) -> String {
    let origin = match setting.origin {
        Origin::Default => "default",
        Origin::File => "job file",
        Origin::Connection => "target.connection",
        Origin::Service => "service file",
        Origin::Environment(name) => name,
    };
    format!(
        "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>\n",
        escape(&setting.key),
        escape(&setting.value),
        escape(origin)
    )
}
