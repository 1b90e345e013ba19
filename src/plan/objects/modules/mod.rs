//! Views and functions, as far as they translate with certainty (`schema.views`, `schema.functions`):
//! each after what it reads and calls.
//!
//! The catalog tells what a module reads and calls (`sys.sql_expression_dependencies`), though not
//! always: names without a schema and encrypted texts are not in it. So modules are tried in
//! passes. One is tried when all that it needs is decided, and what the catalog does not describe
//! is tried again after others were made, until a pass changes nothing. What is left then waits for
//! itself.

mod cause;
mod columns;
mod function;
mod needed;
mod updatable;
mod view;

use std::collections::HashMap;

use crate::config::job::{Functions, Views};
use crate::plan::function::FunctionPlan;
use crate::plan::objects::context::{Remarks, Sources};
use crate::plan::objects::default::HIDDEN;
use crate::plan::objects::scope::Names;
use crate::plan::view::ViewPlan;
use tsql::schema::modules::Function;
use tsql::schema::objects::View;

use cause::{LeftOut, obstacle};

pub(in crate::plan) use needed::keep_needed;

/// What was decided of all views and functions.
#[derive(Debug, Default)]
pub(in crate::plan) struct PlannedModules {
    /// In an order in which each comes after those that it reads.
    pub(in crate::plan) views: Vec<ViewPlan>,
    /// The same; needed or not.
    pub(in crate::plan) functions: Vec<FunctionPlan>,
    /// With the full name of what they are about in front.
    pub(in crate::plan) remarks: Vec<(String, Remarks)>,
    /// On the functions, by full name.
    pub(in crate::plan) on_functions: Vec<(String, Remarks)>,
    /// Functions that do not translate, each with the reason.
    pub(in crate::plan) untranslated_functions: Vec<(String, String)>,
}

/// Views and functions while it is decided which are made.
pub(in crate::plan) struct Modules<'a> {
    /// Functions first, then views, in the catalog's order.
    items: Vec<Item<'a>>,
    /// Places in `items`, by full name.
    places: HashMap<String, usize>,
    planned: PlannedModules,
}

#[derive(Clone, Copy)]
enum Module<'a> {
    View(&'a View),
    Function(&'a Function),
}

struct Item<'a> {
    module: Module<'a>,
    fate: Fate,
}

/// What becomes of a view or function.
enum Fate {
    /// Not decided; why it did not translate, if that was tried.
    Open(Option<String>),
    Made,
    LeftOut(LeftOut),
}

/// Whether it is time to translate one.
enum Standing {
    /// All that it needs is made.
    Ready,
    /// For another that is not decided.
    Waiting,
    Blocked(LeftOut),
}

impl<'a> Modules<'a> {
    /// All that the job may ask for.
    pub(in crate::plan) fn new(sources: &Sources<'a>) -> Self {
        let (database, options) = (sources.database, &sources.job.schema);
        let mut items = Vec::new();
        for function in &database.functions {
            let fate = match options.functions {
                Functions::None => {
                    Fate::LeftOut(LeftOut::for_other_reasons("schema.functions is none"))
                }
                Functions::Needed | Functions::Try => Fate::Open(None),
            };
            let module = Module::Function(function);
            items.push(Item { module, fate });
        }
        for view in &database.views {
            let fate = match options.views {
                Views::None => Fate::LeftOut(LeftOut::for_other_reasons("schema.views is none")),
                Views::Try => Fate::Open(None),
            };
            let module = Module::View(view);
            items.push(Item { module, fate });
        }
        let places = items.iter().enumerate();
        let places = places.map(|(at, item)| (item.module.full_name(), at));
        Self {
            places: places.collect(),
            items,
            planned: PlannedModules::default(),
        }
    }

    /// Translates the functions that read no table, which columns and constraints may call.
    pub(in crate::plan) fn before_tables(&mut self, sources: &Sources<'a>, names: &mut Names) {
        let early = |module: Module<'_>| matches!(module, Module::Function(function) if function.reads.is_empty());
        while self.pass(sources, names, early) {}
        for item in &self.items {
            let (Module::Function(function), why) = (item.module, &item.fate) else {
                continue;
            };
            let why = match why {
                Fate::Made => continue,
                Fate::LeftOut(why) => why.reason(),
                Fate::Open(Some(reason)) => reason.clone(),
                Fate::Open(None) => "it reads tables, which are made before it".to_owned(),
            };
            names.add_uncallable(&function.full_name(), &why);
        }
    }

    /// Translates the rest, again and again as long as another one became possible, and says what is
    /// left out.
    pub(in crate::plan) fn after_tables(
        mut self,
        sources: &Sources<'a>,
        names: &mut Names,
    ) -> PlannedModules {
        names.tables_are_known();
        loop {
            while self.pass(sources, names, |_| true) {}
            if !self.give_up() {
                break;
            }
        }
        let planned = &mut self.planned;
        for item in &self.items {
            let Fate::LeftOut(why) = &item.fate else {
                continue;
            };
            let name = item.module.full_name();
            if item.module.is_asked_for(sources) {
                let remarks = omitted(item.module, sources, why);
                planned.remarks.push((name, remarks));
            } else if matches!(item.module, Module::Function(_)) {
                planned.untranslated_functions.push((name, why.reason()));
            }
        }
        self.planned
    }

