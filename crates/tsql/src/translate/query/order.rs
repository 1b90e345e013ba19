//! ORDER BY, TOP, OFFSET and FETCH.

use sqlparser::ast::{
    Expr, LimitClause, OrderBy, OrderByExpr, OrderByKind, OrderBySort, Query, Select, SetExpr, Top,
    TopQuantity, Value as Literal,
};

use super::super::context::Context;
use super::super::value::Value;
use super::super::{Outcome, Untranslated, collation_key, expression};
use super::{Body, Item, Made, SelectBody, table};

/// What orders and limits the rows of one SELECT.
#[derive(Default)]
pub(super) struct Limits<'q> {
    order: Option<&'q [OrderByExpr]>,
    top: Option<&'q Top>,
    query: Option<&'q Query>,
}

impl<'q> Limits<'q> {
    pub(super) fn of(select: &'q Select, query: Option<&'q Query>) -> Outcome<Self> {
        let order = match query.and_then(|query| query.order_by.as_ref()) {
            None => None,
            Some(order) => Some(expressions(order)?),
        };
        Ok(Self {
            order,
            top: select.top.as_ref(),
            query: query.filter(|it| it.limit_clause.is_some() || it.fetch.is_some()),
        })
    }

    /// `TOP (n)` with a number, which leaves one row where there is one.
    fn some_rows(&self) -> bool {
        let number = self.top.filter(|top| !top.percent).and_then(quantity);
        self.query.is_none() && number.is_some_and(|number| number > 0)
    }

    /// `TOP 100 PERCENT`, which is there so that ORDER BY may be, and leaves out no row.
    pub(super) fn all_rows(&self) -> bool {
        self.query.is_none()
            && self
                .top
                .is_none_or(|top| top.percent && quantity(top) == Some(100))
    }
}

fn expressions(order: &OrderBy) -> Outcome<&[OrderByExpr]> {
    match &order.kind {
        OrderByKind::Expressions(exprs) if order.interpolate.is_none() => Ok(exprs),
        _ => Err(Untranslated::new("ORDER BY ALL")),
    }
}

fn quantity(top: &Top) -> Option<u64> {
    match top.quantity.as_ref()? {
        TopQuantity::Constant(number) => Some(*number),
        TopQuantity::Expr(expr) => constant(expr),
    }
}

/// Whether a TOP leaves a row where there are some.
pub(super) fn at_least_one(top: &Top) -> bool {
    quantity(top).is_some_and(|number| number > 0)
}

