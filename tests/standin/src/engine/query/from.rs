//! FROM: tables, catalog views, derived tables and joins.

use std::sync::Arc;

use sqlparser::ast::{self, TableFactor};

use crate::engine::catalog;
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::eval::plan::Plan;
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::object::{Body, Module};
use crate::engine::model::security::Securable;
use crate::engine::model::state::Database;
use crate::engine::model::table::Table;
use crate::engine::parse::tokens::Tokens;
use crate::engine::query::bind::{Binder, Output, Source};
use crate::engine::query::source::{
    clause, full_scan, is_hint, name_of, named, outputs, rename, table_outputs,
};
use crate::engine::query::{memory, module, series, tablesample};

impl Binder<'_> {
    pub(super) fn factor(&mut self, factor: &TableFactor, start: usize) -> Result<(Plan, usize)> {
        if let Some(found) = self.expanded(factor, start)? {
            return Ok(found);
        }
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                version: None,
                sample,
                with_hints,
                ..
            } => {
                let name = name_of(name)?;
                let mut how = How {
                    sample: sample.as_ref().map(clause),
                    hints: with_hints.iter().map(ToString::to_string).collect(),
                };
                if let Some(args) = args {
                    if name.schema.is_none() && same_name(&name.name, "GENERATE_SERIES") {
                        if how.sample.is_some() {
                            return Err(tablesample::only_tables());
                        }
                        return self.series(&args.args, alias.as_ref(), start);
                    }
                    let hint = args.args.iter().all(|a| is_hint(&a.to_string()));
                    how.hints.extend(args.args.iter().map(ToString::to_string));
                    if let Some(found) = self.catalog_function(&name, &args.args)? {
                        let mut columns = outputs(&found.columns);
                        if let Some(alias) = alias {
                            rename(&mut columns, alias);
                        }
                        let called = alias.as_ref().map_or(&name.name, |a| &a.name.value).clone();
                        let width = columns.len();
                        self.enter(called, None, columns, start);
                        return Ok((Plan::Rows(Arc::new(found.rows)), width));
                    }
                    if !hint || self.is_table_function(&name) {
                        return self.table_function(&name, &args.args, alias.as_ref(), start);
                    }
                }
                self.table(name, alias.as_ref(), &how, start)
            }
            TableFactor::Derived {
                sample: Some(_), ..
            } => Err(tablesample::only_tables()),
            TableFactor::Derived {
                subquery, alias, ..
            } => {
                // It sees the enclosing query's rows, but not its neighbours in this FROM.
                let (plan, mut columns, correlated) = self.subquery_in_place(subquery)?;
                if correlated {
                    self.scope().uses_outer = true;
                }
                let Some(alias) = alias else {
                    return Err(syntax(")"));
                };
                named(&mut columns, alias)?;
                let width = columns.len();
                self.enter(alias.name.value.clone(), None, columns, start);
                Ok((plan, width))
            }
            TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => self.turned(factor, start),
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => self.joined(table_with_joins, start),
            other => Err(unsupported(format!("the table source '{other}'"))),
        }
    }

    fn catalog_function(
        &mut self,
        name: &Name,
        args: &[ast::FunctionArg],
    ) -> Result<Option<catalog::View>> {
        let mut values = Vec::new();
        for arg in args {
            let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) = arg else {
                return Ok(None);
            };
            match self.constant(expr) {
                Ok((value, _)) => values.push(value),
                Err(_) => return Ok(None),
            }
        }
        catalog::function(self.facts, name, &values)
    }

    fn series(
        &mut self,
        args: &[ast::FunctionArg],
        alias: Option<&ast::TableAlias>,
        start: usize,
    ) -> Result<(Plan, usize)> {
        let (plan, mut columns) = series::bind(self, args)?;
        let called = alias
            .map_or("GENERATE_SERIES", |a| &a.name.value)
            .to_owned();
        if let Some(alias) = alias {
            rename(&mut columns, alias);
        }
        let width = columns.len();
        self.enter(called, None, columns, start);
        Ok((plan, width))
    }

    pub(super) fn enter(
        &mut self,
        alias: String,
        name: Option<Name>,
        columns: Vec<Output>,
        start: usize,
    ) {
        self.scope().sources.push(Source {
            alias,
            name,
            columns,
            start,
        });
    }

    /// Binds a view's query apart from the query around it.
    fn view(&self, view: &Module, name: &Name) -> Result<(Plan, Vec<Output>)> {
        match &view.body {
            Body::Query(query) => {
                let database = self.facts.database_of(name)?;
                let schema = database.schema_name(view.schema_id).unwrap_or("dbo");
                let inside = self.facts.within(database)?;
                let (plan, columns) = module::query(&inside, schema, &[], query)?;
                module::recorded(view, plan, columns)
            }
            Body::Refused(e) => Err(unsupported(format!(
                "reading the view '{}' ({})",
                view.name, e.message
            ))),
            Body::Expression(_) | Body::Statements(_) | Body::None => {
                Err(crate::engine::error::invalid_object(&view.name))
            }
        }
    }

    /// What a synonym stands for; any other name stands for itself.
    pub(super) fn target(&self, name: &Name) -> Name {
        let synonym = self.facts.database_of(name).ok().and_then(|d| {
            let id = d.object_id(name.schema.as_deref().unwrap_or("dbo"), &name.name)?;
            d.synonyms.get(&id)
        });
        synonym
            .and_then(|s| Tokens::new(&s.target).ok()?.name().ok())
            .unwrap_or_else(|| name.clone())
    }

    /// A table's columns with what this user may not read of them, and what masks the others.
    fn permitted(&self, database: &Database, table: &Table) -> Result<Vec<Output>> {
        let mut columns = table_outputs(table);
        let rights = self.facts.rights(database);
        if rights.owner() {
            return Ok(columns);
        }
        let schema = database.schema_name(table.schema_id).unwrap_or_default();
        let place = format!(
            "the object '{}', database '{}', schema '{schema}'.",
            table.name, database.name
        );
        let may = |on| self.trusted || rights.may("SELECT", on);
        let column = |id| Securable::Column(table.object_id, id);
        if !may(Securable::Object(table.object_id))
            && !table.columns.iter().any(|c| may(column(c.id)))
        {
            let message = format!("The SELECT permission was denied on {place}");
            return Err(error(229, 14, message));
        }
        for (output, c) in columns.iter_mut().zip(table.columns.iter()) {
            if !may(column(c.id)) {
                let message = format!(
                    "The SELECT permission was denied on the column '{}' of {place}",
                    c.name
                );
                output.denied = Some(error(230, 14, message));
            }
            if !rights.unmasks(table.object_id, c.id) {
                output.mask.clone_from(&c.mask);
            }
        }
        Ok(columns)
    }

    fn table(
        &mut self,
        name: Name,
        alias: Option<&ast::TableAlias>,
        how: &How<'_>,
        start: usize,
    ) -> Result<(Plan, usize)> {
        let sample = how.sample;
        let called = alias.map_or_else(|| name.name.clone(), |a| a.name.value.clone());
        let common = self
            .tables
            .iter()
            .rev()
            .find(|t| name.schema.is_none() && same_name(&t.name, &name.name));
        let name = if common.is_some() {
            name
        } else {
            self.at_home(&name)
        };
        let base = self.target(&name);
        let (plan, mut columns) = if let Some(common) = common {
            if sample.is_some() {
                return Err(tablesample::only_tables());
            }
            (common.plan.clone(), common.columns.clone())
        } else if let Some(view) = catalog::view(self.facts, &name)? {
            if sample.is_some() {
                return Err(tablesample::only_local());
            }
            (Plan::Rows(Arc::new(view.rows)), outputs(&view.columns))
        } else if let Some(view) = self.facts.view(&base).cloned() {
            if sample.is_some() {
                return Err(tablesample::only_local());
            }
            self.view(&view, &base)?
        } else {
            let (database, table) = self.facts.table(&base)?;
            if table.external {
                return Err(unsupported(format!("reading the external table '{name}'")));
            }
            memory::check(self.facts, table, &how.hints, sample.is_some())?;
            let plan = match sample {
                Some(clause) => Plan::Sample(Box::new(tablesample::bind(table, clause)?)),
                None => full_scan(table),
            };
            let plan = self.let_through(plan, database, table)?;
            (plan, self.permitted(database, table)?)
        };
        if let Some(alias) = alias {
            rename(&mut columns, alias);
        }
        let width = columns.len();
        let schema = Name {
            schema: Some(name.schema.clone().unwrap_or_else(|| "dbo".to_owned())),
            ..name
        };
        self.enter(called, Some(schema), columns, start);
        Ok((plan, width))
    }
}

/// What is said of a table beside its name.
struct How<'a> {
    sample: Option<&'a ast::TableSample>,
    hints: Vec<String>,
}
