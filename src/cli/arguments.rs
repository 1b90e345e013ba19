//! The arguments as typed, and the request that they mean.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::error::{Error, Kind, Result};
use crate::pipeline::{self, RunOptions, TuneOptions, VerifyOptions};
use crate::postgres::state::RejectQuery;

/// The command line as typed.
#[derive(Debug, Parser)]
#[command(
    name = "migrate",
    version,
    about = "Moves a Microsoft SQL Server database into PostgreSQL, in parallel and restartably",
    after_help = "Without a command, migrate does `run`.\n\nExit codes: 0 done, 1 failed, 2 usage or job file, \
                  3 a server was not reached or refused the login,\n4 verification found a \
                  difference, 5 rows were rejected, 6 schema objects were left out,\n129/130/143 \
                  stopped by SIGHUP/SIGINT/SIGTERM (the same command continues).",
    infer_long_args = false
)]
pub struct Typed {
    #[command(subcommand)]
    command: Option<Command>,

    /// The job file (YAML); migrations-config/full.yaml shows every key
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Start over: forget what earlier runs committed and, in mode create, drop the tables they made (run only)
    #[arg(long, global = true)]
    restart: bool,

    /// Only this table, as dbo.Posts; may be repeated (run, plan, schema, verify, rejects; tune takes one)
    #[arg(long = "table", global = true, value_name = "SCHEMA.TABLE")]
    tables: Vec<String>,

    /// Result on stdout: text for people, or JSON as the last line
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,

    /// Format of the log on stderr
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// How much to log; RUST_LOG overrides it
    #[arg(long, global = true, value_enum, conflicts_with_all = ["verbose", "quiet"])]
    log_level: Option<LogLevel>,

    /// Log more (-vv: everything)
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,

    /// Log warnings and errors only
    #[arg(short, long, global = true)]
    quiet: bool,

    /// Progress on stderr; auto: bars on a terminal, lines elsewhere
    #[arg(long, global = true, value_enum, default_value_t = ProgressStyle::Auto)]
    progress: ProgressStyle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
enum Command {
    /// Run the job, or continue an unfinished run
    Run,
    /// Check the job file, both connections and the permissions; changes nothing
    Check,
    /// Show how each table would be made and read, and what would be left out; changes nothing
    Plan,
    /// Show what is recorded about the job on the target; changes nothing
    Status,
    /// Compare the rows of both sides; changes nothing
    Verify {
        /// How closely to compare; by default what `verify` in the job says, or counts if that is none
        #[arg(long, value_enum)]
        level: Option<Level>,

        /// Show the values of rows that differ (their keys are always shown)
        #[arg(long)]
        show_values: bool,

        /// Compare the views too: each is read in full on both sides
        #[arg(long)]
        views: bool,
    },
    /// List the rows that PostgreSQL could not hold (those kept by values: reject)
    Rejects {
        /// Most rows to list; the totals count all of them
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,

        /// Show the rows themselves, not only their keys
        #[arg(long)]
        show_values: bool,
    },
    /// Print the whole DDL as a script for psql; changes nothing
    Schema,
    /// Measure numbers of connections and commit sizes on real rows, and recommend settings; removes all it made
    Tune {
        /// Seconds per sample; each number of connections and each commit size is one sample
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=600))]
        seconds: u16,
    },
    /// Write a job file from a source (not available in this version)
    Init,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    /// Row counts
    Counts,
    /// A checksum over all rows of each side; if they differ, looks for the rows that do
    Checksums,
    /// Looks for rows that differ at once: one read less if there are any
    Rows,
}

/// How a command prints its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// How much is logged. `Off` to `Trace` as in `tracing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// Asked for with -v or more.
    pub(crate) fn is_verbose(self) -> bool {
        matches!(self, Self::Debug | Self::Trace)
    }
}

/// How progress is shown on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    Auto,
    Bars,
    Lines,
    None,
}

/// What the arguments mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub action: Action,
    pub config: PathBuf,
    pub output: Output,
    pub log_format: LogFormat,
    pub log_level: LogLevel,
    pub progress: ProgressStyle,
}

/// The command, with the options that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Run(RunOptions),
    Check,
    Plan(RunOptions),
    Schema(RunOptions),
    Status,
    Verify(RunOptions, VerifyOptions),
    Rejects(RejectQuery),
    Tune(RunOptions, TuneOptions),
}

impl Action {
    /// The name of the command, as typed.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Check => "check",
            Self::Plan(_) => "plan",
            Self::Schema(_) => "schema",
            Self::Status => "status",
            Self::Verify(..) => "verify",
            Self::Rejects(_) => "rejects",
            Self::Tune(..) => "tune",
        }
    }
}

