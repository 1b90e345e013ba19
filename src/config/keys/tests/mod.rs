//! The table of keys, what is read, and what is written from the table agree key by key.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::config::job::Job;
use crate::config::parse;
use crate::config::problem::Problem;
use crate::config::setting::{MASK, Origin};
use crate::config::units;

/// A value of the job file that a test fills in for every key.
struct Leaf {
    path: String,
    key: &'static Key,
    /// Below a name that the user chose, so without a default of its own.
    named: bool,
}

/// The names of the table's mappings in the test's job files.
const TABLE: &str = "dbo.A";
const NAME: &str = "name";

fn leaves() -> Vec<Leaf> {
    let mut leaves = Vec::new();
    gather(JOB, "", false, &mut leaves);
    assert!(leaves.len() > 70, "only {} keys", leaves.len());
    leaves
}

fn gather(keys: &'static [Key], above: &str, named: bool, leaves: &mut Vec<Leaf>) {
    for key in keys {
        let path = format!("{above}{}", key.name);
        match key.kind {
            Kind::Section(keys) => gather(keys, &format!("{path}."), named, leaves),
            Kind::Named { keys, example } => {
                let name = if example.is_some() { TABLE } else { NAME };
                gather(keys, &format!("{path}.{name}."), true, leaves);
            }
            Kind::Names(_) => leaves.push(Leaf {
                path: format!("{path}.{NAME}"),
                key,
                named,
            }),
            _ => leaves.push(Leaf { path, key, named }),
        }
    }
}

/// A value that fits, as YAML in one line.
fn value(kind: &Kind) -> String {
    match kind {
        Kind::Section(_) | Kind::Named { .. } => unreachable!("no leaf"),
        Kind::Text(Text::Required(_) | Text::Given { .. }) | Kind::Secret { .. } | Kind::Path => {
            "x".to_owned()
        }
        Kind::Command => "[x]".to_owned(),
        Kind::Text(Text::Optional | Text::Other(_)) | Kind::Names(_) => "y".to_owned(),
        Kind::Choice { words, .. } => kind.default().unwrap_or_else(|| words()[0].to_owned()),
        Kind::Number(bounded) | Kind::Size(bounded) => {
            kind.default().unwrap_or_else(|| bounded.least.to_string())
        }
        Kind::Boolean(_) | Kind::Duration { .. } => kind.default().expect("a default"),
        Kind::List { words } => format!("[{}]", words.first().unwrap_or(&"a.b")),
    }
}

/// A value for a key without which no job is read.
fn needed(path: &str, key: &Key) -> Option<String> {
    let needed = matches!(key.kind, Kind::Text(Text::Required(_) | Text::Given { .. }))
        || ["source.password", "target.password"].contains(&path);
    needed.then(|| "x".to_owned())
}

/// A job file with every key, in which `of` gives a leaf its value; `None` leaves the key out.
fn job_file(
    keys: &'static [Key],
    above: &str,
    indent: usize,
    of: &dyn Fn(&str, &Key) -> Option<String>,
) -> String {
    let mut text = String::new();
    let margin = " ".repeat(indent);
    for key in keys {
        let path = format!("{above}{}", key.name);
        let below = match key.kind {
            Kind::Section(keys) => job_file(keys, &format!("{path}."), indent + 2, of),
            Kind::Named { keys, example } => {
                let name = if example.is_some() { TABLE } else { NAME };
                let below = job_file(keys, &format!("{path}.{name}."), indent + 4, of);
                if below.is_empty() {
                    below
                } else {
                    format!("{margin}  {name}:\n{below}")
                }
            }
            Kind::Names(_) => match of(&format!("{path}.{NAME}"), key) {
                Some(value) => format!("{margin}  {NAME}: {value}\n"),
                None => String::new(),
            },
            _ => {
                if let Some(value) = of(&path, key) {
                    text.push_str(&format!("{margin}{}: {value}\n", key.name));
                }
                continue;
            }
        };
        if !below.is_empty() {
            text.push_str(&format!("{margin}{}:\n{below}", key.name));
        }
    }
    text
}

fn read(text: &str) -> Result<Job, Vec<Problem>> {
    parse(text, "stem", &|_| None)
}

