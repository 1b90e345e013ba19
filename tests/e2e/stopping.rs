//! What ends a run or one of its tables: faults that stay, a full disk, a lost lock, signals.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::documented::documented;
use crate::load;
use crate::resume::wait_for_rows;
use crate::support::cluster::{Options, account};
use crate::support::job::{Answer, Job};
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// Runs with the fault and expects that the named tables fail as documented, and no other.
fn fails(line: &str, fault: &str, more: &str, failing: &[&str]) {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    let job = job.changed("encrypt: off", &format!("encrypt: off{more}"));
    scenario.fault(fault);
    let answer = job.run(&[]);
    documented(line, &answer);
    assert!(scenario.faults().fired() > 0, "{fault}");
    let status = job.report(&["status"], 0);
    for table in status["run"]["tables"].as_array().expect("tables") {
        let name = table["table"].as_str().expect("a name");
        let expected = if failing.contains(&name) {
            "failed"
        } else {
            "done"
        };
        assert_eq!(table["state"], expected, "{line}: {table}");
    }
    scenario.clear_faults();
    scenario.stand_in().handle.drop_connections();
    job.report(&[], 0);
    load::check(&scenario.target);
}

#[test]
fn a_deadlock_for_ever_ends_the_table_when_no_try_is_left() {
    fails(
        "run-deadlock",
        "deadlock:rows=500,times=forever,match=FROM [dbo].[Heap]",
        "",
        &["dbo.Heap"],
    );
}

#[test]
fn a_source_that_stops_answering_is_timed_out() {
    fails(
        "run-read-timeout",
        "stall:rows=700,for=60s,times=forever,match=FROM [dbo].[Heap]",
        "\n  read_timeout: 2s\n  first_row_timeout: 2s",
        &["dbo.Heap"],
    );
}

#[test]
fn a_statement_that_is_refused_fails_one_table() {
    fails(
        "run-statement",
        "error:rows=3000,number=208,times=forever,match=FROM [dbo].[Wide]",
        "",
        &["dbo.Wide"],
    );
}

#[test]
fn a_table_that_may_not_be_read_fails_alone() {
    fails(
        "run-no-select",
        "error:number=229,times=forever,match=FROM [dbo].[Pair]",
        "",
        &["dbo.Pair"],
    );
}

#[test]
fn a_connection_that_breaks_for_ever_ends_the_table() {
    fails(
        "run-lost",
        "drop:rows=10,times=forever,match=FROM [dbo].[Heap]",
        "",
        &["dbo.Heap"],
    );
}

/// A place says which row, and never what is in it.
#[test]
fn a_value_that_cannot_be_stored_is_placed_by_partition_column_and_row() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V nvarchar(40) NULL);\n\
         INSERT INTO dbo.T VALUES (41, N'confidential'), (42, N'confid' + NCHAR(0) + N'ential');",
    );
    let answer = scenario.job("").run(&[]);
    documented("run-value", &answer);
    let said = answer.said();
    assert!(!said.contains("confid"), "{said}");
}

#[test]
fn a_job_that_is_run_already_says_by_whom() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    stall(scenario.server(), 6);
    let first = job.spawn(&[]);
    wait_for_rows(&scenario.target);
    let second = job.run(&[]);
    documented("run-held", &second);
    let holder = format!("process {} on host", first.id());
    second.says(&[&holder]);
    assert_eq!(code(first), Some(0));
}

pub fn stall(source: &Source, seconds: u32) {
    let fault = format!("stall:rows=2500,for={seconds}s,times=4,match=FROM [dbo]");
    let faults = source.expect_stand_in().handle.faults();
    faults.add(fault.parse().expect("a fault"));
}

/// INT and TERM are in `resume`; here the terminal goes, and somebody has no patience.
#[test]
fn a_hangup_stops_like_a_signal_and_a_second_signal_exits_at_once() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    stall(scenario.server(), 60);
    // The tests themselves may run under nohup, which their children would inherit.
    let plain = job.command(&[]);
    let mut hearing = Command::new("env");
    hearing.arg("--default-signal=HUP");
    hearing.arg(plain.get_program()).args(plain.get_args());
    hearing.stdin(std::process::Stdio::null());
    hearing.stdout(std::process::Stdio::piped());
    hearing.stderr(std::process::Stdio::piped());
    let child = hearing.spawn().expect("env");
    wait_for_rows(&scenario.target);
    send(&child, "-HUP");
    let stopped = answer(child);
    documented("run-stopped-hup", &stopped);

    scenario.stand_in().handle.drop_connections();
    stall(scenario.server(), 60);
    let mut child = job.spawn(&[]);
    wait_for_claim(&scenario.target);
    // The report cannot be drawn up while somebody holds the state tables.
    let holder = psql(
        &scenario.target,
        "BEGIN; LOCK TABLE _migrate.partitions; SELECT pg_sleep(60) AS \"the holder\"",
    );
    wait_until(
        &scenario.target,
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() \
         AND query LIKE '%the holder%' AND wait_event = 'PgSleep'",
    );
    send(&child, "-TERM");
    std::thread::sleep(Duration::from_secs(1));
    let ended = child.try_wait().expect("a child");
    assert!(
        ended.is_none(),
        "the first signal waits for what is under way: {ended:?}"
    );
    let asked = Instant::now();
    send(&child, "-INT");
    assert_eq!(code(child), Some(130));
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
    end(&scenario.target, "the holder", holder);

    scenario.faults().clear();
    scenario.stand_in().handle.drop_connections();
    job.report(&[], 0);
    load::check(&scenario.target);
}

