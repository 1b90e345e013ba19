//! SELECTs that set variables.
//!
//! At the source each row sets them in turn, so that they keep the values of the last one; of no row, what
//! they had.

use sqlparser::ast::{Expr, OrderByKind, Query, Select, SelectItem, SetExpr};

use super::super::context::{Capture, Context, Level};
use super::super::value::Value;
use super::super::{Outcome, Untranslated, convert, expression};
use super::{Body, Item, Made, order, plain, select, typed};
use crate::schema::SqlType;

/// Which row is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Rows {
    /// There is exactly one.
    One,
    /// That of the query's order.
    Ordered,
    /// Any: the source promises no order.
    Any,
}

/// A query in whose expressions no variable stands that it sets; its columns have the types of the
/// variables.
pub(in super::super) fn rows(
    context: &mut Context<'_>,
    query: &Query,
    types: &[SqlType],
) -> Outcome<(Made, Rows)> {
    within(context, query, |context, select| {
        let (body, unique) = select::unordered(context, select)?;
        let level = context.level()?;
        let grouped = !level.groups.is_empty() || level.grouping_sets;
        let one = level.aggregated && !grouped && select.having.is_none();
        let limits = order::Limits::of(select, Some(query))?;
        if unique && (query.order_by.is_some() || !limits.all_rows()) {
            return Err(Untranslated::new(
                "SELECT DISTINCT that sets variables in an order",
            ));
        }
        let (mut made, mut rows) = match &query.order_by {
            _ if !limits.all_rows() => (order::ordered(context, body, &limits)?, Rows::Ordered),
            Some(by) if !one => {
                let keys = order::keys_of(context, by, &body.items)?;
                let made = Made {
                    order: format!("\nORDER BY {keys}"),
                    ..Made::from(Body::Select(body))
                };
                (made, Rows::Ordered)
            }
            _ => (Made::from(Body::Select(body)), Rows::Any),
        };
        if one {
            rows = Rows::One;
        }
        made.body.each_item(&mut |at, item| {
            if let Some(ty) = types.get(at) {
                let value = convert::converted(context, item.value.clone().kept()?, ty)?;
                // A `char(n)` keeps its blanks in a variable, which is a text here.
                item.value = typed(Value {
                    bare: None,
                    ..value
                })?;
            }
            Ok(())
        })?;
        Ok((made, rows))
    })
}

/// A query in whose expressions variables stand that it sets: what they are over a row of it, which is
/// called `record`.
pub(in super::super) fn accumulated(
    context: &mut Context<'_>,
    query: &Query,
    record: &str,
) -> Outcome<(Made, Vec<Value>)> {
    within(context, query, |context, select| {
        let limits = order::Limits::of(select, Some(query))?;
        let ordered = query.order_by.as_ref().filter(|by| match &by.kind {
            OrderByKind::Expressions(keys) => keys.iter().all(|key| is_column(&key.expr)),
            OrderByKind::All(_) => false,
        });
        // Of an expression, the source may compute the select list before it sorts: only the last row counts.
        let by = ordered.filter(|_| limits.all_rows()).ok_or_else(|| {
            Untranslated::new(
                "a SELECT that adds to a variable row by row, other than in the order of columns",
            )
        })?;
        let bare = Select {
            projection: Vec::new(),
            ..select.clone()
        };
        let (mut body, unique) = select::unordered(context, &bare)?;
        let keys = order::keys_of(context, by, &[])?;
        context.capture = Some(Capture::new(context.levels.len(), record));
        let values = values(context, select);
        let columns = context.capture.take().map(|it| it.columns);
        let values = values?;
        let level = context.level()?;
        let window = values.iter().any(|value| value.sql.contains(" OVER ("));
        if unique || level.aggregated || !level.groups.is_empty() || level.grouping_sets || window {
            return Err(Untranslated::new(
                "a SELECT that adds to a variable and groups its rows",
            ));
        }
        let column = |(sql, ty)| Item {
            name: None,
            value: Value::atom(sql, ty),
        };
        body.items = columns
            .unwrap_or_default()
            .into_iter()
            .map(column)
            .collect();
        if body.items.is_empty() {
            body.items.push(column(("1".to_owned(), SqlType::Int)));
        }
        let made = Made {
            order: format!("\nORDER BY {keys}"),
            ..Made::from(Body::Select(body))
        };
        Ok((made, values))
    })
}

fn values(context: &mut Context<'_>, select: &Select) -> Outcome<Vec<Value>> {
    let mut values = Vec::with_capacity(select.projection.len());
    for item in &select.projection {
        let SelectItem::ExprWithAlias { expr, .. } = item else {
            return Err(Untranslated::new(
                "an item of a SELECT that sets no variable",
            ));
        };
        values.push(expression::value(context, expr)?.kept()?);
    }
    Ok(values)
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}

/// Runs in the scope of the query's SELECT.
fn within<T>(
    context: &mut Context<'_>,
    query: &Query,
    run: impl FnOnce(&mut Context<'_>, &Select) -> Outcome<T>,
) -> Outcome<T> {
    plain(query)?;
    let SetExpr::Select(select) = &*query.body else {
        return Err(Untranslated::new("a set operation that sets variables"));
    };
    context.levels.push(Level::default());
    let made = run(context, select);
    context.levels.pop();
    made
}
