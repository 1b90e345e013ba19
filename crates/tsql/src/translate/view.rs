//! Views: one SELECT of columns and expressions, joins and WHERE. The rest is refused.

use std::collections::BTreeSet;

use sqlparser::ast::{
    Expr, Join, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr,
    TableFactor,
};

use super::context::{self, Context, Visible};
use super::types::{self, Family};
use super::value::{Constant, Value};
use super::{Outcome, Relation, TargetNames, TranslatedView, Untranslated, ViewColumn};
use super::{condition, expression, parse};
use crate::names::{quote_ident, shorten};

/// Where a name without a schema is looked for that the view's own schema does not have (SQL
/// Server documentation, "Database Engine object names": resolution within a module).
const DEFAULT_SCHEMA: &str = "dbo";

/// A whole `CREATE VIEW`.
pub(super) fn view(
    text: &str,
    schema: &str,
    names: &dyn TargetNames,
    default_collation: Option<&str>,
) -> Outcome<TranslatedView> {
    let (given, query) = parse::view(text)?;
    let select = plain(&query)?;
    let mut from = Tables {
        names,
        schema,
        visible: Vec::new(),
        reads: BTreeSet::new(),
        fell_back: false,
    };
    let mut context = Context::new(Vec::new(), names, default_collation);
    let mut tables = Vec::with_capacity(select.from.len());
    for item in &select.from {
        let mut sql = from.table(&mut context, &item.relation)?;
        for join in &item.joins {
            sql.push_str(&from.join(&mut context, join)?);
        }
        tables.push(sql);
    }
    if tables.is_empty() {
        return Err(Untranslated::new("a view of no table"));
    }
    let (items, columns) = projected(&mut context, &select.projection, &given)?;
    let mut sql = format!("SELECT {}\nFROM {}", items.join(", "), tables.join(", "));
    if let Some(selection) = &select.selection {
        let condition = condition::condition(&mut context, selection)?;
        sql.push_str(&format!("\nWHERE {}", condition.sql));
    }
    context::bounded(&sql)?;
    Ok(TranslatedView {
        sql,
        columns,
        reads: from.reads.into_iter().collect(),
        fell_back: from.fell_back,
        notes: context.notes,
    })
}

/// A query that is nothing but SELECT, FROM and WHERE: printed from these, it is the whole.
fn plain(query: &Query) -> Outcome<&Select> {
    let refused = || {
        Untranslated::new(
            "a view with more than SELECT, FROM and WHERE (TOP, DISTINCT, GROUP BY, ORDER BY, \
             UNION, WITH, OPTION)",
        )
    };
    let SetExpr::Select(select) = &*query.body else {
        return Err(refused());
    };
    let list = |items: Vec<String>| items.join(", ");
    let mut printed = format!(
        "SELECT {} FROM {}",
        list(select.projection.iter().map(ToString::to_string).collect()),
        list(select.from.iter().map(ToString::to_string).collect())
    );
    if let Some(selection) = &select.selection {
        printed.push_str(&format!(" WHERE {selection}"));
    }
    if printed != query.to_string() {
        return Err(refused());
    }
    Ok(select)
}

struct Tables<'a> {
    names: &'a dyn TargetNames,
    /// The view's.
    schema: &'a str,
    visible: Vec<Visible<'a>>,
    reads: BTreeSet<String>,
    fell_back: bool,
}

