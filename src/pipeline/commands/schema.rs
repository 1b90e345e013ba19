//! Shows the whole DDL of a job, in an order that runs.
//!
//! Statements come from `postgres::ddl`, as in a run. What differs from a run: tables are made
//! LOGGED at once, and PostgreSQL is taken to be of version 15 or later.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use crate::config::job::Job;
use crate::error::Result;
use crate::mssql::pool::SourcePool;
use crate::pipeline::connections::{open_source, source_endpoint};
use crate::pipeline::options::RunOptions;
use crate::pipeline::shutdown::drop_on_stop;
use crate::pipeline::survey::{self, omissions};
use crate::plan::build::Planned;
use crate::plan::object::{CheckPlan, ForeignKeyPlan};
use crate::plan::table::TablePlan;
use crate::postgres::ddl;
use crate::report::schema::{SchemaReport, SchemaSection, Statement};

const STOPPED: &str = "stopped while planning";

/// Gives the whole DDL that a run would send, and changes nothing. Needs the target only if a type depends
/// on its extensions.
///
/// # Errors
/// The servers cannot be asked, or a table cannot be planned.
pub async fn schema(
    job: &Job,
    options: &RunOptions,
    cancel: CancellationToken,
) -> Result<SchemaReport> {
    let source = drop_on_stop(&cancel, STOPPED, open_source(job)).await?;
    let planned = plan_schema(job, options, &source);
    let planned = drop_on_stop(&cancel, STOPPED, planned).await;
    source.close().await;
    planned
}

/// # Errors
/// The catalog cannot be read, or a table cannot be planned.
async fn plan_schema(job: &Job, options: &RunOptions, source: &SourcePool) -> Result<SchemaReport> {
    let database = survey::read_catalog(job, source).await?;
    let types = survey::types_for_plan(&database, job).await?;
    let survey = survey::plan_from(database, job, options, types)?;
    Ok(SchemaReport {
        job: job.name.clone(),
        source: source_endpoint(job, &survey.database),
        // What a run makes UNLOGGED it makes LOGGED at its end.
        parts: parts(&survey.planned, false),
        omissions: omissions(&survey.planned),
    })
}

/// The statements by what they make, in an order that runs; parts without statements are left out. The text
/// is for PostgreSQL 15 and later.
fn parts(planned: &Planned, unlogged: bool) -> Vec<SchemaSection> {
    let all = [
        ("schemas", schemas(planned)),
        ("collations", collations(planned)),
        ("domains", domains(planned)),
        ("sequences", sequences(planned)),
        ("helper functions", helpers(planned)),
        ("functions", functions(planned)),
        ("tables", tables(planned, unlogged)),
        ("sequences of columns", each(planned, ddl::counters)),
        ("primary keys", each(planned, primary_key)),
        ("unique constraints and indexes", each(planned, indexes)),
        ("checks", each(planned, checks)),
        ("triggers", each(planned, triggers)),
        ("foreign keys", each(planned, foreign_keys)),
        ("comments", each(planned, ddl::comments)),
        ("views", views(planned)),
    ];
    let filled = all.into_iter().filter(|(_, made)| !made.is_empty());
    filled
        .map(|(title, statements)| SchemaSection { title, statements })
        .collect()
}

fn statement(of: &str, sql: String) -> Statement {
    Statement {
        of: of.to_owned(),
        notes: Vec::new(),
        sql,
    }
}

/// Every schema that something is made in, once each.
fn schemas(planned: &Planned) -> Vec<Statement> {
    let tables = planned.tables.iter().map(|table| &table.target.schema);
    let sequences = planned.sequences.iter().map(|one| &one.target.schema);
    let views = planned.views.iter().map(|view| &view.target.schema);
    let domains = planned.domains.iter().map(|one| &one.target.schema);
    let functions = planned.functions.iter().map(|one| &one.target.schema);
    let helpers = planned.helpers.iter().map(|one| &one.target.schema);
    let collations = planned.collations.iter().map(|one| &one.schema);
    let all = tables.chain(sequences).chain(views).chain(domains);
    let all = all.chain(functions).chain(helpers).chain(collations);
    let all: BTreeSet<_> = all.collect();
    all.into_iter()
        .map(|schema| statement("", ddl::create_schema(schema)))
        .collect()
}

