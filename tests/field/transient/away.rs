//! A source that stays away: the run ends after the tries of one table, not after those of every table.

use std::fmt::Write;

use super::{TRANSFER, changed, check, done, ended, script, text, wait_until};
use crate::support::job::Job;
use crate::support::proxy::{Fate, Proxy};
use crate::support::scenario::Scenario;

/// Tables beside the one that is being read when the source goes.
const OTHERS: u32 = 40;

/// Each of these tables used its own tries once: a job of a thousand would have taken days to fail.
#[test]
fn a_source_that_stays_away_ends_the_run_and_the_next_one_continues_it() {
    let mut tables = script();
    for other in 0..OTHERS {
        writeln!(
            tables,
            "CREATE TABLE dbo.Other{other} (Id int NOT NULL PRIMARY KEY);\nINSERT INTO dbo.Other{other} VALUES (1);"
        )
        .expect("a string takes it");
    }
    let scenario = Scenario::on_stand_in(&tables);
    let proxy = Proxy::start(scenario.stand_in().handle.address());
    let plain = text(&scenario.source, &scenario.target.target());
    let plain = changed(
        &plain,
        &format!("port: {}", scenario.server().port),
        &format!("port: {}", proxy.port()),
    );
    let few = TRANSFER
        .replace("attempts: 60", "attempts: 3")
        .replace("mode: replace", "mode: create, partitions_in_flight: 1");
    let job = Job::from_text(&changed(&plain, TRANSFER, &few));
    let faults = scenario.faults();
    scenario.fault("stall:rows=200,for=700ms,times=4,match=FROM [dbo].[T]");
    let child = job.spawn(&[]);
    wait_until("a partition is read", || faults.fired() > 0);
    proxy.decide(&[Fate::CutAfter(0); 10_000]);
    proxy.drop_connections();
    let answer = ended(child);
    assert_eq!(answer.code, Some(1), "{}", answer.said());
    answer.says(&[
        "SQL Server was not reached through all tries of a table",
        "the same command continues",
    ]);
    let failed = "SELECT count(*) FROM _migrate.tables WHERE state = 'failed'";
    let failed: u32 = scenario.value(failed).parse().expect("a number");
    assert!(
        failed < 5,
        "{failed} tables failed, each after its own tries"
    );
    proxy.decide(&[]);
    scenario.clear_faults();
    done(&job.run(&[]), "the source is back");
    check(&scenario.target);
    let others = "SELECT count(*) FROM _migrate.tables WHERE state = 'done' AND rows = 1";
    assert_eq!(scenario.value(others), OTHERS.to_string());
}
