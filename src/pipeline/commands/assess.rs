//! Counts what a plan moves and lists what needs a person, for the assessment of a database.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use crate::pipeline::survey::omissions;
use crate::plan::build::Planned;
use crate::plan::object::IndexKind;
use crate::report::Omission;
use crate::report::assessment::{Assessment, ByHand, COLUMNS, KindCount};
use crate::report::planned::UnplannedTable;
use tsql::schema::Database;
use tsql::schema::inventory::{AssessedModule, Effort, InventoryKind, Statements};
use tsql::translate;

/// The kinds in the order in which a reader asks for them; the others follow.
const ORDER: [&str; 15] = [
    "tables",
    COLUMNS,
    "primary keys",
    "indexes",
    "unique constraints",
    "foreign keys",
    "check constraints",
    "defaults",
    "computed columns",
    "sequences",
    "alias types",
    "views",
    "functions",
    "procedures",
    "triggers",
];

/// How an omission's object begins, and its kind; the longer ones first.
const KINDS: [(&str, &str); 15] = [
    ("primary key ", "primary keys"),
    ("unique constraint ", "unique constraints"),
    ("unique index ", "indexes"),
    ("full-text index ", "full-text indexes"),
    ("index ", "indexes"),
    ("foreign key ", "foreign keys"),
    ("check ", "check constraints"),
    ("default ", "defaults"),
    ("computed expression ", "computed columns"),
    ("included column ", "included columns of indexes"),
    ("identity ", "identities"),
    ("counter ", "row versions"),
    ("sequence ", "sequences"),
    ("view ", "views"),
    ("function ", "functions"),
];

/// Draws up the assessment. `failed`: tables that cannot be planned.
pub(super) fn assess(
    planned: &Planned,
    database: &Database,
    failed: &[UnplannedTable],
) -> Assessment {
    let mut kinds = Kinds::default();
    moved(planned, &mut kinds);
    let texts = texts(database);
    let mut by_hand: Vec<ByHand> = Vec::new();
    by_hand.extend(omissions(planned).into_iter().map(of_omission));
    let tables: BTreeSet<_> = failed.iter().map(|one| &one.table).collect();
    by_hand.extend(tables.into_iter().map(|table| of_table(table, failed)));
    let known: HashSet<_> = by_hand
        .iter()
        .map(|one| (one.kind.clone(), one.name.clone()))
        .collect();
    let is_new = |one: &ByHand| !known.contains(&(one.kind.clone(), one.name.clone()));
    for kind in &planned.inventory {
        let modules = kind
            .modules
            .iter()
            .map(|module| of_module(kind, module, &texts));
        let views = kind.names.iter().filter(|_| kind.kind == "views");
        let views = views.map(|name| of_view(kind, name, &texts));
        by_hand.extend(modules.chain(views).filter(is_new));
    }
    for one in &by_hand {
        kinds.get(&one.kind).by_hand += 1;
    }
    for kind in &planned.inventory {
        let count = kinds.get(&kind.kind);
        count.by_hand = count.by_hand.max(kind.names.len());
        count.unread.clone_from(&kind.unread);
    }
    kinds.get("tables").left_out = planned.skipped.len();
    by_hand.sort_by_key(|one| {
        let hidden = one.effort == Effort::Unknown;
        (hidden, Reverse(one.effort), Reverse(one.lines))
    });
    Assessment {
        kinds: kinds.ordered(),
        by_hand,
    }
}

fn moved(planned: &Planned, kinds: &mut Kinds) {
    for plan in &planned.tables {
        kinds.get("tables").moved += 1;
        kinds.get(COLUMNS).moved += plan.columns.len();
        kinds.get("computed columns").moved += plan.generated.len();
        kinds.get("primary keys").moved += usize::from(plan.primary_key.is_some());
        kinds.get("foreign keys").moved += plan.objects.foreign_keys.len();
        kinds.get("check constraints").moved += plan.objects.checks.len();
        let defaults = plan.columns.iter();
        let defaults = defaults.filter(|column| column.clauses.default.is_some());
        kinds.get("defaults").moved += defaults.count();
        for index in &plan.objects.indexes {
            let kind = match index.kind {
                IndexKind::Plain | IndexKind::Unique { .. } => "indexes",
                IndexKind::Constraint { .. } => "unique constraints",
            };
            kinds.get(kind).moved += 1;
        }
    }
    kinds.get("sequences").moved += planned.sequences.len();
    kinds.get("alias types").moved += planned.domains.len();
    kinds.get("views").moved += planned.views.len();
    kinds.get("functions").moved += planned.functions.len();
}

