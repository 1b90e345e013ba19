//! The head of the page: what was moved, how it ended, and the figures one asks for first.

use crate::cli::html::escape::escape;
use crate::cli::html::findings::sentence;
use crate::cli::text::figures::{count, mebibytes, seconds, short};
use crate::cli::text::run::conclusion;
use crate::report::Endpoint;
use crate::report::run::{Report, RunOutcome};
use crate::report::verify::VerifyReport;

/// Verdict, sides, figures, and the sentence about what the run waited for.
pub(super) fn render(report: &Report) -> String {
    let facts = &report.facts;
    let (class, word) = verdict(report.outcome);
    let continued = if facts.resumed {
        ", continued from an earlier run"
    } else {
        ""
    };
    let mut out = format!(
        "<header><h1>{}</h1><span class=\"badge {class}\">{word}</span></header>\n\
         <p class=\"dim\">Run {}{continued}: {} to {}</p>\n<p class=\"dim\">From {}, to {}</p>\n\
         <p class=\"say\">{}</p>\n",
        escape(&facts.job),
        escape(&facts.run_id),
        facts.started,
        facts.ended,
        side("SQL Server", &facts.source),
        side("PostgreSQL", &facts.target),
        escape(&conclusion(report)),
    );
    out.push_str(&cards(report));
    out.push_str(&format!(
        "<p class=\"say\">{}</p>\n",
        escape(&report.bottleneck)
    ));
    if let Some(words) = facts.in_flight.sentence() {
        out.push_str(&format!(
            "<p class=\"dim\">{}</p>
",
            escape(&sentence(&words))
        ));
    }
    if let Some(warning) = report.warning {
        let consistency = facts.consistency.word();
        out.push_str(&format!(
            "<p class=\"say warn\">Consistency {consistency}: {}.</p>\n",
            escape(warning)
        ));
    }
    out
}

fn verdict(outcome: RunOutcome) -> (&'static str, &'static str) {
    match outcome {
        RunOutcome::Done => ("ok", "done"),
        RunOutcome::Incomplete => ("warn", "done, objects left out"),
        RunOutcome::Rejected => ("warn", "done, rows rejected"),
        RunOutcome::Different => ("bad", "the sides differ"),
        RunOutcome::Failed => ("bad", "failed"),
        RunOutcome::Stopped => ("warn", "stopped"),
    }
}

pub(super) fn side(server: &str, side: &Endpoint) -> String {
    format!(
        "{server} {} at {}, database {}",
        escape(&side.version),
        escape(&side.address),
        escape(&side.database)
    )
}

fn cards(report: &Report) -> String {
    let totals = &report.totals;
    let unfinished = totals.tables_failed + totals.tables_unfinished;
    let mut cards = vec![
        card("", &count(totals.rows), "rows"),
        card("", &mebibytes(totals.bytes), "of COPY"),
        card("", &seconds(report.seconds), "in all"),
        card("", &short(totals.rows_per_second as u64), "rows per second"),
        card("", &count(totals.tables_done as u64), "tables done"),
    ];
    if unfinished > 0 {
        cards.push(card(
            "bad",
            &count(unfinished as u64),
            "tables failed or unfinished",
        ));
    }
    if totals.rejected > 0 {
        cards.push(card("warn", &count(totals.rejected), "rows rejected"));
    }
    if !report.facts.omissions.is_empty() {
        cards.push(card(
            "warn",
            &count(report.facts.omissions.len() as u64),
            "objects left out",
        ));
    }
    cards.push(comparison(report.facts.verification.as_ref()));
    format!("<div class=\"cards\">{}</div>\n", cards.concat())
}

fn comparison(verification: Option<&VerifyReport>) -> String {
    let Some(verification) = verification else {
        return card("", "not compared", "both sides");
    };
    let how = if verification.by_checksum() {
        "tables equal by checksum"
    } else {
        "tables equal by row count"
    };
    let all = verification.tables.len();
    let equal = verification
        .tables
        .iter()
        .filter(|table| table.equal())
        .count();
    let class = if equal == all { "" } else { "bad" };
    card(class, &format!("{equal} of {all}"), how)
}

pub(super) fn card(class: &str, figure: &str, meaning: &str) -> String {
    format!("<div class=\"card {class}\"><b>{figure}</b><span>{meaning}</span></div>")
}