impl Typed {
    /// # Errors
    /// `Usage`, if options do not fit the command.
    pub fn meant(self) -> Result<Request> {
        let command = self.command.unwrap_or(Command::Run);
        let action = self.action(command)?;
        let config = self
            .config
            .clone()
            .ok_or_else(|| usage("which job? give its file with --config job.yaml"))?;
        Ok(Request {
            action,
            config,
            output: self.output,
            log_format: self.log_format,
            log_level: self.level(),
            progress: self.progress,
        })
    }

    fn action(&self, command: Command) -> Result<Action> {
        let limited = !self.tables.is_empty();
        if self.restart && command != Command::Run {
            return Err(usage("--restart belongs to run"));
        }
        if limited && matches!(command, Command::Check | Command::Status) {
            return Err(usage(
                "--table belongs to run, plan, schema, verify, rejects and tune",
            ));
        }
        if self.tables.len() > 1 && matches!(command, Command::Tune { .. }) {
            return Err(usage("tune takes one --table"));
        }
        if let Some(table) = self.tables.iter().find(|table| !table.contains('.')) {
            return Err(usage(format!(
                "--table {table}: a table is named schema.table"
            )));
        }
        let options = RunOptions {
            restart: self.restart,
            only_tables: self.tables.clone(),
        };
        match command {
            Command::Run => Ok(Action::Run(options)),
            Command::Check => Ok(Action::Check),
            Command::Plan => Ok(Action::Plan(options)),
            Command::Status => Ok(Action::Status),
            Command::Verify {
                level,
                show_values,
                views,
            } => {
                if views && limited {
                    return Err(usage(
                        "--views compares all views of the job, so it does not go with --table",
                    ));
                }
                let asked = verification(level, show_values, views)?;
                Ok(Action::Verify(options, asked))
            }
            Command::Rejects { limit, show_values } => Ok(Action::Rejects(RejectQuery {
                tables: self.tables.clone(),
                limit: Some(limit),
                values: show_values,
            })),
            Command::Schema => Ok(Action::Schema(options)),
            Command::Tune { seconds } => {
                let sample = Duration::from_secs(seconds.into());
                Ok(Action::Tune(options, TuneOptions { sample }))
            }
            Command::Init => Err(usage("`init` is not available in this version")),
        }
    }

    fn level(&self) -> LogLevel {
        match (self.log_level, self.quiet, self.verbose) {
            (Some(level), _, _) => level,
            (None, true, _) => LogLevel::Warn,
            (None, false, 0) => LogLevel::Info,
            (None, false, 1) => LogLevel::Debug,
            (None, false, _) => LogLevel::Trace,
        }
    }
}

/// `--show-values` shows rows, which only the comparisons of rows look for.
fn verification(level: Option<Level>, show_values: bool, views: bool) -> Result<VerifyOptions> {
    if show_values && !views && matches!(level, None | Some(Level::Counts)) {
        return Err(usage(
            "--show-values belongs to --level checksums, --level rows and --views",
        ));
    }
    let level = level.map(|level| match level {
        Level::Counts => pipeline::ComparisonLevel::Counts,
        Level::Checksums => pipeline::ComparisonLevel::Checksums,
        Level::Rows => pipeline::ComparisonLevel::Rows,
    });
    Ok(VerifyOptions {
        level,
        show_values,
        views,
    })
}

/// The value of `--output` in a command line that may not parse otherwise.
pub fn output_of(words: impl Iterator<Item = OsString>) -> Output {
    let mut output = Output::Text;
    let mut expected = false;
    for word in words {
        let value = match word.to_str() {
            Some("--") => break,
            Some("--output") => {
                expected = true;
                continue;
            }
            Some(word) if expected => Some(word),
            Some(word) => word.strip_prefix("--output="),
            None => None,
        };
        expected = false;
        match value {
            Some("json") => output = Output::Json,
            Some(_) => output = Output::Text,
            None => {}
        }
    }
    output
}