fn collations(planned: &Planned) -> Vec<Statement> {
    let all = planned.collations.iter();
    all.map(|one| statement(&one.source, ddl::collation(one)))
        .collect()
}

fn domains(planned: &Planned) -> Vec<Statement> {
    let all = planned.domains.iter();
    all.map(|one| statement(&one.source, ddl::domain(one)))
        .collect()
}

fn sequences(planned: &Planned) -> Vec<Statement> {
    let all = planned.sequences.iter();
    all.map(|one| statement(&one.source, ddl::sequence(one)))
        .collect()
}

fn tables(planned: &Planned, unlogged: bool) -> Vec<Statement> {
    let tables = planned.tables.iter();
    tables
        .map(|plan| Statement {
            of: plan.full_name(),
            notes: plan.notes.clone(),
            sql: ddl::create_table(plan, unlogged),
        })
        .collect()
}

fn helpers(planned: &Planned) -> Vec<Statement> {
    let all = planned.helpers.iter();
    all.map(|one| statement(&one.of, one.statement.clone()))
        .collect()
}

/// Those that read no table, which tables may call.
pub(super) fn functions(planned: &Planned) -> Vec<Statement> {
    let early = planned.functions.iter();
    early
        .filter(|function| function.after_views.is_none())
        .map(|function| statement(&function.source, ddl::function(function)))
        .collect()
}

/// With the functions that read tables, each where what it reads is there.
pub(super) fn views(planned: &Planned) -> Vec<Statement> {
    let mut all = Vec::new();
    for place in 0..=planned.views.len() {
        let functions = planned.functions.iter();
        let now = functions.filter(|function| function.after_views == Some(place));
        all.extend(now.map(|function| statement(&function.source, ddl::function(function))));
        if let Some(view) = planned.views.get(place) {
            let statements = ddl::view_statements(view).into_iter();
            all.extend(statements.map(|sql| statement(&view.source, sql)));
        }
    }
    all
}

/// The statements of every table, each under its table's name.
fn each(planned: &Planned, of: impl Fn(&TablePlan) -> Vec<String>) -> Vec<Statement> {
    let mut all = Vec::new();
    for plan in &planned.tables {
        let name = plan.full_name();
        all.extend(of(plan).into_iter().map(|sql| statement(&name, sql)));
    }
    all
}

fn primary_key(plan: &TablePlan) -> Vec<String> {
    ddl::primary_key(plan).into_iter().collect()
}

/// Unique constraints are among them.
fn indexes(plan: &TablePlan) -> Vec<String> {
    let indexes = plan.objects.indexes.iter();
    indexes
        .map(|index| ddl::index(&plan.target, &index.name, index, ddl::NULLS_NOT_DISTINCT))
        .collect()
}

/// Each is added NOT VALID and then validated, if the source vouches for its rows.
fn checks(plan: &TablePlan) -> Vec<String> {
    let both = |check: &CheckPlan| {
        let make = ddl::check_constraint(&plan.target, &check.name, check);
        let validate = check
            .valid
            .then(|| ddl::validate(&plan.target, &check.name));
        std::iter::once(make).chain(validate)
    };
    plan.objects.checks.iter().flat_map(both).collect()
}

fn triggers(plan: &TablePlan) -> Vec<String> {
    let triggers = plan.objects.triggers.iter();
    let all = triggers.flat_map(|trigger| ddl::trigger(&plan.target, trigger));
    all.collect()
}

/// As the checks: adding a key without reading rows keeps its lock short.
fn foreign_keys(plan: &TablePlan) -> Vec<String> {
    let both = |key: &ForeignKeyPlan| {
        let make = ddl::foreign_key(&plan.target, key);
        let validate = key.valid.then(|| ddl::validate(&plan.target, &key.name));
        std::iter::once(make).chain(validate)
    };
    plan.objects.foreign_keys.iter().flat_map(both).collect()
}