    /// Leaves out those that did not translate, or else those that wait for each other, now that nothing is
    /// to come; whether there were any.
    fn give_up(&mut self) -> bool {
        let untranslated = |item: &Item<'_>| matches!(item.fate, Fate::Open(Some(_)));
        let any = self.items.iter().any(untranslated);
        let mut gave_up = false;
        for item in &mut self.items {
            let Fate::Open(reason) = &mut item.fate else {
                continue;
            };
            let reason = match reason.take() {
                Some(reason) => reason,
                None if any => continue,
                None => "it needs what needs it".to_owned(),
            };
            item.fate = Fate::LeftOut(LeftOut::untranslated(&reason));
            gave_up = true;
        }
        gave_up
    }

    /// Decides what can be decided of those of a kind; whether that was anything.
    fn pass(
        &mut self,
        sources: &Sources<'a>,
        names: &mut Names,
        of_kind: impl Fn(Module<'_>) -> bool,
    ) -> bool {
        let mut moved = false;
        for at in 0..self.items.len() {
            let module = self.items[at].module;
            if !matches!(self.items[at].fate, Fate::Open(_)) || !of_kind(module) {
                continue;
            }
            let fate = match self.standing(module, sources, names) {
                Standing::Waiting => continue,
                Standing::Blocked(why) => Fate::LeftOut(why),
                Standing::Ready => match self.translate(module, sources, names) {
                    Ok(()) => Fate::Made,
                    // If the catalog does not tell what it reads, that may still be to come.
                    Err(reason) if !module.is_described() || !names.has_tables() => {
                        self.items[at].fate = Fate::Open(Some(reason));
                        continue;
                    }
                    Err(reason) => Fate::LeftOut(LeftOut::untranslated(&reason)),
                },
            };
            self.items[at].fate = fate;
            moved = true;
        }
        moved
    }

    /// Looks at everything that the catalog says it reads or calls. Itself does not count: a
    /// recursive function is the translator's to refuse.
    fn standing(&self, module: Module<'_>, sources: &Sources<'_>, names: &Names) -> Standing {
        let mut standing = Standing::Ready;
        let own = module.full_name();
        let (reads, calls) = module.needs();
        let reads = reads.iter().map(|name| (name, "reads"));
        for (name, verb) in reads.chain(calls.iter().map(|name| (name, "calls"))) {
            if *name == own {
                continue;
            }
            let Some(at) = self.places.get(name) else {
                match obstacle(name, sources, names) {
                    Some(why) if names.has_tables() => return Standing::Blocked(why),
                    _ => continue,
                }
            };
            let item = &self.items[*at];
            match &item.fate {
                Fate::Made => {}
                Fate::Open(_) => standing = Standing::Waiting,
                Fate::LeftOut(why) => {
                    return Standing::Blocked(why.passed_on(verb, &item.module.called()));
                }
            }
        }
        standing
    }

    /// # Errors
    /// Why it does not translate, as a fragment.
    fn translate(
        &mut self,
        module: Module<'a>,
        sources: &Sources<'a>,
        names: &mut Names,
    ) -> Result<(), String> {
        let mut remarks = Remarks::default();
        match module {
            Module::View(view) => {
                let plan = view::plan(view, sources, names, &mut remarks)?;
                self.planned.views.push(plan);
                self.planned.remarks.push((view.full_name(), remarks));
            }
            Module::Function(function) => {
                let mut plan = function::plan(function, sources, names, &mut remarks)?;
                plan.after_views = names.has_tables().then_some(self.planned.views.len());
                self.planned.functions.push(plan);
                let remarks = (function.full_name(), remarks);
                self.planned.on_functions.push(remarks);
            }
        }
        Ok(())
    }
}

impl Module<'_> {
    fn full_name(self) -> String {
        match self {
            Self::View(view) => view.full_name(),
            Self::Function(function) => function.full_name(),
        }
    }

    /// `view dbo.ActiveOrders`.
    fn called(self) -> String {
        match self {
            Self::View(view) => format!("view {}", view.full_name()),
            Self::Function(function) => format!("function {}", function.full_name()),
        }
    }

    /// What it reads, and what it calls.
    fn needs(&self) -> (&[String], &[String]) {
        match self {
            Self::View(view) => (&view.reads, &view.calls),
            Self::Function(function) => (&function.reads, &function.calls),
        }
    }

    /// The catalog tells what it needs.
    fn is_described(self) -> bool {
        let (reads, calls) = self.needs();
        !reads.is_empty() || !calls.is_empty()
    }

    /// The job wants it for its own sake.
    fn is_asked_for(self, sources: &Sources<'_>) -> bool {
        let options = &sources.job.schema;
        match self {
            Self::View(_) => options.views == Views::Try,
            Self::Function(_) => options.functions == Functions::Try,
        }
    }
}

/// As untranslated if its own text is at fault, else as one that waits for another.
fn omitted(module: Module<'_>, sources: &Sources<'_>, why: &LeftOut) -> Remarks {
    let mut remarks = Remarks::default();
    let (object, text) = match module {
        Module::View(view) => (format!("view {}", view.name), &view.definition),
        Module::Function(one) => (format!("function {}", one.name), &one.definition),
    };
    match text {
        Some(text) if why.is_untranslated() => {
            remarks.untranslated(sources.job, object, &why.reason(), text);
        }
        Some(text) => remarks.dependent(sources.job, object, &why.reason(), text),
        None => remarks.omit(object, HIDDEN),
    }
    remarks
}

#[cfg(test)]
mod tests;
