//! F10: which database a checkpoint belongs to.

use standin::fault::FaultSpec;

use super::{TRANSFER, check, done, script, text};
use crate::support::job::Job;
use crate::support::postgres::Database;
use crate::support::scenario::Scenario;
use crate::support::source::{Source, SourceDatabase};

/// A run that fails in the middle of its table, so that there is something to continue.
fn begun(source: &Source, database: &SourceDatabase, target: &Database<'_>) -> Job {
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
    let scenario = Scenario::on_stand_in(&script());
    let job = begun(scenario.server(), &scenario.source, &scenario.target);
    scenario.stand_in().engine.rename_server("replica2");
    let answer = job.run(&[]);
    done(&answer, "after the failover");
    answer.says(&["the same database on another server", "replica2"]);
    check(&scenario.target);
    // And back.
    scenario.stand_in().engine.rename_server("standin");
    done(&job.run(&[]), "back on the first");
    check(&scenario.target);
}

#[test]
fn another_database_of_the_same_name_is_not_continued() {
    let scenario = Scenario::on_stand_in(&script());
    let job = begun(scenario.server(), &scenario.source, &scenario.target);
    // As where a backup of another database is restored under the name.
    scenario.server().recreate(&scenario.source.name);
    scenario.script(&script());
    let answer = job.ends(&[], 1);
    answer.says(&["service_broker_guid", "--restart"]);
    done(&job.run(&["--restart"]), "started over");
    check(&scenario.target);
}

/// As earlier versions of the tool recorded it.
const WITHOUT_GUID: &str = "UPDATE _migrate.runs SET source = source - 'guid'";

#[test]
fn a_record_without_a_guid_continues_where_the_servers_name_is_the_same() {
    let scenario = Scenario::on_stand_in(&script());
    let job = begun(scenario.server(), &scenario.source, &scenario.target);
    scenario.sql(WITHOUT_GUID);
    scenario.stand_in().engine.rename_server("elsewhere");
    let answer = job.ends(&[], 1);
    answer.says(&["of server standin", "elsewhere"]);
    scenario.stand_in().engine.rename_server("standin");
    done(&job.run(&[]), "the same server");
    check(&scenario.target);
    // That run knows the guid, and its records are the same database's.
    scenario.stand_in().engine.rename_server("replica2");
    done(&job.run(&[]), "a failover after it");
}
