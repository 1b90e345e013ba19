//! Queries: SELECT with all of its clauses, set operations, common table expressions.
//!
//! A query is translated to a [`Made`], whose select list is still values and not yet text: what
//! surrounds it may convert them (a branch of UNION), group by them (DISTINCT) or compare with them
//! (IN).

mod aggregate;
mod apply;
mod arguments;
mod assigned;
mod distinct;
mod for_xml;
mod from;
mod group;
mod json;
mod name;
mod order;
mod pivot;
mod select;
mod set;
mod subquery;
mod table;
mod user;
mod window;
mod with;
mod xml;

use sqlparser::ast::{Function, Query, SetExpr};

pub(super) use self::arguments::passed;
pub(super) use self::assigned::{Rows, accumulated, rows};
pub(super) use self::for_xml::read as concatenated_xml;
pub(super) use self::group::of as group_of;
pub(super) use self::subquery::{any_or_all, exists, in_subquery, scalar};
pub(super) use self::user::call as user_function;
pub(super) use self::xml::call as xml_method;

use super::context::{self, Column, Context};
use super::types::{self, Family};
use super::value::{Constant, Value};
use super::{Outcome, Untranslated};
use crate::names::quote_ident;
use crate::schema::SqlType;
use crate::typemap::PgType;

/// A column of a query's result.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// `None` for an expression without an alias.
    pub(super) name: Option<String>,
    pub(super) value: Value,
}

/// A translated query.
#[derive(Debug)]
pub(super) struct Made {
    /// `WITH ...`, or nothing.
    pub(super) with: String,
    pub(super) body: Body,
    /// ORDER BY and what limits the rows.
    pub(super) order: String,
}

#[derive(Debug)]
pub(super) enum Body {
    Select(SelectBody),
    Set(SetBody),
}

#[derive(Debug)]
pub(super) struct SelectBody {
    /// `SELECT`, or `SELECT DISTINCT`.
    pub(super) head: String,
    pub(super) items: Vec<Item>,
    /// From FROM to HAVING.
    pub(super) tail: String,
}

#[derive(Debug)]
pub(super) struct SetBody {
    /// `UNION ALL` and the like.
    pub(super) operator: &'static str,
    pub(super) left: Box<Body>,
    pub(super) right: Box<Body>,
}

/// The whole of a query.
pub(super) fn query(context: &mut Context<'_>, query: &Query) -> Outcome<Made> {
    context.deeper(|context| whole(context, query))
}

fn whole(context: &mut Context<'_>, query: &Query) -> Outcome<Made> {
    plain(query)?;
    let known = context.ctes.len();
    let with = match &query.with {
        Some(with) => with::with(context, with)?,
        None => String::new(),
    };
    let mut made = match &*query.body {
        SetExpr::Select(select) => select::select(context, select, Some(query))?,
        SetExpr::Query(inner) if query.order_by.is_none() && query.fetch.is_none() => {
            self::query(context, inner)?
        }
        body => {
            let body = self::body(context, body)?;
            order::of_set(body, query)?
        }
    };
    context.ctes.truncate(known);
    made.with = format!("{with}{}", made.with);
    Ok(made)
}

/// A SELECT or a set operation within another.
fn body(context: &mut Context<'_>, expr: &SetExpr) -> Outcome<Body> {
    let made = match expr {
        SetExpr::Select(select) => select::select(context, select, None)?,
        SetExpr::Query(inner) => query(context, inner)?,
        SetExpr::SetOperation {
            left,
            op,
            set_quantifier,
            right,
        } => {
            return context
                .deeper(|context| set::set(context, [left, right], *op, *set_quantifier));
        }
        SetExpr::Values(values) => return apply::values(context, values),
        _ => {
            return Err(Untranslated::new(
                "a query of a kind that is not translated",
            ));
        }
    };
    if made.with.is_empty() && made.order.is_empty() {
        return Ok(made.body);
    }
    table::wrapped(context, made)
}

