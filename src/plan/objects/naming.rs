//! Names of indexes and constraints: folded as the job says, each once in its PostgreSQL schema.
//!
//! The order decides who keeps a name: first what an earlier run of the job named, then sequences,
//! views and tables, then counters and triggers, primary keys, unique constraints, other indexes,
//! checks and foreign keys. A name that gives way gets a number; notes of the table say so of
//! indexes and constraints.

use std::collections::HashMap;

use crate::config::job::NameStyle;
use crate::plan::object::{SequencePlan, TriggerAction};
use crate::plan::table::{TablePlan, TargetName};
use crate::plan::view::ViewPlan;
use tsql::names::{self, Taken};

/// Indexes share one namespace with the tables of their schema, so an index's name gives way, and
/// those of constraints with it; source names are unique per table only. Tables come in a stable
/// order, hence so do the names; what is in `former` keeps the name that it has there, because a
/// table more at the source would else shift the numbers.
pub(in crate::plan) fn name_all(
    tables: &mut [TablePlan],
    sequences: &[SequencePlan],
    views: &mut [ViewPlan],
    style: NameStyle,
    former: &[&TablePlan],
) {
    let mut namer = Namer {
        taken: HashMap::new(),
        kept: HashMap::new(),
        style,
    };
    former.iter().for_each(|plan| namer.keep(plan));
    let others = sequences.iter().map(|sequence| &sequence.target);
    for name in others.chain(views.iter().map(|view| &view.target)) {
        namer.reserve(name);
    }
    for table in tables.iter() {
        namer.reserve(&table.target);
    }
    for table in tables.iter_mut() {
        namer.counters(table);
        namer.triggers(table);
    }
    for table in tables.iter_mut() {
        let (owner, schema) = (table.full_name(), &table.target.schema);
        if let Some(key) = &mut table.primary_key {
            key.name = match namer.kept(&owner, Kind::PrimaryKey, "") {
                Some(name) => name,
                None => namer.schema(schema).derive(&key.name),
            };
        }
    }
    for constraints in [true, false] {
        for table in tables.iter_mut() {
            let mut of = Of::new(table.full_name(), &table.target, &mut table.notes);
            let indexes = table.objects.indexes.iter_mut();
            for index in indexes.filter(|index| index.is_constraint() == constraints) {
                index.name = namer.name(&mut of, Kind::Index, &index.source);
            }
        }
    }
    for table in tables.iter_mut() {
        let mut of = Of::new(table.full_name(), &table.target, &mut table.notes);
        for check in &mut table.objects.checks {
            check.name = namer.name(&mut of, Kind::Check, &check.source);
        }
    }
    for table in tables.iter_mut() {
        let mut of = Of::new(table.full_name(), &table.target, &mut table.notes);
        for key in &mut table.objects.foreign_keys {
            key.name = namer.name(&mut of, Kind::ForeignKey, &key.source);
        }
    }
    for view in views.iter_mut() {
        for index in &mut view.indexes {
            let wanted = names::fold(&index.source.replace('\0', ""), style);
            index.name = namer.schema(&view.target.schema).derive(&wanted);
        }
    }
}

/// With the table and the source name it tells objects apart, because a check and an index may
/// share a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    PrimaryKey,
    Counter,
    Index,
    Check,
    ForeignKey,
    Trigger,
}

impl Kind {
    /// The word of notes, and the name of an object whose own name folds to nothing.
    fn word(self) -> &'static str {
        match self {
            Self::PrimaryKey => "primary key",
            Self::Counter => "sequence",
            Self::Index => "index",
            Self::Check => "check",
            Self::ForeignKey => "foreign key",
            Self::Trigger => "trigger",
        }
    }
}

/// The table whose objects are named.
struct Of<'a> {
    full_name: String,
    schema: &'a str,
    /// The table's, which say of each object that got another name than the job's style gives.
    notes: &'a mut Vec<String>,
}

impl<'a> Of<'a> {
    fn new(full_name: String, target: &'a TargetName, notes: &'a mut Vec<String>) -> Self {
        Self {
            full_name,
            schema: &target.schema,
            notes,
        }
    }
}

struct Namer {
    /// By target schema.
    taken: HashMap<String, Taken>,
    /// By table, kind and source name, or the column of a counter.
    kept: HashMap<(String, Kind, String), String>,
    /// The job's `schema.names`.
    style: NameStyle,
}

