//! Whether PostgreSQL takes WITH CHECK OPTION for a query: only if INSERT and UPDATE of the view work
//! without a trigger.
//!
//! A mistake here in one direction loses the option, with a note; in the other CREATE VIEW fails.
//! So anything that is not known to be harmless counts as an obstacle.

/// Whether a SELECT is one of a single table or view without anything that keeps it from being updated
/// (PostgreSQL documentation, CREATE VIEW, "Updatable Views"). The text is the translator's own.
pub(super) fn is_updatable(query: &str) -> bool {
    const OBSTACLES: [&str; 14] = [
        "with",
        "distinct",
        "join",
        "lateral",
        "group",
        "having",
        "window",
        "over",
        "union",
        "intersect",
        "except",
        "limit",
        "offset",
        "fetch",
    ];
    const AGGREGATES: [&str; 9] = [
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "string_agg",
        "stddev_samp",
        "var_samp",
        "unnest",
    ];
    let mut froms = 0;
    let mut after_from = false;
    let mut last = "";
    for token in outer(query) {
        match token {
            "from" => (froms, after_from) = (froms + 1, true),
            "where" => after_from = false,
            "," | "(" if after_from => return false,
            "(" if AGGREGATES.contains(&last) => return false,
            word if OBSTACLES.contains(&word) => return false,
            _ => {}
        }
        last = token;
    }
    froms == 1
}

/// Words in small letters, and signs, outside of brackets, quotes and literals; a bracket is there as it
/// opens.
fn outer(query: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    pieces(query).into_iter().filter(move |piece| match *piece {
        "(" => {
            depth += 1;
            depth == 1
        }
        ")" => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    })
}

/// Words, quoted names, literals and single signs, in their order.
fn pieces(query: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => closing(rest, first),
            c if c.is_ascii_alphabetic() || c == '_' => rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(end);
        if !piece.trim().is_empty() {
            pieces.push(keyword(piece));
        }
        rest = after;
    }
    pieces
}

/// The end of a quoted name or literal: a doubled quote closes it and opens it again.
fn closing(text: &str, quote: char) -> usize {
    let after = text[1..].find(quote);
    after.map_or(text.len(), |at| at + 2)
}

/// The translator writes key words in capitals and functions in small letters.
fn keyword(piece: &str) -> &str {
    const WORDS: [(&str, &str); 16] = [
        ("FROM", "from"),
        ("WHERE", "where"),
        ("WITH", "with"),
        ("DISTINCT", "distinct"),
        ("JOIN", "join"),
        ("LATERAL", "lateral"),
        ("GROUP", "group"),
        ("HAVING", "having"),
        ("WINDOW", "window"),
        ("OVER", "over"),
        ("UNION", "union"),
        ("INTERSECT", "intersect"),
        ("EXCEPT", "except"),
        ("LIMIT", "limit"),
        ("OFFSET", "offset"),
        ("FETCH", "fetch"),
    ];
    let known = WORDS.iter().find(|(capitals, _)| *capitals == piece);
    known.map_or(piece, |(_, small)| small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_of_one_table_is_updatable() {
        for (query, expected) in [
            (
                "SELECT \"t\".\"from\" AS \"a\", lower(\"x\") AS \"b\"\nFROM \"s\".\"t\" AS \"t\"\nWHERE \"a\" > 1",
                true,
            ),
            (
                "SELECT \"a\" FROM \"s\".\"t\" WHERE \"a\" IN (SELECT \"b\" FROM \"u\")",
                true,
            ),
            ("SELECT 'UNION JOIN ''' || \"a\" FROM \"s\".\"t\"", true),
            (
                "SELECT \"a\" FROM \"t\" AS \"t\" JOIN \"u\" AS \"u\" ON true",
                false,
            ),
            ("SELECT \"a\" FROM \"t\" AS \"t\", \"u\" AS \"u\"", false),
            ("SELECT \"a\" FROM (SELECT 1 AS \"a\") AS \"t\"", false),
            ("SELECT DISTINCT \"a\" FROM \"t\"", false),
            ("SELECT count(*) AS \"n\" FROM \"t\"", false),
            (
                "SELECT \"a\" FROM \"t\" UNION ALL SELECT \"a\" FROM \"t\"",
                false,
            ),
            ("SELECT \"a\" FROM \"t\" ORDER BY \"a\" LIMIT 3", false),
            ("SELECT 1 AS \"a\"", false),
        ] {
            assert_eq!(is_updatable(query), expected, "{query}");
        }
    }
}
