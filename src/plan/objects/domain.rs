//! Domains for columns of alias types, if the job asks for them (`types: domain`).
//!
//! An alias type (`CREATE TYPE dbo.Phone FROM varchar(20)`) is its base type by default. A domain
//! keeps the name visible; NULL is said at each column, as T-SQL does.

use std::collections::BTreeMap;

use crate::config::job::Job;
use crate::error::Result;
use crate::plan::object::DomainPlan;
use crate::plan::objects::context::{Context, Remarks};
use crate::plan::table::{ColumnPlan, TablePlan};
use crate::plan::types;
use tsql::names::{self, TargetName};
use tsql::schema::Table;
use tsql::schema::objects::AliasType;

/// Gives the columns their domains, and says what became of every alias type.
///
/// # Errors
/// A name that PostgreSQL cannot have.
pub(super) fn fill(
    table: &Table,
    columns: &mut [ColumnPlan],
    context: &Context<'_>,
    remarks: &mut Remarks,
) -> Result<()> {
    let override_ = context.job.table_override(&table.full_name());
    for column in columns {
        let name = &column.source.name;
        let Some(alias) = &column.source.extras.alias else {
            continue;
        };
        let of_alias = format!("column {name}: of the alias type {}", alias.full_name());
        if !types::wants_domain(&column.source, override_, context.job) {
            let note = format!("{of_alias}, made as its base type");
            remarks.notes.push(note);
            continue;
        }
        if column.identity.is_some() {
            remarks.notes.push(format!(
                "{of_alias}, made as its base type, because PostgreSQL allows no identity on a domain"
            ));
            continue;
        }
        let domain = target(alias, context.job).map_err(|error| error.at_column(name))?;
        let note = format!("{of_alias}, made as domain {}", names::qualified(&domain));
        remarks.notes.push(note);
        column.clauses.domain = Some(domain);
    }
    Ok(())
}

/// The domain's name, by the rules for tables, since both are types of a schema.
fn target(alias: &AliasType, job: &Job) -> Result<TargetName> {
    let mapped = job.target.schemas.get(&alias.schema).map(String::as_str);
    let schema = names::target_schema(&alias.schema, mapped, job.schema.names)?;
    Ok(TargetName {
        schema,
        table: names::target(&alias.name, job.schema.names)?.text,
    })
}

/// Every domain that the tables need, each once.
pub(in crate::plan) fn used(tables: &[TablePlan]) -> Vec<DomainPlan> {
    let columns = tables.iter().flat_map(TablePlan::all_columns);
    let domains = columns.filter_map(|column| {
        let alias = column.source.extras.alias.as_ref()?;
        let plan = DomainPlan {
            source: alias.full_name(),
            target: column.clauses.domain.clone()?,
            ty: column.target_type.clone(),
        };
        Some((plan.source.clone(), plan))
    });
    domains.collect::<BTreeMap<_, _>>().into_values().collect()
}
