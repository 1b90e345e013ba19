//! F10: which database a checkpoint belongs to.

use standin::fault::FaultSpec;

use super::{TRANSFER, check, done, script, text};
use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
use crate::support::source::{Source, SourceDatabase};

/// A run that fails in the middle of its table, so that there is something to continue.
fn begun(source: &Source, database: &SourceDatabase<'_>, target: &Database<'_>) -> Job {
    let create = text(database, &target.target()).replace("mode: replace", "mode: create");
    let job = Job::from_text(&create);
    let faults = source.expect_stand_in().handle.faults();
    let broken = "error:rows=600,number=208,times=forever,match=ORDER BY";
    faults.add(broken.parse::<FaultSpec>().expect("a fault"));
    assert_eq!(job.run(&[]).code, Some(1));
    faults.clear();
    let rows = "SELECT sum(rows) > 0 FROM _migrate.partitions";
    assert_eq!(
        target.value(rows),
        "t",
        "{TRANSFER} commits before the fault"
    );
    job
}

#[test]
fn after_a_failover_to_a_server_of_another_name_the_same_job_continues() {
    let source = Source::stand_in();
    let database = source.database(&script());
    let target = Postgres::shared().database();
    let job = begun(&source, &database, &target);
    source.expect_stand_in().engine.rename_server("replica2");
    let answer = job.run(&[]);
    done(&answer, "after the failover");
    assert!(
        answer
            .stderr
            .contains("the same database on another server")
            && answer.stderr.contains("replica2"),
        "{}",
        answer.stderr
    );
    check(&target);
    // And back.
    source.expect_stand_in().engine.rename_server("standin");
    done(&job.run(&[]), "back on the first");
    check(&target);
}

#[test]
fn another_database_of_the_same_name_is_not_continued() {
    let source = Source::stand_in();
    let database = source.database(&script());
    let target = Postgres::shared().database();
    let job = begun(&source, &database, &target);
    // As where a backup of another database is restored under the name.
    source.recreate(&database.name);
    database.script(&script());
    let answer = job.run(&[]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(
        answer.stderr.contains("service_broker_guid") && answer.stderr.contains("--restart"),
        "{}",
        answer.stderr
    );
    done(&job.run(&["--restart"]), "started over");
    check(&target);
}

/// As earlier versions of the tool recorded it.
const WITHOUT_GUID: &str = "UPDATE _migrate.runs SET source = source - 'guid'";

#[test]
fn a_record_without_a_guid_continues_where_the_servers_name_is_the_same() {
    let source = Source::stand_in();
    let database = source.database(&script());
    let target = Postgres::shared().database();
    let job = begun(&source, &database, &target);
    target.sql(WITHOUT_GUID);
    source.expect_stand_in().engine.rename_server("elsewhere");
    let answer = job.run(&[]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(
        answer.stderr.contains("of server standin") && answer.stderr.contains("elsewhere"),
        "{}",
        answer.stderr
    );
    source.expect_stand_in().engine.rename_server("standin");
    done(&job.run(&[]), "the same server");
    check(&target);
    // That run knows the guid, and its records are the same database's.
    source.expect_stand_in().engine.rename_server("replica2");
    done(&job.run(&[]), "a failover after it");
}