/// A key that the table has and nothing reads is an unknown key; one that is read and not in the table is
/// an internal error.
#[test]
fn every_key_of_the_table_is_read_and_no_other() {
    // A service that is there, so that it can be read.
    let services = std::env::temp_dir().join(format!("migrate-keys-{}", std::process::id()));
    std::fs::write(&services, "[y]\n").unwrap();
    let env = |name: &str| (name == "PGSERVICEFILE").then(|| services.clone().into());
    // Of both ways to a server a job has one.
    let jobs = ["ssh", "socks5"].map(|other| {
        let text = job_file(JOB, "", 0, &|path, key| match path {
            "target.connection" => Some("postgresql://".to_owned()),
            path if path.split('.').nth(1) == Some(other) => None,
            _ => Some(value(&key.kind)),
        });
        let job = parse(&text, "stem", &env);
        job.unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
    });
    std::fs::remove_file(&services).unwrap();
    let shown: BTreeSet<&str> = jobs
        .iter()
        .flat_map(|job| &job.settings)
        .filter(|setting| setting.origin == Origin::File)
        .map(|setting| setting.key.as_str())
        .collect();
    let leaves = leaves();
    let table: BTreeSet<&str> = leaves.iter().map(|leaf| leaf.path.as_str()).collect();
    assert_eq!(shown, table, "settings of `check -v` and the table of keys");
    assert_eq!(leaves.len(), table.len(), "a key is in the table twice");
}

#[test]
fn defaults_in_force_are_those_of_the_table() {
    let text = job_file(JOB, "", 0, &|path, key| needed(path, key));
    let job = read(&text).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"));
    for leaf in leaves().iter().filter(|leaf| !leaf.named) {
        let expected = match leaf.key.kind {
            Kind::Text(Text::Required(_) | Text::Given { .. }) => "x".to_owned(),
            Kind::Secret { .. } if needed(&leaf.path, leaf.key).is_some() => MASK.to_owned(),
            Kind::Secret { .. } => String::new(),
            Kind::Text(Text::Optional) | Kind::Command | Kind::Path => String::new(),
            Kind::List { .. } => "[]".to_owned(),
            Kind::Size(_) => (leaf.key.kind.default())
                .or(leaf.key.kind.otherwise().map(str::to_owned))
                .expect("a default"),
            _ => match leaf.key.kind.default() {
                Some(default) => default,
                // Words whose meaning is computed where the key is read, or a mapping.
                None => continue,
            },
        };
        let found = job.settings.iter().find(|setting| setting.key == leaf.path);
        let found = found.unwrap_or_else(|| panic!("{} is not shown", leaf.path));
        assert_eq!(found.value, expected, "{}", leaf.path);
    }
    assert_eq!(job.target.schemas["dbo"], "public");
    let (dense, sampled) = (PARTITION_MIN_SIZE_DENSE, PARTITION_MIN_SIZE);
    let words = format!(
        "{}, or {} if sampled",
        units::show_size(dense),
        units::show_size(sampled)
    );
    let shown = job
        .settings
        .iter()
        .find(|setting| setting.key == "transfer.partition_min_size");
    assert_eq!(shown.map(|setting| &setting.value), Some(&words));
}

#[test]
fn the_bounds_of_the_table_hold() {
    for leaf in leaves() {
        let (Kind::Number(bounded) | Kind::Size(bounded)) = &leaf.key.kind else {
            continue;
        };
        let refused = |number: u64| {
            let text = job_file(JOB, "", 0, &|path, key| {
                if path == leaf.path {
                    Some(number.to_string())
                } else {
                    needed(path, key)
                }
            });
            let problems = read(&text).err().unwrap_or_default();
            let mut of_bounds = problems
                .iter()
                .filter(|problem| problem.message.contains(" from "));
            of_bounds.any(|problem| problem.key == leaf.path)
        };
        let below = bounded.least.checked_sub(1);
        let above = bounded.most.checked_add(1);
        for number in below.into_iter().chain(above) {
            assert!(refused(number), "{}: {number}", leaf.path);
        }
        for number in [bounded.least, bounded.most] {
            assert!(!refused(number), "{}: {number}", leaf.path);
        }
    }
}

#[test]
fn only_a_duration_that_may_be_zero_is() {
    for leaf in leaves() {
        let Kind::Duration { zero, .. } = leaf.key.kind else {
            continue;
        };
        let text = job_file(JOB, "", 0, &|path, key| {
            if path == leaf.path {
                Some("0s".to_owned())
            } else {
                needed(path, key)
            }
        });
        assert_eq!(read(&text).is_ok(), zero, "{}", leaf.path);
    }
}

/// Compares a file with what the table makes of it, or rewrites it if `MIGRATE_TEST_BLESS` is set.
fn compare(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("MIGRATE_TEST_BLESS").is_some() {
        std::fs::write(&path, made).expect("a file that can be written");
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let first = text.lines().zip(made.lines()).find(|(is, made)| is != made);
    assert!(
        text == made,
        "{} is not what the table of keys says; MIGRATE_TEST_BLESS=1 rewrites it. First difference: {first:?}",
        path.display()
    );
}

#[test]
fn full_yaml_is_written_from_the_table() {
    compare("migrations-config/full.yaml", &full_yaml());
}

#[test]
fn the_json_schema_is_written_from_the_table() {
    compare("migrations-config/job.schema.json", &json_schema());
}

#[test]
fn the_page_of_job_keys_is_written_from_the_table() {
    compare("docs/job-file.md", &reference());
}
