//! Memory-optimised tables: what they refuse.
//!
//! Microsoft, "Transactions with Memory-Optimized Tables" ("Isolation Levels"), "Accessing
//! Memory-Optimized Tables Using Interpreted Transact-SQL" ("Table Hints"), MSSQLSERVER_41332.

use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::{Facts, SNAPSHOT};
use crate::engine::model::table::Table;

/// Hints that choose an isolation level which the tables have.
const LEVELS: &[&str] = &["SNAPSHOT", "REPEATABLEREAD", "SERIALIZABLE"];

/// The list of "Table Hints" there, and NOLOCK, which is READUNCOMMITTED by another name.
const REFUSED: &[&str] = &[
    "HOLDLOCK",
    "NOLOCK",
    "NOWAIT",
    "PAGLOCK",
    "READCOMMITTED",
    "READCOMMITTEDLOCK",
    "READPAST",
    "READUNCOMMITTED",
    "ROWLOCK",
    "TABLOCK",
    "TABLOCKX",
    "UPDLOCK",
    "XLOCK",
];

fn find<'h>(hints: &'h [String], among: &[&str]) -> Option<&'h String> {
    hints
        .iter()
        .find(|hint| among.iter().any(|word| hint.eq_ignore_ascii_case(word)))
}

/// Whether a query may read the table with these hints.
///
/// # Errors
/// 41332, 41333, 41368 and 10794 as documented; SNAPSHOT is a hint for such tables alone.
pub(crate) fn check(facts: &Facts, table: &Table, hints: &[String], sampled: bool) -> Result<()> {
    if table.memory.is_none() {
        return match find(hints, &["SNAPSHOT"]) {
            Some(_) => Err(unsupported(
                "the hint SNAPSHOT on a table that is not memory-optimized",
            )),
            None => Ok(()),
        };
    }
    if facts.isolation == SNAPSHOT {
        let message = "Memory optimized tables and natively compiled modules cannot be accessed or created when the session TRANSACTION ISOLATION LEVEL is set to SNAPSHOT.";
        return Err(error(41332, 16, message));
    }
    let not_here = |what: &str, name: &str| {
        let message = format!("The {what} '{name}' is not supported with memory optimized tables.");
        Err(error(10794, 16, message))
    };
    if let Some(hint) = find(hints, REFUSED) {
        return not_here("table option", &hint.to_lowercase());
    }
    if sampled {
        return not_here("clause", "TABLESAMPLE");
    }
    if find(hints, LEVELS).is_some() {
        return Ok(());
    }
    match facts.isolation {
        1 => not_here("isolation level", "READ UNCOMMITTED"),
        2 if facts.transactions > 0 => {
            let message = "Accessing memory optimized tables using the READ COMMITTED isolation level is supported only for autocommit transactions. It is not supported for explicit or implicit transactions. Provide a supported isolation level for the memory optimized table using a table hint, such as WITH (SNAPSHOT).";
            Err(error(41368, 16, message))
        }
        3 | 4 => {
            let message = "The following transactions must access memory optimized tables and natively compiled modules under snapshot isolation: RepeatableRead transactions, Serializable transactions, and transactions that access tables that are not memory optimized in RepeatableRead or Serializable isolation.";
            Err(error(41333, 16, message))
        }
        _ => Ok(()),
    }
}
