//! What a reader must know or do: failures, what was left out, pool health, notes.

use std::collections::BTreeMap;

use crate::cli::html::escape::escape;
use crate::cli::html::time_line::{key, slot};
use crate::cli::text::figures::{count, counted, seconds};
use crate::cli::text::run::note_lines;
use crate::report::Omission;
use crate::report::health::{Verdict, Weight};
use crate::report::run::Report;
use crate::report::table::Cause;
use crate::report::time::Activity;
use tsql::schema::inventory::InventoryKind;

/// Names of one list, at most; the JSON report has all.
const MOST_NAMES: usize = 50;

/// What ended the run, and each table that failed.
pub(super) fn failures(report: &Report) -> String {
    let run = report.facts.ended_by.iter().map(|why| ("the run", why));
    let tables = report.facts.tables.iter();
    let tables = tables.filter_map(|table| Some((table.table.as_str(), table.cause.as_ref()?)));
    run.chain(tables)
        .map(|(name, why)| cause(name, why))
        .collect()
}

pub(super) fn cause(name: &str, cause: &Cause) -> String {
    let because = cause
        .because
        .iter()
        .map(|why| format!("<small>because: {}</small>", escape(why)));
    let advice = match cause.advice.as_str() {
        "" => String::new(),
        advice => format!("<p><b>What to do:</b> {}</p>", escape(advice)),
    };
    format!(
        "<p class=\"bad\"><b>{}</b></p><p>{}</p>{}{advice}\n",
        escape(name),
        escape(&cause.message),
        because.collect::<String>()
    )
}

/// Objects by the reason why they were not made.
pub(super) fn omissions(omissions: &[Omission]) -> String {
    if omissions.is_empty() {
        return String::new();
    }
    let mut reasons = BTreeMap::<&str, Vec<&Omission>>::new();
    for omission in omissions {
        reasons.entry(&omission.reason).or_default().push(omission);
    }
    let mut out = "<p>These objects are at the source and not on the target. Create them by hand from their T-SQL, \
                   or change the job so that they can be made and run it again; \
                   <code>migrate plan</code> shows what it would leave out.</p>\n"
        .to_owned();
    for (reason, objects) in reasons {
        let items: String = objects
            .iter()
            .take(MOST_NAMES)
            .map(|object| item(object))
            .collect();
        let more = more(objects.len());
        out.push_str(&format!(
            "<p><b>{}</b></p><ul>{items}{more}</ul>\n",
            escape(reason)
        ));
    }
    out
}

fn item(omission: &Omission) -> String {
    let text = omission.text.as_ref().map(|text| {
        format!(
            "<details><summary>T-SQL</summary><pre>{}</pre></details>",
            escape(text)
        )
    });
    let text = text.unwrap_or_default();
    format!(
        "<li>{}: {}{text}</li>",
        escape(&omission.table),
        escape(&omission.object)
    )
}

fn more(all: usize) -> String {
    match all.saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!("<li class=\"dim\">and {more} more, which the JSON report lists</li>"),
    }
}

/// What the tool never makes, by kind.
pub(super) fn inventory(kinds: &[InventoryKind]) -> String {
    let kinds = kinds.iter().map(|kind| {
        let note = kind
            .note
            .as_deref()
            .map(|note| format!("<small>{}</small>", escape(note)));
        let names = kind.names.iter().take(MOST_NAMES).map(|name| escape(name));
        let names = names.collect::<Vec<_>>().join(", ");
        let number = match &kind.unread {
            Some(reason) => format!("could not be read: {}", escape(reason)),
            None => count(kind.names.len() as u64),
        };
        format!(
            "<li><b>{}</b>: {number}{}<details><summary>names</summary>{names}{}</details></li>\n",
            escape(&kind.kind),
            note.unwrap_or_default(),
            if kind.names.len() > MOST_NAMES {
                ", ..."
            } else {
                ""
            }
        )
    });
    let kinds: String = kinds.collect();
    if kinds.is_empty() {
        return kinds;
    }
    format!("<p>In the source database, and never made by this tool.</p><ul>{kinds}</ul>\n")
}