/// Refuses clauses of other dialects.
fn plain(query: &Query) -> Outcome<()> {
    let foreign = !query.locks.is_empty()
        || query.settings.is_some()
        || query.format_clause.is_some()
        || !query.pipe_operators.is_empty()
        || query.for_clause.is_some();
    if foreign {
        return Err(Untranslated::new(
            "FOR XML, FOR JSON, OPTION or another clause after a query",
        ));
    }
    Ok(())
}

impl From<Body> for Made {
    /// Without a WITH clause and an order.
    fn from(body: Body) -> Self {
        Self {
            with: String::new(),
            body,
            order: String::new(),
        }
    }
}

impl Made {
    /// Text of the query, its columns named as in the target.
    pub(super) fn sql(&self, names: &[String]) -> Outcome<String> {
        let sql = format!("{}{}{}", self.with, self.body.sql(Some(names)), self.order);
        context::bounded(&sql)?;
        Ok(sql)
    }

    /// Text of the query, without names for its columns.
    pub(super) fn unnamed(&self) -> Outcome<String> {
        let sql = format!("{}{}{}", self.with, self.body.sql(None), self.order);
        context::bounded(&sql)?;
        Ok(sql)
    }
}

impl Body {
    /// The select list: of a set operation that of its first SELECT, which gives it its names.
    pub(super) fn items(&self) -> &[Item] {
        match self {
            Self::Select(select) => &select.items,
            Self::Set(set) => set.left.items(),
        }
    }

    /// Every item of every SELECT, with its place in the list.
    pub(super) fn each_item(
        &mut self,
        run: &mut impl FnMut(usize, &mut Item) -> Outcome<()>,
    ) -> Outcome<()> {
        match self {
            Self::Select(select) => {
                let mut items = select.items.iter_mut().enumerate();
                items.try_for_each(|(at, item)| run(at, item))
            }
            Self::Set(set) => {
                set.left.each_item(run)?;
                set.right.each_item(run)
            }
        }
    }

    /// Makes each `char(n)` column a text that is filled up: PostgreSQL drops its blanks elsewhere.
    pub(super) fn fill_up(&mut self) -> Outcome<()> {
        self.each_item(&mut |_, item| {
            item.value.bare = None;
            Ok(())
        })
    }

    fn sql(&self, names: Option<&[String]>) -> String {
        match self {
            Self::Select(select) => select.sql(names),
            Self::Set(set) => {
                let side = |body: &Self| match body {
                    Self::Select(select) => select.sql(names),
                    Self::Set(_) => format!("({})", body.sql(names)),
                };
                let left = match &*set.left {
                    Self::Set(inner) if inner.operator == set.operator => set.left.sql(names),
                    left => side(left),
                };
                format!("{left}\n{}\n{}", set.operator, side(&set.right))
            }
        }
    }
}

impl SelectBody {
    fn sql(&self, names: Option<&[String]>) -> String {
        let items = self.items.iter().enumerate().map(|(at, item)| {
            let shown = shown(&item.value);
            match names.and_then(|names| names.get(at)) {
                Some(name) => format!("{shown} AS {}", quote_ident(name)),
                None => shown,
            }
        });
        let items: Vec<String> = items.collect();
        format!("{} {}{}", self.head, items.join(", "), self.tail)
    }
}

/// An aggregate or a window function; `None` for any other function.
pub(super) fn call(context: &mut Context<'_>, call: &Function) -> Option<Outcome<Value>> {
    let name = arguments::name(call)?;
    let known = aggregate::NAMES.contains(&name.as_str());
    if context.recursion && (known || call.over.is_some()) {
        // At the source they see one row of the recursion's level at a time.
        return Some(Err(Untranslated::new(format!(
            "{name} in the part of a recursion that reads itself"
        ))));
    }
    if known {
        return Some(match &call.over {
            None => aggregate::aggregate(context, call, ""),
            Some(over) => window::over(context, over).and_then(|window| {
                aggregate::aggregate(context, call, &format!(" OVER ({window})"))
            }),
        });
    }
    window::call(context, call, &name)
}

/// An untyped NULL becomes one of a type.
pub(super) fn typed_null(value: Value, ty: &SqlType) -> Value {
    if value.ty.is_some() || !value.is_null() {
        return value;
    }
    let natural = types::natural(ty).unwrap_or(PgType::Text);
    Value::atom(format!("NULL::{natural}"), ty.clone())
}

