//! `docs/job-file.md`: the reference of all keys.
//!
//! One table per section, in the order of the keys. A test compares the page with the file in the
//! repository.

use crate::config::keys::{JOB, Key, Kind};
use crate::config::units;

const HEAD: &str = "\
# Keys of a job file

[migrations-config/full.yaml](../migrations-config/full.yaml) has the same keys as a file to copy from. Editors with a YAML language
server complete and check a job file whose first line is `# yaml-language-server: $schema=job.schema.json`, with the path to
[migrations-config/job.schema.json](../migrations-config/job.schema.json).

Durations are `500ms`, `120s`, `2m`, `1h` or plain seconds; sizes `64MiB`, `512KiB`, `1GiB` or plain bytes. Values may contain
`${VAR}`, `${VAR:-default}` and `${file:/run/secrets/x}`. A key without a value (`~`) has its default. `migrate check -v` shows what
is in force and where it comes from.
";

/// The text of `docs/job-file.md`.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    let single: Vec<&Key> = JOB.iter().filter(|key| key.below().is_empty()).collect();
    table("At the top of the file", "", &single, &mut text);
    for key in JOB.iter().filter(|key| !key.below().is_empty()) {
        section(key, key.name, &mut text);
    }
    text
}

/// Sections within follow the section that has them.
fn section(key: &Key, path: &str, text: &mut String) {
    let keys: Vec<&Key> = key.below().iter().collect();
    table(&format!("`{path}`"), key.about, &keys, text);
    for key in keys.into_iter().filter(|key| !key.below().is_empty()) {
        let path = match key.kind {
            Kind::Named { .. } => format!("{path}.{}.<name>", key.name),
            _ => format!("{path}.{}", key.name),
        };
        section(key, &path, text);
    }
}

fn table(heading: &str, about: &str, keys: &[&Key], text: &mut String) {
    text.push_str(&format!("\n## {heading}\n\n"));
    if !about.is_empty() {
        text.push_str(&format!("{about}\n\n"));
    }
    text.push_str("| key | values | default | |\n|---|---|---|---|\n");
    for key in keys {
        let overriding = key
            .variable
            .map(|name| format!(" The environment variable `{name}` wins over it."));
        let about = format!("{}{}", key.about, overriding.unwrap_or_default()).replace('|', "\\|");
        text.push_str(&format!(
            "| `{}` | {} | {} | {about} |\n",
            key.name,
            values(&key.kind),
            default(&key.kind)
        ));
    }
}

/// The column `values`: what may be written.
fn values(kind: &Kind) -> String {
    match kind {
        Kind::Section(_) => "section".to_owned(),
        Kind::Named { .. } => "name -> section".to_owned(),
        Kind::Names(_) => "name -> text".to_owned(),
        Kind::Text(_) => "text".to_owned(),
        Kind::Secret { .. } => "text, never shown".to_owned(),
        Kind::Command => "list: program, arguments".to_owned(),
        Kind::Path => "file".to_owned(),
        Kind::Boolean(_) => "`true`, `false`".to_owned(),
        Kind::Choice { words, .. } => quoted(&words()),
        Kind::Number(bounded) if bounded.most == u64::MAX => format!("{} or more", bounded.least),
        Kind::Number(bounded) => format!("{} to {}", bounded.least, bounded.most),
        Kind::Size(bounded) => {
            format!(
                "{} to {}",
                units::show_size(bounded.least),
                units::show_size(bounded.most)
            )
        }
        Kind::Duration { .. } => "duration".to_owned(),
        Kind::List { words: [] } => "list".to_owned(),
        Kind::List { words } => format!("list of {}", quoted(words)),
    }
}

fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// The column `default`: a value in code style, or words.
fn default(kind: &Kind) -> String {
    if kind.is_required() {
        return "required".to_owned();
    }
    if let Some(default) = kind.default() {
        return format!("`{default}`");
    }
    match kind {
        Kind::Names(defaults) => {
            let pairs = defaults.iter();
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("`{name}: {value}`"))
                .collect();
            pairs.join(", ")
        }
        _ => kind.otherwise().unwrap_or_default().to_owned(),
    }
}
