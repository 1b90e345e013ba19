//! The page of `plan --output html`: what a database holds, what moves by itself, and what needs a person.

use std::fmt::Write as _;

use crate::cli::html::assessed_tables::{changes, notes, size, tables, totals};
use crate::cli::html::escape::escape;
use crate::cli::html::findings;
use crate::cli::html::grids::{cell, number, sortable};
use crate::cli::html::section;
use crate::cli::html::summary::{card, side};
use crate::cli::html::svg::drawing;
use crate::cli::html::time_line::key;
use crate::cli::text::figures::{count, counted, mebibytes, seconds};
use crate::report::assessment::{Assessment, ByHand, KindCount};
use crate::report::planned::PlanReport;
use crate::report::timestamp::Timestamp;
use tsql::schema::inventory::Effort;

/// Bytes of T-SQL on a page, at most: a page has to open. The longest texts are at its top.
const MOST_TEXT: usize = 4 << 20;

/// The classes of effort, with what each means.
const CLASSES: [(Effort, &str, &str, &str); 4] = [
    (
        Effort::Small,
        "small",
        "t2",
        "up to 50 lines of plain statements, or a part of a table such as a check or an index",
    ),
    (
        Effort::Medium,
        "medium",
        "t1",
        "longer, or statements that are written in another way in PL/pgSQL",
    ),
    (
        Effort::Large,
        "large",
        "t7",
        "300 lines or more, or something that PostgreSQL has no counterpart for",
    ),
    (
        Effort::Unknown,
        "not known",
        "tx",
        "encrypted, or not shown to this login",
    ),
];

/// Everything below the head of the document.
pub(super) fn render(report: &PlanReport, at: Timestamp) -> String {
    let assessment = &report.assessment;
    let unclassed: Vec<_> = report
        .inventory
        .iter()
        .filter(|kind| kind.modules.is_empty() && kind.kind != "views")
        .cloned()
        .collect();
    [
        head(report, at),
        section("What there is, by kind", &kinds(&assessment.kinds)),
        section("Effort", &effort(assessment)),
        section("Size and time", &size(report)),
        section("What cannot be planned", &problems(report)),
        section("What needs a person, and why", &by_hand(assessment)),
        section("Known by name only", &findings::inventory(&unclassed)),
        section("Types that change", &changes(&report.tables)),
        section("Tables", &tables(&report.tables)),
        section("Notes", &notes(report)),
        section("How this page came about", METHOD),
    ]
    .concat()
}

const METHOD: &str = "<p>From the catalog of the source: no row was read, unless the time was estimated by samples, and nothing was changed. \
What moves by itself is what <code>migrate run</code> makes with the same job file. An expression, view or function is translated only \
if the result is known to mean the same; everything else is listed here. Effort is judged by the length of a text and by what it \
uses; it is a class, not a number of hours. Row counts and sizes are those that SQL Server keeps.</p>\n";

fn head(report: &PlanReport, at: Timestamp) -> String {
    let assessment = &report.assessment;
    let (moved, by_hand) = (assessment.moved(), assessment.needing_a_person());
    let (class, word) = if report.failed.is_empty() && report.problems.is_empty() {
        ("ok", "can be run")
    } else {
        ("bad", "the job cannot be run yet")
    };
    let (_, bytes) = totals(&report.tables);
    let rows = report.tables.iter().map(|table| table.plan.estimated_rows);
    let share = moved as f64 / (moved + by_hand).max(1) as f64 * 100.0;
    let mut cards = vec![
        card("", &count(report.tables.len() as u64), "tables to move"),
        card("", &count(rows.sum()), "rows, about"),
        card("", &mebibytes(bytes), "of rows at the source"),
        card("", &count(moved as u64), "objects move by themselves"),
    ];
    let class_of_hand = if by_hand > 0 { "warn" } else { "" };
    cards.push(card(
        class_of_hand,
        &count(by_hand as u64),
        "objects need a person",
    ));
    if let Some(estimate) = &report.estimate {
        let range = format!(
            "{} to {}",
            seconds(estimate.shortest_seconds),
            seconds(estimate.longest_seconds)
        );
        cards.push(card("", &range, "to move the rows"));
    }
    format!(
        "<header><h1>Assessment of {}</h1><span class=\"badge {class}\">{word}</span></header>\n\
         <p class=\"dim\">{}; job {}; read at {at}</p>\n\
         <p class=\"say\">{} of {} objects ({share:.0} %) move by themselves, {}.</p>\n\
         <div class=\"cards\">{}</div>\n",
        escape(&report.source.database),
        side("SQL Server", &report.source),
        escape(&report.job),
        count(moved as u64),
        count((moved + by_hand) as u64),
        match by_hand {
            0 => "and none needs a person".to_owned(),
            1 => "and 1 needs a person".to_owned(),
            many => format!("and {} need a person", count(many as u64)),
        },
        cards.concat()
    )
}

