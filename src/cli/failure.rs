//! Says an error: what, why, and what to do.
//!
//! The text for people and the JSON for programs have the same content: message, causes, and the
//! advice of `pipeline::policy`.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::cli::console::{Console, Ending, last_line};
use crate::cli::exit::of_kind;
use crate::config::problem::{Problem, Problems};
use crate::error::{Error, Result};
use crate::pipeline::policy::advice;
use crate::report::table::{Cause, chain};

/// On stderr, above the bars.
pub(crate) fn print(error: &Error, console: &Console) -> Result<()> {
    console.error(&text(error))
}

/// As the last line of stdout, for programs: `outcome`, `exit_code` and `errors`.
pub(crate) fn print_json(error: &Error, command: Option<&str>, code: u8) -> Result<()> {
    let outcome = of_kind(error.kind()).word();
    last_line(
        command,
        Ending { outcome, code },
        json!({ "errors": errors(error) }),
    )
}

/// One entry per problem of a job file, and one for any other error.
pub(crate) fn errors(error: &Error) -> Vec<Value> {
    let advice = advice(error);
    let kind = error.kind().as_str();
    let cause = std::error::Error::source(error);
    match cause.and_then(|cause| cause.downcast_ref::<Problems>()) {
        Some(Problems { file, list }) => {
            let entry = |problem: &Problem| {
                json!({
                    "kind": kind,
                    "message": problem.message,
                    "key": problem.key,
                    "file": file.display().to_string(),
                    "line": problem.at.map(|at| at.line),
                    "column": problem.at.map(|at| at.column),
                    "because": [],
                    "advice": advice,
                })
            };
            list.iter().map(entry).collect()
        }
        None => vec![json!(Cause::new(error, advice))],
    }
}

/// Prints an error without the console: wrong usage, or a stream that is closed.
pub(crate) fn print_to_stderr(error: &Error) {
    // If stderr is closed too, only the exit code can tell.
    let _ = std::io::stderr().lock().write_all(text(error).as_bytes());
}

/// An error and its causes on one line.
pub(crate) fn line(error: &Error) -> String {
    let mut line = error.to_string();
    for cause in chain(error) {
        line.push_str(&format!(": {cause}"));
    }
    line
}

/// `error:`, its causes, and `advice:`.
pub(crate) fn text(error: &Error) -> String {
    let mut text = format!("error: {error}\n");
    for cause in chain(error) {
        for (index, line) in cause.lines().enumerate() {
            let lead = if index == 0 { "because: " } else { "         " };
            text.push_str(&format!("  {lead}{line}\n"));
        }
    }
    text.push_str(&format!("advice: {}\n", advice(error)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::code;
    use crate::config::parse;
    use crate::config::problem::Problems;
    use crate::error::Kind;
    use crate::pipeline::policy::{Retry, policy};

    const KINDS: &str = "## Kinds of errors\n";

    #[test]
    fn an_error_says_what_why_and_what_to_do() {
        let io = std::io::Error::other("connection refused");
        let error = Error::new(Kind::SourceUnreachable, "cannot connect to sql01:1433").because(io);
        let text = text(&error);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "error: cannot connect to sql01:1433");
        assert_eq!(lines[1], "  because: connection refused");
        assert!(lines[2].starts_with("advice: firewalls must"), "{text}");
    }

    fn tried_again(retry: Retry) -> &'static str {
        match retry {
            Retry::Never => "no",
            Retry::OnceConnected => "during a run",
            Retry::FewAtFirst => "during a run; at the start twice",
            Retry::FromTheStart => "during a run and at the start",
            Retry::Patiently => "during a run, and at the start for longer",
        }
    }

    /// `docs/errors.md` ends with a line for each kind, and has none for a kind that is not one.
    #[test]
    fn every_kind_is_documented() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
        let page = std::fs::read_to_string(&path).expect("docs/errors.md");
        let (head, _) = page.split_once(KINDS).expect("the section of kinds");
        let mut made = format!(
            "{head}{KINDS}\nThe `kind` of an error in JSON: the exit code of a command that it ends, whether it is \
             tried again, and the\nadvice, unless the error has a better one.\n\n\
             | kind | exit code | tried again | advice |\n|---|---|---|---|\n"
        );
        for kind in Kind::ALL {
            let policy = policy(*kind);
            made.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                kind.as_str(),
                code(Err(*kind), None),
                tried_again(policy.retry),
                policy.advice.replace('|', "\\|").replace('<', "\\<")
            ));
        }
        if std::env::var_os("MIGRATE_TEST_BLESS").is_some() {
            std::fs::write(&path, &made).expect("docs/errors.md");
        }
        let page = std::fs::read_to_string(&path).expect("docs/errors.md");
        let mut lines = page.lines().zip(made.lines());
        let first = lines.find(|(is, made)| is != made);
        assert!(page == made, "MIGRATE_TEST_BLESS=1 rewrites it: {first:?}");
    }

    /// An error that says what to do itself does not get the advice for its kind as well.
    #[test]
    fn an_error_has_one_advice() {
        let error = Error::new(Kind::Checkpoint, "x").advise("do this.");
        let text = text(&error);
        assert_eq!(text, "error: x\nadvice: do this.\n");
    }

    #[test]
    fn every_problem_of_a_job_file_has_its_line() {
        let list = parse("source: {}\n", "j", &|_| None).expect_err("problems");
        let count = list.len();
        let error = Error::from(Problems {
            file: "job.yaml".into(),
            list,
        });
        let text = text(&error);
        assert_eq!(text.matches("job.yaml:1:").count(), count, "{text}");
    }
}
