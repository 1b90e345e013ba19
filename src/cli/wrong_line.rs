//! What is said about a command line that the parser refuses.
//!
//! How to answer must be known even if the line does not parse, so `--output` is looked for in its
//! words.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::arguments::{JOIN_BELONGS, METRICS_BELONG, RESTART_BELONGS, TABLE_BELONGS, usage};
use crate::cli::choices::Output;
use crate::error::Error;

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

/// What to say if the parser found an option of other commands.
pub fn of_another_command(answer: &clap::Error) -> Option<Error> {
    match answer.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) if option == "--restart" => Some(usage(RESTART_BELONGS)),
        Some(ContextValue::String(option)) if option.starts_with("--join") => {
            Some(usage(JOIN_BELONGS))
        }
        Some(ContextValue::String(option)) if option.starts_with("--metrics-") => {
            Some(usage(METRICS_BELONG))
        }
        Some(ContextValue::String(option)) if option == "--table" => Some(usage(TABLE_BELONGS)),
        _ => None,
    }
    .filter(|_| answer.kind() == ErrorKind::UnknownArgument)
}

/// The first line of the parser's message about a wrong command line, as an error of this crate.
pub fn wrong(answer: &clap::Error) -> Error {
    let text = answer.to_string();
    let first = text.lines().next().unwrap_or_default();
    usage(first.strip_prefix("error: ").unwrap_or(first))
}
