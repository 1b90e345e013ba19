//! The report of a run as one self-contained page.

use crate::cli::text;
use crate::cli::text::figures::{count, mebibytes, seconds};
use crate::report::run::Report;
use crate::report::table::TableReport;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;\
padding:0 1rem;color:#222}table{border-collapse:collapse;width:100%}th,td{padding:.3rem .6rem;\
border-bottom:1px solid #ddd;text-align:left;vertical-align:top}td.n,th.n{text-align:right;\
font-variant-numeric:tabular-nums}.failed,.unfinished{color:#a00;font-weight:600}.small{\
color:#666;font-size:.85em}pre{background:#f6f6f6;padding:1rem;overflow:auto;font-size:13px}";

/// Names and messages come from databases and servers, so every one of them is escaped.
pub(crate) fn page(report: &Report) -> String {
    let rows: String = report.facts.tables.iter().map(row).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>migrate: {job}</title><style>{STYLE}</style></head>\n<body>\
         <h1>{job}</h1>\n<p>{started} to {ended}, {time}: {rows_total} rows, {bytes}.</p>\n\
         <p><b>{bottleneck}</b></p>\n<table>\n<tr><th>table</th><th class=\"n\">rows</th>\
         <th class=\"n\">size</th><th class=\"n\">time</th><th class=\"n\">rows/s</th>\
         <th>read by</th><th>state</th></tr>\n{rows}</table>\n\
         <h2>The whole report</h2>\n<pre>{text}</pre>\n</body></html>\n",
        job = escape(&report.facts.job),
        started = report.facts.started,
        ended = report.facts.ended,
        time = seconds(report.seconds),
        rows_total = count(report.totals.rows),
        bytes = mebibytes(report.totals.bytes),
        bottleneck = escape(&report.bottleneck),
        text = escape(&text::run::render(report)),
    )
}

/// The page of a run that ended without a report.
pub(crate) fn failure(text: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>migrate: failed</title><style>{STYLE}</style></head>\n<body>\
         <h1>The last run ended without a report</h1>\n<pre>{}</pre>\n</body></html>\n",
        escape(text)
    )
}

fn row(table: &TableReport) -> String {
    let state = table.outcome.as_str();
    let rate = table
        .rows_per_second()
        .map_or_else(String::new, |rate| count(rate as u64));
    let cause = table.cause.as_ref().map_or_else(String::new, |cause| {
        format!("<div class=\"small\">{}</div>", escape(&cause.message))
    });
    format!(
        "<tr><td>{}<div class=\"small\">{}</div></td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{rate}</td>\
         <td>{}, {} partitions</td><td class=\"{state}\">{state}{cause}</td></tr>\n",
        escape(&table.table),
        escape(&table.target),
        count(table.rows),
        mebibytes(table.bytes),
        seconds(table.seconds),
        escape(&table.strategy),
        table.partitions,
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::run::tests::facts;
    use crate::report::table::TableOutcome;

    #[test]
    fn a_table_with_markup_for_a_name_stays_text() {
        let mut facts = facts();
        let name = "dbo.<script>alert('x')</script>&\"";
        facts.tables = vec![TableReport::new(name, name, TableOutcome::Done)];
        let page = page(&Report::draw_up(facts));
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains("dbo.&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"));
    }
}
