//! The arguments as typed, and the request that they mean.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::cli::action::Action;
use crate::cli::choices::{Level, LogFormat, LogLevel, Output, ProgressStyle};
use crate::cli::init_options::InitOptions;
use crate::cli::metrics::options::MetricsArguments;
use crate::error::{Error, Kind, Result};
use crate::pipeline::{self, CheckOptions, Join, RunOptions, TuneOptions, VerifyOptions};
use crate::postgres::state::RejectQuery;

pub(super) const RESTART_BELONGS: &str = "--restart belongs to run";
pub(super) const JOIN_BELONGS: &str = "--join belongs to run";
pub(super) const METRICS_BELONG: &str =
    "--metrics-listen, --metrics-file and --metrics-per-table belong to run";
pub(super) const HTML_BELONGS: &str =
    "--output html belongs to plan; tune writes a page with --html FILE, run with report: html";
pub(super) const TABLE_BELONGS: &str =
    "--table belongs to run, plan, schema, verify, rejects and tune";

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

    /// Those of `run`, which needs no command.
    #[command(flatten)]
    run: RunArguments,

    /// Result on stdout: text for people, JSON as the last line, or a page (plan)
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

/// What `run` takes beside the options of every command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
struct RunArguments {
    /// Start over: forget what earlier runs committed and, in mode create, drop the tables they made
    #[arg(long)]
    restart: bool,

    /// Share the run with every other process that is started with --join: one leads, the others load
    /// partitions beside it, and one of them leads when it dies. NAME, such as the number of a cluster
    /// job, names the run: a process that comes after its end takes its result instead of running again
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    join: Option<String>,

    #[command(flatten)]
    metrics: MetricsArguments,

    #[command(flatten)]
    only: Only,
}