/// `nohup` leaves SIGHUP ignored, and so do we.
#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    stall(scenario.server(), 2);
    let plain = job.command(&[]);
    let mut nohup = Command::new("nohup");
    nohup.arg(plain.get_program()).args(plain.get_args());
    nohup.stdin(std::process::Stdio::null());
    nohup.stdout(std::process::Stdio::piped());
    nohup.stderr(std::process::Stdio::piped());
    let child = nohup.spawn().expect("nohup");
    wait_for_rows(&scenario.target);
    send(&child, "-HUP");
    assert_eq!(code(child), Some(0));
    load::check(&scenario.target);
}

#[test]
fn the_signals_have_the_codes_of_shells() {
    for (signal, line) in [("-INT", "run-stopped-int"), ("-TERM", "run-stopped-term")] {
        let scenario = Scenario::on_stand_in(&load::script());
        let job = scenario.job(load::TRANSFER);
        stall(scenario.server(), 60);
        let child = job.spawn(&[]);
        wait_for_rows(&scenario.target);
        send(&child, signal);
        documented(line, &answer(child));
        scenario.stand_in().handle.drop_connections();
    }
}

#[test]
fn a_foreign_checkpoint_is_refused_and_leaves_the_right_job_as_it_was() {
    let scenario = Scenario::on_stand_in(&load::script());
    let other = scenario.server().database(&load::script());
    let job = scenario.job(load::TRANSFER);
    let broken = "error:rows=3000,number=208,times=forever,match=FROM [dbo].[Narrow]";
    scenario.fault(broken);
    job.report(&[], 1);
    scenario.clear_faults();
    let filtered = job.changed(
        "target:",
        "tables: { overrides: { dbo.Narrow: { where: 'V < 5' } } }\ntarget:",
    );
    // Twice: a refused run must not become what the next one is measured by.
    for _ in 0..2 {
        documented("checkpoint-job", &filtered.run(&[]));
    }
    let elsewhere = job.changed(&scenario.source.name, &other.name);
    for _ in 0..2 {
        documented("checkpoint-source", &elsewhere.run(&[]));
    }
    scenario.script("ALTER TABLE dbo.Narrow ADD Extra int NULL;");
    documented("checkpoint-table", &job.run(&[]));
    scenario.script("ALTER TABLE dbo.Narrow DROP COLUMN Extra;");
    job.report(&[], 0);
    load::check(&scenario.target);
}

/// The run stops, says how far it came, and its report replaces the one before.
#[test]
fn a_run_that_loses_its_lock_reports_what_it_did() {
    let scenario = Scenario::on_stand_in(&load::script());
    let path = std::env::temp_dir().join(format!("migrate-lost-{}.json", std::process::id()));
    fs::write(&path, "an older report").expect("a file");
    let more = format!(
        "{}\nreport: {{ json: '{}' }}",
        load::TRANSFER,
        path.display()
    );
    let job = scenario.job(&more);
    stall(scenario.server(), 60);
    let child = job.spawn(&[]);
    wait_for_rows(&scenario.target);
    let thief = steal_lock(&scenario.target);
    let answer = answer(child);
    documented("run-lock-lost", &answer);
    assert!(answer.stdout.contains("dbo.Narrow"), "{}", answer.stdout);
    let report = fs::read_to_string(&path).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["outcome"], "failed");
    assert_eq!(report["ended_by"]["kind"], "JobHeld");
    end(&scenario.target, "the thief", thief);
    scenario.faults().clear();
    scenario.stand_in().handle.drop_connections();
    job.report(&[], 0);
    load::check(&scenario.target);
    // The last run wrote its own.
    fs::remove_file(&path).expect("own file");
}

/// Waits in line for the job lock from another process, then ends the session that holds it.
fn steal_lock(target: &Database<'_>) -> Child {
    let key = target.value(
        "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' \
         AND granted AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    let thief = psql(
        target,
        &format!("SELECT pg_advisory_lock({key}), pg_sleep(60) AS \"the thief\""),
    );
    wait_until(
        target,
        "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
    );
    target.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    thief
}

