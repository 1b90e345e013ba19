//! `migrate init`: the file it writes runs, and nothing is written that was not asked for.

use std::fs;
use std::process::Output;

use super::support::job::Job;
use super::support::scenario::Scenario;

const SHOP: &str = "CREATE TABLE dbo.Orders (Id int NOT NULL PRIMARY KEY, Total money NULL);\n\
                    INSERT INTO dbo.Orders VALUES (1, 2.5), (2, NULL);";

/// `init` for the scenario's servers with `more` options; the source listens on `port`.
fn init(scenario: &Scenario, job: &Job, port: u16, more: &[&str]) -> Output {
    let server = scenario.server();
    let target = scenario.target.target();
    let source_host = format!("{},{port}", server.host);
    let target_port = target.port.to_string();
    let options = [
        "init",
        "--encrypt=off",
        "--sslmode=disable",
        "--source-host",
        &source_host,
        "--source-database",
        &scenario.source.name,
        "--source-user",
        &server.user,
        "--target-host",
        &target.host,
        "--target-port",
        &target_port,
        "--target-database",
        &target.database,
        "--target-user",
        &target.user,
    ];
    with_passwords(scenario, job, &[&options, more].concat())
}

fn with_passwords(scenario: &Scenario, job: &Job, arguments: &[&str]) -> Output {
    job.command(arguments)
        .current_dir(job.folder())
        .env("MSSQL_PASSWORD", &scenario.server().password)
        .env("PGPASSWORD", scenario.target.target().password.expose())
        .output()
        .expect("the tool runs")
}

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn the_file_that_init_writes_runs_and_holds_no_secret() {
    let scenario = Scenario::on_stand_in(SHOP);
    let port = scenario.server().port;
    let job = Job::from_text("");
    fs::remove_file(&job.path).expect("an empty file");
    let answer = init(&scenario, &job, port, &[]);
    let told = said(&answer);
    assert_eq!(answer.status.code(), Some(0), "{told}");
    for words in [
        "1 table can be copied",
        "migrate check --config",
        "migrate run",
    ] {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
    let written = fs::read_to_string(&job.path).expect("the job file");
    let password = &scenario.server().password;
    assert!(!written.contains(password.as_str()), "{written}");
    assert!(!told.contains(password.as_str()), "{told}");
    for arguments in [&["check"][..], &["run"]] {
        let answer = with_passwords(&scenario, &job, arguments);
        assert_eq!(answer.status.code(), Some(0), "{}", said(&answer));
    }
    assert_eq!(scenario.value("SELECT count(*) FROM public.orders"), "2");
}

#[test]
fn init_writes_over_nothing_unasked() {
    let scenario = Scenario::on_stand_in(SHOP);
    let port = scenario.server().port;
    let job = Job::from_text("mine");
    let answer = init(&scenario, &job, port, &[]);
    assert_eq!(answer.status.code(), Some(2), "{}", said(&answer));
    assert!(
        said(&answer).contains("is there already"),
        "{}",
        said(&answer)
    );
    assert_eq!(fs::read_to_string(&job.path).expect("a file"), "mine");
    let answer = init(&scenario, &job, port, &["--force"]);
    assert_eq!(answer.status.code(), Some(0), "{}", said(&answer));
    assert_ne!(fs::read_to_string(&job.path).expect("a file"), "mine");
}

/// Both servers side by side on one screen, and what there is to copy.
#[test]
fn check_says_what_both_servers_are() {
    let scenario = Scenario::on_stand_in(SHOP);
    let job = scenario.job("");
    let report = job.report(&["check"], 0);
    let (source, target) = (&report["source_facts"], &report["target_facts"]);
    assert_eq!(source["login"], scenario.server().user.as_str(), "{report}");
    assert_eq!(source["edition"], "Developer Edition (64-bit)");
    assert_eq!(source["encryption"], "none");
    assert_eq!(source["isolation"], "read committed, snapshot off");
    assert_eq!(target["encryption"], "none");
    assert_eq!(
        target["collation"],
        scenario
            .value("SELECT datcollate FROM pg_database WHERE datname = current_database()")
            .as_str()
    );
    for side in [source, target] {
        assert!(
            side["round_trip_ms"].as_f64().is_some_and(|it| it < 1000.0),
            "{side}"
        );
        assert!(
            side["clock_ahead_s"]
                .as_i64()
                .is_some_and(|it| it.abs() <= 2),
            "{side}"
        );
    }
    assert_eq!(report["volume"]["tables"], 1);
    scenario.script("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON");
    let text = job.ends(&["check"], 0).stdout;
    for words in [
        "signed in as",
        "snapshot on",
        "to copy: 1 table, about 2 rows",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

/// The login is tried, so a wrong answer is told now and not on the weekend of the migration.
#[test]
fn a_server_that_is_not_reached_leaves_no_file() {
    let scenario = Scenario::on_stand_in(SHOP);
    let job = Job::from_text("");
    fs::remove_file(&job.path).expect("an empty file");
    let answer = init(&scenario, &job, 1, &[]);
    assert_eq!(answer.status.code(), Some(3), "{}", said(&answer));
    assert!(
        said(&answer).contains("was not written"),
        "{}",
        said(&answer)
    );
    assert!(!job.path.exists());
    let answer = init(&scenario, &job, 1, &["--no-check"]);
    assert_eq!(answer.status.code(), Some(0), "{}", said(&answer));
    assert!(job.path.exists());
}
