//! `docs/commands.md` is written from the arguments.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command};

use super::*;

const HEAD: &str = "\
# Commands

What `migrate --help` and `migrate COMMAND --help` say, on one page. It is written from the program's arguments.

Every command reads the job file that `--config` names ([its keys](job-file.md)) and ends with one exit code
([what each means](../README.md#exit-codes)). A value after an option may be separated by a blank or by `=`; the name of a run
in `--join=NAME` needs the `=`. `migrate` without a command is `migrate run`, and options may come before or after the command.
";

/// The text of `docs/commands.md`.
fn reference() -> String {
    let mut line = Typed::command();
    line.build();
    let mut page = HEAD.to_owned();
    let commands = || {
        line.get_subcommands()
            .filter(|command| command.get_name() != "help")
    };
    page.push_str("\n| command | |\n|---|---|\n");
    for command in commands() {
        let name = command.get_name();
        let _ = writeln!(page, "| [`{name}`](#migrate-{name}) | {} |", about(command));
    }
    for command in commands() {
        let name = command.get_name();
        let _ = write!(page, "\n## `migrate {name}`\n\n{}.\n", about(command));
        table(
            command.get_arguments().filter(|arg| !is_common(arg)),
            &mut page,
        );
    }
    page.push_str("\n## Options of every command\n");
    table(line.get_arguments().filter(|arg| is_common(arg)), &mut page);
    page
}

fn about(command: &Command) -> String {
    cell(
        &command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default(),
    )
}

fn is_common(arg: &Arg) -> bool {
    arg.is_global_set() || ["help", "version"].contains(&arg.get_id().as_str())
}

fn table<'a>(arguments: impl Iterator<Item = &'a Arg>, page: &mut String) {
    let rows: Vec<String> = arguments.map(row).collect();
    if !rows.is_empty() {
        let _ = write!(page, "\n| option | |\n|---|---|\n{}", rows.concat());
    }
}

fn row(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let mut text = cell(&help);
    let words = arg.get_possible_values();
    if takes_value(arg) && !words.is_empty() {
        let words: Vec<String> = words
            .iter()
            .map(|word| format!("`{}`", word.get_name()))
            .collect();
        let _ = write!(text, ": {}", words.join(", "));
    }
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if takes_value(arg) && !defaults.is_empty() {
        let _ = write!(text, " (default {})", defaults.join(", "));
    }
    format!("| `{}` | {text} |\n", form(arg))
}

/// `-c`, `--config FILE`, as typed.
fn form(arg: &Arg) -> String {
    let short = arg.get_short().map(|letter| format!("-{letter}"));
    let long = arg.get_long().map(|word| format!("--{word}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let names = names.join("`, `");
    let value = arg.get_value_names().and_then(<[_]>::first);
    match value.filter(|_| takes_value(arg)) {
        Some(value) if names.is_empty() => value.to_string(),
        Some(value) if arg.is_require_equals_set() => format!("{names}[={value}]"),
        Some(value) => format!("{names} {value}"),
        None => names,
    }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<")
}

#[test]
fn the_page_of_commands_is_written_from_the_arguments() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let made = reference();
    if std::env::var_os("MIGRATE_TEST_BLESS").is_some() {
        fs::write(&path, &made).expect("docs/commands.md");
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    let first = page.lines().zip(made.lines()).find(|(is, made)| is != made);
    assert!(page == made, "MIGRATE_TEST_BLESS=1 rewrites it: {first:?}");
}
