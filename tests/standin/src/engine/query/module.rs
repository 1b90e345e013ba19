//! The bodies of views and functions: bound apart from the query around them, with the names of
//! their own schema before those of dbo.

use std::sync::Arc;

use sqlparser::ast::{Expr, Query};

use crate::engine::datatype;
use crate::engine::error::{Result, error};
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::eval::plan::Plan;
use crate::engine::model::facts::Facts;
use crate::engine::model::object::{Module, Parameter};
use crate::engine::query::bind::{Binder, Output, Source};
use crate::types::SqlType;

/// The rows that a body's parameters are read from: one row of its arguments, around everything.
const ARGUMENTS: &str = "@";

/// Binds the query of a view or inline function. With parameters, their values are the row of the
/// enclosing query.
pub(crate) fn query(
    facts: &Facts,
    schema: &str,
    parameters: &[Parameter],
    query: &Query,
) -> Result<(Plan, Vec<Output>)> {
    let mut binder = binder(facts, schema, parameters)?;
    let (plan, mut columns, _) = binder.subquery(query)?;
    for column in &mut columns {
        (column.identity, column.computed) = (false, false);
        column.hidden = false;
    }
    Ok((plan, columns))
}

/// Binds what a scalar function returns; the row at hand is that of its arguments.
pub(crate) fn expression(
    facts: &Facts,
    schema: &str,
    parameters: &[Parameter],
    expr: &Expr,
) -> Result<Bound> {
    binder(facts, schema, parameters)?.value(expr)
}

fn binder<'f>(facts: &'f Facts, schema: &str, parameters: &[Parameter]) -> Result<Binder<'f>> {
    let mut binder = Binder::new(facts);
    // A module and its tables have one owner here, so the right to the module is enough.
    binder.trusted = true;
    binder.home = Some(schema.to_owned());
    let mut columns = Vec::new();
    for parameter in taken(parameters) {
        let ty = parameter.ty.clone().unwrap_or(SqlType::Int);
        columns.push(output(&parameter.name, typed(facts, ty)?));
    }
    binder.scope().sources.push(Source {
        alias: ARGUMENTS.to_owned(),
        name: None,
        columns,
        start: 0,
    });
    Ok(binder)
}

/// The parameters that a call gives values for.
pub(crate) fn taken(parameters: &[Parameter]) -> impl Iterator<Item = &Parameter> {
    parameters.iter().filter(|p| !p.name.is_empty())
}

/// What a variable of the type yields: coercible, in the database's collation.
pub(crate) fn typed(facts: &Facts, ty: SqlType) -> Result<Ty> {
    let collation = datatype::has_collation(&ty)
        .then(|| facts.current().map(|d| Arc::clone(&d.collation)))
        .transpose()?;
    Ok(Ty {
        ty,
        nullable: true,
        collation,
        rank: 0,
    })
}

/// A column that is computed.
pub(crate) fn output(name: &str, t: Ty) -> Output {
    Output {
        name: name.to_owned(),
        t,
        identity: false,
        computed: false,
        hidden: false,
        mask: None,
        denied: None,
        internal: false,
    }
}

/// The columns that a view had when it was made: those that its `*` has gained since are not among
/// them ("CREATE VIEW": refresh it after its tables change).
pub(crate) fn recorded(
    module: &Module,
    plan: Plan,
    mut columns: Vec<Output>,
) -> Result<(Plan, Vec<Output>)> {
    let width = module.columns.len();
    if columns.len() < width {
        let message = format!(
            "View or function '{}' has more column names specified than columns defined.",
            module.name
        );
        return Err(error(4502, 16, message));
    }
    let plan = if columns.len() > width {
        Plan::Trim(Box::new(plan), width)
    } else {
        plan
    };
    columns.truncate(width);
    for (column, kept) in columns.iter_mut().zip(&module.columns) {
        column.name.clone_from(&kept.name);
    }
    Ok((plan, columns))
}
