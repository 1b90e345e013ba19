//! What an error of the driver or of PostgreSQL means to the tool.
//!
//! Every error of a statement goes through here: SQLSTATE becomes a kind, and the message loses
//! what may be a value of a row. Errors while a connection is opened go through `connect::refusal`.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use tokio_postgres::error::{DbError, SqlState};

use crate::error::{Error, Kind};

mod detail;

/// Stands in for PostgreSQL's answer, whose CONTEXT, and DETAIL for some errors, show values of rows.
#[derive(Debug)]
struct Answer {
    /// SQLSTATE, which is all of the answer that is kept as the cause.
    code: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SQLSTATE {}", self.code)
    }
}

impl StdError for Answer {}

/// Maps an error of a statement on an open connection. `doing` completes "could not ...".
pub(super) fn from_driver(error: tokio_postgres::Error, doing: &str) -> Error {
    if let Some(answer) = error.as_db_error() {
        return answered(answer, kind_of(answer.code().code()), doing);
    }
    let kind = if is_lost(&error) {
        Kind::TargetLost
    } else {
        Kind::TargetQuery
    };
    let text = match kind {
        Kind::TargetLost => format!("lost the connection to PostgreSQL (could not {doing})"),
        _ => format!("could not {doing}"),
    };
    Error::new(kind, text).because(error)
}

/// As [`from_driver`], for a statement that makes an object. A unique violation is one of the catalogs then:
/// two tables whose names fill 63 bytes once took one name for their array types at the same
/// moment. The second finds another name when it is tried again.
pub(super) fn from_ddl(error: tokio_postgres::Error, doing: &str) -> Error {
    match error.as_db_error() {
        Some(answer) if *answer.code() == SqlState::UNIQUE_VIOLATION => {
            answered(answer, Kind::TargetBusy, doing)
        }
        _ => from_driver(error, doing),
    }
}

/// The message is the server's, in its language, without values.
fn answered(answer: &DbError, kind: Kind, doing: &str) -> Error {
    Error::new(kind, format!("could not {doing}: {}", said(answer))).because(Answer {
        code: answer.code().code().to_owned(),
    })
}

/// What PostgreSQL answered, with its DETAIL and HINT, as far as it shows no value of a row.
pub(super) fn said(answer: &DbError) -> String {
    let code = answer.code().code();
    if is_foreign(code, answer.routine()) {
        return WITHHELD.to_owned();
    }
    let mut text = without_values(code, answer.message());
    let detail = answer.detail().and_then(|text| detail::shown(code, text));
    let parts = [
        ("detail", detail),
        ("hint", answer.hint().map(str::to_owned)),
    ];
    for (label, part) in parts {
        if let Some(part) = part {
            text.push_str(&format!(" ({label}: {})", part.trim_end_matches('.')));
        }
    }
    text
}

/// The connection is gone, or the bytes on it no longer make sense.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    // The driver keeps its kinds to itself; these texts are theirs, pinned by a test.
    let text = error.to_string();
    error.is_closed()
        || text == "unexpected message from server"
        || text == "error communicating with the server"
        || text == "error parsing response from server"
}

/// The first cause of a type in the chain.
pub(super) fn caused_by<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // A custom `io::Error` hides its payload from `source`, and shows the payload's source.
        if let Some(found) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<T>())
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The kind of a SQLSTATE (PostgreSQL documentation, appendix A), per the comments at [`Kind`].
pub(super) fn kind_of(code: &str) -> Kind {
    match code {
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04" => Kind::TargetLost,
        "3D000" | "57P04" => Kind::TargetDatabase,
        "42501" => Kind::TargetPermission,
        "25006" => Kind::TargetReadOnly,
        "40001" | "40P01" | "55P03" | "53300" => Kind::TargetBusy,
        "53100" | "53200" => Kind::TargetFull,
        "42P07" => Kind::TargetExists,
        // Bytes that are not COPY BINARY at all are a fault of the encoder, not of a value.
        "22P04" => Kind::Internal,
        _ => match code.get(..2) {
            Some("08") => Kind::TargetLost,
            Some("28") => Kind::TargetLogin,
            Some("22") => Kind::Value,
            _ => Kind::TargetQuery,
        },
    }
}