impl Namer {
    /// The names that are taken in a target schema.
    fn schema(&mut self, schema: &str) -> &mut Taken {
        self.taken.entry(schema.to_owned()).or_default()
    }

    /// Notes what an earlier run of the job named, and takes those names.
    fn keep(&mut self, former: &TablePlan) {
        let made = &former.objects;
        let key = former.primary_key.iter();
        let key = key.map(|key| (Kind::PrimaryKey, String::new(), &key.name));
        let indexes = made.indexes.iter();
        let indexes = indexes.map(|one| (Kind::Index, one.source.clone(), &one.name));
        let checks = made.checks.iter();
        let checks = checks.map(|one| (Kind::Check, one.source.clone(), &one.name));
        let keys = made.foreign_keys.iter();
        let keys = keys.map(|one| (Kind::ForeignKey, one.source.clone(), &one.name));
        let counters = former.columns.iter().filter_map(|column| {
            let counter = column.clauses.counter.as_ref()?;
            Some((Kind::Counter, column.source.name.clone(), &counter.sequence))
        });
        let triggers = made.triggers.iter();
        let triggers = triggers.flat_map(|one| {
            let sequence = match &one.does {
                TriggerAction::RowVersion {
                    column, sequence, ..
                } => Some((Kind::Counter, column.clone(), sequence)),
                TriggerAction::History { .. } => None,
            };
            std::iter::once((Kind::Trigger, one.source.clone(), &one.name)).chain(sequence)
        });
        let keys = keys.chain(triggers);
        for (kind, source, name) in key.chain(indexes).chain(checks).chain(keys).chain(counters) {
            self.schema(&former.target.schema).reserve(name);
            let of = (former.full_name(), kind, source);
            self.kept.insert(of, name.clone());
        }
    }

    /// The name that an earlier run gave; `source` is empty for a primary key.
    fn kept(&self, table: &str, kind: Kind, source: &str) -> Option<String> {
        let of = (table.to_owned(), kind, source.to_owned());
        self.kept.get(&of).cloned()
    }

    /// Takes a name that is not to be changed, such as a table's.
    fn reserve(&mut self, name: &TargetName) {
        self.schema(&name.schema).reserve(&name.table);
    }

    /// As PostgreSQL would name them by itself, but that it takes what is free when a table is made,
    /// which no plan could tell.
    fn counters(&mut self, table: &mut TablePlan) {
        let owner = table.full_name();
        let of = &table.target;
        for column in &mut table.columns {
            if let Some(counter) = &mut column.clauses.counter {
                let wanted = format!("{}_{}_seq", of.table, column.target_name);
                counter.sequence = match self.kept(&owner, Kind::Counter, &column.source.name) {
                    Some(name) => name,
                    None => self.schema(&of.schema).derive(&wanted),
                };
            }
        }
    }

    /// Sequences share the namespace of tables; functions have one of their own, and names that are
    /// free in both are easier to read.
    fn triggers(&mut self, table: &mut TablePlan) {
        let owner = table.full_name();
        let schema = &table.target.schema;
        for trigger in &mut table.objects.triggers {
            trigger.name = match self.kept(&owner, Kind::Trigger, &trigger.source) {
                Some(name) => name,
                None => self.schema(schema).derive(&trigger.name),
            };
            if let TriggerAction::RowVersion {
                column, sequence, ..
            } = &mut trigger.does
            {
                *sequence = match self.kept(&owner, Kind::Counter, column) {
                    Some(name) => name,
                    None => self.schema(schema).derive(sequence),
                };
            }
        }
    }

    /// A name that cannot be folded keeps its text without U+0000.
    fn name(&mut self, of: &mut Of<'_>, kind: Kind, source: &str) -> String {
        let wanted = names::fold(&source.replace('\0', ""), self.style);
        let wanted = if wanted.is_empty() {
            kind.word().replace(' ', "_")
        } else {
            wanted
        };
        let name = match self.kept(&of.full_name, kind, source) {
            Some(name) => name,
            None => self.schema(of.schema).derive(&wanted),
        };
        let told = format!("{} {source} is named ", kind.word());
        of.notes.retain(|note| !note.starts_with(&told));
        if name != wanted {
            of.notes.push(format!("{told}{name}"));
        }
        name
    }
}
