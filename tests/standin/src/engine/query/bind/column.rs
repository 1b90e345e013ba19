//! Names of columns: where they are found, and which a grouped query may use.

use sqlparser::ast::Expr;

use crate::engine::error::{Result, error, invalid_column};
use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::model::graph;
use crate::engine::model::name::{Name, same_name};
use crate::engine::parse::word::is_variable;
use crate::engine::query::bind::{Binder, Output, Source};

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
        let shown = expr.to_string();
        let same_text = groups.iter().position(|(g, _)| g.to_string() == shown);
        let at = match (same_text, expr) {
            (Some(at), _) => Some(at),
            (None, Expr::Identifier(i)) if is_variable(i) => None,
            (None, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => {
                self.scope()
                    .grouping
                    .as_mut()
                    .expect("checked above")
                    .inside = true;
                let bound = self.form(expr);
                self.scope()
                    .grouping
                    .as_mut()
                    .expect("checked above")
                    .inside = false;
                let bound = bound?;
                let Kind::Column { depth: 0, at } = bound.kind else {
                    return Ok(Some(bound));
                };
                let found = groups.iter().position(|(_, g)| g.as_column() == Some(at));
                if found.is_none() {
                    let message = format!(
                        "Column '{shown}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause."
                    );
                    return Err(error(8120, 16, message));
                }
                found
            }
            _ => None,
        };
        Ok(at.map(|at| Bound {
            kind: Kind::Column { depth: 0, at },
            t: groups[at].1.t.clone(),
        }))
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
            return Err(match table {
                Some(t) => error(
                    4104,
                    16,
                    format!("The multi-part identifier \"{t}.{column}\" could not be bound."),
                ),
                None => invalid_column(column),
            });
        };
        if let Some(denied) = output.denied {
            return Err(denied);
        }
        self.masked |= output.mask.is_some();
        let levels = self.scopes.len();
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
