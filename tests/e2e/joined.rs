//! Several processes on one run: every row comes once, whichever of them dies.

use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::documented::documented;
use crate::load;
use crate::support::cluster::Options;
use crate::support::job::{Job, table};
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// How many rounds of random kills are made, where the few of every day are not enough.
const VARIABLE: &str = "MIGRATE_TEST_JOINED_KILLS";
const DEFAULT_ROUNDS: u32 = 4;

/// A shared process that ended.
pub(crate) struct Ended {
    code: Option<i32>,
    json: Value,
    said: String,
}

/// A source that is slow enough for several processes to have something to do. Each partition rests for a
/// while, those of the widest table after their first commit.
pub(crate) const SLOW: &str = "stall:rows=1000,for=1s,times=forever,match=FROM [dbo]";

fn slow_source(scenario: &Scenario) {
    scenario.fault(SLOW);
}

pub(crate) fn start(job: &Job) -> Child {
    job.spawn(&["run", "--join", "--output", "json"])
}

fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().expect("the process ends");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let line = stdout.lines().last().unwrap_or_default();
    Ended {
        code: output.status.code(),
        json: serde_json::from_str(line).unwrap_or_default(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn all_done(children: Vec<Child>) -> Vec<Ended> {
    let ended = children.into_iter().map(ended).collect::<Vec<_>>();
    for process in &ended {
        assert_eq!(process.code, Some(0), "{}", process.said);
    }
    ended
}

/// Asks again and again until the target gives a number above 0.
pub(crate) fn wait_for(target: &Database<'_>, sql: &str) {
    let began = Instant::now();
    let installed = "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
                     ON n.oid = c.relnamespace WHERE n.nspname = '_migrate' AND c.relname = 'members'";
    loop {
        if target.value(installed) != "0" && target.value(sql) != "0" {
            return;
        }
        let late = began.elapsed() > Duration::from_secs(60);
        assert!(!late, "{sql} stays at 0");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Partitions that members have loaded or are loading.
pub(crate) const BY_MEMBERS: &str =
    "SELECT count(*) FROM _migrate.partitions WHERE member IS NOT NULL";

/// Partitions with rows that a member has committed and not finished.
const MIDWAY: &str = "SELECT count(*) FROM _migrate.partitions \
                      WHERE member IS NOT NULL AND state = 'running' AND rows > 0";

fn job(scenario: &Scenario) -> Job {
    scenario.job(&format!("verify: checksums\n{}", load::TRANSFER))
}

/// What holds after every shared run: no partition is left, and what was summed while rows were loaded
/// is what is there.
pub(crate) fn check(target: &Database<'_>) {
    load::check(target);
    let odd = "SELECT count(*) FROM _migrate.partitions WHERE state <> 'done'";
    assert_eq!(target.value(odd), "0");
    let members = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(target.value(members), "0", "no lock is left");
}

/// The report of the one process that led.
fn leader(ended: &[Ended]) -> &Value {
    let mut leaders = ended
        .iter()
        .filter(|process| process.json["tables"].is_array());
    let leader = leaders.next().expect("a process that led");
    assert!(leaders.next().is_none(), "two processes led one run");
    &leader.json
}

fn compared_while_loading(report: &Value) {
    let compared = report["verification"]["tables"].as_array().expect("tables");
    assert_eq!(compared.len(), 4);
    for table in compared {
        assert_eq!(table["checksums"]["source_taken"], "loading", "{table}");
        assert_eq!(table["checksums"]["source"], table["checksums"]["target"]);
    }
}

#[test]
fn two_processes_share_a_job_and_every_row_arrives_once() {
    let scenario = Scenario::on_stand_in(&load::script());
    slow_source(&scenario);
    let job = job(&scenario);
    let ended = all_done(vec![start(&job), start(&job)]);
    check(&scenario.target);
    let report = leader(&ended);
    compared_while_loading(report);
    for name in ["dbo.Narrow", "dbo.Wide", "dbo.Pair", "dbo.Heap"] {
        assert_eq!(table(report, name)["rows"], load::ROWS, "{name}");
    }
    let member = ended.iter().find(|one| one.json["tables"].is_null());
    let member = &member.expect("a member").json;
    assert!(member["partitions"].as_u64() > Some(0), "{member}");
    assert_eq!(member["run_id"], report["run_id"]);
    assert_eq!(member["report"]["outcome"], "done", "{member}");
    assert_ne!(scenario.value(BY_MEMBERS), "0");
}

#[test]
fn eight_processes_share_a_job_and_every_row_arrives_once() {
    let scenario = Scenario::on_stand_in(&load::script());
    slow_source(&scenario);
    let job = job(&scenario);
    let ended = all_done((0..8).map(|_| start(&job)).collect());
    check(&scenario.target);
    compared_while_loading(leader(&ended));
    let busy = "SELECT count(DISTINCT member) FROM _migrate.partitions WHERE member IS NOT NULL";
    let busy: u32 = scenario.value(busy).parse().expect("a number");
    assert!(busy > 1, "{busy} members have loaded partitions");
}

#[test]
fn a_run_that_was_started_alone_takes_members_and_refuses_a_second_of_its_kind() {
    let scenario = Scenario::on_stand_in(&load::script());
    slow_source(&scenario);
    let job = job(&scenario);
    let alone = job.spawn(&["run", "--output", "json"]);
    wait_for(&scenario.target, "SELECT count(*) FROM _migrate.runs");
    let refused = job.ends(&["run"], 1);
    refused.says(&["is run by another process"]);
    let member = start(&job);
    wait_for(&scenario.target, BY_MEMBERS);
    all_done(vec![alone, member]);
    check(&scenario.target);
}

#[test]
fn what_a_killed_member_had_is_loaded_by_others() {
    let scenario = Scenario::on_stand_in(&load::script());
    slow_source(&scenario);
    let job = job(&scenario);
    let first = start(&job);
    wait_for(&scenario.target, "SELECT count(*) FROM _migrate.runs");
    let mut member = start(&job);
    wait_for(&scenario.target, MIDWAY);
    member.kill().expect("kill -9");
    member.wait().expect("the killed process is gone");
    let ended = all_done(vec![first]);
    check(&scenario.target);
    compared_while_loading(&ended[0].json);
}

#[test]
fn a_member_leads_when_the_leader_is_killed() {
    let scenario = Scenario::on_stand_in(&load::script());
    slow_source(&scenario);
    let job = job(&scenario);
    let mut first = start(&job);
    wait_for(&scenario.target, "SELECT count(*) FROM _migrate.runs");
    let members = vec![start(&job), start(&job)];
    wait_for(&scenario.target, MIDWAY);
    first.kill().expect("kill -9");
    first.wait().expect("the killed process is gone");
    let ended = all_done(members);
    check(&scenario.target);
    let report = leader(&ended);
    assert_eq!(report["resumed"], true);
    compared_while_loading(report);
    let runs = "SELECT string_agg(outcome, ' ' ORDER BY run_id) FROM _migrate.runs";
    assert_eq!(scenario.value(runs), "died done");
}

/// A signal at one process stops that one; the others continue the run.
#[test]
fn a_stopped_process_gives_back_what_it_has_and_the_others_continue() {
    let scenario = Scenario::on_stand_in(&load::script());
    slow_source(&scenario);
    let job = job(&scenario);
    let first = start(&job);
    wait_for(&scenario.target, "SELECT count(*) FROM _migrate.runs");
    let member = start(&job);
    wait_for(&scenario.target, MIDWAY);
    interrupt(&member);
    let stopped = ended(member);
    assert_eq!(stopped.code, Some(130), "{}", stopped.said);
    let held =
        "SELECT count(*) FROM _migrate.partitions WHERE member IS NOT NULL AND state = 'running'";
    assert_eq!(scenario.value(held), "0");
    let last = start(&job);
    wait_for(
        &scenario.target,
        "SELECT count(*) FROM _migrate.members WHERE NOT leads",
    );
    interrupt(&first);
    let stopped = ended(first);
    assert_eq!(stopped.code, Some(130), "{}", stopped.said);
    all_done(vec![last]);
    check(&scenario.target);
}

/// Every session ends, those of the locks too; who leads after that is as it comes.
#[test]
fn a_crash_of_the_target_ends_no_process() {
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let faults = source.expect_stand_in().handle.faults();
    faults.add(SLOW.parse().expect("a fault"));
    let server = Postgres::start(Options { tls: false });
    let target = server.database();
    let more = load::TRANSFER.replace("attempts: 5", "attempts: 100");
    let job = Job::new(&database, &target.target(), &more);
    let processes = vec![start(&job), start(&job), start(&job)];
    wait_for(&target, MIDWAY);
    server.cluster().restart(true);
    all_done(processes);
    check(&target);
}

/// As when the network between breaks: a process lives on whose lock the server has given to others.
#[test]
fn sessions_of_locks_that_end_at_random_lose_and_double_nothing() {
    let scenario = Scenario::on_stand_in(&load::script());
    slow_source(&scenario);
    let more = load::TRANSFER.replace("attempts: 5", "attempts: 100");
    let job = scenario.job(&more);
    let processes = vec![start(&job), start(&job), start(&job)];
    wait_for(&scenario.target, BY_MEMBERS);
    let end = "SELECT pg_terminate_backend(pid) FROM (SELECT DISTINCT pid FROM pg_locks \
         WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database \
         WHERE datname = current_database())) AS holders ORDER BY random() LIMIT 1";
    for _ in 0..10 {
        scenario.sql(end);
        std::thread::sleep(Duration::from_millis(500));
    }
    all_done(processes);
    check(&scenario.target);
}

fn interrupt(process: &Child) {
    let pid = process.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(sent.expect("kill runs").success());
}

#[test]
fn processes_that_are_killed_at_random_lose_and_double_nothing() {
    let rounds =
        std::env::var(VARIABLE).map_or(DEFAULT_ROUNDS, |text| text.parse().expect("a number"));
    let source = Scenario::on_stand_in(&load::script());
    slow_source(&source);
    let mut shared = 0;
    for round in 0..rounds {
        let scenario = Scenario {
            source: source.server().database(&load::script()),
            target: Postgres::shared().database(),
        };
        let job = job(&scenario);
        let mut processes: Vec<Child> = (0..4).map(|_| start(&job)).collect();
        let mut random = Random(u64::from(round) * 7919 + 17);
        for _ in 0..4 {
            std::thread::sleep(Duration::from_millis(300 + random.below(2000)));
            let victim = random.below(4) as usize;
            processes[victim].kill().expect("kill -9");
            let killed = std::mem::replace(&mut processes[victim], start(&job));
            drop(killed.wait_with_output());
        }
        all_done(processes);
        check(&scenario.target);
        shared += u32::from(scenario.value(BY_MEMBERS) != "0");
    }
    assert!(shared > 0, "members have loaded partitions");
}

/// A generator that a failing round repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn another_job_file_or_selection_is_refused_and_told_what_differs() {
    let scenario = Scenario::on_stand_in(&load::script());
    slow_source(&scenario);
    let job = job(&scenario);
    let first = start(&job);
    wait_for(&scenario.target, "SELECT count(*) FROM _migrate.runs");
    let other = job.changed("verify: checksums", "tables: { exclude: ['dbo.Heap'] }");
    let refused = other.ends(&["run", "--join"], 2);
    documented("join-other-job", &refused);
    let refused = job.ends(&["run", "--join", "--table", "dbo.Pair"], 2);
    refused.says(&["--table names dbo.pair, and run 1", "all tables of the job"]);
    documented("join-other-tables", &refused);
    let other = scenario.server().database(&load::script());
    let elsewhere = job.changed(&scenario.source.name, &other.name);
    // The database is part of the job, so it is the file that differs.
    elsewhere.ends(&["run", "--join"], 2);
    all_done(vec![first]);
    check(&scenario.target);
}

#[test]
fn status_lists_the_processes_of_a_run() {
    let scenario = Scenario::on_stand_in(&load::script());
    slow_source(&scenario);
    let job = job(&scenario);
    let first = start(&job);
    wait_for(&scenario.target, "SELECT count(*) FROM _migrate.runs");
    let second = start(&job);
    let pids = [first.id(), second.id()];
    wait_for(
        &scenario.target,
        "SELECT count(*) FROM _migrate.members WHERE doing LIKE 'loads %'",
    );
    wait_for(&scenario.target, "SELECT count(*) / 2 FROM _migrate.live");
    let status = job.report(&["status"], 0);
    let live = status["live"].as_array().expect("processes");
    for pid in pids {
        assert!(
            live.iter().any(|process| process["pid"] == pid),
            "{status:#}"
        );
    }
    let members = status["members"].as_array().expect("members");
    let listed = |leads: bool, pid: u32| {
        let mut members = members.iter();
        members.any(|member| member["leads"] == leads && member["pid"] == pid)
    };
    assert!(
        listed(true, pids[0]) && listed(false, pids[1]),
        "{status:#}"
    );
    let text = job.ends(&["status"], 0).stdout;
    assert!(
        text.contains("leads the run") && text.contains("loads "),
        "{text}"
    );
    all_done(vec![first, second]);
    let status = job.report(&["status"], 0);
    assert_eq!(status["members"], Value::Array(Vec::new()), "{status:#}");
}

/// Planned as one partition, with room for three more; the leader loads one at a time.
const ONE_AT_A_TIME: &str = "tables: { include: ['dbo.Narrow'] }\n\
     transfer: { max_partitions_per_table: 4, commit_every: 32KiB, partitions_in_flight: 1, \
     retry: { attempts: 5, initial_backoff: 10ms, max_backoff: 100ms } }";

#[test]
fn a_long_partition_is_split_for_a_process_that_is_idle() {
    let scenario = Scenario::on_stand_in(&load::script());
    let slow = "stall:rows=2500,for=6s,times=1,match=FROM [dbo].[Narrow]";
    // What is split off takes longer than a member needs to see it.
    let slowly = "stall:rows=100,for=1500ms,times=forever,match=FROM [dbo].[Narrow]";
    scenario.fault(slow);
    scenario.fault(slowly);
    let job = scenario.job(ONE_AT_A_TIME);
    let alone = job.report(&["run"], 0);
    assert_eq!(table(&alone, "dbo.Narrow")["splits"], 0, "{alone:#}");
    let scenario = Scenario::on_stand_in(&load::script());
    scenario.fault(slow);
    scenario.fault(slowly);
    let job = scenario.job(ONE_AT_A_TIME);
    let ended = all_done(vec![start(&job), start(&job)]);
    assert_ne!(
        scenario.value("SELECT count(*) - 1 FROM _migrate.partitions"),
        "0"
    );
    // Both have loaded some of it.
    let loaders = "SELECT count(DISTINCT coalesce(member, 0)) FROM _migrate.partitions";
    assert_eq!(scenario.value(loaders), "2");
    let rows = load::ROWS.to_string();
    let sql = "SELECT count(*), count(DISTINCT id) FROM public.narrow";
    assert_eq!(scenario.sql(sql)[0], [Some(rows.clone()), Some(rows)]);
    assert_eq!(table(leader(&ended), "dbo.Narrow")["rows"], load::ROWS);
}

/// What cannot be loaded is reported by the process that leads, whichever met it first.
#[test]
fn a_bad_value_fails_its_table_and_no_other() {
    let mut script = load::script();
    script.push_str(
        "CREATE TABLE dbo.Bad (Id int NOT NULL PRIMARY KEY CLUSTERED, T nvarchar(20) NULL);\n\
         INSERT INTO dbo.Bad SELECT Id, N'a' FROM dbo.Narrow;\n\
         UPDATE dbo.Bad SET T = N'a' + NCHAR(0) WHERE Id IN (3, 16000);\n",
    );
    let scenario = Scenario::on_stand_in(&script);
    slow_source(&scenario);
    let job = scenario.job(&format!(
        "values: {{ nul_characters: error }}\n{}",
        load::TRANSFER
    ));
    let ended = vec![start(&job), start(&job), start(&job)]
        .into_iter()
        .map(ended);
    let ended = ended.collect::<Vec<_>>();
    for process in &ended {
        assert_eq!(process.code, Some(1), "{}", process.said);
    }
    let report = leader(&ended);
    assert_eq!(
        table(report, "dbo.Bad")["cause"]["kind"],
        "Value",
        "{report:#}"
    );
    assert_eq!(report["totals"]["tables_failed"], 1);
    load::check(&scenario.target);
}

#[test]
fn a_process_that_comes_late_takes_the_result_of_the_run_of_its_name() {
    let scenario = Scenario::on_stand_in(&load::script());
    let more = load::TRANSFER.replace("transfer: {", "transfer: { mode: replace,");
    let job = scenario.job(&more);
    let monday = ["run", "--join=monday"];
    job.report(&monday, 0);
    let made = "SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM pg_class \
                WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    let first = scenario.value(made);
    let late = job.report(&monday, 0);
    assert_eq!(
        (&late["run_id"], &late["partitions"]),
        (&"1".into(), &0.into()),
        "{late:#}"
    );
    // Without a name for the run, nothing that is finished is loaded again.
    job.report(&["run", "--join"], 0);
    assert_eq!(scenario.value(made), first);
    let runs = "SELECT count(*) FROM _migrate.runs";
    assert_eq!(scenario.value(runs), "2");
    job.report(&["run", "--join=tuesday"], 0);
    assert_ne!(scenario.value(made), first);
    load::check(&scenario.target);
}