/// The first line of the parser's message about a wrong command line, as an error of this crate.
pub fn wrong(answer: &clap::Error) -> Error {
    let text = answer.to_string();
    let first = text.lines().next().unwrap_or_default();
    usage(first.strip_prefix("error: ").unwrap_or(first))
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(Kind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(line: &str) -> Result<Request> {
        let words = std::iter::once("migrate").chain(line.split_whitespace());
        Typed::try_parse_from(words).expect("parses").meant()
    }

    #[test]
    fn the_definition_is_sound() {
        <Typed as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn no_command_means_run_and_options_may_stand_on_either_side() {
        let plain = meant("--config job.yaml").unwrap();
        assert_eq!(plain.action, Action::Run(RunOptions::default()));
        assert_eq!(plain, meant("run --config job.yaml").unwrap());
        assert_eq!(plain, meant("--config job.yaml run").unwrap());
        let limited = meant("-c job.yaml --restart --table dbo.A --table dbo.B").unwrap();
        assert_eq!(
            limited.action,
            Action::Run(RunOptions {
                restart: true,
                only_tables: vec!["dbo.A".into(), "dbo.B".into()],
            })
        );
    }

    #[test]
    fn rejects_are_limited_and_without_values_unless_asked_for() {
        let wanted = |line: &str| match meant(line).unwrap().action {
            Action::Rejects(wanted) => wanted,
            other => panic!("{other:?}"),
        };
        let plain = RejectQuery {
            limit: Some(100),
            ..RejectQuery::default()
        };
        assert_eq!(wanted("rejects -c a.yaml"), plain);
        assert_eq!(
            wanted("rejects -c a.yaml --table dbo.A --limit 5 --show-values"),
            RejectQuery {
                tables: vec!["dbo.A".into()],
                limit: Some(5),
                values: true,
            }
        );
    }

    #[test]
    fn what_does_not_fit_is_said() {
        for (line, message) in [
            ("", "--config"),
            ("check", "--config"),
            ("check -c a.yaml --restart", "--restart belongs to run"),
            ("status -c a.yaml --table dbo.A", "--table belongs"),
            ("run -c a.yaml --table Posts", "schema.table"),
            ("verify -c a.yaml --show-values", "--show-values belongs"),
            ("verify -c a.yaml --views --table dbo.A", "with --table"),
            ("init", "not available in this version"),
            ("rejects -c a.yaml --restart", "--restart belongs to run"),
            ("tune -c a.yaml --restart", "--restart belongs to run"),
            ("tune -c a.yaml --table dbo.A --table dbo.B", "one --table"),
        ] {
            let error = meant(line).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{line}");
            assert!(error.to_string().contains(message), "{line}: {error}");
        }
    }

    #[test]
    fn a_comparison_may_be_as_close_as_wished() {
        let asked = |line: &str| match meant(line).unwrap().action {
            Action::Verify(_, asked) => asked,
            other => panic!("{other:?}"),
        };
        assert_eq!(asked("verify -c a"), VerifyOptions::default());
        let rows = asked("verify -c a --level rows --show-values");
        assert_eq!(rows.level, Some(pipeline::ComparisonLevel::Rows));
        assert!(rows.show_values && !rows.views);
        let views = asked("verify -c a --views --show-values");
        assert!(views.views && views.show_values);
        assert!(Typed::try_parse_from(["migrate", "run", "--level", "rows"]).is_err());
    }

    #[test]
    fn a_sample_takes_three_seconds_unless_asked_otherwise() {
        let asked = |line: &str| match meant(line).unwrap().action {
            Action::Tune(options, tuning) => (options.only_tables, tuning.sample.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(asked("tune -c a"), (Vec::new(), 3));
        let one = vec!["dbo.A".to_owned()];
        assert_eq!(asked("tune -c a --seconds 10 --table dbo.A"), (one, 10));
        assert!(Typed::try_parse_from(["migrate", "tune", "--seconds", "0"]).is_err());
    }

    #[test]
    fn json_is_heard_in_a_line_that_makes_no_sense() {
        for (line, output) in [
            ("--nonsense --output json", Output::Json),
            ("check --output=json --restart", Output::Json),
            ("--output", Output::Text),
            ("--output text --config json", Output::Text),
            ("-c --output=json --output text", Output::Text),
            ("-- --output json", Output::Text),
        ] {
            let words = line.split_whitespace().map(OsString::from);
            assert_eq!(output_of(words), output, "{line}");
        }
    }

    #[test]
    fn log_levels() {
        for (line, level) in [
            ("-c a", LogLevel::Info),
            ("-c a -q", LogLevel::Warn),
            ("-c a -v", LogLevel::Debug),
            ("-c a -vv", LogLevel::Trace),
            ("-c a --log-level error", LogLevel::Error),
        ] {
            assert_eq!(meant(line).unwrap().log_level, level, "{line}");
        }
        assert!(Typed::try_parse_from(["migrate", "-q", "-v"]).is_err());
    }
}
