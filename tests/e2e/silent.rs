//! Servers that fall silent: they are connected, and answer nothing. A stop is heard all the same.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Child;
use std::time::Duration;

use crate::interrupted::{makes_a_key, pair, stops_soon};
use crate::load;
use crate::resume::wait_for_rows;
use crate::stopping::{end, hold, kill, stall, wait_until, waits_for_a_lock};
use crate::support::cluster::Options;
use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::Source;

/// The system takes the connections, and nobody reads what they say.
#[test]
fn a_stop_is_heard_before_a_server_says_a_word() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let target = Postgres::shared().database();
    let target = target.target();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = silent.local_addr().expect("its address").port();
    let job = Job::new(&database, &target, load::TRANSFER);
    let stop = |server: u16, arguments: &[&str]| {
        let job = job.changed(&format!("port: {server}"), &format!("port: {port}"));
        let child = job.spawn(arguments);
        std::thread::sleep(Duration::from_millis(300));
        stops_soon(child);
    };
    let both: [&[&str]; 4] = [&[], &["check"], &["verify"], &["tune"]];
    let of_the_source: [&[&str]; 2] = [&["plan"], &["schema"]];
    let of_the_target: [&[&str]; 2] = [&["status"], &["rejects"]];
    for arguments in both.iter().chain(&of_the_source) {
        stop(source.port, arguments);
    }
    for arguments in both.iter().chain(&of_the_target) {
        stop(target.port, arguments);
    }
}

/// Every process of a PostgreSQL server, until it is dropped: nothing is answered, nothing refused.
struct Frozen(Vec<String>);

impl Frozen {
    fn new(server: &Postgres) -> Self {
        let asked = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
        let checkpointer = server.database().value(asked);
        let status = fs::read_to_string(format!("/proc/{checkpointer}/status")).expect("proc(5)");
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        let parent = parent.expect("a parent").trim();
        assert!(kill("-STOP", &[parent.to_owned()]));
        let children = format!("/proc/{parent}/task/{parent}/children");
        let children = fs::read_to_string(children).expect("proc(5)");
        let mut all: Vec<_> = children.split_whitespace().map(str::to_owned).collect();
        // Last, as it would clear away what has ended.
        all.push(parent.to_owned());
        assert!(kill("-STOP", &all));
        Self(all)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        kill("-CONT", &self.0);
    }
}

fn stops_though_silent(server: &Postgres, child: Child) {
    let _frozen = Frozen::new(server);
    stops_soon(child);
}

#[test]
fn a_stop_is_heard_though_the_target_has_fallen_silent() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    // A request to cancel begins with a handshake then, which nobody answers either.
    let server = Postgres::start(Options { tls: true });
    let target = server.database();
    let job = Job::new(&database, &target.target(), load::TRANSFER);
    let job = job.changed("sslmode: disable", "sslmode: require");
    stall(&source, 60);
    let loading = job.spawn(&[]);
    wait_for_rows(&target);
    stops_though_silent(&server, loading);
    let faults = source.expect_stand_in().handle.faults();
    faults.clear();
    source.expect_stand_in().handle.drop_connections();
    job.report(&[], 0);
    load::check(&target);
    let holder = hold(&target, "LOCK TABLE public.narrow IN ACCESS EXCLUSIVE MODE");
    let comparing = job.spawn(&["verify", "--level", "rows"]);
    waits_for_a_lock(&target);
    stops_though_silent(&server, comparing);
    end(&target, "the holder", holder);
    stall(&source, 60);
    let measuring = job.spawn(&["tune"]);
    wait_until(
        &target,
        "SELECT count(*) > 0 FROM pg_class WHERE relname LIKE 'tune_%'",
    );
    stops_though_silent(&server, measuring);
    faults.clear();
    source.expect_stand_in().handle.drop_connections();
}

#[test]
fn a_stop_is_heard_though_the_target_has_fallen_silent_behind_the_load() {
    let source = Source::stand_in();
    let database = pair(&source);
    let server = Postgres::start(Options { tls: false });
    let target = server.database();
    let (job, holder, making) = makes_a_key(&database, &target);
    stops_though_silent(&server, making);
    end(&target, "the holder", holder);
    job.report(&[], 0);
}
