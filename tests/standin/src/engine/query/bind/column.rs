//! Names of columns: where they are found, and which a grouped query may use.

use sqlparser::ast::Expr;

use crate::engine::error::{Result, error, invalid_column};
use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::model::graph;
use crate::engine::model::name::{Name, same_name};
use crate::engine::parse::tokens::Tokens;
use crate::engine::parse::word::is_variable;
use crate::engine::query::bind::{Binder, Output, Source};
use crate::types::SqlError;

fn ungrouped(shown: &str) -> SqlError {
    error(
        8120,
        16,
        format!(
            "Column '{shown}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause."
        ),
    )
}

/// Whether two expressions are the same but for the case and the quotes of their names.
pub(crate) fn same_expression(a: &Expr, b: &Expr) -> bool {
    if a == b {
        return true;
    }
    let tokens = |e: &Expr| Tokens::new(&e.to_string()).map(Tokens::folded);
    match (tokens(a), tokens(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

pub(crate) fn is_called(source: &Source, table: &Name) -> bool {
    if table.schema.is_none() && same_name(&source.alias, &table.name) {
        return true;
    }
    source.name.as_ref().is_some_and(|n| {
        same_name(&n.name, &table.name)
            && same_name(&source.alias, &n.name)
            && table
                .schema
                .as_ref()
                .is_none_or(|s| n.schema.as_ref().is_some_and(|m| same_name(m, s)))
    })
}

impl<'a> Binder<'a> {
    /// In a grouped query: a group's column, or an aggregate's.
    pub(crate) fn grouped(&mut self, expr: &Expr) -> Result<Option<Bound>> {
        let Some(grouping) = self.scope().grouping.as_ref().filter(|g| !g.inside) else {
            return Ok(None);
        };
        let groups = grouping.groups.clone();
        let bare = match expr {
            Expr::Identifier(i) => !is_variable(i),
            other => matches!(other, Expr::CompoundIdentifier(_)),
        };
        let found = self.group_at(expr)?;
        if found.is_none() && bare {
            let bound = self.of_input(expr)?;
            if !matches!(bound.kind, Kind::Column { depth: 0, .. }) {
                return Ok(Some(bound));
            }
            return Err(ungrouped(&expr.to_string()));
        }
        Ok(found.map(|at| Bound {
            kind: Kind::Column { depth: 0, at },
            t: groups[at].1.t.clone(),
        }))
    }

    /// The group that an expression is: by its text, or as the same column.
    pub(crate) fn group_at(&mut self, expr: &Expr) -> Result<Option<usize>> {
        let Some(grouping) = &self.scope().grouping else {
            return Ok(None);
        };
        let groups = grouping.groups.clone();
        if let Some(at) = groups.iter().position(|(g, _)| same_expression(g, expr)) {
            return Ok(Some(at));
        }
        let bare = match expr {
            Expr::Identifier(i) => !is_variable(i),
            other => matches!(other, Expr::CompoundIdentifier(_)),
        };
        if !bare {
            return Ok(None);
        }
        let Kind::Column { depth: 0, at } = self.of_input(expr)?.kind else {
            return Ok(None);
        };
        Ok(groups.iter().position(|(_, g)| g.as_column() == Some(at)))
    }

    /// Binds over the rows that are grouped.
    fn of_input(&mut self, expr: &Expr) -> Result<Bound> {
        if let Some(grouping) = self.scope().grouping.as_mut() {
            grouping.inside = true;
        }
        let bound = self.form(expr);
        if let Some(grouping) = self.scope().grouping.as_mut() {
            grouping.inside = false;
        }
        bound
    }

    /// Finds a column: its depth, position and description.
    pub(crate) fn lookup(
        &self,
        table: Option<&Name>,
        column: &str,
    ) -> Result<Option<(usize, usize, Output)>> {
        for (depth, scope) in self.scopes.iter().rev().enumerate() {
            let mut found = None;
            for source in scope
                .sources
                .iter()
                .filter(|s| table.is_none_or(|t| is_called(s, t)))
            {
                for (i, output) in source.columns.iter().enumerate().filter(|(_, c)| {
                    same_name(&c.name, column) || graph::stands_for(column, &c.name)
                }) {
                    graph::refuse_internal(column, output.internal)?;
                    if found.is_some() {
                        return Err(error(209, 16, format!("Ambiguous column name '{column}'.")));
                    }
                    found = Some((depth, source.start + i, output.clone()));
                }
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    pub(crate) fn column(&mut self, table: Option<&Name>, column: &str) -> Result<Bound> {
        let Some((depth, at, output)) = self.lookup(table, column)? else {
            let known = |t: &Name| {
                let mut sources = self.scopes.iter().flat_map(|scope| &scope.sources);
                sources.any(|source| is_called(source, t))
            };
            return Err(match table {
                Some(t) if known(t) => invalid_column(column),
                Some(t) => error(
                    4104,
                    16,
                    format!("The multi-part identifier \"{t}.{column}\" could not be bound."),
                ),
                // `id::int` is read as a static member of a type.
                None => match column.split_once("::") {
                    Some((ty, _)) => {
                        error(243, 16, format!("Type {ty} is not a defined system type."))
                    }
                    None => invalid_column(column),
                },
            });
        };
        if let Some(denied) = output.denied {
            return Err(denied);
        }
        self.masked |= output.mask.is_some();
        let levels = self.scopes.len();
        let mut at = at;
        // A subquery in a grouped query sees its groups.
        let around = self.scopes[levels - 1 - depth].grouping.as_ref();
        if let Some(grouping) = around.filter(|g| depth > 0 && !g.inside) {
            let groups = &grouping.groups;
            let found = groups.iter().position(|(_, g)| g.as_column() == Some(at));
            at = found.ok_or_else(|| ungrouped(column))?;
        }
        for scope in &mut self.scopes[levels - depth..] {
            scope.uses_outer = true;
        }
        Ok(Bound {
            kind: Kind::Column { depth, at },
            t: output.t,
        })
    }

    /// A column if there is one of that name.
    pub(crate) fn column_if(
        &mut self,
        table: Option<&Name>,
        column: &str,
    ) -> Result<Option<Bound>> {
        match self.lookup(table, column)? {
            Some(_) => self.column(table, column).map(Some),
            None => Ok(None),
        }
    }
}