fn constant(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Value(value) => match &value.value {
            Literal::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// A SELECT with its order.
pub(super) fn ordered(
    context: &mut Context<'_>,
    body: SelectBody,
    limits: &Limits<'_>,
) -> Outcome<Made> {
    let level = context.level()?;
    let one_row = level.aggregated && level.groups.is_empty() && !level.grouping_sets;
    // Neither side promises an order of a view's or table's rows: ORDER BY only chooses rows here.
    if limits.all_rows() || (one_row && limits.some_rows()) {
        return Ok(made(body, String::new()));
    }
    let order = keys(context, limits.order.unwrap_or_default(), &body.items)?;
    limited(context, body, limits, order)
}

/// A SELECT whose rows are ordered by these keys.
fn limited(
    context: &mut Context<'_>,
    body: SelectBody,
    limits: &Limits<'_>,
    keys: Vec<String>,
) -> Outcome<Made> {
    if keys.is_empty() {
        return Err(Untranslated::new(
            "TOP without ORDER BY, of which no row is certain",
        ));
    }
    let order = keys.join(", ");
    if let Some(top) = limits.top.filter(|top| top.percent) {
        return percent(context, body, top, &order);
    }
    let rows = rows(limits)?;
    Ok(made(body, format!("\nORDER BY {order}{rows}")))
}

/// A SELECT DISTINCT with its order: PostgreSQL orders it by what it selects only, so the rows are
/// ordered around it.
pub(super) fn ordered_distinct(
    context: &mut Context<'_>,
    body: SelectBody,
    limits: &Limits<'_>,
) -> Outcome<Made> {
    if limits.all_rows() {
        return Ok(made(body, String::new()));
    }
    // What it is ordered by is in its list, by whatever name.
    let mut places = Vec::new();
    for expr in limits.order.unwrap_or_default() {
        let value = sorted(context, expr, &body.items)?;
        let place = body
            .items
            .iter()
            .position(|item| item.value.sql == value.sql);
        let place = place.ok_or_else(|| {
            Untranslated::new("SELECT DISTINCT ordered by what it does not select")
        })?;
        places.push((place, expr));
    }
    let (outer, _) = table::around(context, made(body, String::new()))?;
    let mut keys = Vec::with_capacity(places.len());
    for (place, expr) in places {
        if let Some(item) = outer.items.get(place) {
            keys.push(key(context, &item.value, expr)?);
        }
    }
    limited(context, outer, limits, keys)
}

fn made(body: SelectBody, order: String) -> Made {
    Made {
        order,
        ..Made::from(Body::Select(body))
    }
}

/// `TOP (n) PERCENT`: SQL Server rounds the number of rows up.
fn percent(
    context: &mut Context<'_>,
    mut body: SelectBody,
    top: &Top,
    order: &str,
) -> Outcome<Made> {
    let percent = quantity(top).filter(|it| *it <= 100);
    let percent =
        percent.ok_or_else(|| Untranslated::new("TOP PERCENT of a number that varies"))?;
    let function = if top.with_ties { "rank" } else { "row_number" };
    let place = format!("{function}() OVER (ORDER BY {order})");
    let most = format!("ceil(count(*) OVER () * {percent} / 100.0)");
    let visible = body.items.len();
    body.items.push(Item {
        name: Some("\u{1}kept".to_owned()),
        value: Value::operation(format!("{place} <= {most}"), crate::schema::SqlType::Bit),
    });
    let (mut outer, alias) = table::around(context, made(body, String::new()))?;
    outer.items.truncate(visible);
    outer.tail = format!("{}\nWHERE {alias}.\"c{}\"", outer.tail, visible + 1);
    Ok(made(outer, String::new()))
}

/// LIMIT and the like.
fn rows(limits: &Limits<'_>) -> Outcome<String> {
    let varies = || Untranslated::new("TOP, OFFSET or FETCH of a number that varies");
    if let Some(top) = limits.top {
        let number = quantity(top).ok_or_else(varies)?;
        return Ok(if top.with_ties {
            format!("\nFETCH FIRST {number} ROWS WITH TIES")
        } else {
            format!("\nLIMIT {number}")
        });
    }
    let Some(query) = limits.query else {
        return Ok(String::new());
    };
    let mut sql = String::new();
    match &query.limit_clause {
        None => {}
        Some(LimitClause::LimitOffset {
            limit: None,
            offset: Some(offset),
            limit_by,
        }) if limit_by.is_empty() => {
            sql = format!("\nOFFSET {}", constant(&offset.value).ok_or_else(varies)?);
        }
        Some(_) => return Err(Untranslated::new("LIMIT")),
    }
    if let Some(fetch) = &query.fetch {
        if fetch.percent || fetch.with_ties {
            return Err(Untranslated::new("FETCH with PERCENT or WITH TIES"));
        }
        let number = fetch
            .quantity
            .as_ref()
            .and_then(constant)
            .ok_or_else(varies)?;
        sql = format!("{sql}\nLIMIT {number}");
    }
    Ok(sql)
}

/// What ORDER BY sorts by.
pub(super) fn keys_of(context: &mut Context<'_>, by: &OrderBy, items: &[Item]) -> Outcome<String> {
    let keys = keys(context, expressions(by)?, items)?;
    if keys.is_empty() {
        return Err(Untranslated::new(
            "ORDER BY of constants, which orders nothing",
        ));
    }
    Ok(keys.join(", "))
}

/// What ORDER BY sorts by: a column of the select list by its name or number comes first.
fn keys(context: &mut Context<'_>, order: &[OrderByExpr], items: &[Item]) -> Outcome<Vec<String>> {
    let mut keys = Vec::with_capacity(order.len());
    for expr in order {
        let value = sorted(context, expr, items)?;
        // A constant orders nothing here, and is the place of a column in PostgreSQL.
        if value.constant.is_none() {
            keys.push(key(context, &value, expr)?);
        }
    }
    Ok(keys)
}

/// The value that an item of ORDER BY sorts by.
fn sorted(context: &mut Context<'_>, expr: &OrderByExpr, items: &[Item]) -> Outcome<Value> {
    if let Some(value) = listed(&expr.expr, items)? {
        return Ok(value);
    }
    if let Expr::Subquery(query) = &expr.expr
        && let SetExpr::Select(select) = &*query.body
        && select.from.is_empty()
    {
        return Ok(Value::null());
    }
    let value = expression::value(context, &expr.expr)?;
    if value.sql.contains("gen_random_uuid()") {
        return Err(Untranslated::new("ORDER BY of a random value"));
    }
    Ok(value)
}

fn listed(expr: &Expr, items: &[Item]) -> Outcome<Option<Value>> {
    if let Some(number) = constant(expr) {
        let at = usize::try_from(number)
            .ok()
            .and_then(|it| it.checked_sub(1));
        let item = at.and_then(|at| items.get(at));
        return item
            .map(|item| Some(item.value.clone()))
            .ok_or_else(|| Untranslated::new("ORDER BY of a number that is not a column's"));
    }
    let Expr::Identifier(ident) = expr else {
        return Ok(None);
    };
    let named = items.iter().find(|item| {
        let name = item.name.as_deref();
        name.is_some_and(|name| super::context::same(name, &ident.value))
    });
    Ok(named.map(|item| item.value.clone()))
}

/// One key of ORDER BY: SQL Server sorts NULL before everything.
pub(super) fn key(context: &mut Context<'_>, value: &Value, expr: &OrderByExpr) -> Outcome<String> {
    if expr.options.nulls_first.is_some() || expr.with_fill.is_some() {
        return Err(Untranslated::new("NULLS FIRST"));
    }
    let sql = collation_key::order(context, value)?;
    let direction = match &expr.options.sort {
        None | Some(OrderBySort::Asc) => "NULLS FIRST",
        Some(OrderBySort::Desc) => "DESC NULLS LAST",
        Some(_) => return Err(Untranslated::new("ORDER BY USING")),
    };
    Ok(format!("{sql} {direction}"))
}

/// A set operation, whose rows are not ordered here.
pub(super) fn of_set(body: Body, query: &Query) -> Outcome<Made> {
    if query.limit_clause.is_some() || query.fetch.is_some() {
        return Err(Untranslated::new("OFFSET after UNION, INTERSECT or EXCEPT"));
    }
    Ok(Made::from(body))
}
