//! `verify: counts` without a second read of the source.

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::{Source, SourceDatabase};

const ROWS: u64 = 3_000;

fn filled(source: &Source) -> SourceDatabase<'_> {
    source.database(&format!(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V int NOT NULL);\n\
         INSERT INTO dbo.T SELECT value, value FROM GENERATE_SERIES(1, {ROWS});\n"
    ))
}

/// Runs, expects equal counts, and tells how often the source's table was counted by reading it.
fn scans(source: &Source, database: &SourceDatabase<'_>, more: &str, rows: u64) -> usize {
    let counters = source.expect_stand_in().handle.counters();
    let target = Postgres::shared().database();
    let job = Job::new(database, &target.target(), more);
    counters.log_statements(true);
    let report = job.report(&[], 0);
    let compared = &report["verification"]["tables"][0];
    assert_eq!(compared["source_rows"], rows, "{report}");
    assert_eq!(compared["target_rows"], rows, "{report}");
    let statements = counters.statements();
    let counted = statements
        .iter()
        .filter(|sql| sql.starts_with("SELECT COUNT_BIG(*) FROM [dbo]"));
    let scans = counted.count();
    // The command that compares counts as a run does.
    counters.log_statements(true);
    job.report(&["verify", "--level", "counts"], 0);
    let statements = counters.statements();
    let again = statements
        .iter()
        .filter(|sql| sql.starts_with("SELECT COUNT_BIG(*) FROM [dbo]"));
    assert_eq!(again.count(), scans, "{statements:?}");
    scans
}

/// F13. COUNT_BIG(*) reads the narrowest index, or the whole table once more; the server keeps count.
#[test]
fn a_table_is_not_read_again_to_be_counted() {
    let source = Source::stand_in();
    let database = filled(&source);
    assert_eq!(scans(&source, &database, "verify: counts", ROWS), 0);
}

#[test]
fn a_filtered_table_is_counted_by_its_rows() {
    let source = Source::stand_in();
    let database = filled(&source);
    let more = "verify: counts\ntables: { overrides: { dbo.T: { where: 'V <= 100' } } }";
    assert_eq!(scans(&source, &database, more, 100), 1);
}

/// Counts in the catalog are of uncommitted rows, too, and wrong in some old databases: where they are
/// not what the target has, the rows themselves decide.
#[test]
fn a_count_of_the_server_that_does_not_agree_is_settled_by_a_scan() {
    let source = Source::stand_in();
    let database = filled(&source);
    database.script("UPDATE STATISTICS dbo.T WITH ROWCOUNT = 2999");
    assert_eq!(scans(&source, &database, "verify: counts", ROWS), 1);
}

/// 262 without VIEW DATABASE STATE, 300 without the server's; a server that has no such view says 208.
#[test]
fn a_login_that_may_not_see_the_count_counts() {
    for number in [208, 262, 297, 300] {
        let source = Source::stand_in();
        let database = filled(&source);
        let refused = format!("error:number={number},times=forever,match=dm_db_partition_stats");
        let faults = source.expect_stand_in().handle.faults();
        faults.add(refused.parse().expect("a fault"));
        assert_eq!(
            scans(&source, &database, "verify: counts", ROWS),
            1,
            "{number}"
        );
    }
}
