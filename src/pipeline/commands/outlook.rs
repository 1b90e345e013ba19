//! What `check` says of a plan: tables with one reader, types that change, values at risk, what is left out.
//!
//! Computed from the plan alone. What is said here is not repeated among the notes.

use std::cmp::Reverse;

use crate::config::job::{Job, ValuePolicy};
use crate::pipeline::survey::omissions;
use crate::plan::build::Planned;
use crate::plan::changes::type_changes;
use crate::plan::strategy::why_one_reader;
use crate::plan::table::{ColumnPlan, TablePlan};
use crate::report::check::{AtRisk, ChangedColumns, OneReader, Outlook, TableSize};
use tsql::schema::SqlType;
use tsql::typemap::precision_note;

/// The outlook of a plan under the job's policies.
pub(super) fn outlook(job: &Job, planned: &Planned) -> Outlook {
    let changed = planned.tables.iter().map(|plan| ChangedColumns {
        table: plan.full_name(),
        columns: type_changes(plan),
    });
    Outlook {
        one_reader: one_reader(&planned.tables),
        changed_columns: changed.filter(|table| !table.columns.is_empty()).collect(),
        at_risk: at_risk(job, &planned.tables),
        omissions: omissions(planned),
    }
}

/// Whether the outlook says a note of the plan in its own words.
pub(super) fn says(plan: &TablePlan, note: &str) -> bool {
    let loses = |column: &ColumnPlan| {
        precision_note(&column.source, &column.target_type).is_some_and(|said| said == note)
    };
    why_one_reader(plan) == Some(note) || plan.columns.iter().any(loses)
}

/// Groups by the reason, the largest tables first.
fn one_reader(plans: &[TablePlan]) -> Vec<OneReader> {
    let mut groups: Vec<OneReader> = Vec::new();
    for plan in plans {
        let Some(reason) = why_one_reader(plan) else {
            continue;
        };
        let table = TableSize {
            table: plan.full_name(),
            bytes: plan.estimated_bytes,
        };
        match groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) => group.tables.push(table),
            None => groups.push(OneReader {
                reason: reason.to_owned(),
                tables: vec![table],
            }),
        }
    }
    for group in &mut groups {
        group.tables.sort_by_key(|table| Reverse(table.bytes));
    }
    groups.sort_by_key(|group| Reverse(group.tables.iter().map(|table| table.bytes).sum::<u64>()));
    groups
}

/// What is lost of every value first, then values that PostgreSQL cannot hold, under the policy of their
/// column.
fn at_risk(job: &Job, plans: &[TablePlan]) -> Vec<AtRisk> {
    let (mut lost, mut refused) = (Groups::default(), Groups::default());
    for plan in plans {
        let overrides = job.table_override(&plan.full_name());
        for column in &plan.columns {
            let name = &column.source.name;
            let place = format!("{}.{name}", plan.full_name());
            if let Some(note) = precision_note(&column.source, &column.target_type) {
                let said = note.strip_prefix(&format!("column {name}: "));
                lost.add(said.unwrap_or(&note), &place);
            }
            let own = overrides.and_then(|table| table.values.get(name));
            let values = own.map_or(job.values, |own| own.over(job.values));
            let ty = &column.source.ty;
            // No xml value of SQL Server holds U+0000.
            if ty.holds_text() && !matches!(ty, SqlType::Xml) {
                let key = "nul_characters";
                refused.add(&risk("U+0000 in text", key, values.nul_characters), &place);
            }
            if is_utf16(ty) {
                let key = "unpaired_surrogates";
                let what = "half of a UTF-16 pair";
                refused.add(&risk(what, key, values.unpaired_surrogates), &place);
            }
            if ty.has_code_page() {
                let what = "bytes that the code page does not define";
                refused.add(&risk(what, "undecodable", values.undecodable), &place);
            }
        }
    }
    lost.0.extend(refused.0);
    lost.0
}

fn is_utf16(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText
    )
}

fn risk(what: &str, key: &str, policy: ValuePolicy) -> String {
    let (word, follows) = match policy {
        ValuePolicy::Error => ("error", "such a row fails its table"),
        ValuePolicy::Reject => ("reject", "such a row goes to _migrate.rejects"),
        ValuePolicy::Strip => ("strip", "it is left out"),
        ValuePolicy::Replace => ("replace", "it becomes U+FFFD"),
    };
    format!("{what}: {follows} (values.{key}: {word})")
}

/// Columns by what is said of them, in the order in which it first comes.
#[derive(Default)]
struct Groups(Vec<AtRisk>);

impl Groups {
    fn add(&mut self, risk: &str, column: &str) {
        match self.0.iter_mut().find(|group| group.risk == risk) {
            Some(group) => group.columns.push(column.to_owned()),
            None => self.0.push(AtRisk {
                risk: risk.to_owned(),
                columns: vec![column.to_owned()],
            }),
        }
    }
}