/// Stands for a message that a trigger or another function of the target's owner made up.
const WITHHELD: &str = "a function of the database refused it; its message may show values of rows \
     and is in the server's log only";

/// The classes whose messages are PostgreSQL's own (PostgreSQL documentation, appendix A), without
/// those of routines (38, 39) and of PL/pgSQL (P0).
const OWN_CLASSES: [&str; 38] = [
    "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "20", "21", "22", "23",
    "24", "25", "26", "27", "28", "2B", "2D", "2F", "34", "3B", "3D", "3F", "40", "42", "44", "53",
    "54", "55", "57", "58", "F0", "XX",
];

/// Whether code of the database's users worded the message. RAISE may use any SQLSTATE, PostgreSQL's too; the
/// routine gives it away (postgres, pl_exec.c; PL/Python, PL/Perl and PL/Tcl have their own).
fn is_foreign(code: &str, routine: Option<&str>) -> bool {
    const RAISED_BY: [&str; 5] = [
        "exec_stmt_raise",
        "PLy_output",
        "PLy_elog_impl",
        "do_util_elog",
        "pltcl_elog",
    ];
    !OWN_CLASSES.iter().any(|class| code.starts_with(class))
        || routine.is_some_and(|routine| RAISED_BY.contains(&routine))
}

/// Data exceptions (class 22) may quote the value: what is in quotes or after a colon is left out.
fn without_values(code: &str, message: &str) -> String {
    if !code.starts_with("22") {
        return message.to_owned();
    }
    let head = message.split(": ").next().unwrap_or_default();
    let mut parts = head.split('"');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        text.push_str(if index % 2 == 0 { "\"...\"" } else { part });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_map_to_kinds() {
        for (code, kind) in [
            ("53100", Kind::TargetFull),
            ("53200", Kind::TargetFull),
            ("53300", Kind::TargetBusy),
            ("40P01", Kind::TargetBusy),
            ("40001", Kind::TargetBusy),
            ("55P03", Kind::TargetBusy),
            ("57P01", Kind::TargetLost),
            ("57P03", Kind::TargetLost),
            ("08006", Kind::TargetLost),
            ("28P01", Kind::TargetLogin),
            ("28000", Kind::TargetLogin),
            ("3D000", Kind::TargetDatabase),
            ("42501", Kind::TargetPermission),
            ("42P07", Kind::TargetExists),
            ("25006", Kind::TargetReadOnly),
            ("22001", Kind::Value),
            ("22P04", Kind::Internal),
            ("23505", Kind::TargetQuery),
            ("42601", Kind::TargetQuery),
        ] {
            assert_eq!(kind_of(code), kind, "{code}");
        }
    }

    #[test]
    fn messages_that_functions_make_up_are_withheld() {
        for code in ["P0001", "P0004", "38000", "39001", "MYERR", "99001"] {
            assert!(is_foreign(code, None), "{code}");
        }
        for code in ["23505", "42601", "22003", "40001", "XX000", "54000"] {
            assert!(!is_foreign(code, Some("ExecConstraints")), "{code}");
            assert!(is_foreign(code, Some("exec_stmt_raise")), "{code}");
        }
    }

    #[test]
    fn data_exceptions_lose_what_they_quote() {
        assert_eq!(
            without_values("22P02", "invalid input syntax for type integer: \"secret\""),
            "invalid input syntax for type integer"
        );
        assert_eq!(
            without_values("22003", "value \"123\" is out of range for type smallint"),
            "value \"...\" is out of range for type smallint"
        );
        assert_eq!(
            without_values(
                "23505",
                "duplicate key value violates unique constraint \"pk\""
            ),
            "duplicate key value violates unique constraint \"pk\""
        );
    }
}
