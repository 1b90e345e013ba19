//! Passwords by command, and that no secret of a job is seen anywhere.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::documented::documented;
use crate::support::cluster::PASSWORD as TARGET_PASSWORD;
use crate::support::job::{Answer, Job, scalar};
use crate::support::scenario::Scenario;
use crate::support::source::PASSWORD as SOURCE_PASSWORD;

const SCRIPT: &str = "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY, V nvarchar(20));\n\
     INSERT INTO dbo.A VALUES (1, N'a'), (2, N'b'), (3, N'c');";

/// The job with the commands in place of its passwords.
fn by_command(scenario: &Scenario, source: &str, target: &str, more: &str) -> Job {
    let job = scenario.job(more);
    let text = fs::read_to_string(&job.path).expect("the job");
    let mut commands = [source, target].into_iter();
    let lines = text.lines().map(|line| {
        if line.starts_with("  password: ") {
            let command = commands.next().expect("two passwords");
            return format!("  password_command: [sh, -c, {}]", scalar(command));
        }
        line.to_owned()
    });
    Job::from_text(&lines.collect::<Vec<_>>().join("\n"))
}

/// A shell's words that print a text and count how often they did.
fn counted(secret: &str, count: &Path) -> String {
    let quoted = secret.replace('\'', r"'\''");
    format!("echo run >>{}; printf '%s\\n' '{quoted}'", count.display())
}

fn runs(count: &Path) -> usize {
    fs::read_to_string(count)
        .unwrap_or_default()
        .lines()
        .count()
}

#[test]
fn a_command_prints_each_password_and_runs_once_for_many_connections() {
    let scenario = Scenario::loaded(SCRIPT);
    let folder = scenario.job("");
    let counts = ["source", "target"].map(|side| folder.folder().join(side));
    let job = by_command(
        &scenario,
        &counted(SOURCE_PASSWORD, &counts[0]),
        &counted(TARGET_PASSWORD, &counts[1]),
        "",
    );
    let report = job.report(&["run"], 0);
    assert_eq!(report["totals"]["rows"], 3, "{report:#}");
    let opened: u64 = report["pools"]
        .as_array()
        .expect("pools")
        .iter()
        .map(|pool| pool["connects"].as_u64().expect("a number"))
        .sum();
    assert!(opened > 2, "{report:#}");
    assert_eq!(counts.map(|count| runs(&count)), [1, 1]);

    // Each connection fetches a password that is older than its life.
    let count = folder.folder().join("short");
    let short = by_command(
        &scenario,
        &counted(SOURCE_PASSWORD, &count),
        &counted(TARGET_PASSWORD, &count),
        "",
    )
    .changed("source:\n", "source:\n  password_life: 1ms\n");
    short.ends(&["run", "--restart"], 0);
    assert!(runs(&count) > 1, "{} runs", runs(&count));
}

#[test]
fn a_command_that_fails_is_told_with_what_it_said() {
    let scenario = Scenario::loaded(SCRIPT);
    let right = counted(TARGET_PASSWORD, Path::new("/dev/null"));
    let answer = by_command(
        &scenario,
        "echo half-a-s3cret; echo no session >&2; exit 3",
        &right,
        "",
    )
    .run(&["run"]);
    documented("source-password-command", &answer);
    answer.says(&[
        "source.password_command: sh ended with exit status: 3",
        "no session",
    ]);
    assert!(
        !answer.said().contains("half-a-s3cret"),
        "{}",
        answer.said()
    );

    let good = format!("echo '{SOURCE_PASSWORD}'");
    let answer = by_command(&scenario, &good, "echo '{'; echo '}'", "").run(&["run"]);
    documented("target-password-command", &answer);

    // Refused once, fetched again, refused again: one error, of the login.
    let folder = scenario.job("");
    let count = folder.folder().join("count");
    let wrong = counted("not-this-one", &count);
    let answer = by_command(&scenario, &wrong, &right, "").run(&["plan"]);
    documented("source-password", &answer);
    assert_eq!(runs(&count), 2);
}