/// An expression with the digits that its type has: a column has those of its own.
pub(super) fn declared(value: Value) -> Value {
    let digits = matches!(
        value.family(),
        Family::Decimal | Family::Money | Family::Moment | Family::Time | Family::Offset
    );
    let natural = value.ty.as_ref().and_then(types::natural);
    match natural {
        Some(natural) if digits && value.constant.is_none() && !is_name(&value.sql) => Value {
            sql: value.cast(&natural.to_string()),
            atom: true,
            ..value
        },
        _ => value,
    }
}

/// Whether a text is nothing but a column, whose type is its own.
fn is_name(sql: &str) -> bool {
    let mut outside = sql.split('"').step_by(2);
    outside.all(|between| between.is_empty() || between == ".")
}

/// A constant with its type, which a function of any type cannot tell from a text by itself.
pub(super) fn typed_constant(value: Value) -> Value {
    if value.constant.is_none() || value.ty.is_none() {
        return value;
    }
    Value {
        sql: shown(&value),
        atom: true,
        constant: None,
        ..value
    }
}

/// A value of a select list: a `char(n)` column as it is, a constant in its type.
fn shown(value: &Value) -> String {
    if let Some(column) = value.plain_column() {
        return column.to_owned();
    }
    let natural = value.ty.as_ref().and_then(types::natural);
    match (&value.constant, natural) {
        (Some(Constant::Bit(_)) | None, _) => value.sql.clone(),
        (Some(_), Some(natural)) if value.family() != Family::Binary => {
            format!("{}::{natural}", value.plain())
        }
        _ => value.sql.clone(),
    }
}

/// The type that [`shown`] has in the target.
pub(super) fn shown_type(value: &Value) -> Option<PgType> {
    if let Some(passed) = &value.passed {
        return Some(passed.clone());
    }
    let ty = value.ty.as_ref()?;
    let fixed = types::length(ty).filter(|_| value.plain_column().is_some());
    match fixed {
        Some(length) => Some(PgType::Char(length.into())),
        None => types::natural(ty),
    }
}

/// A result column in exactly its type, which the declaration of a function or variable names.
pub(super) fn typed(value: Value) -> Outcome<Value> {
    let Some(pg) = shown_type(&value) else {
        return Err(Untranslated::new(format!(
            "a column of type {}",
            value.shown()
        )));
    };
    if value.passed.is_some() {
        return Ok(value);
    }
    let sql = match value.plain_column() {
        Some(column) => format!("{column}::{pg}"),
        None => value.cast(&pg.to_string()),
    };
    Ok(Value {
        sql,
        atom: true,
        constant: None,
        ..value
    })
}

/// What a query's columns are to those who read them, named as in the target.
pub(super) fn columns(context: &Context<'_>, items: &[Item]) -> Outcome<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::with_capacity(items.len());
    for item in items {
        let name = item
            .name
            .clone()
            .ok_or_else(|| Untranslated::new("a column without a name"))?;
        let target = context
            .names
            .view_column(&name)
            .ok_or_else(|| Untranslated::new(format!("a column named {name:?}")))?;
        if columns.iter().any(|it| it.target == target) {
            return Err(Untranslated::new(format!(
                "two columns that are both called {target} in the target"
            )));
        }
        let ty = item.value.ty.clone().unwrap_or(SqlType::Int);
        let pg = shown_type(&item.value);
        let pg = pg.ok_or_else(|| Untranslated::new(format!("a column of type {ty}")))?;
        columns.push(Column {
            source: name,
            target,
            ty,
            pg,
            collation: item.value.collation.as_ref().map(|it| it.name.clone()),
            generated: false,
        });
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_expressions() {
        for (sql, expected) in [
            ("\"t\".\"n\"", true),
            ("\"n\"", true),
            ("\"t\".\"n\" * 2", false),
            ("coalesce(\"n\", 0)", false),
        ] {
            assert_eq!(is_name(sql), expected, "{sql}");
        }
    }
}
