//! Reports as text that fits 100 columns.

pub(crate) mod check;
pub(crate) mod figures;
pub(crate) mod grid;
pub(crate) mod joined;
pub(crate) mod plan;
pub(crate) mod rejects;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod tune;
pub(crate) mod verify;
pub(crate) mod watch;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::report::Omission;
use crate::report::table::Cause;
use tsql::schema::inventory::{AssessedModule, Effort, InventoryKind};

/// Lines of one list, at most; the rest is counted and is in the JSON.
const MOST_LINES: usize = 20;

/// A report as JSON.
pub(crate) fn json(report: &impl Serialize) -> Result<Value> {
    serde_json::to_value(report)
        .map_err(|cause| Error::new(Kind::Internal, "the report does not serialise").because(cause))
}

/// The first lines of a list, and how many more there are.
fn list(out: &mut String, lines: impl ExactSizeIterator<Item = String>) {
    let more = lines.len().saturating_sub(MOST_LINES);
    for line in lines.take(MOST_LINES) {
        out.push_str(&figures::wrap(&line, "  ", "    "));
    }
    if more > 0 {
        out.push_str(&format!(
            "  ... and {more} more (--output json lists all)\n"
        ));
    }
}

/// What failed, why, and what to do.
fn cause(out: &mut String, name: &str, cause: &Cause) {
    out.push_str(&figures::wrap(
        &format!("{name}: {}", cause.message),
        "  ",
        "    ",
    ));
    for because in &cause.because {
        out.push_str(&figures::wrap(
            &format!("because: {because}"),
            "    ",
            "      ",
        ));
    }
    if !cause.advice.is_empty() {
        out.push_str(&figures::wrap(
            &format!("advice: {}", cause.advice),
            "    ",
            "      ",
        ));
    }
}

/// Long texts are cut; `--output json` and `schema` have them whole.
fn one_line(text: &str) -> String {
    const MOST: usize = 300;
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

fn omissions(out: &mut String, omissions: &[Omission]) {
    if omissions.is_empty() {
        return;
    }
    out.push_str("\nleft out\n");
    let line = |omission: &Omission| {
        let text = omission.text.iter();
        let text = text.map(|text| format!(": {}", one_line(text)));
        format!(
            "{}: {} ({}){}",
            omission.table,
            omission.object,
            omission.reason,
            text.collect::<String>()
        )
    };
    list(out, omissions.iter().map(line));
}

/// What is never made, a line for each kind: how many, why, and the first names.
fn inventory(out: &mut String, kinds: &[InventoryKind]) {
    if kinds.is_empty() {
        return;
    }
    out.push_str("\nnot moved: in the source database, and never made by this tool\n");
    for kind in kinds {
        let line = match &kind.unread {
            Some(reason) => format!("{}: could not be read ({reason})", kind.kind),
            None => format!("{}: {}", kind.kind, kind.names.len()),
        };
        let note = kind.note.iter().filter(|_| kind.unread.is_none());
        let note = note.map(|note| format!(" ({note})")).collect::<String>();
        out.push_str(&figures::wrap(&format!("{line}{note}"), "  ", "    "));
        if let Some(line) = efforts(&kind.modules) {
            out.push_str(&figures::wrap(&line, "    ", "    "));
        }
        let named = kind.names.iter().take(MOST_LINES).map(String::as_str);
        let named = named.collect::<Vec<_>>().join(", ");
        if !named.is_empty() {
            out.push_str(&figures::wrap(&named, "    ", "    "));
        }
        let more = kind.names.len().saturating_sub(MOST_LINES);
        if more > 0 {
            out.push_str(&format!(
                "    ... and {more} more (--output json lists all)\n"
            ));
        }
    }
}

/// How many of them are how much work.
fn efforts(modules: &[AssessedModule]) -> Option<String> {
    if modules.is_empty() {
        return None;
    }
    let lines: usize = modules.iter().map(|module| module.lines).sum();
    let classes = [
        (Effort::Small, "small"),
        (Effort::Medium, "medium"),
        (Effort::Large, "large"),
        (Effort::Unknown, "not shown to this login"),
    ];
    let counts = classes.iter().filter_map(|(effort, word)| {
        let of_class = modules.iter().filter(|module| module.effort == *effort);
        let number = of_class.count();
        (number > 0).then(|| format!("{number} {word}"))
    });
    let counts: Vec<_> = counts.collect();
    Some(format!(
        "to rewrite: {} in {} of T-SQL",
        counts.join(", "),
        figures::counted(lines, "line")
    ))
}
