//! What of PostgreSQL's DETAIL may be shown: names and numbers, never a value of a row.
//!
//! DETAIL is the useful half of many errors, and for errors about rows it contains them. What is
//! not known to be harmless is left out; the server's log has all of it.

/// The end of a DETAIL that begins with a key (postgres, `nbtinsert.c`,
/// `ri_triggers.c`, `tuplesortvariants.c`, `execIndexing.c`); what follows is the name of a table.
const KEY_ENDS: [&str; 7] = [
    " already exists.",
    " is duplicated.",
    " is not present in table \"",
    " is still referenced from table \"",
    " is referenced from table \"",
    " conflicts with existing key ",
    " conflicts with key ",
];

/// The part that may be shown; `None` if PostgreSQL shows a row or what was in it, as in
/// `Failing row contains (...)` and the message of a parser on a value.
pub(super) fn shown(code: &str, detail: &str) -> Option<String> {
    if detail.starts_with("Key (") {
        return Some(without_key_values(code, detail));
    }
    // Beside those: PostgreSQL's own words on objects, limits, locks and connections (PostgreSQL
    // documentation, appendix A). Data and constraints (22, 23, 44), code of functions (38, 39, P0)
    // and internal errors (XX) show rows.
    const OF_OBJECTS: [&str; 14] = [
        "08", "0A", "25", "28", "2B", "3D", "3F", "40", "42", "53", "54", "55", "57", "58",
    ];
    let shown = OF_OBJECTS.iter().any(|class| code.starts_with(class));
    // "A field with precision 5, scale 2 must round to an absolute value less than 10^3."
    let of_type = code == "22003" && detail.starts_with("A field with precision ");
    let of_row = detail.starts_with("Failing row contains") || detail.contains("failing row");
    ((shown || of_type) && !of_row).then(|| detail.to_owned())
}

/// `Key (id)=(5) already exists.` without the 5. A value may hold any text, so the columns are what
/// is before the first `)=(`, and the end is searched from the end of the text.
fn without_key_values(code: &str, detail: &str) -> String {
    let columns = detail.split(")=(").next().unwrap_or_default();
    let end = KEY_ENDS.iter().filter_map(|end| {
        let at = detail.rfind(end)?;
        Some((at, *end))
    });
    let end = match end.max_by_key(|(at, _)| *at) {
        Some((_, end @ (" already exists." | " is duplicated."))) => end.to_owned(),
        Some((_, end)) if end.contains(" key ") => " conflicts with another key".to_owned(),
        // Only for a foreign key a table's name is there.
        Some((at, _)) if code == "23503" && detail.ends_with("\".") => detail[at..].to_owned(),
        _ => String::new(),
    };
    format!("{columns})=(...){end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lose_their_values_and_keep_what_they_are_about() {
        for (code, detail, expected) in [
            (
                "23505",
                "Key (id)=(5) already exists.",
                "Key (id)=(...) already exists.",
            ),
            (
                "23505",
                "Key (a, b)=(secret)=(x, y) is duplicated.",
                "Key (a, b)=(...) is duplicated.",
            ),
            (
                "23503",
                "Key (country)=(nl) is not present in table \"d13_country\".",
                "Key (country)=(...) is not present in table \"d13_country\".",
            ),
            (
                "23503",
                "Key (c)=(x is not present in table \"secret\".) is not present in table \"t\".",
                "Key (c)=(...) is not present in table \"t\".",
            ),
            (
                "23503",
                "Key (id)=(5) is still referenced from table \"t\".",
                "Key (id)=(...) is still referenced from table \"t\".",
            ),
            (
                "23P01",
                "Key (r)=([1,2)) conflicts with existing key (r)=([1,5)).",
                "Key (r)=(...) conflicts with another key",
            ),
            (
                "23505",
                "Key (id)=(secret) in other words.",
                "Key (id)=(...)",
            ),
            (
                "23505",
                "Key (id)=( is not present in table \"secret\".) in other words\".",
                "Key (id)=(...)",
            ),
        ] {
            assert_eq!(shown(code, detail).as_deref(), Some(expected), "{detail}");
        }
    }

    #[test]
    fn rows_are_not_shown_and_objects_are() {
        for (code, detail) in [
            ("23502", "Failing row contains (1, secret)."),
            ("23514", "Failing row contains (1, secret)."),
            (
                "23514",
                "Partition key of the failing row contains (id) = (5).",
            ),
            ("22P02", "Token \"secret\" is invalid."),
            ("44000", "Failing row contains (1, secret)."),
            ("XX000", "secret"),
        ] {
            assert_eq!(shown(code, detail), None, "{code}");
        }
        for (code, detail) in [
            (
                "54000",
                "Index row references tuple (0,2) in relation \"t\".",
            ),
            ("2BP01", "view v depends on table t"),
            ("42501", "User does not have CONNECT privilege."),
            (
                "22003",
                "A field with precision 5, scale 2 must round to an absolute value less than 10^3.",
            ),
        ] {
            assert_eq!(shown(code, detail).as_deref(), Some(detail));
        }
    }
}
