//! Kill -9 at many points of a run; the same command ends with every row exactly once, and with
//! the checksum of what is committed.

use std::time::{Duration, Instant};

use crate::load;
use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::Source;

/// How many points in a run are tried, where 100 are too many or too few.
const VARIABLE: &str = "MIGRATE_TEST_KILLS";
const DEFAULT_POINTS: u32 = 100;

#[test]
fn a_run_that_was_killed_anywhere_is_continued_by_the_same_command() {
    let points =
        std::env::var(VARIABLE).map_or(DEFAULT_POINTS, |text| text.parse().expect("a number"));
    let source = Source::shared();
    let database = source.database(&load::script());
    let undisturbed = undisturbed(&database);
    let mut killed_in_load = 0;
    let more = format!("verify: checksums\n{}", load::TRANSFER);
    for point in 0..points {
        let target = Postgres::shared().database();
        let job = Job::new(&database, &target.target(), &more);
        let mut child = job.spawn(&[]);
        // Spread over a whole run: planning, DDL, rows, commits, finish, and just after the end.
        std::thread::sleep(undisturbed.mul_f64(1.05 * f64::from(point) / f64::from(points)));
        child.kill().expect("kill -9");
        child.wait().expect("the killed process is gone");
        let report = job.report(&[], 0);
        load::check(&target);
        let compared = report["verification"]["tables"].as_array().expect("tables");
        assert_eq!(compared.len(), 4);
        for table in compared {
            assert_eq!(table["checksums"]["source_taken"], "loading", "{table}");
            assert_eq!(table["checksums"]["source"], table["checksums"]["target"]);
        }
        let tables = report["tables"].as_array().expect("tables");
        let resumed = tables
            .iter()
            .filter_map(|table| table["resumed_rows"].as_u64())
            .sum::<u64>();
        killed_in_load += u32::from(resumed > 0);
    }
    assert!(
        killed_in_load > 0,
        "some kill hit a run that had committed rows"
    );
}

/// How long a run takes when nobody disturbs it.
fn undisturbed(database: &crate::support::source::SourceDatabase) -> Duration {
    let target = Postgres::shared().database();
    let job = Job::new(database, &target.target(), load::TRANSFER);
    let started = Instant::now();
    job.report(&[], 0);
    load::check(&target);
    started.elapsed()
}
