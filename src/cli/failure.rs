//! Says an error: what, why, and what to do.

use std::io::Write as _;

use serde_json::json;

use crate::cli::arguments::{Output, Request};
use crate::cli::console::Console;
use crate::error::{Error, Result};
use crate::pipeline::policy::policy;
use crate::report::table::{Cause, chain};

/// On stderr for people and, where asked for, as the last line of stdout for programs.
pub(crate) fn print(
    error: &Error,
    command: &str,
    code: u8,
    request: &Request,
    console: &Console,
) -> Result<()> {
    console.error(&text(error))?;
    match request.output {
        Output::Text => Ok(()),
        Output::Json => {
            let cause = Cause::new(error, policy(error.kind()).advice);
            let result = json!({ "outcome": "error", "error": cause });
            console.json(command, code, result)
        }
    }
}

/// An error where there is no console: wrong usage, or a stream that is gone.
pub(crate) fn last_words(error: &Error) {
    // Where stderr is gone too, the exit code is all that is left to say it.
    let _ = std::io::stderr().lock().write_all(text(error).as_bytes());
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
    text.push_str(&format!("advice: {}\n", policy(error.kind()).advice));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::config::problem::Problems;
    use crate::error::Kind;

    #[test]
    fn an_error_says_what_why_and_what_to_do() {
        let io = std::io::Error::other("connection refused");
        let error = Error::new(Kind::SourceUnreachable, "cannot connect to sql01:1433").because(io);
        let text = text(&error);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "error: cannot connect to sql01:1433");
        assert_eq!(lines[1], "  because: connection refused");
        assert!(lines[2].starts_with("advice: check source.host"), "{text}");
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
