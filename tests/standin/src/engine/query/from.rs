//! FROM: tables, catalog views, derived tables and joins.

use std::sync::Arc;

use sqlparser::ast::{self, JoinConstraint, JoinOperator, TableFactor, TableWithJoins};

use crate::engine::catalog;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::plan::{Join, JoinKind, Plan};
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::object::{Body, Module};
use crate::engine::model::security::Securable;
use crate::engine::model::state::Database;
use crate::engine::model::table::Table;
use crate::engine::parse::tokens::Tokens;
use crate::engine::query::bind::{Binder, Output, Source};
use crate::engine::query::source::{
    clause, full_scan, is_hint, name_of, outputs, rename, shifted, split, table_outputs,
};
use crate::engine::query::{memory, series, tablesample};

impl Binder<'_> {
    /// Binds all of FROM; the sources enter the scope. Without FROM there is one empty row.
    pub(crate) fn from(&mut self, from: &[TableWithJoins]) -> Result<Plan> {
        let mut plan: Option<(Plan, usize)> = None;
        for item in from {
            let start = plan.as_ref().map_or(0, |(_, w)| *w);
            let (right, width) = self.joined(item, start)?;
            plan = Some(match plan {
                None => (right, width),
                Some((left, left_width)) => {
                    let join = Join {
                        left,
                        right,
                        kind: JoinKind::Inner,
                        condition: None,
                        equal: Vec::new(),
                        widths: (left_width, width),
                        lateral: false,
                    };
                    (Plan::Join(Box::new(join)), left_width + width)
                }
            });
        }
        Ok(plan.map_or(Plan::One, |(p, _)| p))
    }

    /// A table with its joins: plan and number of columns. Columns count from `start`.
    fn joined(&mut self, item: &TableWithJoins, start: usize) -> Result<(Plan, usize)> {
        let (mut plan, mut width) = self.factor(&item.relation, start)?;
        for join in &item.joins {
            let (kind, constraint) = match &join.join_operator {
                JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinKind::Inner, Some(c)),
                JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinKind::Left, Some(c)),
                JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinKind::Right, Some(c)),
                JoinOperator::FullOuter(c) => (JoinKind::Full, Some(c)),
                JoinOperator::CrossJoin(_) => (JoinKind::Inner, None),
                JoinOperator::CrossApply | JoinOperator::OuterApply => {
                    let kind = if matches!(join.join_operator, JoinOperator::OuterApply) {
                        JoinKind::Left
                    } else {
                        JoinKind::Inner
                    };
                    if start > 0 {
                        return Err(unsupported("APPLY after a comma in FROM"));
                    }
                    (plan, width) = self.apply(plan, width, &join.relation, kind)?;
                    continue;
                }
                other => return Err(unsupported(format!("the join {other:?}"))),
            };
            let (right, right_width) = self.factor(&join.relation, start + width)?;
            let condition = match constraint {
                Some(JoinConstraint::On(on)) => Some(self.condition(on)?),
                Some(JoinConstraint::None) | None => None,
                Some(other) => return Err(unsupported(format!("the join constraint {other:?}"))),
            };
            let widths = (width, right_width);
            let (equal, condition) = split(
                condition.map(|c| shifted(c, start)),
                width,
                width + right_width,
            );
            plan = Plan::Join(Box::new(Join {
                left: plan,
                right,
                kind,
                condition,
                equal,
                widths,
                lateral: false,
            }));
            width += right_width;
        }
        Ok((plan, width))
    }

    fn apply(
        &mut self,
        left: Plan,
        width: usize,
        relation: &TableFactor,
        kind: JoinKind,
    ) -> Result<(Plan, usize)> {
        let TableFactor::Derived {
            subquery,
            alias: Some(alias),
            ..
        } = relation
        else {
            return Err(unsupported(format!("APPLY of '{relation}'")));
        };
        // The right side sees the left's columns as those of an enclosing query.
        let (right, mut columns, _) = self.subquery(subquery)?;
        rename(&mut columns, alias);
        let right_width = columns.len();
        self.enter(alias.name.value.clone(), None, columns, width);
        let widths = (width, right_width);
        let join = Join {
            left,
            right,
            kind,
            condition: None,
            equal: Vec::new(),
            widths,
            lateral: true,
        };
        Ok((Plan::Join(Box::new(join)), width + right_width))
    }

    fn factor(&mut self, factor: &TableFactor, start: usize) -> Result<(Plan, usize)> {
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
                    if !hint {
                        return Err(unsupported(format!("the table-valued function '{name}'")));
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
                    return Err(crate::engine::error::syntax(")"));
                };
                rename(&mut columns, alias);
                let width = columns.len();
                self.enter(alias.name.value.clone(), None, columns, start);
                Ok((plan, width))
            }
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

    fn enter(&mut self, alias: String, name: Option<Name>, columns: Vec<Output>, start: usize) {
        self.scope().sources.push(Source {
            alias,
            name,
            columns,
            start,
        });
    }

    /// Binds a view's query apart from the query around it.
    fn view(&self, view: &Module) -> Result<(Plan, Vec<Output>)> {
        match &view.body {
            Body::Query(query) => {
                let mut binder = Binder::new(self.facts);
                // A view and its tables have one owner here, so the right to the view is enough.
                binder.trusted = true;
                let (plan, mut columns) = binder.query(query)?;
                for column in &mut columns {
                    (column.identity, column.computed) = (false, false);
                }
                Ok((plan, columns))
            }
            Body::Refused(e) => Err(unsupported(format!(
                "reading the view '{}' ({})",
                view.name, e.message
            ))),
            Body::None => Err(crate::engine::error::invalid_object(&view.name)),
        }
    }

    /// What a synonym stands for; any other name stands for itself.
    fn target(&self, name: &Name) -> Name {
        let synonym = self.facts.current().ok().and_then(|d| {
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
        } else if let Some(view) = self.facts.view(&name).cloned() {
            if sample.is_some() {
                return Err(tablesample::only_local());
            }
            self.view(&view)?
        } else {
            let (database, table) = self.facts.table(&self.target(&name))?;
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
