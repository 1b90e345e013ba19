//! A job file in a folder of its own, and the tool run on it as an operator would.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use migrate::config::job::Target;
use serde_json::Value;

use super::source::{Source, SourceDatabase};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A job file; its folder goes with it.
pub struct Job {
    folder: PathBuf,
    pub path: PathBuf,
}

/// What the tool answered.
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Job {
    /// A job from one database to the other; `more` is YAML of further top-level keys, and
    /// `source_pool` the text behind `pool:` of the source.
    pub fn new(source: &SourceDatabase, target: &Target, more: &str) -> Self {
        Self::with(
            &source.server,
            &source.name,
            target,
            "{ max_connections: 4, min_connections: 1 }",
            more,
        )
    }

    pub fn with(
        server: &Source,
        database: &str,
        target: &Target,
        source_pool: &str,
        more: &str,
    ) -> Self {
        let text = format!(
            "source:\n  host: {}\n  port: {}\n  database: {}\n  user: {}\n  password: {}\n  \
             {}\n  pool: {source_pool}\n\
             target:\n  host: {}\n  port: {}\n  database: {}\n  user: {}\n  password: {}\n  \
             sslmode: disable\n  pool: {{ max_connections: {} }}\n  schemas: {{ dbo: public }}\n{more}\n",
            scalar(&server.host),
            server.port,
            scalar(database),
            scalar(&server.user),
            scalar(&server.password),
            encryption(server),
            scalar(&target.host),
            target.port,
            scalar(&target.database),
            scalar(&target.user),
            scalar(target.password.expose()),
            target.pool.max_connections,
        );
        Self::from_text(&text)
    }

    pub fn from_text(text: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("migrate-job-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the job");
        let path = folder.join("job.yaml");
        std::fs::write(&path, text).expect("the job file");
        Self { folder, path }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The tool with `--config` and `arguments`, its output piped.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migrate"));
        command.args(arguments).arg("--config").arg(&self.path);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for variable in [
            "MAX_MSSQL_CONNECTIONS",
            "MAX_MSSQL_ACQUIRE_TIMEOUT",
            "MAX_PG_CONNECTIONS",
            "RUST_LOG",
        ] {
            command.env_remove(variable);
        }
        // libpq's own settings of who runs the tests.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("PG") {
                command.env_remove(variable);
            }
        }
        command
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("the tool starts")
    }

    /// The same job with one part of its text replaced, which must be there.
    pub fn changed(&self, from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(&self.path).expect("the job");
        assert!(text.contains(from), "{from} in {text}");
        Self::from_text(&text.replacen(from, to, 1))
    }

    /// Runs, and fails if a password of the job is in what the tool says.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        let output = self.command(arguments).output().expect("the tool runs");
        let answer = Answer {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        for secret in self.passwords() {
            let said = answer.said();
            assert!(
                !said.contains(&secret),
                "{arguments:?} shows {secret}:\n{said}"
            );
        }
        answer
    }

    /// The passwords that the job file has, as [`Job::with`] writes them; short ones may be words of a message.
    fn passwords(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let written = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("password: "));
        let secrets = written.filter_map(|text| serde_json::from_str::<String>(text).ok());
        secrets.filter(|secret| secret.len() >= 8).collect()
    }

    /// Runs and expects this exit code.
    pub fn ends(&self, arguments: &[&str], code: i32) -> Answer {
        let answer = self.run(arguments);
        let Answer { stdout, stderr, .. } = &answer;
        let said = format!("{arguments:?}\nstdout:\n{stdout}\nstderr:\n{stderr}");
        assert_eq!(answer.code, Some(code), "{said}");
        answer
    }

    /// Runs with `--output json`, expects this exit code, and gives the report.
    pub fn report(&self, arguments: &[&str], code: i32) -> Value {
        let answer = self.ends(&[arguments, &["--output", "json"]].concat(), code);
        answer.json()
    }
}

/// Verified TLS where the server's certificate authority is known.
fn encryption(server: &Source) -> String {
    match &server.ca_file {
        Some(file) => format!(
            "encrypt: required\n  ca_file: {}",
            scalar(&file.to_string_lossy())
        ),
        None => "encrypt: off".to_owned(),
    }
}

/// A YAML scalar: a JSON string is one, whatever it holds.
pub fn scalar(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

/// The entry of a table in a report.
pub fn table<'r>(report: &'r Value, name: &str) -> &'r Value {
    let tables = report["tables"].as_array().expect("tables");
    let found = tables.iter().find(|table| table["table"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {report:#}"))
}

impl Answer {
    /// Both streams.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails unless standard error has each of these words.
    pub fn says(&self, words: &[&str]) {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "{word:?} is not in:\n{}",
                self.stderr
            );
        }
    }

    /// The last line of stdout, which is all that Airflow keeps.
    pub fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{error}: {line}\n{}", self.stderr))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
