//! What a synonym stands for, from the name that the catalog keeps of it.
//!
//! `sys.synonyms.base_object_name` is text: one to four parts, in brackets or quotes or neither.

/// Schema and name, if `base` is in `database`. A name without a schema is looked up
/// in the default schema of the session that uses the synonym, so what it stands for is not certain.
pub(super) fn stands_for(base: &str, database: &str) -> Option<(String, String)> {
    let parts = parts(base)?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (schema, name) = match parts.as_slice() {
        [schema, name] => (schema, name),
        [other, schema, name] if is_here(other, database) => (schema, name),
        ["", other, schema, name] if is_here(other, database) => (schema, name),
        _ => return None,
    };
    (!schema.is_empty() && !name.is_empty()).then(|| ((*schema).to_owned(), (*name).to_owned()))
}

/// An empty part means the current database, as in `server..dbo.T` or `..T`.
fn is_here(named: &str, database: &str) -> bool {
    named.is_empty() || named.to_lowercase() == database.to_lowercase()
}

/// The parts of `[a].[b]`, `"a"."b"` or `a.b`; `None` if it is not written so.
fn parts(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        let (part, after) = part(rest)?;
        parts.push(part);
        if after.is_empty() {
            return Some(parts);
        }
        rest = after.strip_prefix('.')?;
    }
}

/// One part without its quotes, and what follows it. `None` if a quote is not closed.
fn part(text: &str) -> Option<(String, &str)> {
    let close = match text.chars().next() {
        Some('[') => ']',
        Some('"') => '"',
        _ => {
            let end = text.find('.').unwrap_or(text.len());
            return Some((text[..end].to_owned(), &text[end..]));
        }
    };
    let mut name = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != close {
            name.push(c);
        } else if chars.next_if(|(_, next)| *next == close).is_some() {
            name.push(close);
        } else {
            return Some((name, &text[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synonym_stands_for_what_is_in_its_own_database() {
        for (base, expected) in [
            ("[dbo].[Orders]", Some(("dbo", "Orders"))),
            ("dbo.Orders", Some(("dbo", "Orders"))),
            ("[a.b].[c]]d]", Some(("a.b", "c]d"))),
            ("[shop].[dbo].[Orders]", Some(("dbo", "Orders"))),
            ("[SHOP].[dbo].[Orders]", Some(("dbo", "Orders"))),
            ("[other].[dbo].[Orders]", None),
            ("[server].[Shop].[dbo].[Orders]", None),
            ("[Shop]..[Orders]", None),
            ("[Orders]", None),
            ("[dbo].[Orders", None),
            ("[dbo][Orders]", None),
            ("", None),
        ] {
            let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
            assert_eq!(stands_for(base, "Shop"), expected, "{base}");
        }
    }
}
