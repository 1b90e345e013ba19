//! Connections that are cut while they are opened: a second try does.

use super::{TRANSFER, changed, check, done, ended, script, text, wait_until};
use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::proxy::{Fate, Proxy};
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// Bytes of the server's after which the first connection is cut: the packet headers, and steps
/// through TLS handshake, login and what the first statements answer.
fn bytes() -> impl Iterator<Item = usize> {
    let first = [0, 1, 7, 8, 9, 40, 60];
    let handshake = (100..2400).step_by(257);
    let later = [3000, 4500, 7000, 11_000, 17_000];
    first.into_iter().chain(handshake).chain(later)
}

/// How a cut at the start must be said.
const SAID: &str = "a transient fault before the load: trying again";

#[test]
fn a_source_connection_that_is_cut_at_any_byte_of_the_start_is_opened_again() {
    let scenario = Scenario::on_stand_in(&script());
    let proxy = Proxy::start(scenario.stand_in().handle.address());
    let plain = text(&scenario.source, &scenario.target.target());
    let plain = changed(
        &plain,
        &format!("port: {}", scenario.server().port),
        &format!("port: {}", proxy.port()),
    );
    let tls = "encrypt: required\n  trust_server_certificate: true";
    let strict = "encrypt: strict\n  trust_server_certificate: true";
    for (encrypt, step) in [(tls, 1), ("encrypt: off", 5), (strict, 5)] {
        let job = Job::from_text(&changed(&plain, "encrypt: off", encrypt));
        for bytes in bytes().step_by(step) {
            let what = format!("{encrypt}, cut after {bytes} bytes");
            let before = proxy.cut();
            proxy.decide(&[Fate::CutAfter(bytes)]);
            let answer = job.run(&[]);
            done(&answer, &what);
            // Later ones may meet the load, or come after the connection's last byte.
            if bytes < 5000 {
                assert_eq!(proxy.cut(), before + 1, "{what}");
                answer.says(&[SAID]);
            }
            check(&scenario.target);
        }
    }
}

#[test]
fn a_target_connection_that_is_cut_at_any_byte_of_the_start_is_opened_again() {
    let source = Source::stand_in();
    let database = source.database(&script());
    let postgres = Postgres::shared();
    let target = postgres.database();
    let port = target.target().port;
    let proxy = Proxy::start(([127, 0, 0, 1], port).into());
    let plain = text(&database, &target.target());
    let plain = changed(
        &plain,
        &format!("port: {port}"),
        &format!("port: {}", proxy.port()),
    );
    for (mode, step) in [("require", 2), ("disable", 5)] {
        let to = format!("sslmode: {mode}");
        let job = Job::from_text(&changed(&plain, "sslmode: disable", &to));
        for bytes in bytes().step_by(step) {
            // The first connection, and one of those that open during the planning.
            for fates in [
                vec![Fate::CutAfter(bytes)],
                vec![Fate::Whole, Fate::CutAfter(bytes), Fate::CutAfter(bytes)],
            ] {
                let what = format!("{mode}, {fates:?}");
                proxy.decide(&fates);
                let answer = job.run(&[]);
                done(&answer, &what);
                check(&target);
                // The first connection only looks for a pooler: without TLS it ends before a thousand bytes.
                let at_start = fates.len() == 1 && bytes < 600;
                assert!(
                    !at_start || answer.stderr.contains(SAID),
                    "{what}\n{}",
                    answer.stderr
                );
            }
        }
    }
}

/// The kinds `SourceTls` and `SourceCut` of connections that are opened while rows are moved.
#[test]
fn a_new_source_connection_that_is_cut_in_mid_run_costs_no_table() {
    let scenario = Scenario::on_stand_in(&script());
    let proxy = Proxy::start(scenario.stand_in().handle.address());
    let plain = text(&scenario.source, &scenario.target.target());
    let plain = changed(
        &plain,
        &format!("port: {}", scenario.server().port),
        &format!("port: {}", proxy.port()),
    );
    let tls = "encrypt: required\n  trust_server_certificate: true";
    let job = Job::from_text(&changed(&plain, "encrypt: off", tls));
    for bytes in bytes().step_by(2) {
        let what = format!("cut after {bytes} bytes");
        let before = proxy.cut();
        // So that others open while the first is at work.
        let stall = "stall:rows=200,for=300ms,times=2,match=FROM [dbo].[T]";
        scenario.fault(stall);
        // The first has the catalog, and the pool opens others when the load begins.
        let mut fates = vec![Fate::CutAfter(bytes); 7];
        fates[0] = Fate::Whole;
        proxy.decide(&fates);
        done(&job.run(&[]), &what);
        assert!(proxy.cut() > before || bytes > 5000, "{what}");
        check(&scenario.target);
    }
}

/// The kinds `TargetTls` and `TargetCut`: all connections break while rows are moved, and the next
/// ones are cut while they open.
#[test]
fn a_new_target_connection_that_is_cut_in_mid_run_costs_no_table() {
    let scenario = Scenario::on_stand_in(&script());
    let port = scenario.target.target().port;
    let proxy = Proxy::start(([127, 0, 0, 1], port).into());
    let plain = text(&scenario.source, &scenario.target.target());
    let plain = changed(
        &plain,
        &format!("port: {port}"),
        &format!("port: {}", proxy.port()),
    );
    let patient = plain.replace(TRANSFER, &TRANSFER.replace("100ms", "300ms"));
    let job = Job::from_text(&changed(&patient, "sslmode: disable", "sslmode: require"));
    let faults = scenario.faults();
    for bytes in bytes().step_by(3) {
        let what = format!("cut after {bytes} bytes");
        let before = (proxy.cut(), faults.fired());
        let stall = "stall:rows=200,for=700ms,times=4,match=FROM [dbo].[T]";
        scenario.fault(stall);
        proxy.decide(&[]);
        let child = job.spawn(&[]);
        wait_until("a partition is read", || faults.fired() > before.1);
        proxy.decide(&[Fate::CutAfter(bytes); 6]);
        proxy.drop_connections();
        done(&ended(child), &what);
        assert!(proxy.cut() > before.0, "{what}");
        check(&scenario.target);
        scenario.clear_faults();
    }
}
