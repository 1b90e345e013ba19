//! SELECTs that set variables, row by row.

use sqlparser::ast::{Ident, Query, SelectItem, SetExpr};

use crate::engine::error::{Result, error};
use crate::engine::eval::expr::Run;
use crate::engine::eval::flow::Stop;
use crate::engine::eval::run;
use crate::engine::model::name::fold;
use crate::engine::query::bind::Binder;
use crate::engine::query::mask;
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;

/// The variables that a `SELECT @a = ..., @b = ...` sets, if it is one.
pub(crate) fn variables(query: &Query) -> Result<Option<Vec<String>>> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Ok(None);
    };
    let target =
        |i: &Ident| (i.quote_style.is_none() && i.value.starts_with('@')).then(|| i.value.clone());
    let names: Vec<Option<String>> = select
        .projection
        .iter()
        .map(|item| {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                target(alias)
            } else {
                None
            }
        })
        .collect();
    if names.iter().all(Option::is_none) {
        return Ok(None);
    }
    let all: Option<Vec<String>> = names.into_iter().collect();
    all.map(Some).ok_or_else(|| {
        error(141, 15, "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.")
    })
}

/// Sets the variables of the run from each row in turn; how many rows there were. The run begins with those
/// of the binder's facts.
///
/// # Errors
/// 137 for a variable that was not declared, and those of the query.
pub(crate) fn rows(
    mut binder: Binder<'_>,
    query: &Query,
    names: &[String],
    run: &Run<'_>,
) -> Result<u64> {
    let facts = binder.facts;
    let mut types = Vec::new();
    for name in names {
        types.push(facts.variable(name)?.ty.clone());
    }
    let mut plain = query.clone();
    if let SetExpr::Select(select) = plain.body.as_mut() {
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias { expr, .. } = item {
                *item = SelectItem::UnnamedExpr(expr.clone());
            }
        }
    }
    binder.live = true;
    let (plan, columns) = binder.query(&plain)?;
    let plan = mask::shown(plan, &columns);
    let variables = facts.variables.iter();
    run.variables.replace(
        variables
            .map(|(n, v)| (n.clone(), v.value.clone()))
            .collect(),
    );
    let how = How {
        truncate: true,
        order: facts.date_order,
        code_page: Some(1252),
        ..How::default()
    };
    let mut count = 0;
    let flow = run::run(&plan, None, run, &mut |row| {
        count += 1;
        for (i, name) in names.iter().enumerate() {
            let value = convert(&row[i], &columns[i].t.ty, &types[i], how)?;
            run.variables.borrow_mut().insert(fold(name), value);
        }
        Ok(())
    });
    match flow {
        Err(Stop::Error(e)) => Err(e),
        _ => Ok(count),
    }
}
