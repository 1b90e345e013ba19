//! The job file: as written, as checked, and everything that can be wrong with it.
//!
//! Reading goes in four steps, each in files of its own: `yaml` makes a tree with positions,
//! `substitute` fills in `${...}`, `section` and `fields` take typed values out by the table in
//! `keys`, and `read` puts them into a `job::Job` and checks what must hold between them. Problems
//! are gathered to the end; only text that is not YAML stops the reading. Nothing here connects to a
//! server or knows its catalog: whether a table or a type exists is for `plan` to say.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

mod around;
mod collections;
mod fields;
pub mod fingerprint;
mod host;
pub mod job;
pub mod keys;
mod layered;
mod libpq;
pub mod problem;
mod read;
mod route;
mod scalars;
mod schema_options;
mod secret;
mod section;
pub mod setting;
pub mod starter;
mod substitute;
mod suggest;
mod target;
pub(crate) mod units;
mod words;
mod yaml;

pub use substitute::Lookup;

use crate::config::job::Job;
use crate::config::problem::{Problem, Problems};

/// A job file is written by a person; what is longer is not a job file.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads and checks a job file. `env` is `&|name| std::env::var_os(name)` outside of tests.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(path: &Path, env: Lookup<'_>) -> Result<Job, Problems> {
    let text =
        read_text(path).map_err(|message| Problems::new(path, vec![Problem::of_file(message)]))?;
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    parse(&text, &stem, env).map_err(|list| Problems::new(path, list))
}

/// As [`load`], of text that was read already. `stem` is the job's name if the text has none.
///
/// # Errors
/// Everything that is wrong with it, at once, in no particular order.
pub fn parse(text: &str, stem: &str, env: Lookup<'_>) -> Result<Job, Vec<Problem>> {
    let mut root = yaml::parse(text).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    substitute::substitute(&mut root, env, &mut problems);
    read::job(root, stem, env, problems)
}

fn read_text(path: &Path) -> Result<String, String> {
    let failed = |cause: std::io::Error| format!("cannot be read: {cause}");
    let mut text = String::new();
    File::open(path)
        .map_err(failed)?
        // One byte more than allowed tells a file that is too long from one that just fits, also if
        // it is a pipe whose length nothing knows.
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_FILE {
        return Err(format!("is longer than {MAX_FILE} bytes"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
