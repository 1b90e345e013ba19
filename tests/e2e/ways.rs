//! Through an SSH host and through a SOCKS5 proxy.

use std::fs;
use std::time::{Duration, Instant};

use crate::documented::documented;
use crate::support::job::{Answer, Job, scalar};
use crate::support::scenario::Scenario;
use crate::support::sshd::Sshd;

const SCRIPT: &str = "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY, V nvarchar(20));\n\
     INSERT INTO dbo.A VALUES (1, N'a'), (2, N'b'), (3, N'c');";

/// The job with this section in both of its sides.
fn through(scenario: &Scenario, section: &str, more: &str) -> Job {
    let job = scenario.job(more);
    job.changed("source:\n", &format!("source:\n  {section}\n"))
        .changed("target:\n", &format!("target:\n  {section}\n"))
}

fn answer(job: &Job, path: &str, arguments: &[&str]) -> Answer {
    let output = job.command(arguments).env("PATH", path).output();
    let output = output.expect("the tool runs");
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Processes of ssh that carry a connection by this host.
fn tunnels(sshd: &Sshd) -> usize {
    let port = sshd.port.to_string();
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let words = lines.map(|line| {
        let line = String::from_utf8_lossy(&line).into_owned();
        line.split('\0').map(str::to_owned).collect::<Vec<_>>()
    });
    words
        .filter(|words| words.contains(&"-W".to_owned()) && words.contains(&port))
        .count()
}

/// Waits until there are none.
fn all_end(sshd: &Sshd) {
    let until = Instant::now() + Duration::from_secs(20);
    while tunnels(sshd) > 0 {
        assert!(
            Instant::now() < until,
            "{} processes of ssh are left",
            tunnels(sshd)
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_run_goes_through_ssh_on_both_sides_and_leaves_no_process() {
    let Some(sshd) = Sshd::start() else { return };
    let scenario = Scenario::loaded(SCRIPT);
    let job = through(&scenario, &sshd.section("user"), "");
    let answer = answer(&job, &sshd.path(), &["run"]);
    assert_eq!(answer.code, Some(0), "{}\n{}", answer.said(), sshd.log());
    assert_eq!(scenario.value("SELECT count(*) FROM public.a"), "3");
    all_end(&sshd);
    let logins = sshd.log().matches("Accepted publickey").count();
    assert!(logins >= 4, "{logins} logins: {}", sshd.log());
}

#[test]
fn tunnels_end_with_a_tool_that_is_killed() {
    let Some(sshd) = Sshd::start() else { return };
    let scenario = Scenario::loaded(SCRIPT);
    let job = through(
        &scenario,
        &sshd.section("user"),
        "hooks: { before_load: sleep 20 }",
    );
    let mut child = job
        .command(&["run"])
        .env("PATH", sshd.path())
        .spawn()
        .expect("the tool starts");
    let until = Instant::now() + Duration::from_secs(60);
    while tunnels(&sshd) < 3 {
        assert!(Instant::now() < until, "no tunnels: {}", sshd.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    // SIGKILL.
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    all_end(&sshd);
}

#[test]
fn what_ssh_says_is_the_reason() {
    let Some(sshd) = Sshd::start() else { return };
    let scenario = Scenario::loaded(SCRIPT);
    let stranger = through(&scenario, &sshd.section("stranger"), "");
    let refused = answer(&stranger, &sshd.path(), &["check"]);
    documented("ssh-login", &refused);
    let job = through(&scenario, &sshd.section("user"), "");
    documented(
        "ssh-host-key",
        &answer(&job, &sshd.path_of_a_stranger(), &["check"]),
    );
    documented("ssh-missing", &answer(&job, "/nonexistent", &["check"]));
    // The far end cannot reach the server: the tunnel is there and leads nowhere.
    let text = fs::read_to_string(&job.path).expect("the job");
    let port = scenario.server().port;
    let nowhere =
        Job::from_text(&text.replacen(&format!("\n  port: {port}\n"), "\n  port: 1\n", 1));
    let answer = answer(&nowhere, &sshd.path(), &["run"]);
    assert_eq!(answer.code, Some(3));
    answer.says(&["the SSH tunnel by 127.0.0.1 ended", "open failed"]);
}

#[test]
fn a_run_goes_through_a_socks5_proxy() {
    let Some(sshd) = Sshd::start() else { return };
    let scenario = Scenario::loaded(SCRIPT);
    let proxy = sshd.socks5();
    let section = format!("socks5: {{ host: 127.0.0.1, port: {} }}", proxy.port);
    let job = through(&scenario, &section, "");
    job.ends(&["run"], 0);
    assert_eq!(scenario.value("SELECT count(*) FROM public.a"), "3");
    // The proxy connects to nothing.
    let text = fs::read_to_string(&job.path).expect("the job");
    let port = scenario.server().port;
    let nowhere =
        Job::from_text(&text.replacen(&format!("\n  port: {port}\n"), "\n  port: 1\n", 1));
    documented("socks5-refused", &nowhere.run(&["check"]));
    drop(proxy);
    documented("socks5-missing", &job.run(&["check"]));
}

#[test]
fn ways_that_do_not_fit_are_refused() {
    let job = Job::from_text(&format!(
        "source: {{ host: 'a\\SHOP', database: b, user: c, password: {0}, ssh: {{ host: j }}, socks5: {{ host: p }} }}\n\
         target: {{ host: /tmp, database: b, user: c, password: {0}, socks5: {{ user: x }}, ssh: {{ host: j }} }}\n",
        scalar("not shown")
    ));
    job.ends(&["run"], 2).says(&[
        "source.socks5: is not used together with ssh",
        "source.port: is missing: through ssh or socks5 the port of an instance cannot be asked for",
        "target.socks5.host: is missing",
        "target.host: is a Unix socket",
    ]);
}
