//! Queries within expressions.

use sqlparser::ast::{BinaryOperator, Expr, Query, SetExpr};

use super::super::context::Context;
use super::super::value::Value;
use super::super::{Outcome, Untranslated, compare, expression};
use super::{Body, Made, for_xml, order, query, table};
use crate::schema::SqlType;

/// `(SELECT ...)` as a value.
pub(in super::super) fn scalar(context: &mut Context<'_>, text: &Query) -> Outcome<Value> {
    if let Some(concatenated) = for_xml::concatenated(context, text) {
        return concatenated;
    }
    let mut made = query(context, text)?;
    let item = single(&made)?.clone();
    let Some(ty) = item.ty.clone() else {
        return Ok(Value::null());
    };
    // A `char(n)` column keeps its blanks only as a text that is filled up.
    made.body.fill_up()?;
    let value = Value::atom(format!("({})", made.unnamed()?), ty);
    Ok(Value {
        passed: item.passed.clone(),
        ..value.in_collation_of(&item)
    })
}

fn single(made: &Made) -> Outcome<&Value> {
    match made.body.items() {
        [item] => Ok(&item.value),
        _ => Err(Untranslated::new("a subquery of several columns")),
    }
}

/// `EXISTS (SELECT ...)`.
pub(in super::super) fn exists(context: &mut Context<'_>, text: &Query) -> Outcome<String> {
    let made = match without_top(text) {
        Some(text) => query(context, &text)?,
        None => query(context, text)?,
    };
    Ok(format!("EXISTS ({})", made.unnamed()?))
}

/// A query without its `TOP (n)`, which does not change whether it has a row.
fn without_top(text: &Query) -> Option<Query> {
    let SetExpr::Select(select) = &*text.body else {
        return None;
    };
    let some = order::at_least_one(select.top.as_ref()?);
    some.then(|| {
        let mut select = select.clone();
        select.top = None;
        Query {
            body: Box::new(SetExpr::Select(select)),
            order_by: None,
            ..text.clone()
        }
    })
}

/// `expr IN (SELECT ...)`.
pub(in super::super) fn in_subquery(
    context: &mut Context<'_>,
    expr: &Expr,
    text: &Query,
    negated: bool,
) -> Outcome<String> {
    let value = expression::value(context, expr)?;
    let (left, right) = against(context, value, "=", text)?;
    let not = if negated { "NOT " } else { "" };
    Ok(format!("{left} {not}IN ({right})"))
}

/// `expr = ANY (SELECT ...)`, `expr > ALL (SELECT ...)`.
pub(in super::super) fn any_or_all(
    context: &mut Context<'_>,
    (left, op, right): (&Expr, &BinaryOperator, &Expr),
    word: &str,
) -> Outcome<String> {
    let sign = compare::sign(op).ok_or_else(|| {
        Untranslated::new(format!("{word} with an operator that is not a comparison"))
    })?;
    let mut right = right;
    while let Expr::Nested(inner) = right {
        right = inner;
    }
    let Expr::Subquery(text) = right else {
        return Err(Untranslated::new(format!(
            "{word} of something other than a query"
        )));
    };
    let value = expression::value(context, left)?;
    let (left, right) = against(context, value, sign, text)?;
    Ok(format!("{left} {sign} {word} ({right})"))
}

/// Both sides of a comparison of a value with every row of a query.
fn against(
    context: &mut Context<'_>,
    value: Value,
    sign: &'static str,
    text: &Query,
) -> Outcome<(String, String)> {
    let made = query(context, text)?;
    let item = single(&made)?.clone();
    if item.ty.is_none() {
        return Err(Untranslated::new("a comparison with a query of NULL"));
    }
    let mut made = match made {
        Made {
            body: Body::Select(_),
            ..
        } => made,
        set => Made::from(table::wrapped(context, set)?),
    };
    let item = single(&made)?.clone();
    let compared = compare::compare(context, value, sign, item)?;
    let right = compared.right.clone();
    made.body.each_item(&mut |_, item| {
        let ty = item.value.ty.clone().unwrap_or(SqlType::Int);
        item.value = Value::atom(right.clone(), ty);
        Ok(())
    })?;
    Ok((compared.left, made.unnamed()?))
}
