//! What a migration of the whole database takes: every object by kind, what moves by itself, and what needs a
//! person.
//!
//! `pipeline::commands::assess` fills it from a plan; the page that `plan --output html` writes shows it.

use serde::Serialize;

use tsql::schema::inventory::Effort;

/// All objects of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KindCount {
    /// In the plural, as `foreign keys`.
    pub kind: String,
    /// Made on the target by a run.
    pub moved: usize,
    /// A person has to do it, or to decide that it goes.
    pub by_hand: usize,
    /// Left out by the job's own filter.
    pub left_out: usize,
    /// Why the source could not be asked for them.
    pub unread: Option<String>,
}

/// An object that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ByHand {
    /// As [`KindCount::kind`].
    pub kind: String,
    /// With its schema; an index or a constraint with its table.
    pub name: String,
    /// Why a run does not make it, a lower-case fragment.
    pub reason: String,
    pub effort: Effort,
    /// Lines of its T-SQL; 0 if that is not shown.
    pub lines: usize,
    /// Its T-SQL. Not in JSON, where the omissions have it.
    #[serde(skip)]
    pub text: Option<String>,
}

/// What a migration of the whole database takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// Tables first, then what belongs to them, then the others.
    pub kinds: Vec<KindCount>,
    /// The most work first.
    pub by_hand: Vec<ByHand>,
}

/// What a table consists of. It is listed, and counted with its table.
pub const COLUMNS: &str = "columns";

impl Assessment {
    /// Objects that a run makes. Columns are not counted: they would outnumber everything else.
    pub fn moved(&self) -> usize {
        let objects = self.kinds.iter().filter(|kind| kind.kind != COLUMNS);
        objects.map(|kind| kind.moved).sum()
    }

    /// Objects that need a person, also those of which only the name is known.
    pub fn needing_a_person(&self) -> usize {
        self.kinds.iter().map(|kind| kind.by_hand).sum()
    }

    /// Objects of this much work, and the lines of their T-SQL.
    pub fn of_effort(&self, effort: Effort) -> (usize, usize) {
        let those = self.by_hand.iter().filter(|one| one.effort == effort);
        let lines = those.clone().map(|one| one.lines).sum();
        (those.count(), lines)
    }
}
