//! `source.pool.scope: cluster`: the cap on source connections holds for all processes of a job.

use std::process::Child;

use crate::documented::documented;
use crate::joined::{BY_MEMBERS, SLOW, all_done, check, start, wait_for};
use crate::load;
use crate::support::job::Job;
use crate::support::scenario::Scenario;

/// What all processes together may have open.
const CAP: u64 = 12;

fn job(scenario: &Scenario, cap: u64) -> Job {
    Job::with(
        scenario.server(),
        &scenario.source.name,
        &scenario.target.target(),
        &format!("{{ max_connections: {cap}, scope: cluster }}"),
        &format!("verify: checksums\n{}", load::TRANSFER),
    )
}

#[test]
fn eight_processes_never_have_more_connections_than_the_cap() {
    let scenario = Scenario::on_stand_in(&load::script());
    scenario.fault(SLOW);
    let counters = scenario.stand_in().handle.counters();
    counters.reset_peak();
    let job = job(&scenario, CAP);
    let processes: Vec<Child> = (0..8).map(|_| start(&job)).collect();
    all_done(processes);
    check(&scenario.target);
    assert_ne!(scenario.value(BY_MEMBERS), "0");
    let snapshot = counters.snapshot();
    assert_eq!(
        snapshot.connections, 0,
        "every connection is closed at the end"
    );
    let peak = snapshot.peak_connections;
    assert!(peak <= CAP, "the server counted {peak} connections");
    // Four are what one process may use; without others' slots it would be no more.
    assert!(peak > 4, "the server counted only {peak} connections");
}

#[test]
fn one_connection_for_three_processes_is_enough() {
    let scenario = Scenario::on_stand_in(&load::script());
    let counters = scenario.stand_in().handle.counters();
    counters.reset_peak();
    let job = job(&scenario, 1);
    all_done((0..3).map(|_| start(&job)).collect());
    check(&scenario.target);
    assert_eq!(counters.snapshot().peak_connections, 1);
}

#[test]
fn a_process_with_another_cap_is_refused() {
    let scenario = Scenario::on_stand_in(&load::script());
    scenario.fault(SLOW);
    let job = job(&scenario, 3);
    let first = start(&job);
    wait_for(&scenario.target, "SELECT count(*) FROM _migrate.runs");
    let other = job.changed("max_connections: 3", "max_connections: 4");
    let refused = other.ends(&["run", "--join"], 2);
    refused.says(&["source.pool.max_connections: 3 with scope: cluster, and this one 4"]);
    documented("join-other-cap", &refused);
    all_done(vec![first]);
    check(&scenario.target);
}

/// The sessions that hold slots end, as when the network between breaks: other processes may have the slots
/// at once, so the connections are closed, and what they carried is read again.
#[test]
fn slots_that_are_lost_close_their_connections() {
    let scenario = Scenario::on_stand_in(&load::script());
    scenario.fault(SLOW);
    let counters = scenario.stand_in().handle.counters();
    counters.reset_peak();
    let job = job(&scenario, 3);
    let processes = vec![start(&job), start(&job)];
    wait_for(&scenario.target, BY_MEMBERS);
    // Of two keys, and neither the members' nor a shared one.
    let end = "SELECT count(pg_terminate_backend(pid)) FROM (SELECT DISTINCT pid FROM pg_locks \
         WHERE locktype = 'advisory' AND objsubid = 2 AND mode = 'ExclusiveLock' AND classid <> 1835624306 \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS holders";
    assert_ne!(scenario.value(end), "0");
    all_done(processes);
    check(&scenario.target);
    assert_eq!(counters.snapshot().connections, 0);
}