/// A line and a bar for each kind.
fn kinds(kinds: &[KindCount]) -> String {
    let rows = kinds.iter().map(|kind| {
        let all = (kind.moved + kind.by_hand).max(1) as f64;
        let by_itself = kind.moved as f64 / all * 1000.0;
        let bar = match kind.moved + kind.by_hand {
            0 => String::new(),
            _ => format!(
                "<svg class=\"share\" viewBox=\"0 0 1000 80\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
                 <rect class=\"t2\" width=\"{by_itself:.0}\" height=\"80\"/>\
                 <rect class=\"t1\" x=\"{by_itself:.0}\" width=\"{:.0}\" height=\"80\"/></svg>",
                1000.0 - by_itself
            ),
        };
        let unread = kind.unread.as_ref().map(|why| format!("<small>could not be read: {}</small>", escape(why)));
        format!(
            "<tr><td class=\"word\">{}{}</td>{}{}{}{}<td class=\"wide\">{bar}</td></tr>\n",
            escape(&kind.kind),
            unread.unwrap_or_default(),
            cell(kind.moved + kind.by_hand + kind.left_out),
            cell(kind.moved),
            cell(kind.by_hand),
            cell(kind.left_out),
        )
    });
    let heads = "<th>kind</th><th class=\"n\">there are</th><th class=\"n\">move by themselves</th>\
                 <th class=\"n\">need a person</th><th class=\"n\">left out by the job</th><th class=\"wide\"></th>";
    format!(
        "<div class=\"legend\">{}{}</div>\n<table class=\"broad\"><thead><tr>{heads}</tr></thead><tbody>\n{}</tbody></table>\n",
        key("t2", "moves by itself"),
        key("t1", "needs a person"),
        rows.collect::<String>()
    )
}

/// The three classes, and what is not known.
fn effort(assessment: &Assessment) -> String {
    if assessment.by_hand.is_empty() {
        return "<p>No object has to be written by hand.</p>\n".to_owned();
    }
    let all = assessment.by_hand.len() as f64;
    let (mut marks, mut rows, mut x) = (String::new(), String::new(), 0.0);
    for (effort, name, class, meaning) in CLASSES {
        let (objects, lines) = assessment.of_effort(effort);
        if objects == 0 && effort == Effort::Unknown {
            continue;
        }
        let width = objects as f64 / all * 1000.0;
        let _ = write!(
            marks,
            "<g><title>{name}: {objects}</title><rect class=\"{class}\" x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"26\"/></g>"
        );
        x += width;
        let _ = writeln!(
            rows,
            "<tr><td class=\"word\">{}</td>{}{}<td>{meaning}</td></tr>",
            key(class, name),
            cell(objects),
            cell(lines)
        );
    }
    let picture = drawing(26.0, "objects that need a person by effort", &marks);
    format!(
        "<figure>{picture}</figure>\n<table><thead><tr><th>effort</th><th class=\"n\">objects</th>\
         <th class=\"n\">lines of T-SQL</th><th>what it means</th></tr></thead><tbody>\n{rows}</tbody></table>\n"
    )
}

fn problems(report: &PlanReport) -> String {
    let tables = report
        .failed
        .iter()
        .map(|one| findings::cause(&one.table, &one.cause));
    let job = report
        .problems
        .iter()
        .map(|cause| findings::cause("the job", cause));
    tables.chain(job).collect()
}

/// Every object, the most work first, with its T-SQL as far as there is room.
fn by_hand(assessment: &Assessment) -> String {
    if assessment.by_hand.is_empty() {
        return String::new();
    }
    let mut room = MOST_TEXT;
    let mut cut = 0;
    let mut rows = Vec::with_capacity(assessment.by_hand.len());
    for one in &assessment.by_hand {
        let text = one.text.as_ref().map(|text| escape(text));
        let shown = text.filter(|text| text.len() <= room);
        cut += usize::from(one.text.is_some() && shown.is_none());
        room -= shown.as_ref().map_or(0, String::len);
        rows.push(row(one, shown));
    }
    let heads = [
        ("object", false),
        ("kind", false),
        ("effort", false),
        ("lines", true),
        ("why", false),
    ];
    let cut = match cut {
        0 => String::new(),
        cut => format!(
            "<p class=\"dim\">The T-SQL of {} is not shown, to keep the page small.</p>\n",
            counted(cut, "object")
        ),
    };
    format!("{}{cut}", sortable("filter-by-hand", &heads, &rows))
}

fn row(one: &ByHand, text: Option<String>) -> String {
    let class = CLASSES
        .iter()
        .position(|(effort, ..)| *effort == one.effort);
    let class = class.unwrap_or_default();
    let (_, word, colour, _) = CLASSES[class];
    let text =
        text.map(|text| format!("<details><summary>T-SQL</summary><pre>{text}</pre></details>"));
    let lines = match one.lines {
        0 => String::new(),
        lines => count(lines as u64),
    };
    format!(
        "<tr><td>{}</td><td>{}</td><td class=\"word\" data-v=\"{class}\">{}</td>{}<td>{}{}</td></tr>\n",
        escape(&one.name),
        escape(&one.kind),
        key(colour, word),
        number(one.lines as f64, &lines),
        escape(&one.reason),
        text.unwrap_or_default()
    )
}

#[cfg(test)]
#[path = "assessment_tests.rs"]
mod tests;
