//! The report of a run as one self-contained page: it asks for nothing, and works when it is mailed.

mod assessed_tables;
mod assessment;
mod charts;
mod csp;
mod escape;
mod findings;
mod grids;
mod summary;
mod svg;
mod time_line;
mod tune;

use crate::cli::html::escape::escape;
use crate::cli::text;
use crate::report::file::ReportFile;
use crate::report::planned::PlanReport;
use crate::report::pool::Side;
use crate::report::timestamp::Timestamp;
use crate::report::tune::TuneReport;

const STYLE: &str = include_str!("page.css");
/// Sorts and filters tables; without it the page has everything but that.
const SCRIPT: &str = include_str!("page.js");

/// The page.
pub(crate) fn page(file: &ReportFile<'_>) -> String {
    let report = file.report;
    let facts = &report.facts;
    let cap = |side| {
        let pool = facts.pools.iter().find(|pool| pool.side == side);
        pool.map_or(0, |pool| pool.max_connections)
    };
    let caps = [cap(Side::Source), cap(Side::Target)];
    let body = [
        summary::render(report),
        section("Phases", &charts::phases(&file.phases)),
        section(
            "Time line",
            &time_line::render(file.timeline, report.seconds),
        ),
        section(
            "Speed and connections",
            &charts::over_time(&file.timeline.samples, caps, report.seconds),
        ),
        section("Pool health", &findings::health(report)),
        section("What failed", &findings::failures(report)),
        section(
            "Left out, and what to do",
            &findings::omissions(&facts.omissions),
        ),
        section("Not moved", &findings::inventory(&facts.inventory)),
        section("Tables", &grids::tables(&facts.tables)),
        section(
            "Comparison of both sides",
            &grids::verification(facts.verification.as_ref()),
        ),
        section("Rejected rows", &grids::rejects(&facts.tables)),
        section("Notes", &findings::notes(report)),
        section("Settings in force", &grids::settings(file.settings)),
        section("The report as text", &whole(&text::run::render(report))),
    ];
    let title = format!("migrate: {}", facts.job);
    document(&title, &body.concat(), SCRIPT)
}

/// The page of a run that ended without a report.
pub(crate) fn failure(text: &str) -> String {
    let body = format!(
        "<h1>The last run ended without a report</h1>\n<pre>{}</pre>\n",
        escape(text)
    );
    document("migrate: failed", &body, "")
}

/// The page that assesses a database for those who decide on its migration. `at`: when it was read.
pub(crate) fn assessment(report: &PlanReport, at: Timestamp) -> String {
    let title = format!("Assessment of {}", report.source.database);
    document(&title, &assessment::render(report, at), SCRIPT)
}

/// The page of a tuning. `at`: when it was measured.
pub(crate) fn tuning(report: &TuneReport, at: Timestamp) -> String {
    let title = format!("Settings for {}", report.facts.job);
    document(&title, &tune::render(report, at), "")
}

fn document(title: &str, body: &str, script: &str) -> String {
    let policy = csp::meta(STYLE, script);
    let script = match script {
        "" => String::new(),
        script => format!("<script>{script}</script>"),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">{policy}\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head>\n<body>\n{body}{script}</body></html>\n",
        escape(title)
    )
}

/// A heading and what belongs to it; nothing at all if there is nothing.
fn section(heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!("<section><h2>{heading}</h2>\n{content}</section>\n")
}

fn whole(text: &str) -> String {
    format!(
        "<details><summary>as it was printed</summary><pre>{}</pre></details>\n",
        escape(text)
    )
}

#[cfg(test)]
mod tests;
