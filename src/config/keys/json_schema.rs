//! The JSON Schema of a job file, for editors.
//!
//! The schema is looser than the reader where YAML is: an editor sees the file before `${...}` is
//! filled in, so each value may also be a text with a reference. What holds between keys is not in
//! it; `migrate check` says that.

use serde_json::{Map, Value, json};

use crate::config::keys::{JOB, Key, Kind, Text};

/// A value that is filled in from outside can be anything.
const REFERENCE: &str = r"\$\{";

/// The text of `migrations-config/job.schema.json`.
pub fn json_schema() -> String {
    let mut root = section(JOB);
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!("Job file of migrate");
    format!("{root:#}\n")
}

/// A mapping of these keys and no others.
/// `null` is allowed unless a key below is required, because `source:` without a value reads as
/// empty.
fn section(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut schema = of_kind(&key.kind);
        let overriding = key
            .variable
            .map(|name| format!(" (env {name} wins over this)"));
        schema["description"] = json!(format!("{}{}", key.about, overriding.unwrap_or_default()));
        if let Some(default) = typed_default(&key.kind) {
            schema["default"] = default;
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let mut schema = json!({
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
    });
    let required = keys.iter().filter(|key| must_be_there(key));
    let required: Vec<&str> = required.map(|key| key.name).collect();
    if !required.is_empty() {
        schema["type"] = json!("object");
        schema["required"] = json!(required);
    }
    schema
}

/// A section must be there if a key anywhere below it must.
fn must_be_there(key: &Key) -> bool {
    match key.kind {
        Kind::Section(keys) => keys.iter().any(must_be_there),
        _ => key.kind.is_required(),
    }
}

/// Booleans and numbers as JSON's own, so that an editor does not insert them in quotes.
fn typed_default(kind: &Kind) -> Option<Value> {
    match kind {
        Kind::Boolean(default) => Some(json!(default)),
        Kind::Number(bounded) => bounded.value().map(Value::from),
        _ => kind.default().map(Value::from),
    }
}

/// What JSON Schema can say of a kind, with the reader's own bounds.
fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Section(keys) => section(keys),
        Kind::Named { keys, .. } => {
            json!({"type": ["object", "null"], "additionalProperties": section(keys)})
        }
        Kind::Names(_) => json!({
            "type": ["object", "null"],
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        }),
        // YAML reads 2013 as a number and true as a word: each can be a name.
        Kind::Text(Text::Required(_)) => {
            json!({"type": ["string", "number", "boolean"], "minLength": 1})
        }
        Kind::Text(_) | Kind::Path | Kind::Secret { .. } => {
            json!({"type": ["string", "number", "boolean", "null"]})
        }
        Kind::Boolean(_) => {
            json!({"anyOf": [{"type": ["boolean", "null"]}, pattern("^(true|false)$")]})
        }
        Kind::Choice { words, .. } => {
            let reference = json!({"type": "string", "pattern": REFERENCE});
            json!({"anyOf": [{"enum": words()}, {"type": "null"}, reference]})
        }
        Kind::Number(bounded) => numeric(bounded.least, bounded.most, "^[0-9]+$"),
        Kind::Size(bounded) => numeric(bounded.least, bounded.most, "^[0-9]+ *(B|KiB|MiB|GiB)?$"),
        Kind::Duration { zero, .. } => {
            numeric(u64::from(!zero), u64::MAX, "^[0-9]+ *(ms|s|m|min|h)?$")
        }
        Kind::Command | Kind::List { words: [] } => {
            json!({"type": ["array", "null"], "items": {"type": ["string", "number", "boolean"]}})
        }
        Kind::List { words } => json!({"type": ["array", "null"], "items": {"enum": words}}),
    }
}

/// A number within bounds, or a text that is one with its unit.
fn numeric(least: u64, most: u64, forms: &str) -> Value {
    let mut number = json!({"type": "integer", "minimum": least});
    if most < u64::MAX {
        number["maximum"] = json!(most);
    }
    json!({"anyOf": [number, pattern(forms), {"type": "null"}]})
}

/// A text of these forms, or one that is filled in from outside.
fn pattern(forms: &str) -> Value {
    json!({"type": "string", "pattern": format!("{forms}|{REFERENCE}")})
}
