//! Why a view or function is left out, and what of it is at fault.
//!
//! A chain of views breaks at its first fault. The reason that is shown names the view that this
//! one reads and the one at fault, so that an operator corrects one text and not ten.

use crate::plan::objects::context::Sources;
use crate::plan::objects::scope::Names;
use crate::plan::selection::Selection;
use tsql::schema::Table;
use tsql::schema::modules::ModuleKind;

/// Why one is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// `it reads view dbo.A`, if the fault is another's.
    through: Option<String>,
    /// `view dbo.Root`, if the fault is not that of what `through` names.
    root: Option<String>,
    /// What is at fault.
    fault: String,
    /// That is a part of its own text.
    in_text: bool,
}

impl LeftOut {
    /// Its own text does not translate.
    pub(super) fn untranslated(fault: &str) -> Self {
        Self {
            in_text: true,
            ..Self::for_other_reasons(fault)
        }
    }

    /// Something other than a view or function is at fault.
    pub(super) fn for_other_reasons(fault: &str) -> Self {
        Self {
            through: None,
            root: None,
            fault: fault.to_owned(),
            in_text: false,
        }
    }

    /// Its own text is at fault.
    pub(super) fn is_untranslated(&self) -> bool {
        self.through.is_none() && self.in_text
    }

    /// Why one that needs this one is left out; `called` is this one, as `view dbo.A`.
    pub(super) fn passed_on(&self, verb: &str, called: &str) -> Self {
        let root = self.root.clone();
        // Whose fault it is, if it came to this one from another.
        let root = root.or_else(|| {
            let through = self.through.as_deref()?;
            let words: Vec<_> = through.splitn(3, ' ').collect();
            words.last().map(|name| (*name).to_owned())
        });
        Self {
            through: Some(format!("it {verb} {called}")),
            root,
            fault: self.fault.clone(),
            in_text: self.in_text,
        }
    }

    /// For a person, as a fragment.
    pub(super) fn reason(&self) -> String {
        let fault = &self.fault;
        match (&self.through, &self.root) {
            (None, _) => fault.clone(),
            (Some(through), None) => format!("{through}, which is left out: {fault}"),
            (Some(through), Some(root)) => {
                format!("{through}, which is left out because of {root}: {fault}")
            }
        }
    }
}

/// Why what it reads is not there, if that is neither a view nor a function that may be made.
pub(super) fn obstacle(name: &str, sources: &Sources<'_>, names: &Names) -> Option<LeftOut> {
    if names.has_relation(name) {
        return None;
    }
    let database = sources.database;
    let table = database
        .tables
        .iter()
        .find(|table| table.full_name() == name);
    if let Some(table) = table {
        let why = of_table(table, sources);
        return Some(LeftOut::for_other_reasons(&format!(
            "it reads table {name}, {why}"
        )));
    }
    let mut modules = database.modules.iter();
    let module = modules.find(|module| module.full_name() == name)?;
    (module.kind == ModuleKind::TableFunction).then(|| {
        let why = "which has more than one statement";
        LeftOut::for_other_reasons(&format!("it reads function {name}, {why}"))
    })
}

/// Why a table is not there as a whole.
fn of_table(table: &Table, sources: &Sources<'_>) -> String {
    let name = table.full_name();
    if !Selection::new(&sources.job.tables).includes(&name) {
        return "which the job leaves out (tables.include, tables.exclude)".to_owned();
    }
    let excluded = sources.job.table_override(&name);
    let excluded = excluded.and_then(|settings| settings.exclude_columns.first());
    if let Some(column) = excluded {
        return format!("of which the job leaves out column {column}");
    }
    match table.extras.denied_columns.first() {
        Some(column) => format!("of which the login may not read column {column}"),
        None => "which cannot be planned".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_at_fault_is_named_however_far_away() {
        let root = LeftOut::untranslated("a recursive query");
        assert_eq!(root.reason(), "a recursive query");
        let next = root.passed_on("reads", "view dbo.A");
        let reason = "it reads view dbo.A, which is left out: a recursive query";
        assert_eq!(next.reason(), reason);
        let far = next.passed_on("calls", "function dbo.B");
        assert_eq!(
            far.reason(),
            "it calls function dbo.B, which is left out because of view dbo.A: a recursive query"
        );
        let further = far.passed_on("reads", "view dbo.C");
        assert_eq!(
            further.reason(),
            "it reads view dbo.C, which is left out because of view dbo.A: a recursive query"
        );
    }
}
