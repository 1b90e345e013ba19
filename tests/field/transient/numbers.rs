//! F9: which of SQL Server's error numbers pass by themselves, and when.

use std::time::{Duration, Instant};

use standin::fault::FaultSpec;

use super::{changed, check, done, ended, script, text, wait_until};
use crate::documented::documented;
use crate::support::job::Job;
use crate::support::scenario::Scenario;

/// From the first login on: the server says that it is not ready, or moves.
const NOT_READY: [u32; 20] = [
    // Azure: paused, moving, throttled.
    40613, 40197, 40501, 40540, 40143, 49918, 49919, 49920, 10928, 10929, 4221, 615,
    // Starting, upgrading, shutting down, without sessions, tasks or time.
    18401, 17142, 17187, 6005, 18451, 17809, 17300, 17197,
];

/// Once a connection was good: before, the name in the job is more likely wrong.
const UNAVAILABLE: [u32; 7] = [4060, 926, 921, 922, 976, 983, 988];

/// While rows are read.
const BUSY: [u32; 20] = [
    // Deadlock, locks, and a lock time-out, which DEADLOCK_PRIORITY LOW and LOCK_TIMEOUT ask for.
    1205, 1204, 1222, // Row versions.
    3958, 3960, 3961, 3963, 3966, 3967, 4221, // Pages that moved under a scan without locks.
    601, 605, // Memory-optimised tables.
    41301, 41302, 41305, 41325, 41839, // Memory.
    701, 8645, 8651,
];

fn spec(text: &str) -> FaultSpec {
    text.parse().expect("a fault")
}

#[test]
fn a_first_login_is_tried_again_while_the_server_says_that_it_is_not_ready() {
    let scenario = Scenario::on_stand_in(&script());
    let job = Job::from_text(&text(&scenario.source, &scenario.target.target()));
    let faults = scenario.faults();
    for number in NOT_READY {
        faults.add(spec(&format!("refuse-login:number={number}")));
    }
    let answer = job.run(&[]);
    done(&answer, "all in a row");
    assert_eq!(faults.fired(), NOT_READY.len() as u64);
    for number in NOT_READY {
        answer.says(&[&format!("error {number},")]);
    }
    check(&scenario.target);
}

#[test]
fn a_server_that_stays_away_is_given_up_after_the_bound() {
    let scenario = Scenario::on_stand_in(&script());
    let text = text(&scenario.source, &scenario.target.target());
    let job = Job::from_text(&changed(
        &text,
        "attempts: 60",
        "at_start: 500ms, attempts: 60",
    ));
    let faults = scenario.faults();
    faults.add(spec("refuse-login:number=40613,times=forever"));
    let began = Instant::now();
    let answer = job.run(&[]);
    let took = began.elapsed();
    documented("source-paused", &answer);
    answer.says(&["40613"]);
    scenario.clear_faults();
    faults.add(spec("close-login:times=forever"));
    documented("source-cut", &job.run(&[]));
    scenario.clear_faults();
    // Four times as long for a server that asks for patience.
    assert!(
        took > Duration::from_millis(1500) && took < Duration::from_secs(10),
        "{took:?}"
    );
    assert!(faults.fired() > 3);
}

#[test]
fn what_a_second_try_does_not_heal_is_told_at_the_first_login() {
    let scenario = Scenario::on_stand_in(&script());
    let job = Job::from_text(&text(&scenario.source, &scenario.target.target()));
    let faults = scenario.faults();
    let refused = [
        18456, 18452, 18470, 18486, 18487, 18488, 40615, 911, 927, 942, 978, 4064,
    ];
    for number in refused.into_iter().chain(UNAVAILABLE) {
        let before = faults.fired();
        faults.add(spec(&format!("refuse-login:number={number},times=forever")));
        let answer = job.ends(&[], 3);
        assert!(answer.stderr.contains(&number.to_string()), "{number}");
        assert_eq!(faults.fired() - before, 1, "{number} is tried once");
        scenario.clear_faults();
    }
}

#[test]
fn a_login_in_mid_run_is_tried_again_after_a_failover() {
    let scenario = Scenario::on_stand_in(&script());
    let job = Job::from_text(&text(&scenario.source, &scenario.target.target()));
    let stand_in = scenario.stand_in();
    let faults = stand_in.handle.faults();
    faults.add(spec("stall:rows=200,for=30s,times=4,match=FROM [dbo].[T]"));
    let child = job.spawn(&[]);
    wait_until("a partition is read", || faults.fired() > 0);
    scenario.clear_faults();
    let before = faults.fired();
    for number in UNAVAILABLE.into_iter().chain(NOT_READY) {
        faults.add(spec(&format!("refuse-login:number={number}")));
    }
    stand_in.handle.drop_connections();
    done(&ended(child), "a failover");
    let expected = UNAVAILABLE.len() + NOT_READY.len();
    assert_eq!(faults.fired() - before, expected as u64);
    check(&scenario.target);
}

#[test]
fn a_statement_is_tried_again_after_what_passes_by_itself() {
    let scenario = Scenario::on_stand_in(&script());
    let job = Job::from_text(&text(&scenario.source, &scenario.target.target()));
    let faults = scenario.faults();
    let all = BUSY.into_iter().chain(UNAVAILABLE).chain(NOT_READY);
    let mut expected = 0;
    for number in all {
        faults.add(spec(&format!(
            "error:rows=20,number={number},match=ORDER BY"
        )));
        expected += 1;
    }
    done(&job.run(&[]), "each number once");
    assert_eq!(faults.fired(), expected);
    check(&scenario.target);
}

#[test]
fn a_statement_that_the_server_refuses_fails_its_table_at_the_first_try() {
    let scenario = Scenario::on_stand_in(&script());
    let job = Job::from_text(&text(&scenario.source, &scenario.target.target()));
    let faults = scenario.faults();
    for number in [208, 8649] {
        let before = faults.fired();
        faults.add(spec(&format!(
            "error:rows=100,number={number},times=forever,match=ORDER BY"
        )));
        let answer = job.ends(&["--restart"], 1);
        assert!(answer.stderr.contains(&number.to_string()), "{number}");
        // One of its partitions, or some of them at once; none twice.
        assert!(faults.fired() - before <= 4, "{number}");
        scenario.clear_faults();
    }
}
