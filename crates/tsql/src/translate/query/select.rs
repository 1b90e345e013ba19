//! One SELECT: its list, FROM, WHERE, GROUP BY and HAVING.

use sqlparser::ast::{
    Distinct, Expr, Query, Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind,
    WildcardAdditionalOptions,
};

use super::super::collation::Collation;
use super::super::context::{ColumnPath, Context, Level};
use super::super::value::Value;
use super::super::{Outcome, Untranslated, condition, expression};
use super::from;
use super::group;
use super::name;
use super::order;
use super::{Item, Made, SelectBody, distinct};

/// A SELECT; `query` is the query that is nothing but it, with ORDER BY and OFFSET.
pub(super) fn select(
    context: &mut Context<'_>,
    select: &Select,
    query: Option<&Query>,
) -> Outcome<Made> {
    context.levels.push(Level::default());
    let made = clauses(context, select, query);
    context.levels.pop();
    made
}

fn clauses(context: &mut Context<'_>, select: &Select, query: Option<&Query>) -> Outcome<Made> {
    let (body, unique) = unordered(context, select)?;
    let limits = order::Limits::of(select, query)?;
    if unique {
        let body = distinct::distinct(context, body)?;
        return order::ordered_distinct(context, body, &limits);
    }
    order::ordered(context, body, &limits)
}

/// A SELECT without its order, in the scope of the innermost level, and whether it is DISTINCT.
pub(super) fn unordered(context: &mut Context<'_>, select: &Select) -> Outcome<(SelectBody, bool)> {
    plain(select)?;
    let from = from::from(context, &select.from)?;
    let mut tail = String::new();
    if !from.is_empty() {
        tail.push_str(&format!("\nFROM {from}"));
    }
    if let Some(selection) = &select.selection {
        let condition = condition::condition(context, selection)?;
        tail.push_str(&format!("\nWHERE {}", condition.sql));
    }
    tail.push_str(&group::group_by(context, &select.group_by)?);
    let items = items(context, &select.projection)?;
    if let Some(having) = &select.having {
        let condition = condition::condition(context, having)?;
        tail.push_str(&format!("\nHAVING {}", condition.sql));
    }
    let body = SelectBody {
        head: "SELECT".to_owned(),
        items,
        tail,
    };
    Ok((body, matches!(select.distinct, Some(Distinct::Distinct))))
}

/// Refuses clauses of other dialects.
fn plain(select: &Select) -> Outcome<()> {
    let foreign = !select.optimizer_hints.is_empty()
        || matches!(select.distinct, Some(Distinct::On(_)))
        || select.select_modifiers.is_some()
        || select.exclude.is_some()
        || select.into.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || !select.named_window.is_empty()
        || select.qualify.is_some()
        || select.value_table_mode.is_some()
        || select.flavor != SelectFlavor::Standard;
    if foreign {
        return Err(Untranslated::new(
            "a clause of SELECT that is not translated",
        ));
    }
    Ok(())
}

/// The select list.
fn items(context: &mut Context<'_>, projection: &[SelectItem]) -> Outcome<Vec<Item>> {
    let mut items = Vec::with_capacity(projection.len());
    for item in projection {
        match item {
            SelectItem::UnnamedExpr(expr) => items.push(one(context, expr, name_of(expr))?),
            SelectItem::ExprWithAlias { expr, alias } => {
                items.push(one(context, expr, Some(alias.value.clone()))?);
            }
            SelectItem::Wildcard(options) => {
                no_options(options)?;
                all(context, None, &mut items)?;
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                no_options(options)?;
                let (schema, table) = name::parts(name)?;
                let path = ColumnPath {
                    schema: schema.as_deref(),
                    table: Some(&table),
                    name: "*",
                };
                all(context, Some(&path), &mut items)?;
            }
            _ => {
                return Err(Untranslated::new(
                    "an item of the select list that is not translated",
                ));
            }
        }
    }
    Ok(items)
}

fn no_options(options: &WildcardAdditionalOptions) -> Outcome<()> {
    let none = options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
        && options.opt_alias.is_none();
    none.then_some(())
        .ok_or_else(|| Untranslated::new("* with options"))
}

fn one(context: &mut Context<'_>, expr: &Expr, name: Option<String>) -> Outcome<Item> {
    let value = expression::value(context, expr)?.kept_or_column()?;
    recoded(context, expr, &value)?;
    Ok(Item { name, value })
}

/// Refuses `COLLATE` that gives a `varchar` another code page, which may not have its characters.
fn recoded(context: &mut Context<'_>, expr: &Expr, value: &Value) -> Outcome<()> {
    let Expr::Collate { expr: inner, .. } = expr else {
        return Ok(());
    };
    let latin = |value: &Value| value.collation.as_ref().is_some_and(Collation::is_latin);
    let before = expression::value(context, inner)?;
    if !value.is_national() && value.constant.is_none() && latin(&before) != latin(value) {
        return Err(Untranslated::new(
            "COLLATE of varchar with another code page, which may not have its characters",
        ));
    }
    Ok(())
}

/// `*`, or `table.*`.
fn all(
    context: &mut Context<'_>,
    path: Option<&ColumnPath<'_>>,
    items: &mut Vec<Item>,
) -> Outcome<()> {
    let visible = context.level()?.columns.clone();
    let before = items.len();
    for seen in visible
        .iter()
        .filter(|it| path.is_none_or(|path| path.is_of(it)))
    {
        let mut value = context.read(seen)?;
        if let Some(group) = group::of(context, &value)? {
            value = group;
        }
        items.push(Item {
            name: Some(seen.column.source.clone()),
            value,
        });
    }
    if items.len() == before {
        return Err(Untranslated::new("* of no table"));
    }
    Ok(())
}

pub(super) fn name_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| ident.value.clone()),
        Expr::Nested(inner) => name_of(inner),
        _ => None,
    }
}
