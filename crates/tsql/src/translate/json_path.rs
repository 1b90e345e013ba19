//! Paths into JSON: `$.a.b[0]`, which PostgreSQL has as a chain of `->`.

use super::value;
use super::{Outcome, Untranslated};

/// What a plain path in lax mode finds in a document of type `json`. A key finds nothing in an
/// array, and an index nothing in an object.
///
/// # Errors
/// Strict mode, wildcards, or a key that must be quoted and is not.
pub(super) fn found(document: &str, path: &str) -> Outcome<String> {
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
            keys.push(value::quote(&after[..end]));
            rest = &after[end + 1..];
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let key = &after[..end];
            let plain = |it: char| it.is_alphanumeric() || it == '_';
            if key.is_empty() || !key.chars().all(plain) {
                return Err(refused());
            }
            keys.push(value::quote(key));
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
    let mut sql = document.to_owned();
    for key in keys {
        sql.push_str(" -> ");
        sql.push_str(&key);
    }
    Ok(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_chains() {
        for (path, expected) in [
            ("$", "d"),
            ("$.a.b[0]", "d -> 'a' -> 'b' -> 0"),
            ("lax $.a", "d -> 'a'"),
            ("$.\"a b\".c", "d -> 'a b' -> 'c'"),
            ("$.\"0\"", "d -> '0'"),
        ] {
            assert_eq!(found("d", path).as_deref(), Ok(expected), "{path}");
        }
        for path in ["", "a", "strict $.a", "$.", "$[a]", "$.a-b", "$[0", "$.*"] {
            assert!(found("d", path).is_err(), "{path}");
        }
    }
}
