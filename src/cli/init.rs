//! `migrate init`: a commented job file from a few answers, after both servers were tried with it.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use serde::Serialize;

use crate::cli::arguments::{Request, usage};
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished};
use crate::cli::init_options::InitOptions;
use crate::cli::text;
use crate::config;
use crate::config::job::Job;
use crate::config::problem::Problems;
use crate::config::starter::{self, SOURCE_PASSWORD, Servers, TARGET_PASSWORD};
use crate::error::{Error, Kind, Result};
use crate::pipeline;
use crate::report::check::CheckReport;

/// What was written, and what was found on both servers.
#[derive(Debug, Serialize)]
struct InitReport {
    path: String,
    written: bool,
    /// `None` under `--no-check`.
    check: Option<CheckReport>,
}

/// Runs the command and prints its result. A file is written if both servers were reached, or under
/// `--no-check`.
pub(crate) async fn init(
    options: &InitOptions,
    request: &Request,
    console: &Console,
) -> Result<Finished> {
    let path = &request.config;
    if path.exists() && !options.force {
        return Err(usage(format!(
            "{} is there already; --force writes over it, --config names another file",
            path.display()
        )));
    }
    let servers = servers(options)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let text = starter::job_file(&name, &servers);
    let check = if options.no_check {
        None
    } else {
        Some(pipeline::check(&job(path, &text)?).await?)
    };
    let reached = check.as_ref().is_none_or(|check| !check.unreachable);
    if reached {
        write(path, &text, options.force)?;
    }
    let report = InitReport {
        path: path.display().to_string(),
        written: reached,
        check,
    };
    let json = console.result(request.output, &report, render)?;
    let conclusion = if reached {
        Conclusion::Done
    } else {
        Conclusion::Unreachable
    };
    Ok(Finished { conclusion, json })
}

/// Everything that a file needs, from the command line or the terminal.
fn servers(options: &InitOptions) -> Result<Servers> {
    let asked = [
        (
            "--source-host",
            "SQL Server (host, host,port or host\\INSTANCE)",
            &options.source_host,
        ),
        ("--source-database", "  database", &options.source_database),
        ("--source-user", "  login", &options.source_user),
        ("--target-host", "PostgreSQL server", &options.target_host),
        ("--target-database", "  database", &options.target_database),
        ("--target-user", "  role", &options.target_user),
    ];
    let missing: Vec<&str> = asked
        .iter()
        .filter(|(_, _, value)| value.is_none())
        .map(|(option, ..)| *option)
        .collect();
    if !missing.is_empty() && !io::stdin().is_terminal() {
        return Err(usage(format!(
            "init needs {}: give them as options, because standard input is not a terminal",
            missing.join(", ")
        )));
    }
    let mut answers = Vec::with_capacity(asked.len());
    for (_, question, value) in asked {
        answers.push(match value {
            Some(value) => value.clone(),
            None => ask(question)?,
        });
    }
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    Ok(Servers {
        source_host: next(),
        source_database: next(),
        source_user: next(),
        encrypt: options.encrypt.clone(),
        trust_server_certificate: options.trust_server_certificate,
        target_host: next(),
        target_port: options.target_port,
        target_database: next(),
        target_user: next(),
        sslmode: options.sslmode.clone(),
    })
}

/// Asks until something is answered.
fn ask(question: &str) -> Result<String> {
    let failed = |cause| Error::new(Kind::Io, "cannot ask on the terminal").because(cause);
    loop {
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question}: ")
            .and_then(|()| stderr.flush())
            .map_err(failed)?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line).map_err(failed)? == 0 {
            return Err(usage(format!("no answer for {}", question.trim())));
        }
        match line.trim() {
            "" => {}
            answer => return Ok(answer.to_owned()),
        }
    }
}

/// The job that the file will be. Passwords that are not in the environment are asked for, and kept in this
/// process alone.
fn job(path: &Path, text: &str) -> Result<Job> {
    let mut passwords: Vec<(&str, OsString)> = Vec::new();
    for (variable, whose) in [
        (SOURCE_PASSWORD, "SQL Server"),
        (TARGET_PASSWORD, "PostgreSQL"),
    ] {
        if std::env::var_os(variable).is_some() {
            continue;
        }
        if !io::stdin().is_terminal() {
            return Err(usage(format!(
                "{variable} is not set: init needs the password of {whose} to look at it; or give --no-check"
            )));
        }
        let prompt = format!("password of {whose} (not kept; the file says ${{{variable}}}): ");
        let password = rpassword::prompt_password(prompt)
            .map_err(|cause| Error::new(Kind::Io, "cannot ask on the terminal").because(cause))?;
        passwords.push((variable, password.into()));
    }
    let lookup = |name: &str| {
        let typed = passwords.iter().find(|(variable, _)| *variable == name);
        typed
            .map(|(_, password)| password.clone())
            .or_else(|| std::env::var_os(name))
    };
    config::parse(text, "", &lookup).map_err(|list| Problems::new(path, list).into())
}

/// Writes the file; one that another process made meanwhile is kept.
fn write(path: &Path, text: &str, force: bool) -> Result<()> {
    let mut how = OpenOptions::new();
    how.write(true);
    if force {
        how.create(true).truncate(true);
    } else {
        how.create_new(true);
    }
    how.open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|cause| {
            Error::new(Kind::Io, format!("cannot write {}", path.display())).because(cause)
        })
}

fn render(report: &InitReport) -> String {
    let mut out = String::new();
    if let Some(check) = &report.check {
        out.push_str(&text::check::found(check, false));
    }
    let path = &report.path;
    if !report.written {
        out.push_str(&format!(
            "\n{path} was not written: a server was not reached. Correct the answers, or write it unseen with \
             --no-check.\n"
        ));
        return out;
    }
    out.push_str(&format!(
        "\nwrote {path}. Passwords come from {SOURCE_PASSWORD} and {TARGET_PASSWORD}. Next:\n  \
         migrate check --config {path}\n  migrate plan  --config {path}\n  migrate run   --config {path}\n"
    ));
    out
}