#[test]
fn a_job_has_one_password_for_each_side_or_a_command() {
    let job = Job::from_text(
        "source: { host: a, database: b, user: c, password_command: [] }\n\
         target: { host: a, database: b, user: c, password_command: pass show x }\n",
    );
    let answer = job.ends(&["run"], 2);
    answer.says(&[
        "source.password_command: expected a list of a program and its arguments",
        "target.password_command: expected a list of a program and its arguments",
        "source.password: is missing",
    ]);
    let job = Job::from_text("source: { password: \"${command:pass show x}\" }\ntarget: {}\n");
    job.ends(&["run"], 2)
        .says(&["`password_command` is the key for a command that prints a password"]);
}

/// What each of them says, writes and leaves, with the log at its loudest.
#[test]
fn no_secret_of_a_job_is_shown_logged_or_kept() {
    let scenario = Scenario::loaded(SCRIPT);
    let folder = scenario.job("");
    let file = |name: &str| folder.folder().join(name);
    let around = format!(
        "report: {{ json: {json}, html: {html} }}\nlineage: {{ file: {lineage} }}\n\
         hooks: {{ before_load: {ps} }}",
        json = scalar(&file("report.json").to_string_lossy()),
        html = scalar(&file("report.html").to_string_lossy()),
        lineage = scalar(&file("lineage.jsonl").to_string_lossy()),
        ps = scalar(&format!(
            "ps -ww -o args -p $PPID --ppid $PPID >{}; cat /proc/$PPID/coredump_filter >{}",
            file("ps").display(),
            file("filter").display()
        )),
    );
    let written = scenario.job(&around);
    let secret_files = [file("s"), file("t")];
    fs::write(&secret_files[0], SOURCE_PASSWORD).expect("a file");
    fs::write(&secret_files[1], TARGET_PASSWORD).expect("a file");
    // Such a script shows its commands, and with them what it prints.
    let loud = |file: &Path| format!("set -x; printf '%s\\n' \"$(cat {})\"", file.display());
    let printed = by_command(
        &scenario,
        &loud(&secret_files[0]),
        &loud(&secret_files[1]),
        &around,
    );
    let mut seen = Vec::new();
    for job in [&written, &printed] {
        for arguments in [
            &["check", "-v"][..],
            &["plan", "-v"],
            &["run", "--restart"],
            &["run", "--restart", "--output", "json"],
            &["status"],
            &["verify", "--level", "checksums"],
        ] {
            let mut command = job.command(arguments);
            command.env("RUST_LOG", "trace");
            let output = command.output().expect("the tool runs");
            let answer = Answer {
                code: output.status.code(),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            };
            assert_eq!(answer.code, Some(0), "{arguments:?}: {}", answer.said());
            seen.push((format!("{arguments:?}"), answer.said()));
        }
        for name in ["report.json", "report.html", "lineage.jsonl", "ps"] {
            let text = fs::read_to_string(file(name)).expect(name);
            assert!(text.len() > 100, "{name}: {text}");
            seen.push((name.to_owned(), text));
        }
    }
    let processes = fs::read_to_string(file("ps")).expect("processes");
    assert!(processes.contains("migrate run"), "{processes}");
    assert_eq!(
        fs::read_to_string(file("filter")).expect("a mask").trim(),
        "00000000"
    );
    seen.push(("state".to_owned(), state(&scenario)));
    for secret in [SOURCE_PASSWORD, TARGET_PASSWORD] {
        for (what, text) in &seen {
            assert!(!text.contains(secret), "{what} shows {secret}:\n{text}");
        }
    }
}

/// Every table of the tool's own schema, as text.
fn state(scenario: &Scenario) -> String {
    let tables = scenario.sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = '_migrate' AND table_type = 'BASE TABLE'",
    );
    assert!(tables.len() > 3, "{tables:?}");
    let rows = tables.iter().flat_map(|table| {
        let name = table[0].as_deref().expect("a name");
        scenario.sql(&format!("SELECT t::text FROM _migrate.{name} t"))
    });
    let text: Vec<String> = rows.map(|row| row[0].clone().unwrap_or_default()).collect();
    assert!(text.len() > 3, "{text:?}");
    text.join("\n")
}

#[test]
fn a_stop_does_not_wait_for_a_command() {
    let scenario = Scenario::loaded(SCRIPT);
    let job = by_command(&scenario, "sleep 300", "sleep 300", "");
    let mut child = job.spawn(&["run"]);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let begun = std::time::Instant::now();
    let asked = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .expect("kill");
    assert!(asked.success());
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(143));
    assert!(begun.elapsed().as_secs() < 10);
}