/// The option of every command that works table by table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
struct Only {
    /// Only this table, as dbo.Posts; may be repeated
    #[arg(long = "table", value_name = "SCHEMA.TABLE")]
    tables: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum Command {
    /// Run the job, or continue an unfinished run
    Run(RunArguments),
    /// Check the job file, both connections, the permissions, room and what of the data changes; changes nothing
    Check {
        /// Move rows of up to three of the largest tables for a second each, into a scratch table that is
        /// dropped, and estimate how long the job's rows take
        #[arg(long)]
        sample: bool,
    },
    /// Show how each table would be made and read, and what would be left out; changes nothing. With
    /// --output html: a page that assesses the whole database
    Plan {
        #[command(flatten)]
        only: Only,

        /// Estimate how long the rows take, as check --sample does
        #[arg(long)]
        sample: bool,
    },
    /// Show what is recorded about the job on the target, and what its processes do now; changes nothing
    Status {
        /// Look again every SECONDS (2) until the run has ended
        #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2",
              value_parser = clap::value_parser!(u16).range(1..=3600))]
        watch: Option<u16>,
    },
    /// Compare the rows of both sides; changes nothing
    Verify {
        #[command(flatten)]
        only: Only,

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
        #[command(flatten)]
        only: Only,

        /// Most rows to list; the totals count all of them
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,

        /// Show the rows themselves, not only their keys
        #[arg(long)]
        show_values: bool,
    },
    /// Print the whole DDL as a script for psql; changes nothing
    Schema(Only),
    /// Measure numbers of connections and commit sizes on real rows, and recommend settings; removes all it made
    Tune {
        /// Only this table, as dbo.Posts
        #[arg(long, value_name = "SCHEMA.TABLE")]
        table: Option<String>,

        /// Seconds per sample; each number of connections and each commit size is one sample
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=600))]
        seconds: u16,

        /// Write a page with the curves to FILE too
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Try both servers and write a commented job file; asks for what is not given
    Init(InitOptions),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write the manual pages into a folder
    Man {
        /// Where they are written; made if it is missing
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
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

impl Typed {
    /// # Errors
    /// `Usage`, if options do not fit the command.
    pub fn meant(self) -> Result<Request> {
        let command = self.command.clone();
        let command = command.unwrap_or_else(|| Command::Run(RunArguments::default()));
        let action = self.action(command)?;
        if self.output == Output::Html && !matches!(action, Action::Plan(..)) {
            return Err(usage(HTML_BELONGS));
        }
        let config = self
            .config
            .clone()
            .or_else(|| action.default_config())
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
        match command {
            Command::Run(run) => {
                let metrics = run.metrics.clone().meant(self.run.metrics.clone())?;
                Ok(Action::Run(self.run_options(run)?, metrics))
            }
            Command::Check { sample } => self.whole_job(Action::Check(CheckOptions { sample })),
            Command::Plan { only, sample } => {
                let options = self.limited(only)?;
                if self.output == Output::Html && !options.only_tables.is_empty() {
                    return Err(usage(
                        "--output html assesses the whole database, so it does not go with --table",
                    ));
                }
                Ok(Action::Plan(options, CheckOptions { sample }))
            }
            Command::Status { watch } => {
                let every = watch.map(|seconds| Duration::from_secs(seconds.into()));
                self.whole_job(Action::Status(every))
            }
            Command::Verify {
                only,
                level,
                show_values,
                views,
            } => {
                let options = self.limited(only)?;
                if views && !options.only_tables.is_empty() {
                    return Err(usage(
                        "--views compares all views of the job, so it does not go with --table",
                    ));
                }
                let asked = verification(level, show_values, views)?;
                Ok(Action::Verify(options, asked))
            }
            Command::Rejects {
                only,
                limit,
                show_values,
            } => Ok(Action::Rejects(RejectQuery {
                tables: self.limited(only)?.only_tables,
                limit: Some(limit),
                values: show_values,
            })),
            Command::Schema(only) => Ok(Action::Schema(self.limited(only)?)),
            Command::Tune {
                table,
                seconds,
                html,
            } => {
                let tables = table.into_iter().collect();
                let options = self.limited(Only { tables })?;
                if options.only_tables.len() > 1 {
                    return Err(usage("tune takes one --table"));
                }
                let sample = Duration::from_secs(seconds.into());
                Ok(Action::Tune(options, TuneOptions { sample }, html))
            }
            Command::Init(init) => self.whole_job(Action::Init(init)),
            Command::Completions { shell } => self.whole_job(Action::Completions(shell)),
            Command::Man { folder } => self.whole_job(Action::Man(folder)),
        }
    }

    fn run_options(&self, run: RunArguments) -> Result<RunOptions> {
        let restart = run.restart || self.run.restart;
        let join = run.join.or_else(|| self.run.join.clone());
        if restart && join.is_some() {
            return Err(usage(
                "--restart does not go with --join: each of the processes would start the job over; run once \
                 with --restart, and let others --join that run",
            ));
        }
        let run_name = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(RunOptions {
            restart,
            only_tables: self.named(run.only.tables)?,
            join: join.map(|text| Join {
                run_name: run_name(text),
            }),
        })
    }

    /// A command that takes neither `--restart` nor `--table`.
    fn whole_job(&self, action: Action) -> Result<Action> {
        if !self.run.only.tables.is_empty() {
            return Err(usage(TABLE_BELONGS));
        }
        self.limited(Only::default()).map(|_| action)
    }

    /// A command that works table by table and starts nothing over.
    fn limited(&self, only: Only) -> Result<RunOptions> {
        if self.run.restart {
            return Err(usage(RESTART_BELONGS));
        }
        if self.run.join.is_some() {
            return Err(usage(JOIN_BELONGS));
        }
        if self.run.metrics != MetricsArguments::default() {
            return Err(usage(METRICS_BELONG));
        }
        Ok(RunOptions {
            only_tables: self.named(only.tables)?,
            ..RunOptions::default()
        })
    }

    /// The tables named before and after the command.
    fn named(&self, after: Vec<String>) -> Result<Vec<String>> {
        let mut tables = self.run.only.tables.clone();
        tables.extend(after);
        match tables.iter().find(|table| !table.contains('.')) {
            Some(table) => Err(usage(format!(
                "--table {table}: a table is named schema.table"
            ))),
            None => Ok(tables),
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

pub(super) fn usage(message: impl Into<String>) -> Error {
    Error::new(Kind::Usage, message)
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
