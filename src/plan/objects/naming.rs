//! Names of indexes and constraints: folded as the job says, each once in its PostgreSQL schema.

use std::collections::HashMap;

use crate::config::job::NameStyle;
use crate::names::{self, Taken};
use crate::plan::object::{SequencePlan, ViewPlan};
use crate::plan::table::{TablePlan, TargetName};

/// Indexes share one namespace with the tables of their schema, so an index's name gives way, and
/// those of constraints with it; source names are unique per table only. Tables come in a stable
/// order, hence so do the names.
pub(in crate::plan) fn name_all(
    tables: &mut [TablePlan],
    sequences: &[SequencePlan],
    views: &[ViewPlan],
    style: NameStyle,
) {
    let mut namer = Namer {
        taken: HashMap::new(),
        style,
    };
    let others = sequences.iter().map(|sequence| &sequence.target);
    for name in others.chain(views.iter().map(|view| &view.target)) {
        namer.reserve(name);
    }
    for table in tables.iter() {
        namer.reserve(&table.target);
        namer.reserve_counters(table);
    }
    for table in tables.iter_mut() {
        if let Some(key) = &mut table.primary_key {
            key.name = namer.schema(&table.target.schema).derive(&key.name);
        }
    }
    for constraints in [true, false] {
        for table in tables.iter_mut() {
            let (schema, notes) = (&table.target.schema, &mut table.notes);
            let indexes = table.objects.indexes.iter_mut();
            for index in indexes.filter(|index| index.is_constraint() == constraints) {
                index.name = namer.name(schema, &index.source, "index", notes);
            }
        }
    }
    for table in tables.iter_mut() {
        let (schema, notes) = (&table.target.schema, &mut table.notes);
        for check in &mut table.objects.checks {
            check.name = namer.name(schema, &check.source, "check", notes);
        }
    }
    for table in tables.iter_mut() {
        let (schema, notes) = (&table.target.schema, &mut table.notes);
        for key in &mut table.objects.foreign_keys {
            key.name = namer.name(schema, &key.source, "foreign key", notes);
        }
    }
}

struct Namer {
    /// By target schema.
    taken: HashMap<String, Taken>,
    style: NameStyle,
}

impl Namer {
    fn schema(&mut self, schema: &str) -> &mut Taken {
        self.taken.entry(schema.to_owned()).or_default()
    }

    fn reserve(&mut self, name: &TargetName) {
        self.schema(&name.schema).reserve(&name.table);
    }

    /// PostgreSQL names the sequence of an identity column by itself, when the table is made.
    fn reserve_counters(&mut self, table: &TablePlan) {
        let columns = table.columns.iter();
        for column in columns.filter(|column| column.identity.is_some()) {
            let counter = format!("{}_{}_seq", table.target.table, column.target_name);
            self.schema(&table.target.schema).reserve(&counter);
        }
    }

    /// A name that cannot be folded keeps its text without U+0000.
    fn name(&mut self, schema: &str, source: &str, kind: &str, notes: &mut Vec<String>) -> String {
        let wanted = names::fold(&source.replace('\0', ""), self.style);
        let wanted = if wanted.is_empty() {
            kind.replace(' ', "_")
        } else {
            wanted
        };
        let name = self.schema(schema).derive(&wanted);
        if name != wanted {
            notes.push(format!("{kind} {source} is named {name}"));
        }
        name
    }
}
