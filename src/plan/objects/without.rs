//! Indexes and constraints that the job leaves out by name (`tables.overrides.<table>.without`).

use std::collections::BTreeSet;

use crate::config::job::{Job, LeftOut};
use crate::error::{Error, Kind};
use crate::plan::object::TableObjects;
use crate::plan::objects::foreign_key;
use crate::plan::table::{Omission, TablePlan};
use tsql::schema::{Database, IndexRole, Table};

/// How many names a message lists.
const SHOWN: usize = 12;

/// Takes what the job leaves out of the plans, by its name at the source, whatever its case, or on the
/// target. A foreign key that needs a unique index which is left out goes with it, visibly.
///
/// Returns the names that the source does not have, each an error.
pub(in crate::plan) fn leave_out(
    database: &Database,
    tables: &mut [TablePlan],
    job: &Job,
) -> Vec<Error> {
    let mut problems = Vec::new();
    for plan in tables.iter_mut() {
        let settings = job.table_override(&plan.full_name());
        let without = settings.map(|settings| settings.without.as_slice());
        let of = |table: &&Table| table.schema == plan.schema && table.name == plan.name;
        let Some(table) = database.tables.iter().find(of) else {
            continue;
        };
        for wanted in without.unwrap_or_default() {
            if !take(plan, wanted) && !has(table, &wanted.name) {
                problems.push(unknown(table, wanted).at_table(plan.full_name()));
            }
        }
    }
    drop_what_needs_them(tables);
    problems
}

/// Whether the plan had it.
/// An omission of that name is taken out too: what the job leaves out is not missing.
fn take(plan: &mut TablePlan, wanted: &LeftOut) -> bool {
    let name = &wanted.name;
    let is = |source: &str, target: &str| source.eq_ignore_ascii_case(name) || target == name;
    let mut gone = Vec::new();
    let TableObjects {
        indexes,
        checks,
        foreign_keys,
        ..
    } = &mut plan.objects;
    indexes.retain(|one| keep(is(&one.source, &one.name), &one.source, &mut gone));
    checks.retain(|one| keep(is(&one.source, &one.name), &one.source, &mut gone));
    foreign_keys.retain(|one| keep(is(&one.source, &one.name), &one.source, &mut gone));
    let mut omitted = 0;
    plan.omissions.retain(|omission| {
        let words = omission.object.rsplit_once(' ');
        let of_it = words.is_some_and(|(_, last)| last.eq_ignore_ascii_case(name));
        omitted += usize::from(of_it);
        !of_it
    });
    plan.notes.retain(|note| !is_about(note, &gone));
    for source in &gone {
        plan.notes
            .push(format!("{source} is left out by the job (without)"));
    }
    !gone.is_empty() || omitted > 0
}

/// Whether a note is one on an object that is gone, as `unique index IX: ...` or `check CK is ...`.
fn is_about(note: &str, gone: &[String]) -> bool {
    let mut words = note
        .split(' ')
        .take(3)
        .map(|word| word.trim_end_matches(':'));
    words.any(|word| gone.iter().any(|source| source == word))
}

fn keep(is_it: bool, source: &str, gone: &mut Vec<String>) -> bool {
    if is_it {
        gone.push(source.to_owned());
    }
    !is_it
}

/// Whether the source has an object of that name that can be left out, planned or not.
fn has(table: &Table, name: &str) -> bool {
    names(table).any(|known| known.eq_ignore_ascii_case(name))
}

/// All that can be left out, in the order in which a message lists it. The primary key is not among
/// them.
fn names(table: &Table) -> impl Iterator<Item = &str> {
    let indexes = table.indexes.iter();
    let indexes = indexes.filter(|index| index.role != IndexRole::PrimaryKey);
    let checks = table.extras.checks.iter();
    let keys = table.extras.foreign_keys.iter();
    indexes
        .map(|index| index.name.as_str())
        .chain(checks.map(|check| check.name.as_str()))
        .chain(keys.map(|key| key.name.as_str()))
        .chain(table.others.iter().map(|other| other.name.as_str()))
}

/// An error with the line of the job file and the names that would be right.
fn unknown(table: &Table, wanted: &LeftOut) -> Error {
    let LeftOut { name, line } = wanted;
    let primary = table
        .indexes
        .iter()
        .any(|index| index.role == IndexRole::PrimaryKey && index.name.eq_ignore_ascii_case(name));
    let known: Vec<_> = names(table).take(SHOWN).collect();
    let what = if primary {
        "the primary key, which is always made".to_owned()
    } else if known.is_empty() {
        "what the table does not have: it has no index, check or foreign key".to_owned()
    } else {
        format!("what the table does not have; it has {}", known.join(", "))
    };
    Error::new(
        Kind::JobFile,
        format!("line {line} of the job file: without: {name} names {what}"),
    )
}

/// Foreign keys whose unique index was left out; PostgreSQL would refuse them.
fn drop_what_needs_them(tables: &mut [TablePlan]) {
    let mut lost = Vec::new();
    for (at, plan) in tables.iter().enumerate() {
        for key in &plan.objects.foreign_keys {
            let other = tables
                .iter()
                .find(|other| other.full_name() == key.referenced_source);
            let columns: BTreeSet<_> = key.referenced_columns.iter().map(String::as_str).collect();
            if other.is_some_and(|other| !foreign_key::is_unique_on(other, columns)) {
                lost.push((at, key.source.clone(), key.referenced_source.clone()));
            }
        }
    }
    for (at, source, referenced) in lost {
        let plan = &mut tables[at];
        plan.objects.foreign_keys.retain(|key| key.source != source);
        plan.omissions.push(Omission {
            object: format!("foreign key {source}"),
            reason: format!(
                "the job leaves out the unique index of {referenced} that it refers to"
            ),
            text: None,
        });
    }
}
