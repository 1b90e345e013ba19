//! `verify: counts` without a second read of the source.

use std::sync::Arc;

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::{Source, SourceDatabase};

const ROWS: u64 = 4_096;

fn filled(source: &Arc<Source>) -> SourceDatabase {
    let mut script = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V int NOT NULL);\n\
                      INSERT INTO dbo.T VALUES (1, 1);\n"
        .to_owned();
    for power in 0..ROWS.ilog2() {
        let have = 1_u64 << power;
        script.push_str(&format!(
            "INSERT INTO dbo.T SELECT Id + {have}, V + {have} FROM dbo.T;\n"
        ));
    }
    source.database(&script)
}

/// Runs, expects equal counts, and expects the stand-in's table to be counted `scans` times by reading
/// it; the command that compares counts does as a run does.
fn counted(database: &SourceDatabase, more: &str, rows: u64, scans: usize) {
    let target = Postgres::shared().database();
    let job = Job::new(database, &target.target(), more);
    for arguments in [&[][..], &["verify", "--level", "counts"]] {
        let stand_in = database.server.stand_in.as_ref();
        let counters = stand_in.map(|stand_in| stand_in.handle.counters());
        if let Some(counters) = counters {
            counters.log_statements(true);
        }
        let report = job.report(arguments, 0);
        if arguments.is_empty() {
            let compared = &report["verification"]["tables"][0];
            assert_eq!(compared["source_rows"], rows, "{report}");
            assert_eq!(compared["target_rows"], rows, "{report}");
        }
        let Some(counters) = counters else { continue };
        let statements = counters.statements();
        let counts = statements
            .iter()
            .filter(|sql| sql.starts_with("SELECT COUNT_BIG(*) FROM [dbo]"));
        assert_eq!(counts.count(), scans, "{arguments:?}: {statements:?}");
    }
}

/// F13. COUNT_BIG(*) reads the narrowest index, or the whole table once more; the server keeps count.
#[test]
fn a_table_is_not_read_again_to_be_counted() {
    let source = Source::own();
    counted(&filled(&source), "verify: counts", ROWS, 0);
}

#[test]
fn a_filtered_table_is_counted_by_its_rows() {
    let source = Source::own();
    let more = "verify: counts\ntables: { overrides: { dbo.T: { where: 'V <= 100' } } }";
    counted(&filled(&source), more, 100, 1);
}

/// Counts in the catalog are of uncommitted rows, too, and wrong in some old databases: where they are
/// not what the target has, the rows themselves decide.
#[test]
fn a_count_of_the_server_that_does_not_agree_is_settled_by_a_scan() {
    let source = Source::own();
    let database = filled(&source);
    let wrong = "UPDATE STATISTICS dbo.T WITH ROWCOUNT = 2999";
    if database.runs_if_supported(wrong) {
        counted(&database, "verify: counts", ROWS, 1);
    }
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
        counted(&database, "verify: counts", ROWS, 1);
    }
}
