//! `migrate completions` and `migrate man`: what packages install beside the program, made from its own arguments.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::arguments::Typed;
use crate::cli::console::Console;
use crate::cli::exit::{Conclusion, Finished};
use crate::error::{Error, Kind, Result};

/// Prints the completion script of a shell.
pub(crate) fn completions(shell: Shell, console: &Console) -> Result<Finished> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Typed::command(), "migrate", &mut script);
    console.text(&String::from_utf8_lossy(&script))?;
    Ok(done())
}

/// Writes `migrate.1` and a page for each command into `folder`, which is made if it is missing.
pub(crate) fn pages(folder: &Path) -> Result<Finished> {
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Typed::command(), folder))
        .map_err(|cause| {
            let message = format!("cannot write manual pages to {}", folder.display());
            Error::new(Kind::Io, message).because(cause)
        })?;
    Ok(done())
}

fn done() -> Finished {
    Finished {
        conclusion: Conclusion::Done,
        json: None,
    }
}

#[cfg(test)]
#[path = "manual_tests.rs"]
mod tests;