/// The verdict with its evidence, the pools, and where the workers' time went.
pub(super) fn health(report: &Report) -> String {
    let (class, word) = match report.health.verdict {
        Verdict::Healthy => ("ok", "healthy"),
        Verdict::Warnings => ("warn", "warnings"),
    };
    let mut out = format!("<p><span class=\"badge {class}\">{word}</span></p>\n");
    for finding in &report.health.findings {
        let class = match finding.weight {
            Weight::Warning => "say warn",
            Weight::Hint => "say",
        };
        out.push_str(&format!(
            "<p class=\"{class}\">{}. <b>{}.</b></p>\n",
            escape(&sentence(&finding.evidence)),
            escape(&sentence(&finding.recommendation))
        ));
    }
    out.push_str(&pools(report));
    let spent = &report.facts.time;
    let rows = Activity::ALL.map(|activity| {
        format!(
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{:.0} %</td></tr>",
            key(&format!("q{}", slot(activity)), activity.words()),
            seconds(spent.seconds(activity)),
            spent.share(activity) * 100.0
        )
    });
    out.push_str(&format!(
        "<p>Where the time went, all workers together:</p><table><tbody>{}</tbody></table>\n",
        rows.concat()
    ));
    out
}

/// With a capital letter, unless it begins with the name of a setting.
pub(super) fn sentence(fragment: &str) -> String {
    let first_word = fragment.split(' ').next().unwrap_or_default();
    let mut letters = fragment.chars();
    match letters.next() {
        Some(first) if !first_word.contains('.') => first.to_uppercase().chain(letters).collect(),
        _ => fragment.to_owned(),
    }
}

fn pools(report: &Report) -> String {
    let rows = report.facts.pools.iter().map(|pool| {
        let of_side = report.health.pools.iter().find(|of| of.side == pool.side);
        let used = of_side.map_or(0.0, |of| of.utilisation * 100.0);
        let numbers = [
            pool.max_connections.to_string(),
            pool.peak_in_use.to_string(),
            format!("{used:.0} %"),
            count(pool.acquisitions),
            seconds(pool.mean_use),
            count(pool.waits),
            seconds(pool.mean_wait),
            seconds(pool.longest_wait),
            count(pool.timeouts),
            count(pool.reconnects),
            count(pool.connect_errors),
        ];
        let cells: String = numbers
            .iter()
            .map(|number| format!("<td class=\"n\">{number}</td>"))
            .collect();
        format!("<tr><td>{}</td>{cells}</tr>", pool.side.word())
    });
    const HEADS: [&str; 11] = [
        "cap",
        "peak",
        "used",
        "taken",
        "mean use",
        "waited",
        "mean wait",
        "longest",
        "time-outs",
        "reconnects",
        "refused",
    ];
    let heads: String = HEADS
        .iter()
        .map(|head| format!("<th class=\"n\">{head}</th>"))
        .collect();
    format!(
        "<div class=\"scroll\"><table><thead><tr><th>pool</th>{heads}</tr></thead><tbody>{}</tbody></table></div>\n",
        rows.collect::<String>()
    )
}

/// The notes of the text report, each once.
pub(super) fn notes(report: &Report) -> String {
    let lines = note_lines(report);
    if lines.is_empty() {
        return String::new();
    }
    let items: String = lines
        .iter()
        .take(MOST_NAMES)
        .map(|line| format!("<li>{}</li>", escape(line)))
        .collect();
    let skipped = match report.totals.tables_skipped {
        0 => String::new(),
        skipped => format!(
            "<p>{} left out by the job's own filter.</p>",
            counted(skipped, "table")
        ),
    };
    format!("<ul>{items}{}</ul>{skipped}\n", more(lines.len()))
}