/// T-SQL of modules and views by their full names.
fn texts(database: &Database) -> HashMap<String, &str> {
    let modules = database.modules.iter();
    let modules = modules.filter_map(|one| Some((one.full_name(), one.definition.as_deref()?)));
    let views = database.views.iter();
    let views = views.filter_map(|one| Some((one.full_name(), one.definition.as_deref()?)));
    modules.chain(views).collect()
}

/// Definitions are as much work as their text; what is part of a table is little.
fn of_omission(omission: Omission) -> ByHand {
    let Omission {
        table,
        object,
        reason,
        text,
    } = omission;
    let known = KINDS.iter().find(|(begins, _)| object.starts_with(begins));
    let kind = known.map_or("other objects", |(_, kind)| *kind);
    let whole = matches!(kind, "views" | "functions" | "sequences");
    let assessed = text
        .as_ref()
        .filter(|_| whole)
        .map(|text| translate::assess(text));
    let lines = text
        .as_ref()
        .map_or(0, |text| text.trim_end().lines().count());
    ByHand {
        kind: kind.to_owned(),
        name: if whole {
            table
        } else {
            format!("{table}: {object}")
        },
        reason,
        effort: assessed.map_or(Effort::Small, |assessed| assessed.effort),
        lines,
        text,
    }
}

/// What keeps a table from being planned is a matter of the job file.
fn of_table(table: &str, failed: &[UnplannedTable]) -> ByHand {
    let causes = failed.iter().filter(|one| one.table == table);
    let causes: Vec<_> = causes.map(|one| one.cause.message.as_str()).collect();
    ByHand {
        kind: "tables".to_owned(),
        name: table.to_owned(),
        reason: causes.join("; "),
        effort: Effort::Small,
        lines: 0,
        text: None,
    }
}

/// A view that the job does not ask for.
fn of_view(kind: &InventoryKind, name: &str, texts: &HashMap<String, &str>) -> ByHand {
    let text = texts.get(name);
    let assessed = text.map(|text| translate::assess(text));
    ByHand {
        kind: kind.kind.clone(),
        name: name.to_owned(),
        reason: format!("not tried: {}", kind.note.as_deref().unwrap_or_default()),
        effort: assessed.as_ref().map_or(Effort::Unknown, |one| one.effort),
        lines: assessed.map_or(0, |one| one.lines),
        text: text.map(|text| (*text).to_owned()),
    }
}

fn of_module(
    kind: &InventoryKind,
    module: &AssessedModule,
    texts: &HashMap<String, &str>,
) -> ByHand {
    let uses = match module.constructs.as_slice() {
        [] => String::new(),
        constructs => format!(" (it uses {})", constructs.join(", ")),
    };
    let why = match (&module.reason, module.statements) {
        (Some(reason), _) => reason.clone(),
        (None, Statements::All) => {
            "not made by a run; all of its statements have counterparts in PL/pgSQL".to_owned()
        }
        (None, Statements::Some) => {
            "not made by a run; some of its statements are written in another way in PL/pgSQL"
                .to_owned()
        }
        (None, Statements::Few) => {
            "not made by a run; part of it has no counterpart and must be designed anew".to_owned()
        }
        (None, Statements::Hidden) => {
            "the login may not see its text, or it is encrypted".to_owned()
        }
    };
    ByHand {
        kind: kind.kind.clone(),
        name: module.name.clone(),
        reason: format!("{why}{uses}"),
        effort: module.effort,
        lines: module.lines,
        text: texts.get(&module.name).map(|text| (*text).to_owned()),
    }
}

/// Counts by kind.
#[derive(Default)]
struct Kinds(Vec<KindCount>);

impl Kinds {
    fn get(&mut self, kind: &str) -> &mut KindCount {
        let place = self.0.iter().position(|count| count.kind == kind);
        let place = place.unwrap_or_else(|| {
            self.0.push(KindCount {
                kind: kind.to_owned(),
                ..KindCount::default()
            });
            self.0.len() - 1
        });
        &mut self.0[place]
    }

    /// Those that there are, in [`ORDER`].
    fn ordered(mut self) -> Vec<KindCount> {
        let empty =
            |one: &KindCount| one.moved + one.by_hand + one.left_out == 0 && one.unread.is_none();
        self.0.retain(|one| !empty(one));
        let place = |one: &KindCount| ORDER.iter().position(|kind| *kind == one.kind);
        self.0.sort_by_key(|one| place(one).unwrap_or(ORDER.len()));
        self.0
    }
}
