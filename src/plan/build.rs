//! Builds the plan of all tables from the source's schema and the job.
//!
//! `pipeline::survey` calls it, once in a run. Pure: the same catalog and job give the same plan,
//! so a continued run decides as the first one did, and what an earlier run recorded can be
//! compared with it. The order of the steps below is that of what they need: names of sequences and
//! of functions without tables before columns and constraints, which may use them; tables before
//! views; names of objects last, when all objects are known.

use crate::config::job::{Job, NameStyle, TableOverride};
use crate::error::{Error, Kind, Result};
use crate::plan::access;
use crate::plan::column_policies;
use crate::plan::columns::{self, ColumnRules};
use crate::plan::function::{FunctionPlan, HelperPlan};
use crate::plan::inventory::{Functions, inventory};
use crate::plan::limits;
use crate::plan::object::{CollationPlan, DomainPlan, SequencePlan, TableObjects};
use crate::plan::objects::{self, Context, Modules, Names, Remarks, Sources};
use crate::plan::page;
use crate::plan::selection::Selection;
use crate::plan::strategy::{self, Circumstances};
use crate::plan::table::{Omission, PrimaryKey, TablePlan, TargetName};
use crate::plan::types;
use crate::plan::unknown;
use crate::plan::view::ViewPlan;
use tsql::names;
use tsql::schema::inventory::InventoryKind;
use tsql::schema::{Database, IndexRole, Table};
use tsql::typemap::TargetTypes;

/// How a message names what a domain is made for; no table's name has it in front.
const ALIAS: &str = "alias type ";

/// The plan of every selected table, and the tables that the job's filter leaves out.
#[derive(Debug, Default)]
pub struct Planned {
    /// Tables that are moved, in the catalog's order.
    pub tables: Vec<TablePlan>,
    /// Full names.
    pub skipped: Vec<String>,
    /// ICU collations that columns or expressions use, each once in a schema; made before the
    /// tables.
    pub collations: Vec<CollationPlan>,
    /// Domains for alias types, made before the tables.
    pub domains: Vec<DomainPlan>,
    /// Sequence objects, made before the tables, because defaults may use them.
    pub sequences: Vec<SequencePlan>,
    /// In an order in which each can be made.
    pub views: Vec<ViewPlan>,
    /// In an order in which each can be made.
    pub functions: Vec<FunctionPlan>,
    /// Functions of the tool that the expressions and views above call.
    pub helpers: Vec<HelperPlan>,
    /// Functions of the kinds that may translate and do not, each with the reason.
    pub untranslated_functions: Vec<(String, String)>,
    /// What is left out beside the tables, by the full name of what it belongs to.
    pub omissions: Vec<(String, Omission)>,
    /// On sequences, views and the source as a whole.
    pub notes: Vec<String>,
    /// What is never made, by kind.
    pub inventory: Vec<InventoryKind>,
}

impl Planned {
    /// Gives what earlier runs made the names that they gave it, and the rest names beside those: a
    /// table that came to the source since must not take one that is in use.
    pub fn keep_names(&mut self, former: &[&TablePlan], style: NameStyle) {
        let (sequences, views) = (&self.sequences, &mut self.views);
        objects::name_all(&mut self.tables, sequences, views, style, former);
    }

    /// Takes out what is said of a table, or of all, for the second time.
    fn say_once(&mut self) {
        for table in &mut self.tables {
            once(&mut table.notes);
            once(&mut table.omissions);
        }
        once(&mut self.notes);
        once(&mut self.omissions);
    }

    /// Adds remarks on objects that belong to no table.
    fn take(&mut self, remarks: Vec<(String, Remarks)>) {
        for (owner, remarks) in remarks {
            let omissions = remarks.omissions.into_iter();
            self.omissions
                .extend(omissions.map(|omission| (owner.clone(), omission)));
            self.notes.extend(remarks.notes);
        }
    }
}

