//! `full.yaml`: every key with its default and what it is for.
//!
//! The file is an example to copy from and is read by the tests, so each value in it is one that
//! the reader takes. A short explanation goes beside its key, a longer one above it.

use crate::config::keys::{JOB, Key, Kind, Text};

const HEAD: &str = "\
# yaml-language-server: $schema=job.schema.json
# Every key of a job file, with its default and the reason for it. Keys marked \"required\" have no default.
#
# Values may contain ${VAR}, ${VAR:-default} and ${file:/run/secrets/x}; $${ is a literal ${. They
# are filled in after the YAML was parsed, so a password may contain any character. (Between { and }
# YAML needs quotes around the reference: \"${VAR}\".) An unknown key, a wrong type or a variable
# that is not set is an error with line and column; all errors are reported at once.
# Durations: 500ms, 120s, 2m, 1h or plain seconds. Sizes: 64MiB, 512KiB, 1GiB or plain bytes.
# A key without a value (~) has its default. Paths are relative to the working directory.
";

/// Where comments beside values begin, and where lines end.
const MARGIN: usize = 36;
const WIDTH: usize = 106;

/// The text of `migrations-config/full.yaml`.
pub fn full_yaml() -> String {
    let mut text = HEAD.to_owned();
    for key in JOB {
        text.push('\n');
        write(key, 0, &mut text);
    }
    text
}

/// One key with everything below it, `indent` blanks deep.
fn write(key: &Key, indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    let line = match shown(&key.kind) {
        Some(value) => format!("{margin}{}: {value}", key.name),
        None => format!("{margin}{}:", key.name),
    };
    let beside = hints(key);
    let mut with_about = beside.clone();
    with_about.push(key.about.to_owned());
    let whole = commented(&line, &with_about.join("; "));
    if indent > 0 && whole.len() <= WIDTH {
        text.push_str(&whole);
    } else {
        for part in wrapped(key.about, WIDTH - indent - 2) {
            text.push_str(&format!("{margin}# {part}\n"));
        }
        text.push_str(&commented(&line, &beside.join("; ")));
    }
    below(key, indent, text);
}

/// The lines that are the value of a key.
fn below(key: &Key, indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    match key.kind {
        Kind::Section(keys) => keys.iter().for_each(|key| write(key, indent + 2, text)),
        Kind::Named {
            keys,
            example: Some(name),
        } => {
            text.push_str(&format!("{margin}  {name}:\n"));
            keys.iter().for_each(|key| write(key, indent + 4, text));
        }
        Kind::Names(defaults) => {
            for (name, value) in defaults {
                text.push_str(&format!("{margin}  {name}: {value}\n"));
            }
        }
        _ => {}
    }
}

/// The value of a key; `None` if lines below it are its value.
fn shown(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Section(_)
        | Kind::Named {
            example: Some(_), ..
        } => None,
        Kind::Names([]) | Kind::Named { example: None, .. } => Some("{}".to_owned()),
        Kind::Names(_) => None,
        Kind::Text(Text::Required(example) | Text::Given { example, .. })
        | Kind::Secret { example, .. } => Some((*example).to_owned()),
        Kind::List { .. } => Some("[]".to_owned()),
        Kind::Text(_)
        | Kind::Command
        | Kind::Path
        | Kind::Boolean(_)
        | Kind::Choice { .. }
        | Kind::Number(_)
        | Kind::Size(_)
        | Kind::Duration { .. } => Some(kind.default().unwrap_or_else(|| "~".to_owned())),
    }
}

/// What is said beside a value, before what the key is for.
fn hints(key: &Key) -> Vec<String> {
    let mut hints = Vec::new();
    if key.kind.is_required() {
        hints.push("required".to_owned());
    }
    if let Kind::Choice { words, .. } = key.kind {
        hints.push(words().join(" | "));
    }
    hints.extend(key.kind.otherwise().map(|words| format!("~: {words}")));
    hints.extend(
        key.variable
            .map(|variable| format!("env {variable} wins over this")),
    );
    hints
}

/// `line`, with the comment at the margin or two blanks after a longer line.
fn commented(line: &str, comment: &str) -> String {
    if comment.is_empty() {
        return format!("{line}\n");
    }
    format!(
        "{line:<width$}# {comment}\n",
        width = MARGIN.max(line.len() + 2)
    )
}

/// Lines of at most `width` bytes; a word that is longer has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
