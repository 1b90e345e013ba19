//! The isolation level at which a table is read, if it is not the session's.
//!
//! Everything else is read at the level that `mssql::connect` gives the session. `query` and
//! `cut_sql` put each of their statements through here, so that none is sent at a level its table
//! refuses.

use crate::config::job::Consistency;
use crate::plan::table::TablePlan;

/// A memory-optimised table has versions of its rows and no locks, and is not there under READ
/// UNCOMMITTED ("Transactions with Memory-Optimized Tables", "Isolation Levels").
pub(super) fn hint(table: &TablePlan, consistency: Consistency) -> &'static str {
    match (table.memory_optimized, consistency) {
        (true, _) => " WITH (SNAPSHOT)",
        (false, Consistency::Relaxed) => " WITH (NOLOCK)",
        (false, _) => "",
    }
}

/// How a statement begins that changes the isolation level of its session. It ends with the way back,
/// so if it failed the session's level is not known.
const LOWERED: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; ";
const RAISED: &str = "; SET TRANSACTION ISOLATION LEVEL SNAPSHOT";

/// `sql`, which reads `table`, at a level that the table can be read at: a memory-optimised one cannot
/// in a session under SNAPSHOT (MSSQLSERVER_41332), although its own hint gives the same.
pub(super) fn at_level(table: &TablePlan, consistency: Consistency, sql: String) -> String {
    match (table.memory_optimized, consistency) {
        (true, Consistency::Snapshot) => format!("{LOWERED}{sql}{RAISED}"),
        _ => sql,
    }
}

/// Whether a session that did not come to the end of `sql` reads at another level than before.
pub fn changes_level(sql: &str) -> bool {
    sql.starts_with(LOWERED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::query::{count, read};
    use crate::plan::sample::{column, keyset, plan};
    use crate::plan::table::Slice;
    use tsql::schema::SqlType;

    fn one_key() -> TablePlan {
        let id = column("Id", SqlType::Int);
        let columns = vec![id.clone(), column("Body", SqlType::Text)];
        plan(columns, keyset(&[(id, false)]))
    }

    /// F6: MSSQLSERVER_41332 under SNAPSHOT, no READ UNCOMMITTED, and no sample of pages.
    #[test]
    fn a_memory_optimised_table_is_read_at_a_level_that_it_has() {
        let mut table = one_key();
        table.memory_optimized = true;
        let whole = Slice::Range {
            after: None,
            upto: None,
        };
        let select = "SELECT [Id], [Body] FROM [dbo].[Odd]]Name] WITH (SNAPSHOT) ORDER BY [Id]";
        for consistency in [Consistency::Strict, Consistency::Relaxed] {
            let sql = read(&table, &whole, None, consistency);
            assert_eq!(sql, [select]);
            assert!(!changes_level(&sql[0]));
        }
        let sql = read(&table, &whole, None, Consistency::Snapshot);
        assert_eq!(
            sql,
            [format!(
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; {select}; \
                 SET TRANSACTION ISOLATION LEVEL SNAPSHOT"
            )]
        );
        assert!(changes_level(&sql[0]));
        assert!(changes_level(&count(&table, Consistency::Snapshot)));
        assert!(!changes_level(&count(&one_key(), Consistency::Snapshot)));
    }
}
