//! The command as its users meet it: what it prints where, and its exit code. No server.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs the binary with nothing of this process's environment that could change its answer.
fn migrate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_migrate"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// The last line of stdout, as JSON.
fn last_line(output: &Output) -> Value {
    let text = stdout(output);
    let last = text.lines().last().expect("a line");
    serde_json::from_str(last).expect("JSON")
}

/// A job file that goes when the test is over.
struct JobFile(PathBuf);

impl JobFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("migrate-cli-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("a temporary file");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for JobFile {
    fn drop(&mut self) {
        // A file left behind in the temporary folder harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_meant() {
    for (arguments, message) in [
        (&[][..], "which job? give its file with --config"),
        (&["--nonsense"], "unexpected argument '--nonsense'"),
        (
            &["check", "--config", "x.yaml", "--restart"],
            "--restart belongs to run",
        ),
        (&["init"], "init needs --source-host, --source-database"),
        (
            &["run", "--config", "x.yaml", "--table", "Posts"],
            "schema.table",
        ),
    ] {
        let output = migrate(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            stderr(&output).contains(message),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
        let output = migrate(&[arguments, &["--output", "json"]].concat());
        let result = last_line(&output);
        assert_eq!(result["outcome"], "usage", "{arguments:?}");
        assert_eq!(result["exit_code"], 2, "{arguments:?}");
        let said = result["errors"][0]["message"].as_str().expect("a message");
        assert!(said.contains(message), "{arguments:?}: {said}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let help = migrate(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for word in [
        "check",
        "plan",
        "status",
        "verify",
        "tune",
        "--restart",
        "129/130/143",
    ] {
        assert!(stdout(&help).contains(word), "{word}");
    }
    assert_eq!(migrate(&["--version"]).status.code(), Some(0));
}

#[test]
fn a_missing_job_file_exits_with_2() {
    let output = migrate(&["--config", "/nonexistent/job.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(
        text.contains("/nonexistent/job.yaml: cannot be read"),
        "{text}"
    );
    assert!(text.contains("advice: "), "{text}");
}

#[test]
fn every_problem_of_a_job_file_is_said_at_once() {
    let file = JobFile::new(
        "bad.yaml",
        "source: {host: h, prot: 1}\ntarget:\n  password: ${NOT_SET}\n",
    );
    let output = migrate(&["check", "--config", file.path()]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(
        text.starts_with("error: the job file has 8 problems"),
        "{text}"
    );
    assert!(
        text.contains(":1:19: source.prot: unknown key; did you mean `port`?"),
        "{text}"
    );
    assert!(
        text.contains(":3:13: target.password: environment variable"),
        "{text}"
    );
}

#[test]
fn with_json_the_last_line_of_stdout_is_the_result() {
    let file = JobFile::new("empty.yaml", "source: {}\n");
    let output = migrate(&["status", "--config", file.path(), "--output", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let result = last_line(&output);
    assert_eq!(result["command"], "status");
    assert_eq!(result["exit_code"], 2);
    assert_eq!(result["outcome"], "usage");
    let errors = result["errors"].as_array().expect("a list");
    assert!(errors.len() > 3, "one for each problem: {errors:?}");
    for error in errors {
        assert_eq!(error["kind"], "JobFile");
        assert!(
            error["advice"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
    assert!(stdout(&output).ends_with('\n'));
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_the_run() {
    let text = "\
source: {host: h, database: d, user: u, password: p}
target: {host: h, database: d, user: u, password: p}
report: {json: /dev/null/report.json}
";
    let file = JobFile::new("report.yaml", text);
    let output = migrate(&["--config", file.path()]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(
        text.contains("cannot write the report to /dev/null"),
        "{text}"
    );
}

/// What packages install beside the program.
#[test]
fn completions_and_manual_pages_are_made_from_the_arguments() {
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef migrate"),
        ("fish", "complete -c migrate"),
    ] {
        let output = migrate(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = stdout(&output);
        assert!(
            script.contains(word) && script.contains("source-host"),
            "{shell}: {script}"
        );
    }
    let folder = std::env::temp_dir().join(format!("migrate-man-{}", std::process::id()));
    let output = migrate(&["man", &folder.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for page in ["migrate.1", "migrate-run.1", "migrate-init.1"] {
        let text = std::fs::read_to_string(folder.join(page)).expect(page);
        assert!(
            text.contains(".TH") && text.contains("config"),
            "{page}: {text}"
        );
    }
    std::fs::remove_dir_all(&folder).expect("the pages");
}
