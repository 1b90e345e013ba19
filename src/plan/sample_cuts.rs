//! The T-SQL that finds cut points in a sample of a table's pages.
//!
//! NTILE over a whole index is an ordered scan of it, a spool of every key in tempdb and a count,
//! before the first row of its table can be loaded. `TABLESAMPLE SYSTEM` reads the pages of the sample
//! and no others ("Limiting Result Sets by Using TABLESAMPLE"), of which the server sorts the keys in
//! its own order. Such cuts are uneven by about a tenth of a part, which costs no row: ranges tile the
//! key whatever their cuts are.

use crate::config::job::Consistency;
use crate::plan::cut_sql::Remaining;
use crate::plan::isolation::hint;
use crate::plan::kept::object_id;
use crate::plan::ntile_cuts;
use crate::plan::query;
use crate::plan::table::{KeyColumn, TablePlan};

/// Pages of a sample for each part that a table is cut into. A page is one place in the key, so the
/// sizes of two parts differ by about a sixth.
pub const PAGES_OF_A_PART: u64 = 32;

/// Pages of a sample that is to tell how much of a range is left: of the whole table, so that a
/// hundredth of it has five. If that is too few, the second.
pub const PAGES_OF_WHAT_IS_LEFT: [u64; 2] = [512, 4096];

/// Fewer pages than this in a range say too little about it.
pub const LEAST_PAGES: u64 = 8;

/// A larger part of a table is as soon read by its key.
const MOST_PERCENT: f64 = 25.0;

/// A retry asks for the same pages again, which the server then has in memory.
const SEED: u32 = 13;

/// The statement that gives the number of pages that hold the table's rows; 0 or NULL if it is not
/// known. LOBs lie elsewhere: `sys.allocation_units` of type 1, IN_ROW_DATA.
/// For a login that may not see `sys.allocation_units` it gives NULL, and the table is not sampled.
pub fn pages(table: &TablePlan) -> String {
    format!(
        "SELECT CONVERT(bigint, SUM(a.used_pages)) FROM sys.partitions AS p \
         JOIN sys.allocation_units AS a ON a.container_id = p.hobt_id \
         WHERE a.type = 1 AND p.index_id IN (0, 1) AND p.object_id = {}",
        object_id(table)
    )
}

/// How many percent of the table's pages are `wanted` pages; `None` if the table is too small to
/// be worth a sample.
pub fn percent(pages: u64, wanted: u64) -> Option<f64> {
    let percent = wanted as f64 * 100.0 / pages.max(1) as f64;
    (percent <= MOST_PERCENT).then_some(percent)
}

/// Whether the server can be asked for a sample of the table: a memory-optimised one has no pages.
pub fn has_pages(table: &TablePlan) -> bool {
    !table.memory_optimized
}

/// How much of a table is sampled, and into how many parts the sample is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleSize {
    pub parts: usize,
    /// Share of the table's pages in percent, above 0 and up to 100.
    pub percent: f64,
}

/// The statement that finds, in key order, the last key of each but the last of `parts` equal parts of
/// the sampled rows that are in `left`; no row if the sample has none.
pub fn cut_points(
    table: &TablePlan,
    key: &[KeyColumn],
    left: &Remaining,
    sample: SampleSize,
    consistency: Consistency,
) -> String {
    let pages = self::sample(table, sample.percent, consistency);
    ntile_cuts::tiles(table, key, &pages, left.predicates(key), sample.parts)
}

/// The statement that counts the sampled rows that are in `left`.
pub fn count(
    table: &TablePlan,
    key: &[KeyColumn],
    left: &Remaining,
    percent: f64,
    consistency: Consistency,
) -> String {
    format!(
        "SELECT COUNT_BIG(*) FROM {}{}",
        sample(table, percent, consistency),
        query::where_clause(table, left.predicates(key)),
    )
}

/// Hints come after the sample ("FROM clause plus JOIN, APPLY, PIVOT", `<table_source>`).
fn sample(table: &TablePlan, percent: f64, consistency: Consistency) -> String {
    format!(
        "{} TABLESAMPLE SYSTEM ({percent:.6} PERCENT) REPEATABLE ({SEED}){}",
        query::name(table),
        hint(table, consistency),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::cut_sql::key_of;
    use crate::plan::sample::{column, keyset, plan};
    use tsql::key::KeyValue;
    use tsql::schema::SqlType;

    fn table() -> TablePlan {
        let (a, b) = (
            column("A", SqlType::UniqueIdentifier),
            column("B", SqlType::Int),
        );
        plan(vec![a.clone(), b.clone()], keyset(&[(a, false), (b, true)]))
    }

    fn whole() -> Remaining {
        Remaining {
            after: None,
            upto: None,
            stored: None,
        }
    }

    #[test]
    fn the_sample_stands_before_the_hint_and_the_key_keeps_its_order() {
        let table = table();
        let key = key_of(&table).expect("a key");
        let cuts = |consistency| {
            cut_points(
                &table,
                key,
                &whole(),
                SampleSize {
                    parts: 4,
                    percent: 0.125,
                },
                consistency,
            )
        };
        assert_eq!(
            cuts(Consistency::Strict),
            "SELECT [A], [B] FROM (SELECT [A], [B], [migrate_tile], \
             LEAD([migrate_tile]) OVER (ORDER BY [A], [B] DESC) AS [migrate_next] \
             FROM (SELECT [A], [B], NTILE(4) OVER (ORDER BY [A], [B] DESC) AS [migrate_tile] \
             FROM [dbo].[Odd]]Name] TABLESAMPLE SYSTEM (0.125000 PERCENT) REPEATABLE (13)) AS tiles) AS ends \
             WHERE [migrate_next] <> [migrate_tile] ORDER BY [A], [B] DESC"
        );
        let relaxed = cuts(Consistency::Relaxed);
        assert!(
            relaxed.contains("REPEATABLE (13) WITH (NOLOCK)) AS tiles"),
            "{relaxed}"
        );
    }

    #[test]
    fn a_range_and_the_jobs_filter_bound_the_sample() {
        let mut table = table();
        table.filter = Some("V = 1".into());
        let left = Remaining {
            upto: Some(vec![KeyValue::Int(1), KeyValue::Int(5)]),
            ..whole()
        };
        let key = key_of(&table).expect("a key");
        let sql = count(&table, key, &left, 5.0, Consistency::Strict);
        assert!(
            sql.starts_with(
                "SELECT COUNT_BIG(*) FROM [dbo].[Odd]]Name] \
                 TABLESAMPLE SYSTEM (5.000000 PERCENT) REPEATABLE (13) WHERE (V = 1\n) AND "
            ),
            "{sql}"
        );
    }

    #[test]
    fn a_small_table_is_read_and_a_large_one_sampled() {
        assert_eq!(percent(0, 256), None);
        assert_eq!(percent(1_000, 256), None);
        assert_eq!(percent(1_024, 256), Some(25.0));
        assert_eq!(percent(25_600_000, 256), Some(0.001));
    }

    #[test]
    fn the_pages_of_an_odd_name_are_asked_for_by_that_name() {
        let mut table = table();
        table.name = "it's]".into();
        assert!(pages(&table).ends_with("OBJECT_ID(N'[dbo].[it''s]]]')"));
    }
}