impl<'a> Tables<'a> {
    /// `schema.table AS alias`, and its columns into scope.
    fn table(&mut self, context: &mut Context<'a>, factor: &TableFactor) -> Outcome<String> {
        let TableFactor::Table { name, alias, .. } = factor else {
            return Err(Untranslated::new(
                "a table that is none: a subquery or function",
            ));
        };
        let printed = match alias {
            Some(alias) => format!("{name} {alias}"),
            None => name.to_string(),
        };
        let with_as = printed.replacen(' ', " AS ", 1);
        let whole = factor.to_string();
        let columns = alias
            .as_ref()
            .is_some_and(|alias| !alias.columns.is_empty());
        if columns || (whole != printed && whole != with_as) {
            return Err(Untranslated::new("a table with hints or a sample"));
        }
        let (schema, table) = parts(name)?;
        let relation = self.relation(schema.as_deref(), &table).ok_or_else(|| {
            Untranslated::new(format!(
                "the table or view {table}, which is not moved whole"
            ))
        })?;
        self.reads.insert(relation.source.clone());
        let called = alias
            .as_ref()
            .map_or(table, |alias| alias.name.value.clone());
        let taken = |it: &Visible<'_>| {
            it.table
                .as_deref()
                .is_some_and(|t| context::same(t, &called))
        };
        if self.visible.iter().any(taken) {
            return Err(Untranslated::new("two tables of one name"));
        }
        let short = shorten(&called);
        self.visible
            .extend(relation.columns.into_iter().map(|column| Visible {
                table: Some(called.clone()),
                column,
                alias: Some(short.clone()),
            }));
        context.columns.clone_from(&self.visible);
        Ok(format!("{} AS {}", relation.sql, quote_ident(&short)))
    }

    fn relation(&mut self, schema: Option<&str>, table: &str) -> Option<Relation<'a>> {
        if let Some(found) = self.names.relation(schema.unwrap_or(self.schema), table) {
            return Some(found);
        }
        if schema.is_some() || self.schema == DEFAULT_SCHEMA {
            return None;
        }
        self.fell_back = true;
        self.names.relation(DEFAULT_SCHEMA, table)
    }

    fn join(&mut self, context: &mut Context<'a>, join: &Join) -> Outcome<String> {
        let table = self.table(context, &join.relation)?;
        let (word, constraint) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => ("JOIN", on),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => ("LEFT JOIN", on),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => ("RIGHT JOIN", on),
            JoinOperator::FullOuter(on) => ("FULL JOIN", on),
            JoinOperator::CrossJoin(on) => ("CROSS JOIN", on),
            _ => return Err(Untranslated::new("APPLY or another join")),
        };
        match constraint {
            JoinConstraint::On(on) => {
                let on = condition::condition(context, on)?;
                Ok(format!("\n{word} {table} ON {}", on.sql))
            }
            JoinConstraint::None if word == "CROSS JOIN" => Ok(format!("\n{word} {table}")),
            _ => Err(Untranslated::new("a join without ON")),
        }
    }
}

fn parts(name: &ObjectName) -> Outcome<(Option<String>, String)> {
    let idents: Option<Vec<_>> = name.0.iter().map(|part| part.as_ident()).collect();
    match idents.as_deref() {
        Some([table]) => Ok((None, table.value.clone())),
        Some([schema, table]) => Ok((Some(schema.value.clone()), table.value.clone())),
        _ => Err(Untranslated::new("a table of another database")),
    }
}

/// The select list, each with its name.
fn projected(
    context: &mut Context<'_>,
    items: &[SelectItem],
    given: &[String],
) -> Outcome<(Vec<String>, Vec<ViewColumn>)> {
    if !given.is_empty() && given.len() != items.len() {
        return Err(Untranslated::new("a list of columns of another length"));
    }
    let mut sql = Vec::with_capacity(items.len());
    let mut columns: Vec<ViewColumn> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let (expr, own) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, name_of(expr)),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.value.clone())),
            _ => {
                return Err(Untranslated::new(
                    "SELECT *, which means the columns there were when the view was made",
                ));
            }
        };
        let name = given.get(at).cloned().or(own);
        let name = name.ok_or_else(|| Untranslated::new("a column without a name"))?;
        let value = expression::value(context, expr)?;
        // A `char(n)` as it is, is filled up by PostgreSQL's own type.
        let value = match plain_column(&value) {
            Some(_) => value,
            None => value.kept()?,
        };
        let ty = value
            .ty
            .clone()
            .ok_or_else(|| Untranslated::new("a column that is NULL"))?;
        let target = context
            .names
            .view_column(&name)
            .ok_or_else(|| Untranslated::new(format!("a column named {name:?}")))?;
        sql.push(format!("{} AS {}", shown(&value), quote_ident(&target)));
        columns.push(ViewColumn {
            source: name,
            sql_type: ty,
            collation: value.collation.map(|it| it.name),
        });
    }
    Ok((sql, columns))
}

fn name_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| ident.value.clone()),
        _ => None,
    }
}

/// The name of a `char(n)` column, where the value is nothing else.
fn plain_column(value: &Value) -> Option<&str> {
    let column = value.bare.as_deref()?.strip_suffix("::text")?;
    let filled = value.sql.strip_prefix("rpad(")?;
    (value.folded.is_none() && filled.starts_with(column)).then_some(column)
}

/// A column as it is, `char(n)` too; a constant in its type.
fn shown(value: &Value) -> String {
    if let Some(column) = plain_column(value) {
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