/// Keeps the first of those that are equal.
fn once<T: PartialEq>(list: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::with_capacity(list.len());
    for one in list.drain(..) {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    *list = kept;
}

/// Plans all tables.
///
/// # Errors
/// Every problem of every table at once: unsupported types, names that collide, overrides that
/// name what is not there.
pub fn build(database: &Database, job: &Job, target: TargetTypes) -> Result<Planned, Vec<Error>> {
    match attempt(database, job, target) {
        (planned, problems) if problems.is_empty() => Ok(planned),
        (_, problems) => Err(problems),
    }
}

/// As [`build`], with what can be planned beside every problem. A problem without a table as its
/// place is the job's as a whole.
/// `check` and `plan` use it to show everything at once; a run needs [`build`].
pub fn attempt(database: &Database, job: &Job, target: TargetTypes) -> (Planned, Vec<Error>) {
    let mut planned = Planned::default();
    planned.notes.extend(access::unknown(database));
    let mut problems = unknown::unknown_overrides(database, job);
    problems.extend(types::unknown(job));
    let selection = Selection::new(&job.tables);
    let mut names = Names::new(database, job);
    // The names that expressions may use are filled step by step: sequences, functions that read no
    // table, then (below) tables and views.
    let sequences = objects::sequences(database, job, &mut names);
    let sources = Sources {
        database,
        job,
        target,
    };
    let mut modules = Modules::new(&sources);
    modules.before_tables(&sources, &mut names);
    let context = Context {
        database,
        job,
        names: &names,
        target,
    };
    for table in &database.tables {
        if !selection.includes(&table.full_name()) {
            planned.skipped.push(table.full_name());
            continue;
        }
        match plan_table(table, &context) {
            Ok(plan) => planned.tables.push(plan),
            Err(errors) => {
                problems.extend(
                    errors
                        .into_iter()
                        .map(|error| error.at_table(table.full_name())),
                );
            }
        }
    }
    problems.extend(unknown::unmatched_patterns(database, job));
    planned.sequences = sequences.made;
    planned.take(sequences.remarks);
    planned.domains = objects::domains(&planned.tables);
    // Foreign keys and triggers refer to other tables, so they need all tables planned.
    problems.extend(target_collisions(&planned));
    objects::foreign_keys(database, &mut planned.tables, job);
    objects::triggers(database, &mut planned.tables, job);
    planned.collations = objects::collations(&planned.tables);
    for plan in planned
        .tables
        .iter()
        .filter(|plan| is_whole(plan, database))
    {
        names.add_table(plan);
    }
    let modules = modules.after_tables(&sources, &mut names);
    (planned.views, planned.functions) = (modules.views, modules.functions);
    planned.untranslated_functions = modules.untranslated_functions;
    planned.take(modules.remarks);
    objects::keep_needed(&mut planned, &names, job.schema.functions);
    let mut remarks = modules.on_functions;
    remarks.retain(|(name, _)| planned.functions.iter().any(|one| one.source == *name));
    planned.take(remarks);
    let functions = Functions {
        made: &planned.functions,
        untranslated: &planned.untranslated_functions,
    };
    planned.inventory = inventory(database, job, functions);
    let (sequences, views) = (&planned.sequences, &mut planned.views);
    objects::name_all(&mut planned.tables, sequences, views, job.schema.names, &[]);
    // After the names, because `without` may give an object's name on the target.
    problems.extend(objects::leave_out(database, &mut planned.tables, job));
    planned.say_once();
    (planned, problems)
}

/// Every column of the table is there for a view to read.
fn is_whole(plan: &TablePlan, database: &Database) -> bool {
    let of = |table: &&Table| table.schema == plan.schema && table.name == plan.name;
    let table = database.tables.iter().find(of);
    table.is_some_and(|table| table.columns.len() == plan.all_columns().count())
}

/// The plan of one table, but for foreign keys, triggers and the names of its objects.
///
/// # Errors
/// Every problem of the table. Those of its columns name the column; the caller adds the table.
fn plan_table(table: &Table, context: &Context<'_>) -> Result<TablePlan, Vec<Error>> {
    let job = context.job;
    let override_ = job.table_override(&table.full_name());
    let override_ = limits::without_patterns(table, override_.cloned().unwrap_or_default());
    let mut remarks = Remarks::default();
    let override_ = &access::without_denied(table, override_, &mut remarks);
    let mut problems = unknown::unknown_columns(table, override_);
    problems.extend(column_policies::without_text(table, override_));
    let target = target_name(table, override_, job).map_err(|error| vec![error])?;
    problems.extend(access::refused(table, override_, &mut remarks));
    let notes = &mut remarks.notes;
    let rules = ColumnRules {
        job,
        override_,
        target: context.target,
    };
    let mut columns = columns::plan_columns(table, &rules, notes, &mut problems);
    problems.extend(limits::too_many_columns(table, columns.len()));
    let generated =
        objects::columns(table, &mut columns, context, &mut remarks).unwrap_or_else(|error| {
            problems.push(error);
            Vec::new()
        });
    if columns.is_empty() && problems.is_empty() {
        problems.push(
            Error::new(Kind::Unsupported, "no column is left to copy").advise(
                "keep a column (tables.overrides.<table>.columns.exclude leaves all of them out), or leave the \
                 table out (tables.exclude).",
            ),
        );
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if target.shortened {
        remarks.notes.push(format!(
            "name shortened to {} (PostgreSQL keeps 63 bytes)",
            target.name.table
        ));
    }
    let mut not_read = override_.exclude_columns.clone();
    not_read.extend(generated.iter().map(|column| column.source.name.clone()));
    let choice = strategy::choose(
        table,
        &Circumstances {
            transfer: &job.transfer,
            frozen: context.database.frozen,
            excluded: &not_read,
            partitions: override_.partitions,
        },
    );
    remarks.notes.extend(choice.reason);
    columns::key_columns_first(&mut columns, &choice.strategy, table);
    let mut plan = TablePlan {
        schema: table.schema.clone(),
        name: table.name.clone(),
        target: target.name,
        columns,
        generated,
        primary_key: None,
        strategy: choice.strategy,
        wanted_partitions: choice.partitions,
        dense_partitions: choice.partitions,
        estimated_rows: table.estimated_rows,
        estimated_bytes: table.estimated_bytes,
        filter: override_.filter.clone(),
        memory_optimized: table.memory_optimized,
        filtered_by_policy: table.filtered_by_policy,
        objects: TableObjects::default(),
        omissions: Vec::new(),
        notes: Vec::new(),
    };
    // Only such a key can be cut by its two ends; for others the second number would be a promise
    // of partitions that a sample is then asked for.
    if plan.may_be_dense() && plan.commits_midway() {
        plan.dense_partitions = choice.dense_partitions;
    }
    plan.primary_key = primary_key(table, &plan, &mut remarks);
    plan.objects = objects::table(table, &plan, context, &mut remarks);
    remarks.notes.extend(page::note(&plan));
    plan.omissions = remarks.omissions;
    plan.notes = remarks.notes;
    Ok(plan)
}

/// A table's name on the target, and whether it lost characters, which the plan says in a note.
struct Named {
    name: TargetName,
    shortened: bool,
}

/// A rename by the job is taken as written; other names are put into the job's style and shortened.
fn target_name(table: &Table, override_: &TableOverride, job: &Job) -> Result<Named> {
    let mapped = job.target.schemas.get(&table.schema).map(String::as_str);
    let schema = names::target_schema(&table.schema, mapped, job.schema.names)?;
    match &override_.rename {
        Some(rename) => {
            let table = names::given(rename)?;
            Ok(Named {
                name: TargetName { schema, table },
                shortened: false,
            })
        }
        None => {
            let name = names::target(&table.name, job.schema.names)?;
            Ok(Named {
                name: TargetName {
                    schema,
                    table: name.text,
                },
                shortened: name.shortened,
            })
        }
    }
}

/// The primary key under target names; left out, visibly, if one of its columns is excluded.
fn primary_key(table: &Table, plan: &TablePlan, remarks: &mut Remarks) -> Option<PrimaryKey> {
    let index = table
        .indexes
        .iter()
        .find(|index| index.role == IndexRole::PrimaryKey)?;
    let target = |name: &str| plan.column(name);
    let names = index
        .key
        .iter()
        .map(|key| target(&key.column).map(|column| column.target_name.clone()))
        .collect::<Option<Vec<_>>>();
    objects::note_rounding(index, "the primary key", plan, remarks);
    if names.is_none() {
        let reason = "one of its columns is excluded by the job";
        remarks.omit(format!("primary key {}", index.name), reason);
    }
    Some(PrimaryKey {
        name: names::primary_key(&plan.target.table),
        columns: names?,
    })
}

/// Tables and sequences share one namespace on both sides. Domains share that of tables at the
/// target only, if each table is a type too.
fn target_collisions(planned: &Planned) -> Vec<Error> {
    let text = TargetName::to_string;
    let tables = planned.tables.iter();
    let mut names: Vec<_> = tables
        .map(|table| (table.full_name(), text(&table.target)))
        .collect();
    let sequences = planned.sequences.iter();
    names.extend(sequences.map(|sequence| (sequence.source.clone(), text(&sequence.target))));
    let domains = planned.domains.iter();
    names.extend(domains.map(|domain| {
        let source = format!("{ALIAS}{}", domain.source);
        (source, text(&domain.target))
    }));
    let pairs = names
        .iter()
        .map(|(source, target)| (source.as_str(), target.as_str()));
    names::collisions(pairs)
        .into_iter()
        .map(|collision| {
            let of_domain = [&collision.first, &collision.second]
                .into_iter()
                .any(|source| source.starts_with(ALIAS));
            let remedy = if of_domain {
                ": the columns of the alias type can have another type than `domain`"
            } else {
                ""
            };
            Error::new(
                Kind::Naming,
                format!(
                    "{} and {} would both become {}{remedy}",
                    collision.first, collision.second, collision.target
                ),
            )
        })
        .collect()
}
