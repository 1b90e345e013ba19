//! The whole DDL of a job, in an order that runs.

use std::collections::BTreeSet;

use crate::plan::build::Planned;
use crate::plan::object::{CheckPlan, ForeignKeyPlan};
use crate::plan::table::TablePlan;
use crate::postgres::ddl;
use crate::report::schema::{SchemaSection, Statement};

/// Parts without statements are left out. The text is for PostgreSQL 15 and later.
pub fn parts(planned: &Planned, unlogged: bool) -> Vec<SchemaSection> {
    let all = [
        ("schemas", schemas(planned)),
        ("collations", collations(planned)),
        ("domains", domains(planned)),
        ("sequences", sequences(planned)),
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

fn schemas(planned: &Planned) -> Vec<Statement> {
    let tables = planned.tables.iter().map(|table| &table.target.schema);
    let sequences = planned.sequences.iter().map(|one| &one.target.schema);
    let views = planned.views.iter().map(|view| &view.target.schema);
    let domains = planned.domains.iter().map(|one| &one.target.schema);
    let all = tables.chain(sequences).chain(views).chain(domains);
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

fn views(planned: &Planned) -> Vec<Statement> {
    let all = planned.views.iter();
    all.map(|view| statement(&view.source, ddl::view(view)))
        .collect()
}

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

fn indexes(plan: &TablePlan) -> Vec<String> {
    let indexes = plan.objects.indexes.iter();
    indexes
        .map(|index| ddl::index(&plan.target, &index.name, index, ddl::NULLS_NOT_DISTINCT))
        .collect()
}

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

fn foreign_keys(plan: &TablePlan) -> Vec<String> {
    let both = |key: &ForeignKeyPlan| {
        let make = ddl::foreign_key(&plan.target, key);
        let validate = key.valid.then(|| ddl::validate(&plan.target, &key.name));
        std::iter::once(make).chain(validate)
    };
    plan.objects.foreign_keys.iter().flat_map(both).collect()
}