/// A session of its own, in a process of its own, as an operator has it.
pub fn psql(target: &Database<'_>, sql: &str) -> Child {
    let settings = target.target();
    Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--host", &settings.host])
        .args([
            "--port",
            &settings.port.to_string(),
            "--username",
            &settings.user,
        ])
        .args(["--dbname", &settings.database, "--command", sql])
        .env("PGPASSWORD", settings.password.expose())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("psql")
}

/// Ends the session that runs a statement with these words, and its process with it.
pub fn end(target: &Database<'_>, words: &str, session: Child) {
    target.sql(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%{words}%' \
         AND datname = current_database() AND pid <> pg_backend_pid()"
    ));
    // Its statement was ended, so it fails.
    session.wait_with_output().expect("psql ends");
}

pub fn wait_until(target: &Database<'_>, sql: &str) {
    let began = Instant::now();
    while target.value(sql) != "t" {
        assert!(began.elapsed() < Duration::from_secs(30), "{sql}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// A session, "the holder", that has run the statement and keeps its transaction open.
pub fn hold(target: &Database<'_>, statement: &str) -> Child {
    let holder = psql(
        target,
        &format!("BEGIN; {statement}; SELECT pg_sleep(100) AS \"the holder\""),
    );
    wait_until(
        target,
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() \
         AND query LIKE '%the holder%' AND wait_event = 'PgSleep'",
    );
    holder
}

pub fn waits_for_a_lock(target: &Database<'_>) {
    wait_until(
        target,
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() \
         AND wait_event_type = 'Lock'",
    );
}

/// The run that is open has claimed a partition: an earlier one of the job has ended, so rows that
/// are there tell nothing. Its first COPY begins with a full buffer, so that may take long.
pub fn wait_for_claim(target: &Database<'_>) {
    wait_until(
        target,
        "SELECT count(*) > 0 FROM _migrate.partitions p JOIN _migrate.runs r USING (job) \
         WHERE r.ended_at IS NULL AND p.state = 'running' AND p.updated_at > r.started_at",
    );
}

/// A file system of a few MiB, gone with its handle.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with the reason on stderr, where this process may not mount.
    fn mount(size: &str) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("migrate-small-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (_, user, group) = account();
        let options = format!("size={size},mode=0700,uid={user},gid={group}");
        let mounted = mount(&options, &folder);
        if let Err(reason) = mounted {
            fs::remove_dir(&folder).ok();
            // Not by `eprintln!`, which a test that passes keeps to itself.
            let mut stderr = std::io::stderr();
            let text = "a full disk needs a small file system, and mount says";
            writeln!(stderr, "SKIPPED: {text}: {reason}").expect("stderr");
            return None;
        }
        Some(Self(folder))
    }

    fn grow(&self, size: &str) {
        mount(&format!("remount,size={size}"), &self.0).expect("a larger file system");
    }
}

fn mount(options: &str, folder: &Path) -> Result<(), String> {
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(folder)
        .output()
        .map_err(|error| error.to_string())?;
    if mount.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&mount.stderr).into_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
        fs::remove_dir(&self.0).ok();
    }
}

#[test]
fn a_full_disk_fails_what_did_not_fit_and_the_next_run_continues() {
    let Some(disk) = SmallDisk::mount("16m") else {
        return;
    };
    let source = Source::stand_in();
    let database = source.database(&load::script());
    let postgres = Postgres::start(Options { tls: false });
    let target = postgres.database();
    postgres.sql(&format!(
        "CREATE TABLESPACE small LOCATION '{}'",
        disk.0.display()
    ));
    // About 11 MiB of rows come, and two keys.
    postgres.sql(&format!(
        "ALTER DATABASE {} SET default_tablespace = small",
        target.name
    ));
    target.sql("CREATE TABLE public.filler (v text); INSERT INTO public.filler SELECT repeat('x', 1000) FROM generate_series(1, 11000)");
    let job = Job::new(&database, &target.target(), load::TRANSFER);
    let answer = job.run(&[]);
    documented("target-disk", &answer);
    disk.grow("200m");
    job.report(&[], 0);
    load::check(&target);
    drop(target);
    drop(postgres);
}

pub fn send(child: &Child, signal: &str) {
    assert!(kill(signal, &[child.id().to_string()]));
}

/// False where one of the processes is not there, or not ours.
pub fn kill(signal: &str, processes: &[String]) -> bool {
    // The shell's own: a small Debian has no other.
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill $0 $*", signal]).args(processes);
    kill.status().expect("sh").success()
}

fn code(child: Child) -> Option<i32> {
    answer(child).code
}

pub fn answer(child: Child) -> Answer {
    let output = child.wait_with_output().expect("the tool ends");
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
