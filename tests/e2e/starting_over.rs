//! Jobs that start over, and what is left where that does not come to its end.

use std::process::Child;

use crate::documented::documented;
use crate::stopping::{end, hold, waits_for_a_lock};
use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// A table of three rows that say which database they are from.
pub fn rows_of(name: &str) -> String {
    format!(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V nvarchar(10) NULL);\n\
         INSERT INTO dbo.T VALUES (1, N'{name}'), (2, N'{name}'), (3, N'{name}');"
    )
}

pub fn values(target: &Database<'_>) -> String {
    target.value("SELECT string_agg(DISTINCT v, ', ') FROM public.t")
}

/// The restart once registered the other database before it wiped what the first had recorded.
#[test]
fn a_restart_that_fails_leaves_the_job_to_its_own_source() {
    let source = Source::stand_in();
    let (one, other) = (
        source.database(&rows_of("one")),
        source.database(&rows_of("other")),
    );
    let target = Postgres::shared().database();
    let of_one = Job::new(&one, &target.target(), "job: moved");
    let of_other = Job::new(&other, &target.target(), "job: moved");
    of_one.report(&[], 0);
    documented("checkpoint-source", &of_other.run(&[]));
    target.sql("CREATE VIEW public.theirs AS SELECT v FROM public.t");
    let refused = of_other.run(&["--restart"]);
    documented("restart-dependents", &refused);
    // It was the first database's job, and is.
    documented("checkpoint-source", &of_other.run(&[]));
    assert_eq!(values(&target), "one");
    let report = of_one.report(&[], 0);
    assert_eq!(report["tables"][0]["resumed_rows"], 3, "{report:#}");
    target.sql("DROP VIEW public.theirs");
    of_other.report(&["--restart"], 0);
    assert_eq!(values(&target), "other");
}

/// As an earlier version left it: the other database was registered, and nothing wiped.
#[test]
fn tables_of_another_source_are_refused_whatever_ran_last() {
    let source = Source::stand_in();
    let (one, other) = (
        source.database(&rows_of("one")),
        source.database(&rows_of("other")),
    );
    let target = Postgres::shared().database();
    Job::new(&one, &target.target(), "job: moved").report(&[], 0);
    // Registered, and refused because the table is there.
    Job::new(&other, &target.target(), "job: elsewhere").report(&[], 1);
    target.sql("UPDATE _migrate.runs SET job = 'moved' WHERE job = 'elsewhere'");
    let of_other = Job::new(&other, &target.target(), "job: moved");
    documented("checkpoint-source", &of_other.run(&[]));
    assert_eq!(values(&target), "one");
    of_other.report(&["--restart"], 0);
    assert_eq!(values(&target), "other");
}

/// Killed between the record of its run and the wipe, it once left a run that "died", which the next
/// went on with: all tables were done, and yesterday's rows were reported as today's.
#[test]
fn a_nightly_job_that_was_killed_before_its_wipe_begins_again() {
    let scenario = Scenario::on_stand_in(&rows_of("old"));
    scenario.sql("CREATE TABLE public.t (id int PRIMARY KEY, v varchar(10))");
    let nightly = "job: nightly\ntransfer: { mode: truncate }";
    let job = scenario.job(nightly);
    job.report(&[], 0);
    scenario.script("UPDATE dbo.T SET V = N'new';");
    let holder = hold(&scenario.target, "SELECT FROM _migrate.tables FOR UPDATE");
    let mut killed: Child = job.spawn(&[]);
    waits_for_a_lock(&scenario.target);
    killed.kill().expect("a child");
    killed.wait().expect("its end");
    end(&scenario.target, "the holder", holder);
    job.report(&[], 0);
    assert_eq!(values(&scenario.target), "new");
    assert_eq!(scenario.value("SELECT count(*) FROM public.t"), "3");
}
