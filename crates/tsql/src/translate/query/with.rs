//! Common table expressions, recursive ones among them.

use sqlparser::ast::{
    Cte as Named, SetExpr, SetOperator, SetQuantifier, TableFactor, TableWithJoins, With,
};

use super::super::context::{self, Context, Cte};
use super::super::types::{self, Family};
use super::super::{Outcome, Untranslated};
use super::{Body, Made, SetBody, name, query, table};
use crate::names::{quote_ident, shorten};

/// `WITH ...`, whose names the query after it knows.
pub(super) fn with(context: &mut Context<'_>, with: &With) -> Outcome<String> {
    let mut parts = Vec::with_capacity(with.cte_tables.len());
    let mut recursive = false;
    // What is defined here sees nothing of the query around it.
    let around = std::mem::take(&mut context.levels);
    for named in &with.cte_tables {
        if named.from.is_some() || named.materialized.is_some() {
            return Err(Untranslated::new("a WITH clause of another dialect"));
        }
        let (part, itself) = one(context, named)?;
        recursive |= itself;
        parts.push(part);
    }
    context.levels = around;
    let word = if recursive { "WITH RECURSIVE" } else { "WITH" };
    Ok(format!("{word} {}\n", parts.join(",\n")))
}

fn one(context: &mut Context<'_>, named: &Named) -> Outcome<(String, bool)> {
    let name = &named.alias.name.value;
    let given = name::column_names(&named.alias)?;
    let sql = quote_ident(&shorten(name));
    let parts = recursive_parts(named);
    let (made, columns, itself) = match parts {
        Some((anchor, step)) => {
            let mut anchor = super::body(context, anchor)?;
            // Both parts are cast to text, so that a `char(n)` is one that is filled up.
            anchor.fill_up()?;
            let (made, columns) = table::derived(context, Made::from(anchor), &given)?;
            context.ctes.push(Cte {
                name: name.clone(),
                sql: sql.clone(),
                columns: columns.clone(),
                open: false,
            });
            let before = context.ctes.len();
            let around = std::mem::replace(&mut context.recursion, true);
            let step = super::body(context, step)?;
            context.recursion = around;
            context.ctes.truncate(before - 1);
            let made = Made::from(recursive(made.body, step)?);
            context.note(
                "a recursion that is deeper than 100 levels is an error at the source, and none here",
            );
            (made, columns, true)
        }
        None => {
            context.ctes.push(Cte {
                name: name.clone(),
                sql: sql.clone(),
                columns: Vec::new(),
                open: true,
            });
            let before = context.ctes.len();
            let made = query(context, &named.query)?;
            context.ctes.truncate(before - 1);
            let (made, columns) = table::derived(context, made, &given)?;
            (made, columns, false)
        }
    };
    let text = format!("{sql} AS {}", table::sql(&made, &columns)?);
    context.ctes.push(Cte {
        name: name.clone(),
        sql,
        columns,
        open: false,
    });
    Ok((text, itself))
}

/// Anchor and step of a definition that reads itself.
fn recursive_parts(named: &Named) -> Option<(&SetExpr, &SetExpr)> {
    let query = &named.query;
    let SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        left,
        right,
    } = &*query.body
    else {
        return None;
    };
    if query.with.is_some() {
        return None;
    }
    reads(right, &named.alias.name.value).then_some((left, right))
}

/// Whether a query's FROM names a table.
fn reads(expr: &SetExpr, name: &str) -> bool {
    match expr {
        SetExpr::Select(select) => select.from.iter().any(|table| joins(table, name)),
        SetExpr::SetOperation { left, right, .. } => reads(left, name) || reads(right, name),
        SetExpr::Query(query) => reads(&query.body, name),
        _ => false,
    }
}

fn joins(table: &TableWithJoins, name: &str) -> bool {
    let first = std::iter::once(&table.relation);
    let mut factors = first.chain(table.joins.iter().map(|join| &join.relation));
    factors.any(|factor| match factor {
        TableFactor::Table { name: there, .. } => name::parts(there)
            .is_ok_and(|(schema, table)| schema.is_none() && context::same(&table, name)),
        TableFactor::Derived { subquery, .. } => reads(&subquery.body, name),
        TableFactor::NestedJoin {
            table_with_joins, ..
        } => joins(table_with_joins, name),
        _ => false,
    })
}

/// Both parts of a recursion: PostgreSQL wants the same types in both, lengths included.
fn recursive(mut anchor: Body, mut step: Body) -> Outcome<Body> {
    let shapes: Vec<_> = anchor
        .items()
        .iter()
        .map(|item| item.value.clone())
        .collect();
    for (item, shape) in step.items().iter().zip(&shapes) {
        let same = match (&item.value.ty, &shape.ty) {
            (Some(one), Some(other)) => types::family(one) == types::family(other),
            _ => true,
        };
        if !same {
            return Err(Untranslated::new(
                "a recursion whose parts have other types",
            ));
        }
    }
    let mut cast = |at: usize, item: &mut super::Item| {
        let Some(shape) = shapes.get(at) else {
            return Err(Untranslated::new(
                "a recursion whose parts have other columns",
            ));
        };
        let ty = shape.ty.clone().unwrap_or(crate::schema::SqlType::Int);
        if item.value.ty.is_none() {
            item.value = super::typed_null(item.value.clone(), &ty);
        } else if shape.family() != Family::Other
            && let Some(natural) = types::natural(&ty)
        {
            let sql = item.value.cast(&natural.to_string());
            item.value = super::super::value::Value {
                sql,
                atom: true,
                bare: None,
                constant: None,
                ..item.value.clone()
            };
        }
        Ok(())
    };
    anchor.each_item(&mut cast)?;
    step.each_item(&mut cast)?;
    table::without_untyped_nulls(&mut step)?;
    Ok(Body::Set(SetBody {
        operator: "UNION ALL",
        left: Box::new(anchor),
        right: Box::new(step),
    }))
}
