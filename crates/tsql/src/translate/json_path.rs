//! Paths into JSON: `$.a.b[0]`, which PostgreSQL has as a list of keys.

use super::value;
use super::{Outcome, Untranslated};

/// The keys of a plain path in lax mode, as a literal of `text[]`.
pub(super) fn keys(path: &str) -> Outcome<String> {
    let refused = || Untranslated::new(format!("the JSON path {path:?}"));
    let path = path.trim();
    let path = match path.split_once(' ') {
        Some((mode, rest)) if mode.eq_ignore_ascii_case("lax") => rest.trim_start(),
        _ => path,
    };
    let mut rest = path.strip_prefix('$').ok_or_else(refused)?;
    let mut keys = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(".\"") {
            let end = after.find('"').ok_or_else(refused)?;
            keys.push(after[..end].to_owned());
            rest = &after[end + 1..];
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let key = &after[..end];
            let plain = |it: char| it.is_alphanumeric() || it == '_';
            if key.is_empty() || !key.chars().all(plain) {
                return Err(refused());
            }
            keys.push(key.to_owned());
            rest = &after[end..];
        } else {
            let after = rest.strip_prefix('[').ok_or_else(refused)?;
            let (index, after) = after.split_once(']').ok_or_else(refused)?;
            if index.is_empty() || !index.bytes().all(|it| it.is_ascii_digit()) {
                return Err(refused());
            }
            keys.push(index.to_owned());
            rest = after;
        }
    }
    if keys.iter().any(|key| key.contains('\\')) {
        return Err(refused());
    }
    let quoted: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    Ok(value::quote(&format!("{{{}}}", quoted.join(","))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_lists_of_keys() {
        for (path, expected) in [
            ("$", "'{}'"),
            ("$.a.b[0]", "'{\"a\",\"b\",\"0\"}'"),
            ("lax $.a", "'{\"a\"}'"),
            ("$.\"a b\".c", "'{\"a b\",\"c\"}'"),
        ] {
            assert_eq!(keys(path).as_deref(), Ok(expected), "{path}");
        }
        for path in ["", "a", "strict $.a", "$.", "$[a]", "$.a-b", "$[0", "$.*"] {
            assert!(keys(path).is_err(), "{path}");
        }
    }
}
